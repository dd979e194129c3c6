//! The way to the services: TLS with a private authority, a proxy, time, the size of answers, redirects.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keynode::api::tls;
use keynode::settings::Settings;
use rcgen::SanType;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use crate::common::TestNode;
use crate::pki::{Kind, Pki};

/// What a server says to a request, by its first line and body; none: it says nothing, and keeps the connection open.
type Script = dyn Fn(&str, &str) -> Option<Vec<u8>> + Send + Sync;

/// A server on loopback until the process ends.
struct Server {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(script: impl Fn(&str, &str) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        Self::with(None, Arc::new(script))
    }

    fn with(tls: Option<Arc<ServerConfig>>, script: Arc<Script>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, heard) = (
            listener.local_addr().unwrap(),
            Arc::<Mutex<Vec<String>>>::default(),
        );
        let own = heard.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (script, tls, heard) = (script.clone(), tls.clone(), own.clone());
                std::thread::spawn(move || match tls {
                    None => serve(stream, &*script, &heard),
                    Some(config) => {
                        let connection = ServerConnection::new(config).unwrap();
                        serve(StreamOwned::new(connection, stream), &*script, &heard)
                    }
                });
            }
        });
        Self { address, heard }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

fn serve(stream: impl Read + Write, script: &Script, heard: &Mutex<Vec<String>>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let (mut first, mut line, mut length) = (String::new(), String::new(), 0);
    reader.read_line(&mut first).ok()?;
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let header = line.trim_end().to_ascii_lowercase();
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if header.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (first, body) = (first.trim_end(), String::from_utf8(body).ok()?);
    heard.lock().unwrap().push(first.to_owned());
    let Some(answer) = script(first, &body) else {
        // Until the other end has enough of it.
        let _ = reader.read_to_end(&mut Vec::new());
        return None;
    };
    let stream = reader.get_mut();
    stream.write_all(&answer).ok()?;
    stream.flush().ok()
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "what a script says, or none to cut the connection"
)]
fn said(status: &str, headers: &str, body: &str) -> Option<Vec<u8>> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n");
    Some([head.as_bytes(), body.as_bytes()].concat())
}

fn ticket() -> Option<Vec<u8>> {
    said("200 OK", "", r#"{"ticket":"one ticket","login":"robot"}"#)
}

/// A node whose portal is there.
fn node(url: &str, change: impl FnOnce(&mut Settings)) -> TestNode {
    let node = TestNode::with(|all| {
        all.tickets.enabled = true;
        all.tickets.url = url.into();
        all.gateway.proxy = Some("none".into());
        change(all);
    });
    let account = json!({ "Login": "robot", "Password": "secret of the portal" });
    let put = node.ask("PUT", "/api/support-account").body(account.to_string());
    put.send().expect(200);
    node
}

/// What came of asking for a ticket.
fn ask(node: &TestNode) -> Value {
    let told = node.post("/api/tickets", &json!({ "TicketOwner": "login" }));
    let told = told.expect(200);
    assert!(!told.text().contains("secret of the portal"));
    told.json()
}

fn encrypted(pki: &Pki) -> Arc<ServerConfig> {
    let identity = pki.issue_with("portal", Kind::P256, |params| {
        params.subject_alt_names = vec![SanType::DnsName("localhost".try_into().unwrap())];
    });
    let authority = std::fs::read_to_string(pki.path("authority.pem")).unwrap();
    let chain = [identity.certificate.as_str(), &authority].concat();
    let (chain, key) = (
        pki.write("portal.pem", chain.as_bytes()),
        pki.write("portal.key", identity.key.as_bytes()),
    );
    tls::load(&chain, &key).unwrap()
}

#[test]
fn a_private_authority_vouches_where_the_settings_name_it() {
    let pki = Pki::new();
    let server = Server::with(Some(encrypted(&pki)), Arc::new(|_: &str, _: &str| ticket()));
    let url = format!("https://localhost:{}", server.address.port());
    let mut node = node(&url, |all| all.gateway.ca = Some(pki.path("root.pem")));
    assert_eq!(ask(&node)["Ticket"], "one ticket");
    assert_eq!(
        server.heard().last().unwrap(),
        "POST /rest/public/ticket/get HTTP/1.1"
    );

    node.reload(|all| all.gateway.ca = None);
    let told = ask(&node);
    assert_eq!(told["ErrorCode"], "ОшибкаПодключения");
    let info = told["ErrorInfo"].as_str().unwrap();
    assert!(
        info.contains("nobody vouches") && info.contains("gateway.ca"),
        "{info}"
    );

    // A file that is none is told to who asks, and hurts nobody else.
    let empty = pki.write("empty.pem", b"");
    node.reload(|all| all.gateway.ca = Some(empty));
    let told = ask(&node);
    assert!(
        told["ErrorInfo"].as_str().unwrap().contains("gateway.ca"),
        "{told}"
    );
    node.get("/api/serverinfo").expect(200);
}

#[test]
fn authorities_of_the_computer_vouch_for_a_webhook_whatever_the_case_of_its_address() {
    let pki = Pki::new();
    let server = Server::with(
        Some(encrypted(&pki)),
        Arc::new(|_: &str, _: &str| said("204 No Content", "", "")),
    );
    let port = server.address.port();
    for scheme in ["https", "HTTPS"] {
        let settings = format!(
            "gateway.proxy = \"none\"\n[webhooks.office]\nurl = \"{scheme}://localhost:{port}/hook\"\n"
        );
        let settings = pki.write("keynode.toml", settings.as_bytes());
        let tried = Command::new(env!("CARGO_BIN_EXE_keynode"))
            .args(["webhook", "test", "office", "--config"])
            .arg(settings)
            .env("SSL_CERT_FILE", pki.path("root.pem"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&tried.stderr);
        assert!(tried.status.success(), "{scheme}: {said}");
    }
    assert_eq!(server.heard(), ["POST /hook HTTP/1.1"; 2]);
}

#[test]
fn a_proxy_is_used_where_the_settings_name_one() {
    let proxy = Server::start(|_, _| ticket());
    let node = node("http://localhost:1", |all| {
        all.gateway.proxy = Some(format!("http://{}", proxy.address));
    });
    assert_eq!(ask(&node)["Ticket"], "one ticket");
    let line = "POST http://localhost:1/rest/public/ticket/get HTTP/1.1";
    assert_eq!(proxy.heard().last().unwrap(), line);
}

#[test]
fn a_service_that_does_not_answer_in_time_is_not_reached() {
    let server = Server::start(|_, _| None);
    let node = node(&format!("http://{}", server.address), |all| {
        all.gateway.timeout = Duration::from_millis(100);
    });
    let told = ask(&node);
    assert_eq!(told["ErrorCode"], "ОшибкаПодключения");
    assert!(
        told["ErrorInfo"].as_str().unwrap().contains("gateway.timeout"),
        "{told}"
    );
    // One that nobody listens for.
    let node = self::node("http://127.0.0.1:1", |_| ());
    let told = ask(&node);
    assert_eq!(told["ErrorCode"], "ОшибкаПодключения");
    assert!(told["ErrorInfo"].as_str().unwrap().contains("refused"), "{told}");
}

#[test]
fn an_answer_that_is_too_large_or_cut_off_is_none() {
    let large = "x".repeat(5 * 1024 * 1024);
    let server = Server::start(move |_, _| said("200 OK", "", &large));
    let node = node(&format!("http://{}", server.address), |_| ());
    let told = ask(&node);
    assert_eq!(told["ErrorCode"], "ОшибкаПодключения");
    assert!(told["ErrorInfo"].as_str().unwrap().contains("bytes"), "{told}");

    let server = Server::start(|_, _| Some(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".to_vec()));
    let node = self::node(&format!("http://{}", server.address), |_| ());
    assert_eq!(ask(&node)["ErrorCode"], "ОшибкаПодключения");
}

#[test]
fn a_redirect_is_followed_within_the_server_seven_times_and_to_no_other() {
    // /rest/... -> /1 -> /2 ..., 307: the body goes with it.
    let hops = |most: usize| {
        Server::start(move |line, body| {
            assert!(body.contains("login"), "{line}");
            let path = line.split(' ').nth(1).unwrap();
            let at = path.trim_start_matches('/').parse().unwrap_or(0);
            if at == most {
                return ticket();
            }
            said(
                "307 Temporary Redirect",
                &format!("Location: /{}\r\n", at + 1),
                "",
            )
        })
    };
    let seven = hops(7);
    let node = node(&format!("http://{}", seven.address), |_| ());
    assert_eq!(ask(&node)["Ticket"], "one ticket");
    let eight = hops(8);
    let node = self::node(&format!("http://{}", eight.address), |_| ());
    let told = ask(&node);
    assert_eq!(
        (&told["Ticket"], &told["ErrorCode"]),
        (&json!(""), &json!("НеизвестнаяОшибка"))
    );

    let other = Server::start(|_, _| ticket());
    let location = format!("Location: http://{}/rest/public/ticket/get\r\n", other.address);
    let server = Server::start(move |_, _| said("307 Temporary Redirect", &location, ""));
    let node = self::node(&format!("http://{}", server.address), |_| ());
    assert_eq!(ask(&node)["ErrorCode"], "НеизвестнаяОшибка");
    assert_eq!(other.heard(), Vec::<String>::new());
}
