//! The API over TLS, with a certificate as an administrator makes it and curl as the client.

use std::fs;

use crate::harness::{run, sh};
use crate::state::State;

const CERTIFICATE: &str = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
    -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout key.pem -out certificate.pem";

#[test]
fn curl_reads_the_api_over_tls_and_so_does_the_command_line() {
    let state = State::new();
    state.install(7_131_766, &[]);
    sh(CERTIFICATE, &[], &state.path("")).ok();
    let (certificate, key) = (state.text("certificate.pem"), state.text("key.pem"));
    let tls = ["--tls-certificate", &certificate, "--tls-private-key", &key];
    let node = state.start(&tls);
    let url = format!("https://{}/api/licences", node.address);
    let curl = "curl --silent --show-error --cacert certificate.pem --user admin:admin --dump-header head \
                --header 'Licence-QueryID: 42' \"$1\"";
    let body = sh(curl, &[&url], &state.path("")).ok();
    assert!(body.starts_with(r#"{"Licences":[{"Type":"Virtual""#), "{body}");
    let head = fs::read_to_string(state.path("head")).unwrap();
    for header in [
        "HTTP/1.1 200 OK",
        "Content-Type: application/json;charset=utf-8",
        "Licence-ServerVersion: ",
        "Licence-QueryID: 42",
        "Licence-Signature: ",
        "Licence-QuerySignature: ",
    ] {
        assert!(
            head.lines().any(|line| line.starts_with(header)),
            "{header}\n{head}"
        );
    }

    let address = node.address.to_string();
    fs::write(state.path("password"), "admin\n").unwrap();
    let mut list = state.keynode(&["sessions", "list", "--listen", &address]);
    list.args(tls).args(["--password-file", &state.text("password")]);
    assert!(run(list).ok().starts_with("ID "));
}

#[test]
fn a_certificate_that_cannot_be_used_is_named() {
    let state = State::new();
    sh(CERTIFICATE, &[], &state.path("")).ok();
    let (certificate, key) = (state.text("certificate.pem"), state.text("key.pem"));
    let told = run(state.serve(&["--tls-certificate", &key, "--tls-private-key", &key])).fails(78);
    assert!(told.contains(&key), "{told}");
    let told = run(state.serve(&["--tls-certificate", &certificate])).fails(78);
    assert!(told.contains("private_key"), "{told}");
}
