//! The console on the first listener with TLS: its cookie comes back over TLS alone.

use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::browser::{Browser, Page, form, read};
use super::{PASSWORD, with};

/// Sends a request over TLS to who has this certificate.
fn send(trusted: &CertificateDer<'static>, address: SocketAddr, text: &str) -> Page {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let session = ClientConnection::new(Arc::new(config), name).unwrap();
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut wire = StreamOwned::new(session, stream);
    wire.write_all(text.as_bytes()).unwrap();
    read(&mut BufReader::new(wire), "GET")
}

#[test]
fn over_tls_the_cookie_is_for_tls_alone() {
    let files = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let [certificate, key] = ["certificate.pem", "key.pem"].map(|name| files.path().join(name));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let node = with(|settings| {
        settings.console.on_listen = true;
        settings.tls.certificate = Some(certificate);
        settings.tls.private_key = Some(key);
    });
    let (address, trusted) = (node.address(), made.cert.der());
    let mut browser = Browser::new(address);

    let door = send(
        trusted,
        address,
        &browser.request("GET", "/console/keys", &[], None),
    )
    .expect(303);
    assert_eq!(
        door.header("location"),
        Some("/console/login?back=%2Fconsole%2Fkeys")
    );
    let login = form(&[("user", "boss"), ("password", PASSWORD)]);
    let origin = format!("https://{address}");
    let login = browser.request("POST", "/console/login", &[("Origin", &origin)], Some(&login));
    let answer = send(trusted, address, &login).expect(303);
    let cookie = answer.header("set-cookie").unwrap();
    let name = format!("__Secure-keynode_console_{}=", address.port());
    assert!(cookie.starts_with(&name), "{cookie}");
    for part in ["; Secure", "; HttpOnly", "; SameSite=Lax"] {
        assert!(cookie.contains(part), "{cookie}");
    }

    browser.keep(&answer);
    let keys = browser.request("GET", "/console/keys", &[], None);
    let keys = send(trusted, address, &keys).expect(200);
    assert!(keys.text().contains("7131766"), "{}", keys.text());

    // The second listener has no TLS: a cookie that came over TLS says nothing there.
    let mut plain = Browser::new(node.admin_address());
    plain.cookies = browser.cookies;
    plain.get("/console/keys").expect(303);
}
