//! A client that shows an answer as it is on the wire, and holds every answer of the API against what all of
//! them have in common.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keynode::signing::{Message, verify};
use serde_json::Value;

use super::keys::node_public;

/// Every header that a node sends, as the manual spells it.
const NAMES: [&str; 14] = [
    "Allow",
    "Connection",
    "Content-Length",
    "Content-Type",
    "Date",
    "Licence-QueryID",
    "Licence-QuerySignature",
    "Licence-ServerVersion",
    "Licence-SessionExpireTime",
    "Licence-SessionID",
    "Licence-Signature",
    "Location",
    "Retry-After",
    "WWW-Authenticate",
];

/// An answer, its header names in the spelling of the wire.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
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
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The list that the answer is made of.
    pub(crate) fn rows(&self) -> Vec<Value> {
        let json = self.json();
        let (_, rows) = json.as_object().unwrap().iter().next().unwrap();
        rows.as_array().unwrap().clone()
    }

    /// One field of all rows.
    pub(crate) fn column(&self, field: &str) -> Vec<Value> {
        self.rows().iter().map(|row| row[field].clone()).collect()
    }

    /// The answer, which has this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    /// The error's exception, which the rest of the body repeats.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16) -> String {
        let body = self.json();
        let exception = body["Exception"].as_str().unwrap().to_owned();
        assert_eq!((self.status, &body["Code"]), (status, &status.into()), "{body}");
        let message = body["Message"].as_str().unwrap();
        assert!(message.starts_with(&format!("({exception}) ")), "{message}");
        exception
    }

    /// The error's sentence.
    pub(crate) fn message(&self) -> String {
        self.json()["Message"].as_str().unwrap().to_owned()
    }

    /// Whether both signatures fit (spec, rows 1 to 3).
    pub(crate) fn is_signed(&self, query_id: &[u8], body: &[u8]) -> bool {
        self.is_signed_by(node_public(), query_id, body)
    }

    /// As [`Answer::is_signed`], by this key.
    pub(crate) fn is_signed_by(&self, public_key: &str, query_id: &[u8], body: &[u8]) -> bool {
        let message = Message { query_id, body };
        let signature = self.header("Licence-Signature").unwrap();
        signature == self.header("Licence-QuerySignature").unwrap()
            && signature.len() == 344
            && verify(public_key, message, signature).is_ok()
    }

    /// What every answer of the API has (spec, rows 1, 3, 6 and 8).
    fn assert_common(&self) {
        for (name, _) in &self.headers {
            assert!(NAMES.contains(&name.as_str()), "{name} in {:?}", self.headers);
        }
        assert_eq!(
            self.header("Content-Type"),
            Some("application/json;charset=utf-8"),
            "{self:?}"
        );
        let version = self.header("Licence-ServerVersion").unwrap();
        assert_eq!(version.split(',').count(), 3, "{version}");
    }
}

/// A connection to a node.
pub(crate) struct Wire(BufReader<TcpStream>);

impl Wire {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }

    /// Sends bytes; a node that has closed the connection already is no failure of the test.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.0.get_mut().write_all(bytes.as_ref());
    }

    /// The client says no more.
    pub(crate) fn finish(&mut self) {
        let _ = self.0.get_ref().shutdown(std::net::Shutdown::Write);
    }

    /// The next answer; `None` where the connection was closed instead.
    pub(crate) fn answer(&mut self, to_head: bool) -> Option<Answer> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            match self.0.read_line(&mut head) {
                Ok(0) => {
                    assert_eq!(head, "", "closed within an answer");
                    return None;
                }
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("{error} after {head:?}"),
            }
        }
        let mut lines = head.trim_end().split("\r\n");
        let mut status = lines.next().unwrap().splitn(3, ' ').skip(1);
        let (code, reason) = (status.next().unwrap(), status.next().unwrap());
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_owned(), value.to_owned())
        });
        let mut answer = Answer {
            status: code.parse().unwrap(),
            reason: reason.to_owned(),
            headers: headers.collect(),
            body: Vec::new(),
        };
        let length: usize = answer.header("Content-Length").unwrap().parse().unwrap();
        if !to_head {
            answer.body = vec![0; length];
            self.0.read_exact(&mut answer.body).unwrap();
        }
        Some(answer)
    }
}

/// A request to the API. It is made by an administrator unless it says otherwise.
#[must_use]
pub(crate) struct Ask {
    address: SocketAddr,
    host: String,
    verb: String,
    target: String,
    login: Option<(String, String)>,
    query_id: Option<Vec<u8>>,
    headers: Vec<(String, Vec<u8>)>,
    body: Option<Vec<u8>>,
}

impl Ask {
    pub(crate) fn new(address: SocketAddr, verb: &str, target: &str) -> Self {
        Self {
            address,
            host: address.to_string(),
            verb: verb.into(),
            target: target.into(),
            login: Some(("admin".into(), "admin".into())),
            query_id: None,
            headers: Vec::new(),
            body: None,
        }
    }

    pub(crate) fn login(mut self, user: &str, password: &str) -> Self {
        self.login = Some((user.into(), password.into()));
        self
    }

    /// Another Host than the node's own address.
    pub(crate) fn host(mut self, host: &str) -> Self {
        self.host = host.into();
        self
    }

    pub(crate) fn anonymous(mut self) -> Self {
        self.login = None;
        self
    }

    /// A QueryID that the node is to accept; one that it is to refuse goes in as a header.
    pub(crate) fn query_id(mut self, id: impl AsRef<[u8]>) -> Self {
        self.query_id = Some(id.as_ref().to_vec());
        self
    }

    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.into(), value.as_ref().to_vec()));
        self
    }

    pub(crate) fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = Some(body.as_ref().to_vec());
        self
    }

    /// The request as it goes out.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\n", self.verb, self.target).into_bytes();
        let mut line = |name: &str, value: &[u8]| {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        };
        line("Host", self.host.as_bytes());
        if let Some((user, password)) = &self.login {
            line("Authorization", basic(user, password).as_bytes());
        }
        if let Some(id) = &self.query_id {
            line("Licence-QueryID", id);
        }
        for (name, value) in &self.headers {
            line(name, value);
        }
        if let Some(body) = &self.body {
            line("Content-Length", body.len().to_string().as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(self.body.as_deref().unwrap_or_default());
        bytes
    }

    /// Sends it over a connection of its own, and holds the answer against what all answers have in common.
    #[track_caller]
    pub(crate) fn send(self) -> Answer {
        let mut wire = Wire::connect(self.address);
        self.over(&mut wire)
    }

    /// As [`Ask::send`], over this connection.
    #[track_caller]
    pub(crate) fn over(self, wire: &mut Wire) -> Answer {
        wire.send(self.bytes());
        let to_head = self.verb == "HEAD";
        let answer = wire.answer(to_head).expect("an answer, not a closed connection");
        answer.assert_common();
        let query_id = self.query_id.as_deref();
        assert_eq!(answer.header("Licence-QueryID").map(str::as_bytes), query_id);
        assert!(
            to_head || answer.is_signed(query_id.unwrap_or_default(), &answer.body),
            "the signature does not fit: {answer:?}"
        );
        answer
    }
}

/// The value of a Basic login.
pub(crate) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}
