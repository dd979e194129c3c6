//! The centre over TLS, with a private CA.

use std::fs;
use std::sync::Arc;

use keynode::activation::centre::http::FailureRules;
use keynode::api::tls;
use rcgen::SanType;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::client::{Call, connect, exchange};
use super::pki::{Kind, Pki};
use super::served::{Asking, ITN, Served};

fn served(pki: &Pki) -> Served {
    let identity = pki.issue_with("centre", Kind::P256, |params| {
        let name = "localhost".try_into().unwrap();
        params.subject_alt_names = vec![SanType::DnsName(name)];
    });
    let authority = fs::read_to_string(pki.path("authority.pem")).unwrap();
    let chain = pki.write(
        "centre.pem",
        [identity.certificate.as_str(), &authority].concat().as_bytes(),
    );
    let key = pki.write("centre.key", identity.key.as_bytes());
    let failures = FailureRules {
        per_code: 10,
        per_address: 60,
    };
    Served::with(failures, &[], Some(tls::load(&chain, &key).unwrap()))
}

fn trusting(pki: &Pki, file: &str) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_file(pki.path(file)).unwrap();
    roots.add(root).unwrap();
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

#[test]
fn a_node_that_trusts_the_authority_activates_over_tls() {
    let pki = Pki::new();
    let (centre, node) = (served(&pki), Asking::new("one"));
    let sealed = node.seal(&node.activate(&centre.code(), ITN));
    let call = Call::new("POST", "/v1/activations").body(sealed);
    let reply = call
        .send_encrypted(centre.address, trusting(&pki, "root.pem"))
        .unwrap()
        .expect(201);
    assert!(
        reply
            .header("strict-transport-security")
            .unwrap()
            .starts_with("max-age=")
    );

    let stranger = Pki::new();
    let refused = call.send_encrypted(centre.address, trusting(&stranger, "root.pem"));
    assert!(refused.unwrap_err().to_string().contains("certificate"));
    // Whoever speaks plainly gets nothing, and does no harm.
    assert!(
        exchange(
            connect(centre.address),
            b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
        )
        .is_none()
    );
    call.send_encrypted(centre.address, trusting(&pki, "root.pem"))
        .unwrap()
        .expect(200);
}
