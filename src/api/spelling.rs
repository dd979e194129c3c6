//! Restores the exact spelling of header names in a stream of responses; knows neither sockets nor requests.
//!
//! actix writes header names in lower case, and 1C code reads response headers by exact key. The speller
//! rewrites the names in response heads in place: same length, and nothing but the names changes. A write can
//! end anywhere, so each byte is decided from the bytes before it: as long as the name so far begins a name of
//! the table it is written as there, from then on in Title-Case.

use std::io::BufRead;

/// Names that are written exactly so. `Content-Length` and `Transfer-Encoding` are here to be recognised.
///
/// Two names that begin alike (whatever the case) are spelled alike as far as that goes: a test proves it.
const NAMES: [&[u8]; 10] = [
    b"Content-Length",
    b"Transfer-Encoding",
    b"ETag",
    b"Licence-QueryID",
    b"Licence-QuerySignature",
    b"Licence-ServerVersion",
    b"Licence-SessionExpireTime",
    b"Licence-SessionID",
    b"Licence-Signature",
    b"WWW-Authenticate",
];
const LENGTH: usize = 0;
const CODING: usize = 1;
const ALL: u16 = (1 << NAMES.len()) - 1;

/// Where in the stream of responses the next byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// In the status line; the number of bytes of it seen so far, at most 255.
    StatusLine(u8),
    /// At the start of a header line, or in the empty line that ends the head.
    LineStart,
    Name(Name),
    Value(Field),
    /// This many bytes of a body are still to come.
    Body(u64),
    /// In the line that says how long the next chunk is; so much of it was read.
    ChunkSize(u64),
    /// This many bytes of a chunk and its line end are still to come.
    Chunk(u64),
    /// A body without a length: it ends with the connection.
    Rest,
}

/// A header name of which `seen` bytes have passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Name {
    seen: u8,
    /// Bit i: `NAMES[i]` begins with what has passed.
    candidates: u16,
    after_dash: bool,
}

impl Default for Name {
    fn default() -> Self {
        let after_dash = true;
        Self {
            seen: 0,
            candidates: ALL,
            after_dash,
        }
    }
}

impl Name {
    /// Whether all of the name has passed and is `NAMES[index]`.
    fn is(self, index: usize) -> bool {
        self.candidates & 1 << index != 0 && NAMES[index].len() == usize::from(self.seen)
    }

    /// Takes the next byte and returns how it is spelled.
    fn spell(&mut self, byte: u8) -> u8 {
        let mut spelled = if self.after_dash {
            byte.to_ascii_uppercase()
        } else {
            byte.to_ascii_lowercase()
        };
        let mut left = self.candidates;
        while left != 0 {
            let index = left.trailing_zeros() as usize;
            match NAMES[index].get(usize::from(self.seen)) {
                Some(letter) if letter.eq_ignore_ascii_case(&byte) => spelled = *letter,
                _ => self.candidates &= !(1 << index),
            }
            left &= left - 1;
        }
        self.after_dash = byte == b'-';
        self.seen = self.seen.saturating_add(1);
        spelled
    }
}

/// The headers that say how long a body is, and all the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Length,
    Other,
}

/// The state of one connection's outgoing stream.
///
/// Small and `Copy`: a caller whose write was accepted only in part goes on from the state before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Speller {
    at: At,
    status: u16,
    length: Option<u64>,
    coded: bool,
}

impl Default for Speller {
    fn default() -> Self {
        Self {
            at: At::StatusLine(0),
            status: 0,
            length: None,
            coded: false,
        }
    }
}

impl Speller {
    /// How many of the coming bytes are body and pass as they are; `u64::MAX` when there is no end to see.
    pub(super) fn untouched(&self) -> u64 {
        match self.at {
            At::Body(left) | At::Chunk(left) => left,
            At::Rest => u64::MAX,
            _ => 0,
        }
    }

    /// Notes that `count` bytes of a body passed, at most [`Self::untouched`]. True if the response ended.
    pub(super) fn pass(&mut self, count: u64) -> bool {
        match self.at {
            At::Body(left) if left > count => self.at = At::Body(left - count),
            At::Body(_) => *self = Self::default(),
            At::Chunk(left) if left > count => self.at = At::Chunk(left - count),
            At::Chunk(_) => self.at = At::ChunkSize(0),
            _ => {}
        }
        self.at == At::StatusLine(0)
    }

    /// Spells the next bytes of the stream in place. True if a final response ended among them.
    ///
    /// `answers_head`: the request was a HEAD, so its response has no body whatever its Content-Length says.
    /// What is spelled already stays as it is, so a part of the bytes may be given again to the state before.
    pub(super) fn spell(&mut self, bytes: &mut [u8], answers_head: bool) -> bool {
        let mut ended = false;
        let mut rest = bytes;
        while let Some(&byte) = rest.first() {
            let mut taken = 1;
            match self.at {
                At::Body(_) | At::Chunk(_) | At::Rest => {
                    taken = usize::try_from(self.untouched()).map_or(rest.len(), |left| left.min(rest.len()));
                    ended |= self.pass(taken as u64);
                }
                At::ChunkSize(size) => self.at = after_size(size, byte),
                At::Value(Field::Other) => taken = self.skip_line(rest),
                At::Value(Field::Length) => self.length_value(byte),
                At::Name(name) => taken = self.name(name, rest),
                At::LineStart if byte == b'\n' => ended |= self.end_head(answers_head),
                At::LineStart if byte == b'\r' => {}
                At::LineStart => taken = self.name(Name::default(), rest),
                At::StatusLine(column) => self.status_line(column, byte),
            }
            rest = &mut rest[taken..];
        }
        ended
    }

    fn status_line(&mut self, column: u8, byte: u8) {
        // "HTTP/1.1 200 OK"
        if (9..12).contains(&column) && byte.is_ascii_digit() {
            self.status = self.status * 10 + u16::from(byte - b'0');
        }
        self.at = if byte == b'\n' {
            At::LineStart
        } else {
            At::StatusLine(column.saturating_add(1))
        };
    }

    /// Spells a name up to the colon that ends it or the end of the bytes; returns how many were taken.
    fn name(&mut self, mut name: Name, bytes: &mut [u8]) -> usize {
        for (index, byte) in bytes.iter_mut().enumerate() {
            match *byte {
                b':' => {
                    self.coded |= name.is(CODING);
                    self.at = At::Value(if name.is(LENGTH) {
                        Field::Length
                    } else {
                        Field::Other
                    });
                    return index + 1;
                }
                b'\n' => {
                    self.at = At::LineStart;
                    return index + 1;
                }
                _ => *byte = name.spell(*byte),
            }
        }
        self.at = At::Name(name);
        bytes.len()
    }

    fn length_value(&mut self, byte: u8) {
        if byte.is_ascii_digit() {
            let more = self
                .length
                .unwrap_or(0)
                .saturating_mul(10)
                .saturating_add(u64::from(byte - b'0'));
            self.length = Some(more);
        } else if byte == b'\n' {
            self.at = At::LineStart;
        }
    }

    /// Goes on to the end of the line or of the bytes; returns how many were taken.
    fn skip_line(&mut self, mut bytes: &[u8]) -> usize {
        let line = bytes;
        let taken = bytes.skip_until(b'\n').unwrap_or(line.len());
        if line[..taken].ends_with(b"\n") {
            self.at = At::LineStart;
        }
        taken
    }

    /// Decides what follows the head. True if the response ends with it. RFC 9112, section 6.3.
    fn end_head(&mut self, answers_head: bool) -> bool {
        let head = std::mem::take(self);
        match head.status {
            101 => self.at = At::Rest,
            100..200 => return false,
            204 | 304 => {}
            _ if answers_head => {}
            _ => match head.length {
                Some(0) if !head.coded => {}
                Some(length) if !head.coded => self.at = At::Body(length),
                _ if head.coded => self.at = At::ChunkSize(0),
                _ => self.at = At::Rest,
            },
        }
        self.at == At::StatusLine(0)
    }
}

/// Where the next byte is after this one of the line that says how long a chunk is. RFC 9112, section 7.1, without the
/// extensions and trailers that actix never writes.
fn after_size(size: u64, byte: u8) -> At {
    match (char::from(byte).to_digit(16), byte) {
        (Some(digit), _) => At::ChunkSize(size.saturating_mul(16).saturating_add(digit.into())),
        (None, b'\r') => At::ChunkSize(size),
        // The last chunk is an empty line.
        (None, b'\n') if size == 0 => At::Body(2),
        (None, b'\n') => At::Chunk(size.saturating_add(2)),
        // This is no chunk: nothing more is known of this body.
        (None, _) => At::Rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(head: &str) -> String {
        let mut bytes = head.as_bytes().to_vec();
        Speller::default().spell(&mut bytes, false);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    #[test]
    fn names_that_begin_alike_are_spelled_alike() {
        for a in NAMES {
            for b in NAMES {
                let common = a
                    .iter()
                    .zip(b)
                    .take_while(|(x, y)| x.eq_ignore_ascii_case(y))
                    .count();
                assert_eq!(a[..common], b[..common]);
            }
        }
    }

    #[test]
    fn table_fits_its_masks() {
        assert_eq!(NAMES[LENGTH], b"Content-Length");
        assert_eq!(NAMES[CODING], b"Transfer-Encoding");
        assert!(NAMES.iter().all(|name| name.len() < usize::from(u8::MAX)));
    }

    #[test]
    fn each_name_of_the_table_comes_out_exactly() {
        for name in NAMES {
            let name = String::from_utf8_lossy(name);
            let head = format!("HTTP/1.1 200 OK\r\n{}: x-y:z\r\n\r\n", name.to_lowercase());
            assert_eq!(
                spelled(&head),
                format!("HTTP/1.1 200 OK\r\n{name}: x-y:z\r\n\r\n")
            );
        }
    }

    #[test]
    fn the_other_names_that_the_node_sends_are_title_case() {
        let names = [
            "Allow",
            "Cache-Control",
            "Connection",
            "Content-Disposition",
            "Content-Encoding",
            "Content-Security-Policy",
            "Content-Type",
            "Date",
            "Last-Modified",
            "Location",
            "Referrer-Policy",
            "Retry-After",
            "Server",
            "Set-Cookie",
            "Vary",
            "X-Content-Type-Options",
            "X-Frame-Options",
        ];
        for name in names {
            let head = format!("HTTP/1.1 200 OK\r\n{}: v\r\n\r\n", name.to_lowercase());
            assert_eq!(spelled(&head), format!("HTTP/1.1 200 OK\r\n{name}: v\r\n\r\n"));
        }
    }

    #[test]
    fn bodies_are_left_alone() {
        let ok = "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n\r\netag: HTTP/1.1 304 Not Modified\r\netag: x\r\n\r\n";
        let expected = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n\r\netag: HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n";
        assert_eq!(spelled(ok), expected);
        let events =
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\n\r\netag: x\r\n0\r\n\r\netag: y\r\n";
        assert_eq!(
            spelled(events),
            events.replace("transfer-encoding", "Transfer-Encoding")
        );
        let two = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1a\r\nHTTP/1.1 200 OK\r\netag: 1\r\n\r\n0\r\n\r\n\
                   HTTP/1.1 404 X\r\nwww-authenticate: x\r\n\r\n";
        assert_eq!(
            spelled(two),
            two.replace("transfer-encoding", "Transfer-Encoding")
                .replace("www-authenticate", "WWW-Authenticate")
        );
        let endless = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\netag: x\r\n";
        assert_eq!(spelled(endless), endless.replace("connection", "Connection"));
        let upgraded = "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\netag: x\r\n";
        assert_eq!(spelled(upgraded), upgraded.replace("upgrade", "Upgrade"));
    }

    #[test]
    fn heads_without_a_body_are_followed_by_a_head() {
        for first in [
            "100 Continue",
            "103 Early Hints",
            "204 No Content",
            "304 Not Modified",
        ] {
            let two =
                format!("HTTP/1.1 {first}\r\ncontent-length: 5\r\n\r\nHTTP/1.1 404 X\r\netag: x\r\n\r\n");
            assert_eq!(
                spelled(&two),
                two.replace("content-length", "Content-Length")
                    .replace("etag", "ETag")
            );
        }
        let mut answer = *b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n";
        let mut speller = Speller::default();
        assert!(speller.spell(&mut answer, true));
        assert_eq!(speller, Speller::default());
    }
}
