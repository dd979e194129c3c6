//! The same over TLS, and what is said about files that TLS cannot use.

use std::{io::BufReader, net::TcpStream, path::Path, sync::Arc, time::Duration};

use keynode::api::{listener::Limits, tls};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, pki_types::ServerName};

use crate::{
    client::{Client, request},
    server::{large, start},
};

/// A self-signed certificate for `localhost` in a directory: certificate and key as PEM, and as DER for a client.
fn certificate(directory: &Path) -> rustls::pki_types::CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(directory.join("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(directory.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    made.cert.der().clone()
}

#[test]
fn names_and_bodies_over_tls() {
    let directory = tempfile::tempdir().unwrap();
    let trusted = certificate(directory.path());
    let config = tls::load(
        &directory.path().join("cert.pem"),
        &directory.path().join("key.pem"),
    )
    .unwrap();
    let served = start(Some(config), Limits::default());

    let mut roots = RootCertStore::empty();
    roots.add(trusted).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let session =
        ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").unwrap()).unwrap();
    let stream = TcpStream::connect(served.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let own = stream.local_addr().unwrap();
    let mut client = Client(BufReader::new(StreamOwned::new(session, stream)));

    let methods = ["GET", "HEAD", "GET"];
    client.send(&methods.map(|method| request(method, "/later")).concat());
    client.answer().assert_path("/later");
    client.head().assert_names();
    client.answer().assert_path("/later");
    client.send(&[request("GET", "/large"), request("GET", "/peer")].concat());
    let answer = client.answer();
    answer.assert_names();
    assert!(answer.body == large(), "a large body changed on its way");
    assert_eq!(
        client.answer().text(),
        format!("{own} {} true https", served.address)
    );
    assert_eq!(client.0.get_ref().conn.alpn_protocol(), Some(&b"http/1.1"[..]));
}

#[test]
fn tls_errors_name_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    certificate(directory.path());
    certificate(other.path());
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| directory.path().join(name));
    let missing = directory.path().join("missing.pem");
    let refused = |cert: &Path, key: &Path| tls::load(cert, key).unwrap_err().to_string();

    assert!(refused(&missing, &key).contains("missing.pem"));
    assert!(refused(&cert, &missing).contains("missing.pem"));
    assert!(refused(&key, &key).contains("holds no certificate"));
    assert!(refused(&cert, &cert).contains("cert.pem"));
    let mismatched = refused(&cert, &other.path().join("key.pem"));
    assert!(
        mismatched.contains("cert.pem") && mismatched.contains("key.pem"),
        "{mismatched}"
    );
}
