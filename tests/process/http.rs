//! A blocking HTTP/1.1 client that knows how far an answer had come when the connection was lost.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Longer than any answer takes, however busy the computer is.
const PATIENCE: Duration = Duration::from_secs(30);

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The value of the header that is spelled exactly so.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// No answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// The connection ended, or never was, and not a byte of an answer came.
    Nothing,
    /// The connection ended within an answer.
    Within(String),
}

/// One user on one connection, which is made anew after it was lost.
pub(crate) struct Client {
    address: SocketAddr,
    authorization: String,
    stream: Option<BufReader<TcpStream>>,
}

impl Client {
    /// admin with the initial password.
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self::of(address, "admin", "admin")
    }

    pub(crate) fn of(address: SocketAddr, user: &str, password: &str) -> Self {
        let credentials = STANDARD.encode(format!("{user}:{password}"));
        Self {
            address,
            authorization: format!("Basic {credentials}"),
            stream: None,
        }
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.call("GET", path, "").unwrap()
    }

    /// Takes a seat of the series 672B, or renews it; `UserName` shows whose it is in lists.
    pub(crate) fn take(&mut self, client_session_id: &str) -> Result<Answer, Lost> {
        let body = format!(
            r#"{{"KeyID":"672B","ClientSessionID":"{client_session_id}","UserName":"{client_session_id}"}}"#
        );
        self.call("POST", "/api/sessions", &body)
    }

    /// Every live session.
    pub(crate) fn sessions(&mut self) -> Vec<Value> {
        let answer = self.get("/api/sessions?Expired=False");
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["Sessions"].as_array().unwrap().clone()
    }

    /// The key of this number as the API shows it; null where there is none.
    pub(crate) fn key(&mut self, key_no: u64) -> Value {
        let answer = self.get(&format!("/api/licences?KeyNo={key_no}"));
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["Licences"][0].clone()
    }

    pub(crate) fn call(&mut self, verb: &str, path: &str, body: &str) -> Result<Answer, Lost> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => connect(self.address).map_err(|_| Lost::Nothing)?,
        };
        let request = format!(
            "{verb} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\nContent-Length: {}\r\n\r\n{body}",
            self.authorization,
            body.len()
        );
        // A node that stops may have answered before it read all of this.
        let sent = stream.get_mut().write_all(request.as_bytes());
        let answer = read_answer(&mut stream)?;
        if sent.is_ok() && answer.header("Connection") != Some("close") {
            self.stream = Some(stream);
        }
        Ok(answer)
    }
}

fn connect(address: SocketAddr) -> std::io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(BufReader::new(stream))
}

/// Reads one answer with a `Content-Length`.
pub(crate) fn read_answer(stream: &mut impl BufRead) -> Result<Answer, Lost> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        match stream.read_line(&mut head) {
            Ok(0) | Err(_) if head.is_empty() => return Err(Lost::Nothing),
            Ok(0) | Err(_) => return Err(Lost::Within(head)),
            Ok(_) => (),
        }
    }
    let mut answer = Answer {
        status: head[9..12].parse().unwrap(),
        head,
        body: String::new(),
    };
    let length: usize = answer.header("Content-Length").unwrap().parse().unwrap();
    let mut body = vec![0; length];
    if stream.read_exact(&mut body).is_err() {
        return Err(Lost::Within(answer.head));
    }
    answer.body = String::from_utf8(body).unwrap();
    Ok(answer)
}
