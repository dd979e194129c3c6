//! A client of the console as a browser is one: it keeps cookies, says where it comes from, and follows nothing by itself.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// An answer; names of headers in lower case.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Page {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(own, _)| own == name);
        values.next().map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{:?} {}", self.headers, self.text());
        self
    }

    /// The value of the first input of this name.
    #[track_caller]
    pub(crate) fn input(&self, name: &str) -> String {
        let text = self.text();
        let start = format!("name=\"{name}\" value=\"");
        let at = text
            .find(&start)
            .unwrap_or_else(|| panic!("no input {name}: {text}"));
        text[at + start.len()..].split('"').next().unwrap().to_owned()
    }

    /// Where the live part of the page is drawn anew.
    #[track_caller]
    pub(crate) fn live(&self) -> String {
        let text = self.text();
        let at = text.find("hx-get=\"").expect("a live part");
        let target = text[at + 8..].split('"').next().unwrap();
        target.replace("&amp;", "&").replace("&#38;", "&")
    }
}

/// A browser with one page open.
pub(crate) struct Browser {
    address: SocketAddr,
    pub(crate) cookies: BTreeMap<String, String>,
    pub(crate) language: &'static str,
}

impl Browser {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            cookies: BTreeMap::new(),
            language: "en",
        }
    }

    /// One that is logged in.
    #[track_caller]
    pub(crate) fn logged_in(address: SocketAddr, user: &str, password: &str) -> Self {
        let mut browser = Self::new(address);
        let page = browser.log_in(user, password).expect(303);
        assert_eq!(page.header("location"), Some("/console/"));
        browser
    }

    pub(crate) fn log_in(&mut self, user: &str, password: &str) -> Page {
        self.post("/console/login", &[("user", user), ("password", password)])
    }

    /// The cookie of the login.
    #[track_caller]
    pub(crate) fn cookie(&self) -> &str {
        let name = format!("keynode_console_{}", self.address.port());
        &self.cookies[&name]
    }

    pub(crate) fn get(&mut self, target: &str) -> Page {
        self.send("GET", target, &[], None)
    }

    /// A form of a page of this console.
    pub(crate) fn post(&mut self, target: &str, fields: &[(&str, &str)]) -> Page {
        let origin = format!("http://{}", self.address);
        self.send("POST", target, &[("Origin", &origin)], Some(&form(fields)))
    }

    /// As [`Browser::post`], with the token of this page's forms.
    pub(crate) fn submit(&mut self, page: &Page, target: &str, fields: &[(&str, &str)]) -> Page {
        let token = page.input("token");
        let mut all = vec![("token", token.as_str())];
        all.extend_from_slice(fields);
        self.post(target, &all)
    }

    pub(crate) fn send(
        &mut self,
        verb: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Page {
        let mut wire = self.open(verb, target, headers, body);
        let page = read(&mut wire, verb);
        self.keep(&page);
        page
    }

    /// Keeps the cookies of an answer.
    pub(crate) fn keep(&mut self, page: &Page) {
        for (_, cookie) in page.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (pair, rest) = cookie.split_once(';').unwrap_or((cookie, ""));
            let (name, value) = pair.split_once('=').unwrap();
            if rest.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// Opens a connection, sends a request, and leaves the answer to be read.
    pub(crate) fn open(
        &self,
        verb: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let text = self.request(verb, target, headers, body);
        stream.write_all(text.as_bytes()).unwrap();
        BufReader::new(stream)
    }

    /// What it sends.
    pub(crate) fn request(
        &self,
        verb: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> String {
        let mut lines = vec![
            format!("{verb} {target} HTTP/1.1"),
            format!("Accept-Language: {}", self.language),
        ];
        if !headers.iter().any(|(name, _)| *name == "Host") {
            lines.push(format!("Host: {}", self.address));
        }
        if !self.cookies.is_empty() {
            let pairs: Vec<_> = (self.cookies.iter())
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            lines.push(format!("Cookie: {}", pairs.join("; ")));
        }
        lines.extend(headers.iter().map(|(name, value)| format!("{name}: {value}")));
        if let Some(body) = body {
            lines.push("Content-Type: application/x-www-form-urlencoded".into());
            lines.push(format!("Content-Length: {}", body.len()));
        }
        format!("{}\r\n\r\n{}", lines.join("\r\n"), body.unwrap_or_default())
    }
}

/// Fields of a form as they are sent.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let encoded = |text: &str| {
        let bytes = text.bytes().map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        });
        bytes.collect::<String>()
    };
    let pairs: Vec<_> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    pairs.join("&")
}

/// The head of an answer.
pub(crate) fn head(wire: &mut impl BufRead) -> Page {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        wire.read_line(&mut line).unwrap();
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let status = lines[0].split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines[1..].iter().map(|line| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.to_ascii_lowercase(), value.to_owned())
    });
    Page {
        status,
        headers: headers.collect(),
        body: Vec::new(),
    }
}

/// An answer to a request of this kind.
pub(crate) fn read(wire: &mut impl BufRead, verb: &str) -> Page {
    let mut page = head(wire);
    let length = page
        .header("content-length")
        .map_or(0, |length| length.parse().unwrap());
    if verb != "HEAD" {
        page.body = vec![0; length];
        wire.read_exact(&mut page.body).unwrap();
    }
    page
}

/// A live stream.
pub(crate) struct Stream(BufReader<TcpStream>);

impl Stream {
    #[track_caller]
    pub(crate) fn open(browser: &Browser, topics: &str) -> Self {
        let mut wire = browser.open("GET", &format!("/console/live?topics={topics}"), &[], None);
        let page = head(&mut wire).expect(200);
        assert_eq!(page.header("content-type"), Some("text/event-stream"));
        Self(wire)
    }

    /// The answer to a request on the connection of a stream that has ended.
    pub(crate) fn get(mut self, browser: &Browser, target: &str) -> Page {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        assert_eq!(line, "\r\n", "what follows the last chunk");
        let text = browser.request("GET", target, &[], None);
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
        read(&mut self.0, "GET")
    }

    /// The name of the next event; `None` where the stream has ended.
    pub(crate) fn next(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            // The last, empty chunk.
            if line == "0\r\n" {
                return None;
            }
            if let Some(name) = line.strip_prefix("event: ") {
                return Some(name.trim_end().to_owned());
            }
        }
    }
}
