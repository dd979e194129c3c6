//! Certificates whose keys are on a token (SoftHSM2): signed and opened over HTTP, pulled and put back; and that no
//! secret gets out.

use crate::certificates::{as_signer, entry, sign, signature, signer};
use crate::certificates_access::rows;
use crate::common::{Answer, TestNode};
use crate::pki::{Identity, Kind, Pki, text};
use crate::softhsm::{PIN, SoftHsm, WRONG_PIN};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keynode::settings::CertificateFile;
use serde_json::{Value, json};
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Puts keys with their certificates on a token, under the IDs 1, 2, …, and the authority's certificate under 9.
fn load(pki: &Pki, hsm: &SoftHsm, identities: &[&Identity]) {
    for (identity, id) in identities.iter().zip(1..) {
        let key = pki.write("import.key", identity.key.as_bytes());
        hsm.import_key("node", &key, id, "key");
        let der = pki.write("import.der", &identity.der);
        hsm.import_certificate("node", &der, id, "certificate");
    }
    Pki::openssl(&[
        "x509",
        "-in",
        text(&pki.path("authority.pem")),
        "-outform",
        "DER",
        "-out",
        text(&pki.path("a.der")),
    ]);
    hsm.import_certificate("node", &pki.path("a.der"), 9, "authority");
}

/// A node with this token, whose signer `shop` is bound to all of these.
fn node(hsm: &SoftHsm, identities: &[&Identity]) -> TestNode {
    let node = TestNode::with(|settings| {
        settings.tokens.insert("hsm".into(), hsm.settings("node"));
    });
    signer(&node, "shop", identities);
    for identity in identities {
        until(&node, identity, true);
    }
    node
}

/// Waits until a certificate can be used, or cannot; gives what is told of it.
#[track_caller]
fn until(node: &TestNode, identity: &Identity, usable: bool) -> Value {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        node.post("/api/rescan", &json!({})).expect(200);
        let answer = node.get(&format!("/api/certificates/{}", identity.thumbprint));
        let row = answer.json();
        if answer.status == 200 && row["Usable"] == usable {
            return row;
        }
        assert!(
            Instant::now() < deadline,
            "it does not become usable {usable}: {row}"
        );
    }
}

fn decrypt(node: &TestNode, identity: &Identity, message: &[u8]) -> Answer {
    let body = json!({ "Data": STANDARD.encode(message) }).to_string();
    let target = format!("/api/certificates/{}/decryptions", identity.thumbprint);
    as_signer(node, "shop", "POST", &target).body(body).send()
}

#[test]
fn what_a_token_signs_is_accepted_by_openssl() {
    let pki = Pki::new();
    let identities = [Kind::Rsa, Kind::P256, Kind::P384].map(|kind| pki.issue("Shop", kind));
    let identities = identities.each_ref();
    let hsm = SoftHsm::new(&["node"]);
    load(&pki, &hsm, &identities);
    let node = node(&hsm, &identities);
    let row = node
        .get(&format!("/api/certificates/{}", identities[0].thumbprint))
        .json();
    assert_eq!(row["KeyPlace"], "token hsm, key 01");
    let id = row["Device"].as_str().unwrap();
    assert!(id.starts_with("pkcs11-") && id != "pkcs11-hsm", "{id}");
    let devices = node.get("/api/devices").column("ID");
    assert!(devices.contains(&row["Device"]), "{devices:?}");
    let authority = node.get("/api/certificates?Subject=CN=Test+authority").rows();
    assert_eq!(
        authority[0]["Reason"],
        "there is no private key for it on token hsm"
    );
    let content = b"what is signed";
    for identity in identities {
        for (kind, detached) in [
            ("CAdES-BES", false),
            ("CAdES-BES", true),
            ("CMS", false),
            ("CMS", true),
        ] {
            let body = json!({ "Data": STANDARD.encode(content), "Type": kind, "Detached": detached, "Chain": true });
            let message = signature(&sign(&node, &identity.thumbprint, &body).expect(201));
            let outside = detached.then_some(content.as_slice());
            let further: &[&str] = if kind == "CMS" { &[] } else { &["-cades"] };
            let found = pki.verify("root.pem", &message, outside, further);
            assert_eq!(found.as_deref(), Some(content.as_slice()), "{body}");
            if detached {
                assert_eq!(pki.verify("root.pem", &message, Some(b"another"), further), None);
            }
        }
    }
}

#[test]
fn messages_are_opened_on_a_token_and_failures_tell_nothing() {
    let pki = Pki::new();
    let identity = pki.issue("Shop", Kind::Rsa);
    let hsm = SoftHsm::new(&["node"]);
    load(&pki, &hsm, &[&identity]);
    let node = node(&hsm, &[&identity]);
    let content = vec![7; 20_000];
    for further in [
        &[][..],
        &["-aes-256-cbc"],
        &["-aes-256-cbc", "-keyopt", "rsa_padding_mode:oaep"],
    ] {
        let message = pki.encrypt(&identity, &content, further);
        let answer = decrypt(&node, &identity, &message).expect(200);
        assert_eq!(answer.json()["Data"], STANDARD.encode(&content), "{further:?}");
    }
    // Authenticated: of CBC's noise, one in 256 ends in what looks like padding.
    let good = pki.encrypt(&identity, b"marker", &["-aes-256-gcm"]);
    let key = good
        .windows(4)
        .position(|window| window == [0x04, 0x82, 0x01, 0x00])
        .unwrap();
    let told: Vec<_> = [key + 40, key + 200, good.len() - 1]
        .into_iter()
        .map(|at| {
            let mut broken = good.clone();
            broken[at] ^= 1;
            let answer = decrypt(&node, &identity, &broken);
            assert_eq!(answer.refused(400), "EHTTPBadRequest");
            answer.message()
        })
        .collect();
    assert!(told.iter().all(|text| *text == told[0]), "{told:?}");
    decrypt(&node, &identity, &good).expect(200);
}

#[test]
fn a_pulled_token_is_told_and_works_again_when_it_is_back() {
    let pki = Pki::new();
    let identity = pki.issue("Shop", Kind::Rsa);
    let hsm = SoftHsm::new(&["node"]);
    load(&pki, &hsm, &[&identity]);
    let node = node(&hsm, &[&identity]);
    let message = pki.encrypt(&identity, b"marker", &["-aes-256-cbc"]);
    let body = json!({ "Data": "AAAA" });
    sign(&node, &identity.thumbprint, &body).expect(201);
    for _ in 0..2 {
        hsm.remove("node");
        // Whether the node has noticed already or notices now, nothing is signed.
        let refused = sign(&node, &identity.thumbprint, &body);
        assert_eq!(refused.refused(503), "ETokenUnavailable");
        assert!(refused.message().contains("oken hsm"), "{}", refused.message());
        let row = until(&node, &identity, false);
        assert_eq!(row["Reason"], "token hsm is absent");
        let refused = sign(&node, &identity.thumbprint, &body);
        assert_eq!(refused.refused(503), "ETokenUnavailable");
        assert!(
            refused.message().contains("token hsm is absent"),
            "{}",
            refused.message()
        );
        assert_eq!(
            decrypt(&node, &identity, &message).refused(503),
            "ETokenUnavailable"
        );
        hsm.put_back("node");
        until(&node, &identity, true);
        sign(&node, &identity.thumbprint, &body).expect(201);
        decrypt(&node, &identity, &message).expect(200);
    }
    // A token that goes while nobody looks: what does not open then is not told to be damaged.
    hsm.remove("node");
    assert_eq!(
        decrypt(&node, &identity, &message).refused(503),
        "ETokenUnavailable"
    );
}

/// A log that is kept in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn no_secret_gets_into_log_audit_answers_or_state() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .init();
    let pki = Pki::new();
    let (rsa, till, on_token) = (
        pki.issue("Shop", Kind::Rsa),
        pki.issue("Till", Kind::P256),
        pki.issue("Token", Kind::P384),
    );
    let hsm = SoftHsm::new(&["node", "other"]);
    load(&pki, &hsm, &[&on_token]);
    let (password, wrong) = ("pass-of-the-shop", "no-pass-of-the-shop");
    let p12 = |password: &str| CertificateFile {
        password_file: Some(pki.write(&format!("{password}.txt"), password.as_bytes())),
        ..entry(&pki.path("shop.p12"))
    };
    pki.pkcs12("shop", &rsa, password, &[]);
    let mut node = TestNode::with(|settings| {
        settings.tokens.insert("hsm".into(), hsm.settings("node"));
        let mut refused = hsm.settings("other");
        refused.pin_file = Some(hsm.pin_file("wrong", WRONG_PIN));
        settings.tokens.insert("refused".into(), refused);
        for (name, file) in [
            ("good", p12(password)),
            ("bad", p12(wrong)),
            ("till", entry(&pki.pem("till", &till))),
        ] {
            settings.certificates.insert(name.into(), file);
        }
    });
    signer(&node, "shop", &[&rsa, &till, &on_token]);
    until(&node, &on_token, true);
    let mut answers = Vec::new();
    for identity in [&rsa, &till, &on_token] {
        answers.push(
            sign(
                &node,
                &identity.thumbprint,
                &json!({ "Data": "AAAA", "Chain": true }),
            )
            .expect(201),
        );
        answers.push(sign(&node, &identity.thumbprint, &json!({ "Data": 1 })).expect(400));
    }
    let message = pki.encrypt(&rsa, b"what only the shop may read", &["-aes-256-cbc"]);
    decrypt(&node, &rsa, &message).expect(200);
    answers.push(decrypt(&node, &till, &message));
    hsm.remove("node");
    answers.push(sign(&node, &on_token.thumbprint, &json!({ "Data": "AAAA" })).expect(503));
    for path in [
        "/api/certificates",
        "/api/devices",
        "/api/publickey",
        "/api/serverinfo",
    ] {
        answers.push(node.get(path));
    }
    let mut all = vec![("the audit log", format!("{:?}", rows(&mut node)).into_bytes())];
    all.extend(answers.into_iter().map(|answer| ("an answer", answer.body)));
    for name in ["keynode.db", "keynode.db-wal"] {
        all.extend(std::fs::read(node.settings.state_dir.join(name)).map(|bytes| ("the state", bytes)));
    }
    drop(node);
    let log = log.0.lock().unwrap().clone();
    let kept = String::from_utf8_lossy(&log).contains("its password is another");
    assert!(kept, "the log was kept");
    all.push(("the log", log));
    let mut secrets = vec![PIN, WRONG_PIN, password, wrong, "what only the shop may read"];
    // The lines of a private key that have nothing of its public half in them, or not only that.
    secrets.extend(rsa.key.lines().skip(10).filter(|line| line.len() == 64));
    for identity in [&till, &on_token] {
        secrets.push(identity.key.lines().nth(2).unwrap());
    }
    assert!(secrets.len() > 20 && secrets.iter().all(|secret| secret.len() > 7));
    for (place, bytes) in all {
        let text = String::from_utf8_lossy(&bytes);
        for secret in &secrets {
            assert!(!text.contains(secret), "{secret} is in {place}");
        }
    }
}
