//! A centre that does as the test says: plain HTTP on loopback, one thread a connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use keynode::activation::{Action, Refusal, Request, open_request};
use keynode::licence::binding::{Binding, ComputerBinding};
use keynode::licence::{KeyNo, Licence, Receipt, Revocations};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;

use crate::common::keys;

/// Longer than anything takes, however busy the computer is: to wait longer is to fail.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// KeyNo of the licences that the centre gives.
pub(crate) const KEY_NO: KeyNo = 77_000_001;

/// What the centre does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// An answer with this status and body.
    Say(u16, String),
    /// These bytes, and the connection is closed.
    Raw(Vec<u8>),
    /// Nothing, until the node goes away.
    Hang,
}

/// Something that the centre was asked.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// Verb and target, as in the request line.
    pub(crate) line: String,
    /// `If-None-Match`.
    pub(crate) known: Option<String>,
    pub(crate) body: String,
}

impl Heard {
    pub(crate) fn request(&self) -> Request {
        open_request(self.body.as_bytes()).unwrap().0
    }
}

type Script = dyn FnMut(&Heard) -> Reply + Send;

struct Shared {
    heard: Mutex<Vec<Heard>>,
    more: Condvar,
    script: Mutex<Box<Script>>,
}

/// A centre that answers until the process ends.
pub(crate) struct FakeCentre {
    address: SocketAddr,
    encrypted: bool,
    shared: Arc<Shared>,
}

impl FakeCentre {
    /// A centre that gives a licence for every code.
    pub(crate) fn start() -> Self {
        Self::with(None)
    }

    /// As [`FakeCentre::start`] over TLS; the result is also the certificate, in PEM, that vouches for it.
    pub(crate) fn start_tls() -> (Self, String) {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let config =
            ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![made.cert.der().clone()], key)
                .unwrap();
        (Self::with(Some(Arc::new(config))), made.cert.pem())
    }

    fn with(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let shared = Arc::new(Shared {
            heard: Mutex::default(),
            more: Condvar::new(),
            script: Mutex::new(Box::new(honest)),
        });
        let address = listener.local_addr().unwrap();
        let (own, encrypted) = (shared.clone(), tls.is_some());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (shared, tls) = (own.clone(), tls.clone());
                let _ = stream.set_read_timeout(Some(PATIENCE));
                std::thread::spawn(move || match tls {
                    None => serve(stream, &shared),
                    Some(config) => {
                        let connection = ServerConnection::new(config).unwrap();
                        serve(StreamOwned::new(connection, stream), &shared);
                    }
                });
            }
        });
        Self {
            address,
            encrypted,
            shared,
        }
    }

    pub(crate) fn url(&self) -> String {
        let scheme = if self.encrypted { "https" } else { "http" };
        format!("{scheme}://{}", self.name())
    }

    /// Host and port.
    pub(crate) fn name(&self) -> String {
        format!("localhost:{}", self.address.port())
    }

    /// From now on it does this with requests; revocations it gives as ever.
    pub(crate) fn script(&self, mut script: impl FnMut(&Heard) -> Reply + Send + 'static) {
        self.script_all(move |heard| {
            if heard.line.starts_with("POST") {
                script(heard)
            } else {
                honest(heard)
            }
        });
    }

    /// From now on it does this with all that it is asked.
    pub(crate) fn script_all(&self, script: impl FnMut(&Heard) -> Reply + Send + 'static) {
        *self.shared.script.lock().unwrap() = Box::new(script);
    }

    /// From now on it is honest.
    pub(crate) fn honest(&self) {
        self.script(honest);
    }

    /// From now on it gives what becomes of the licence that would be right.
    pub(crate) fn give(&self, change: impl Fn(&Request, Licence) -> String + Send + 'static) {
        self.script(move |heard| match heard.line.as_str() {
            "POST /v1/activations" => {
                let request = heard.request();
                let file = change(&request, licence(&request));
                Reply::Say(201, json!({ "Licence": file }).to_string())
            }
            _ => honest(heard),
        });
    }

    /// What it was asked so far, revocations aside.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.heard_of("POST", 0)
    }

    /// Waits until it was asked so often.
    pub(crate) fn wait_for(&self, count: usize) -> Vec<Heard> {
        self.heard_of("POST", count)
    }

    /// What it was asked with this verb, once that was so often.
    pub(crate) fn heard_of(&self, verb: &str, count: usize) -> Vec<Heard> {
        let end = Instant::now() + PATIENCE;
        let mut heard = self.shared.heard.lock().unwrap();
        loop {
            let of_verb = heard.iter().filter(|heard| heard.line.starts_with(verb));
            let found: Vec<Heard> = of_verb.cloned().collect();
            if found.len() >= count {
                return found;
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "asked {} times, not {count}: {found:?}",
                found.len()
            );
            heard = self.shared.more.wait_timeout(heard, left).unwrap().0;
        }
    }
}

/// The licence that this request should get.
pub(crate) fn licence(request: &Request) -> Licence {
    let binding = match (&request.computer, &request.carrier) {
        (Some(components), _) => Binding::Computer(ComputerBinding {
            components: components.clone(),
            tolerance: 1,
        }),
        (None, Some(claim)) => Binding::Carrier(claim.binding.clone()),
        (None, None) => Binding::None,
    };
    Licence {
        key_no: KEY_NO,
        activation_code: Some(request.code.clone()),
        itn: Some(request.itn.clone()),
        iec: request.iec.clone(),
        activation_date: request.time,
        blank_key_no: request.carrier.as_ref().map(|claim| claim.number),
        issued: Some(request.time),
        nonce: Some(request.nonce.to_string()),
        binding,
        ..keys::licence()
    }
}

/// What a centre does that keeps no books.
pub(crate) fn honest(heard: &Heard) -> Reply {
    if heard.line.starts_with("GET") {
        return Reply::Say(200, keys::notice(&Revocations::default()));
    }
    let request = heard.request();
    match request.action {
        Action::Activate => {
            let file = keys::sealed(&licence(&request));
            Reply::Say(201, json!({ "Licence": file }).to_string())
        }
        Action::Renew => Reply::Say(200, json!({ "Licence": null }).to_string()),
        Action::Return => {
            let receipt = Receipt {
                key_no: KEY_NO,
                nonce: request.nonce.to_string(),
            };
            Reply::Say(200, json!({ "Receipt": keys::notice(&receipt) }).to_string())
        }
    }
}

/// A refusal as an answer.
pub(crate) fn refuse(refusal: &Refusal) -> Reply {
    Reply::Say(refusal.status(), refusal.body())
}

fn serve(stream: impl Read + Write, shared: &Shared) {
    let mut reader = BufReader::new(stream);
    while let Some(heard) = read(&mut reader) {
        let told = (shared.script.lock().unwrap())(&heard);
        shared.heard.lock().unwrap().push(heard);
        shared.more.notify_all();
        let mut write = |bytes: &[u8]| {
            let writer = reader.get_mut();
            writer.write_all(bytes).and_then(|()| writer.flush()).is_ok()
        };
        match told {
            Reply::Say(status, body) => {
                let head = format!("HTTP/1.1 {status} Said\r\nContent-Length: {}\r\n\r\n", body.len());
                if !write(&[head.as_bytes(), body.as_bytes()].concat()) {
                    return;
                }
            }
            Reply::Raw(bytes) => {
                write(&bytes);
                return;
            }
            Reply::Hang => {
                // Ends when the node closes its side.
                let _ = reader.read(&mut [0]);
                return;
            }
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Heard> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let (mut length, mut known) = (0, None);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok().filter(|length| *length > 0)?;
        if header.trim_end().is_empty() {
            break;
        }
        let header = header.to_ascii_lowercase();
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if let Some(value) = header.strip_prefix("if-none-match:") {
            known = Some(value.trim().to_owned());
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let line = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    let body = String::from_utf8(body).ok()?;
    Some(Heard { line, known, body })
}
