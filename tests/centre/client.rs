//! A client that sends what it is told, byte for byte, and reads one answer.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use serde_json::Value;

/// An answer; the names of headers in lower case.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(own, _)| own == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(
            values.next().is_none(),
            "{name} was sent twice: {:?}",
            self.headers
        );
        value
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The answer, which has this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{:?} {}", self.headers, self.text());
        self
    }

    /// The name of the exception of an error with this status.
    #[track_caller]
    pub(crate) fn refused(self, status: u16) -> String {
        let body = self.expect(status).json();
        assert_eq!(body["Code"], status, "{body}");
        body["Exception"].as_str().unwrap().to_owned()
    }
}

/// A request.
#[must_use]
pub(crate) struct Call {
    head: String,
    body: Vec<u8>,
}

impl Call {
    pub(crate) fn new(verb: &str, target: &str) -> Self {
        Self {
            head: format!("{verb} {target} HTTP/1.1\r\nHost: centre.example\r\nConnection: close\r\n"),
            body: Vec::new(),
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        for part in [name, ": ", value, "\r\n"] {
            self.head.push_str(part);
        }
        self
    }

    pub(crate) fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self.header("Content-Length", &body.as_ref().len().to_string())
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.header("Content-Type", "application/json")
            .body(body.to_string())
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        [self.head.as_bytes(), b"\r\n", &self.body].concat()
    }

    /// Sends it.
    #[track_caller]
    pub(crate) fn send(&self, address: SocketAddr) -> Reply {
        exchange(connect(address), &self.bytes()).expect("an answer, not a closed connection")
    }

    /// Sends it over TLS; the server has to prove that it is `localhost`.
    pub(crate) fn send_encrypted(&self, address: SocketAddr, config: ClientConfig) -> std::io::Result<Reply> {
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = StreamOwned::new(connection, connect(address));
        stream.write_all(&self.bytes())?;
        Ok(read(&mut BufReader::new(stream)).expect("an answer"))
    }
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

/// Sends bytes and reads the answer; none where the connection was closed instead.
pub(crate) fn exchange(mut stream: TcpStream, bytes: &[u8]) -> Option<Reply> {
    // Whoever refuses may close before it has read everything.
    let _ = stream.write_all(bytes);
    read(&mut BufReader::new(stream))
}

fn read(stream: &mut impl BufRead) -> Option<Reply> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        match stream.read_line(&mut head) {
            Ok(0) | Err(_) => return None,
            Ok(_) => {}
        }
    }
    let mut lines = head.trim_end().split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: Vec<(String, String)> = lines
        .map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_ascii_lowercase(), value.to_owned())
        })
        .collect();
    let mut reply = Reply {
        status,
        headers,
        body: Vec::new(),
    };
    let length = reply
        .header("content-length")
        .map(|length| length.parse().unwrap());
    if reply.header("transfer-encoding") == Some("chunked") {
        reply.body = chunks(stream);
    } else if let Some(length) = length {
        reply.body = vec![0; length];
        stream.read_exact(&mut reply.body).unwrap();
    }
    Some(reply)
}

fn chunks(stream: &mut impl BufRead) -> Vec<u8> {
    let mut whole = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        let length = usize::from_str_radix(line.trim(), 16).unwrap();
        let mut chunk = vec![0; length + 2];
        stream.read_exact(&mut chunk).unwrap();
        whole.extend_from_slice(&chunk[..length]);
        if length == 0 {
            return whole;
        }
    }
}
