//! GOST R 34.10-2012: keys on a token sign over HTTP and are accepted by openssl's engine; keys in files do not sign.

use crate::certificates::{entry, sign, signature, signer};
use crate::common::TestNode;
use crate::modules::module;
use crate::pki::{Identity, Pki, text};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keynode::cms::Thumbprint;
use keynode::licence::Timestamp;
use keynode::settings;
use serde_json::json;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

const PIN: &str = "12345678";

/// A certificate that signs itself; its files are NAME.key and NAME.crt.
fn gost(pki: &Pki, name: &str, kind: &str, digest: &str) -> Identity {
    let (key, certificate) = (pki.path(&format!("{name}.key")), pki.path(&format!("{name}.crt")));
    let der = pki.path("gost.der");
    let request = [
        "req", "-engine", "gost", "-x509", "-new", "-days", "3650", "-subj",
    ];
    Pki::openssl(&[
        "genpkey",
        "-engine",
        "gost",
        "-algorithm",
        kind,
        "-pkeyopt",
        "paramset:A",
        "-out",
        text(&key),
    ]);
    let rest = [
        "/C=RU/CN=Director/INN=007707083893/OGRN=1027700132195",
        digest,
        "-key",
        text(&key),
        "-out",
        text(&certificate),
    ];
    Pki::openssl(&[&request[..], &rest].concat());
    Pki::openssl(&[
        "x509",
        "-in",
        text(&certificate),
        "-outform",
        "DER",
        "-out",
        text(&der),
    ]);
    let der = fs::read(der).unwrap();
    Identity {
        certificate: fs::read_to_string(certificate).unwrap(),
        thumbprint: Thumbprint::of(&der).to_string(),
        der,
        key: fs::read_to_string(key).unwrap(),
    }
}

/// Settings of a test token with these keys.
fn token(pki: &Pki, directory: &Path, names: &[&str]) -> settings::Token {
    fs::create_dir(directory).unwrap();
    for (file, content) in [("label", "GOST"), ("serial", "4711"), ("pin", PIN)] {
        fs::write(directory.join(file), content).unwrap();
    }
    for name in names {
        for ending in ["key", "crt"] {
            let file = format!("{name}.{ending}");
            fs::copy(pki.path(&file), directory.join(&file)).unwrap();
        }
    }
    settings::Token {
        module: module("gost_token"),
        label: Some("GOST".into()),
        serial: None,
        pin_file: Some(pki.write("pin", PIN.as_bytes())),
        pin_credential: None,
        environment: [("GOST_TOKEN_DIR".to_owned(), text(directory).to_owned())].into(),
        sessions: 2,
        timeout: Duration::from_secs(20),
        probe: Duration::from_millis(100),
    }
}

#[test]
fn gost_signatures_of_a_token_are_accepted_by_openssl() {
    let pki = Pki::new();
    let identities = [
        gost(&pki, "short", "gost2012_256", "-md_gost12_256"),
        gost(&pki, "long", "gost2012_512", "-md_gost12_512"),
    ];
    let in_file = gost(&pki, "file", "gost2012_256", "-md_gost12_256");
    let directory = pki.path("token");
    let settings = token(&pki, &directory, &["short", "long"]);
    let node = TestNode::with(|all| {
        all.tokens.insert("gost".into(), settings);
        all.certificates
            .insert("soft".into(), entry(&pki.pem("soft", &in_file)));
    });
    // These certificates are valid from now on.
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    node.set_wall(Timestamp::from_millis(
        i64::try_from(now.as_millis()).unwrap() + 60_000,
    ));
    signer(&node, "shop", &[&identities[0], &identities[1], &in_file]);
    let show = |identity: &Identity| {
        node.get(&format!("/api/certificates/{}", identity.thumbprint))
            .json()
    };
    let deadline = Instant::now() + Duration::from_mins(1);
    while show(&identities[1])["Usable"] != true {
        assert!(Instant::now() < deadline, "{}", show(&identities[1]));
        node.post("/api/rescan", &json!({})).expect(200);
    }
    let trusted = [&identities[0].certificate, &identities[1].certificate]
        .map(String::as_str)
        .concat();
    pki.write("trusted.pem", trusted.as_bytes());
    let content = b"GNUFBAZBMPIUUMLXNMIOGSHTGFXZMT";
    for (identity, bits) in identities.iter().zip([256, 512]) {
        let row = show(identity);
        assert_eq!(row["Algorithm"], format!("GOST R 34.10-2012 {bits}"));
        assert_eq!(
            (&row["ITN"], &row["OGRN"]),
            (&json!("7707083893"), &json!("1027700132195"))
        );
        assert_eq!(row["Device"], "pkcs11-4711");
        for detached in [false, true] {
            let body = json!({ "Data": STANDARD.encode(content), "Detached": detached });
            let message = signature(&sign(&node, &identity.thumbprint, &body).expect(201));
            let outside = detached.then_some(content.as_slice());
            let engine = ["-engine", "gost", "-cades"];
            let found = pki.verify("trusted.pem", &message, outside, &engine);
            assert_eq!(found.as_deref(), Some(content.as_slice()), "{bits}");
            if detached {
                assert_eq!(
                    pki.verify("trusted.pem", &message, Some(b"another"), &engine),
                    None
                );
            }
        }
    }
    let row = show(&in_file);
    assert_eq!(
        (&row["Usable"], &row["Reason"]),
        (&json!(false), &json!("GOST keys work on tokens only"))
    );
    let refused = sign(&node, &in_file.thumbprint, &json!({ "Data": "" }));
    assert_eq!(refused.refused(409), "ECertificateNotUsable");
}
