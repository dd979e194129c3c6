//! A client that reads answers byte by byte as they are.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::Duration,
};

use crate::server::Served;

pub(crate) struct Answer {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.head[9..12].parse().unwrap()
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self
            .head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "))
            .map(|(name, _)| name)
            .collect();
        names.sort_unstable();
        names
    }

    pub(crate) fn value(&self, name: &str) -> &str {
        let begins = format!("{name}: ");
        self.head
            .lines()
            .find_map(|line| line.strip_prefix(&begins))
            .unwrap_or_else(|| panic!("{}", self.head))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// Exactly the names of [`answer`], besides Content-Length.
    pub(crate) fn assert_names(&self) {
        let mut names = self.names();
        names.retain(|name| *name != "Content-Length" && *name != "Connection");
        let expected = [
            "Allow",
            "Content-Type",
            "Date",
            "ETag",
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
        assert_eq!(names, expected, "{}", self.head);
    }

    pub(crate) fn assert_path(&self, path: &str) {
        self.assert_names();
        assert_eq!(self.text(), format!("{{\"path\":\"{path}\",\"body\":\"\"}}"));
    }
}

pub(crate) struct Client<S: Read>(pub(crate) BufReader<S>);

impl Client<TcpStream> {
    pub(crate) fn connect(served: &Served) -> Self {
        let stream = TcpStream::connect(served.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }
}

impl<S: Read + Write> Client<S> {
    pub(crate) fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
        self.0.get_mut().flush().unwrap();
    }

    pub(crate) fn head(&mut self) -> Answer {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(
                self.0.read_line(&mut head).unwrap(),
                0,
                "connection closed within {head:?}"
            );
        }
        Answer {
            head,
            body: Vec::new(),
        }
    }

    pub(crate) fn answer(&mut self) -> Answer {
        let mut answer = self.head();
        let length = answer.value("Content-Length").parse().unwrap();
        answer.body = vec![0; length];
        self.0.read_exact(&mut answer.body).unwrap();
        answer
    }

    pub(crate) fn assert_closed(&mut self) {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"", "{}", String::from_utf8_lossy(&rest));
    }
}

pub(crate) fn request(method: &str, path: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: x\r\nlicence-queryid: {path}\r\n\r\n")
}
