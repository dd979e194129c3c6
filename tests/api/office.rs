//! Somebody whom webhooks tell.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use keynode::settings::{Settings, Webhook};
use serde_json::Value;

/// Nothing takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A message as it came.
#[derive(Debug)]
pub(crate) struct Came {
    head: String,
    pub(crate) text: String,
    pub(crate) body: Value,
}

impl Came {
    pub(crate) fn header(&self, name: &str) -> &str {
        let line = self.head.lines().find_map(|line| {
            let (own, value) = line.split_once(": ")?;
            own.eq_ignore_ascii_case(name).then_some(value)
        });
        line.unwrap_or_else(|| panic!("no {name}: {}", self.head))
    }

    pub(crate) fn event(&self) -> &str {
        self.body["Event"].as_str().unwrap()
    }
}

/// Somebody who is told: answers with these statuses in turn, then with 204. A status of 0: no answer ever.
pub(crate) struct Office {
    address: SocketAddr,
    pub(crate) came: Receiver<Came>,
}

impl Office {
    pub(crate) fn new(statuses: &'static [u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, came) = channel();
        std::thread::spawn(move || {
            let mut statuses = statuses.iter().copied();
            let mut silent = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut bytes = Vec::new();
                let mut piece = [0; 4096];
                let came = loop {
                    let length = stream.read(&mut piece).unwrap_or_default();
                    bytes.extend_from_slice(&piece[..length]);
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    if let Some((head, body)) = text.split_once("\r\n\r\n")
                        && let Ok(json) = serde_json::from_str(body)
                    {
                        break Some((head.to_owned(), body.to_owned(), json));
                    }
                    if length == 0 {
                        break None;
                    }
                };
                let Some((head, text, body)) = came else {
                    continue;
                };
                let status = statuses.next().unwrap_or(204);
                if status == 0 {
                    silent.push(stream);
                } else {
                    let _ = write!(
                        stream,
                        "HTTP/1.1 {status} X\r\nContent-Length: 0\r\nLocation: /x\r\n\r\n"
                    );
                }
                if sender.send(Came { head, text, body }).is_err() {
                    return;
                }
            }
        });
        Self { address, came }
    }

    #[track_caller]
    pub(crate) fn next(&self) -> Came {
        self.came.recv_timeout(PATIENCE).expect("a message")
    }

    /// A message that comes in a moment.
    pub(crate) fn soon(&self) -> Option<Came> {
        self.came.recv_timeout(Duration::from_millis(300)).ok()
    }
}

/// Sets a webhook that tells this one.
pub(crate) fn hook(
    settings: &mut Settings,
    name: &str,
    receiver: &Office,
    secret: Option<&Path>,
    events: Option<&str>,
) {
    settings.gateway.proxy = Some("none".into());
    let hook = Webhook {
        url: format!("http://{}/hook", receiver.address),
        secret_file: secret.map(Path::to_owned),
        secret_credential: None,
        events: events.map(str::to_owned),
    };
    settings.webhooks.insert(name.into(), hook);
}
