//! Lets the requests of one connection reach actix one at a time; knows no sockets.
//!
//! actix decodes pipelined requests ahead, and what it keeps of the last one decoded (HEAD or not, the HTTP
//! version, keep-alive) governs the responses still to be written to the earlier ones: a GET followed by a
//! HEAD loses its body. So the bytes behind a request wait until its response is out. Where a request ends is
//! what actix found, told by [`Turns::begin`]; only the end of a head is looked for here.

use std::{cell::Cell, rc::Rc};

/// The turn of a connection: a handle shared by the socket and by the service that takes its requests.
#[derive(Debug, Clone, Default)]
pub(super) struct Turns(Rc<Cell<Turn>>);

#[derive(Debug, Clone, Copy, Default)]
struct Turn {
    answering: bool,
    head: bool,
    /// Bytes of the request's body that actix has not been given yet; `u64::MAX` for a chunked one.
    payload: u64,
}

impl Turns {
    /// A request was decoded: whether it is a HEAD, and its Content-Length, `u64::MAX` if it is chunked.
    ///
    /// What a client pipelines behind a chunked request is not held back.
    pub(super) fn begin(&self, head: bool, payload: u64) {
        self.0.set(Turn {
            answering: true,
            head,
            payload,
        });
    }

    /// Its response is out.
    pub(super) fn finish(&self) {
        self.0.set(Turn::default());
    }

    /// Whether the response now being written answers a HEAD. Those that actix makes by itself do not.
    pub(super) fn answers_head(&self) -> bool {
        self.0.get().head
    }

    /// What actix may be given: so many bytes of the request being answered, or else (None) the next head.
    pub(super) fn room(&self) -> Option<u64> {
        let turn = self.0.get();
        turn.answering.then_some(turn.payload)
    }

    /// Notes that actix was given `count` bytes of the body.
    pub(super) fn spend(&self, count: u64) {
        let turn = self.0.get();
        if turn.payload != u64::MAX {
            self.0.set(Turn {
                payload: turn.payload.saturating_sub(count),
                ..turn
            });
        }
    }
}

/// Looks for the empty line that ends a request's head. Empty lines before the request do not count
/// (RFC 9112, section 2.2), and a bare line feed ends a line as it does for actix.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum HeadEnd {
    #[default]
    Before,
    InLine,
    LineStart,
}

impl HeadEnd {
    /// The length of `bytes` up to and with the end of the head, or None if it does not end here.
    pub(super) fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        for (index, byte) in bytes.iter().enumerate() {
            *self = match (*self, byte) {
                (Self::LineStart, b'\n') => {
                    *self = Self::Before;
                    return Some(index + 1);
                }
                (Self::InLine, b'\n') => Self::LineStart,
                (Self::Before, b'\n') => Self::Before,
                (state, b'\r') => state,
                _ => Self::InLine,
            };
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_end_of_a_head_however_it_is_split() {
        for head in [
            "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
            "\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\na: b\n\n",
        ] {
            let bytes = format!("{head}GET ");
            for split in 0..=bytes.len() {
                let (first, second) = bytes.as_bytes().split_at(split);
                let mut end = HeadEnd::default();
                let found = end.find(first).or_else(|| end.find(second).map(|at| split + at));
                assert_eq!(found, Some(head.len()), "split at {split} of {head:?}");
            }
        }
    }

    #[test]
    fn a_body_is_spent_and_a_chunked_one_is_not() {
        let turns = Turns::default();
        assert_eq!(turns.room(), None);
        turns.begin(false, 10);
        turns.spend(7);
        assert_eq!(turns.room(), Some(3));
        turns.begin(false, u64::MAX);
        turns.spend(7);
        assert_eq!(turns.room(), Some(u64::MAX));
        turns.finish();
        assert_eq!(turns.room(), None);
    }
}
