//! Requests ready to be sent, and answers taken apart: only what measuring needs of HTTP.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use keynode::signing::{Message, verify};

use super::Outcome;

/// admin:admin
const LOGIN: &str = "Basic YWRtaW46YWRtaW4=";

/// Writes a request.
pub(crate) fn write_request(out: &mut Vec<u8>, verb: &str, path: &str, query_id: &str, body: &str) {
    let length = body.len();
    let written = write!(
        out,
        "{verb} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {LOGIN}\r\nLicence-QueryID: {query_id}\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    written.expect("memory takes any bytes");
}

/// One whole answer in a buffer.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    head: &'a [u8],
    pub(crate) body: &'a [u8],
}

impl<'a> Answer<'a> {
    /// The answer, once it is here whole.
    pub(crate) fn find(bytes: &'a [u8]) -> Option<Self> {
        let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let mut answer = Self {
            status: 0,
            head: &bytes[..head],
            body: &[],
        };
        let length: usize = answer.header("Content-Length")?.parse().ok()?;
        answer.body = bytes.get(head..head + length)?;
        answer.status = std::str::from_utf8(bytes.get(9..12)?).ok()?.parse().ok()?;
        Some(answer)
    }

    /// The value of a header. How it is spelled is the business of tests: the centre spells otherwise than the node.
    pub(crate) fn header(&self, name: &str) -> Option<&'a str> {
        let head = std::str::from_utf8(self.head).ok()?;
        head.split("\r\n").find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    /// Checks the signature.
    pub(crate) fn verify(&self, public_key: &str) -> Outcome<()> {
        let message = Message {
            query_id: self.header("Licence-QueryID").unwrap_or_default().as_bytes(),
            body: self.body,
        };
        let signature = self
            .header("Licence-Signature")
            .ok_or("an answer is not signed")?;
        Ok(verify(public_key, message, signature)?)
    }
}

/// One client that waits.
pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Outcome<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: vec![0; 1 << 20],
        })
    }

    /// GETs a path; anything but 200 is an error.
    pub(crate) fn get(&mut self, path: &str) -> Outcome<Answer<'_>> {
        self.ask("GET", path)
    }

    /// POSTs nothing to a path; anything but 200 is an error.
    pub(crate) fn post(&mut self, path: &str) -> Outcome<Answer<'_>> {
        self.ask("POST", path)
    }

    fn ask(&mut self, verb: &str, path: &str) -> Outcome<Answer<'_>> {
        let mut request = Vec::new();
        write_request(&mut request, verb, path, "1", "");
        let answer = self.exchange(&request)?;
        if answer.status != 200 {
            return Err(format!("{verb} {path}: {}", answer.status).into());
        }
        Ok(answer)
    }

    /// Sends a request that is ready, and waits for its answer, whatever that is.
    pub(crate) fn exchange(&mut self, request: &[u8]) -> Outcome<Answer<'_>> {
        self.stream.write_all(request)?;
        let (mut filled, mut needed) = (0, None);
        while needed.is_none_or(|needed| filled < needed) {
            if filled == self.buffer.len() {
                self.buffer.resize(filled * 2, 0);
            }
            match self.stream.read(&mut self.buffer[filled..])? {
                0 => return Err("the node hung up".into()),
                more => filled += more,
            }
            needed = needed.or_else(|| whole_length(&self.buffer[..filled]));
        }
        Answer::find(&self.buffer[..filled]).ok_or_else(|| "half an answer".into())
    }
}

/// Length of head and body, once the head is here: a long answer is not searched again with each piece.
fn whole_length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let answer = Answer {
        status: 0,
        head: &bytes[..head],
        body: &[],
    };
    Some(head + answer.header("Content-Length")?.parse::<usize>().ok()?)
}
