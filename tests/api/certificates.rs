//! /api/certificates: what is listed, what is signed with it and accepted by others, what is refused.

use crate::common::http::Ask;
use crate::common::node::author;
use crate::common::{Answer, TestNode};
use crate::pki::{Identity, Kind, Pki};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keynode::settings::CertificateFile;
use keynode::store::{Role, Users};
use serde_json::{Value, json};
use std::path::Path;

/// An entry of the settings for a file.
pub(crate) fn entry(file: &Path) -> CertificateFile {
    CertificateFile {
        file: file.into(),
        key: None,
        password_file: None,
        password_credential: None,
    }
}

/// A node with these files.
pub(crate) fn node(files: &[(&str, CertificateFile)]) -> TestNode {
    TestNode::with(|settings| {
        settings.certificates = files
            .iter()
            .map(|(name, file)| ((*name).to_owned(), file.clone()))
            .collect();
    })
}

/// Adds a signer who is bound to these certificates.
pub(crate) fn signer(node: &TestNode, name: &str, certificates: &[&Identity]) {
    node.add_user(name, Role::Signer, "signs a lot");
    let bound: Vec<_> = certificates
        .iter()
        .map(|identity| identity.thumbprint.parse().unwrap())
        .collect();
    Users::open(&node.database())
        .unwrap()
        .grant(name, &bound, &author())
        .unwrap();
}

pub(crate) fn as_signer(node: &TestNode, name: &str, verb: &str, target: &str) -> Ask {
    node.ask(verb, target).login(name, "signs a lot")
}

/// Asks for a signature as the user `shop`.
#[track_caller]
pub(crate) fn sign(node: &TestNode, thumbprint: &str, body: &Value) -> Answer {
    let target = format!("/api/certificates/{thumbprint}/signatures");
    as_signer(node, "shop", "POST", &target)
        .body(body.to_string())
        .send()
}

pub(crate) fn signature(answer: &Answer) -> Vec<u8> {
    let json = answer.json();
    let text = json["Signature"].as_str().unwrap();
    assert!(!text.contains(['\n', '\r', ' ']), "one line");
    STANDARD.decode(text).unwrap()
}

#[test]
fn certificates_say_whose_they_are_and_where_their_keys_are() {
    let pki = Pki::new();
    let (rsa, elliptic) = (
        pki.issue("Shop, \"LLC\"", Kind::Rsa),
        pki.issue("Till", Kind::P256),
    );
    let node = node(&[
        ("shop", entry(&pki.pem("shop", &rsa))),
        ("till", entry(&pki.pem("till", &elliptic))),
    ]);
    let row = node
        .get(&format!("/api/certificates/{}", rsa.thumbprint))
        .expect(200)
        .json();
    let names: Vec<_> = row.as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        names,
        [
            "Thumbprint",
            "ThumbprintBase64",
            "Subject",
            "Issuer",
            "SerialNumber",
            "ITN",
            "OGRN",
            "NotBefore",
            "NotAfter",
            "Algorithm",
            "Device",
            "KeyPlace",
            "Usable",
            "Reason",
        ]
    );
    assert_eq!(row["Thumbprint"], *rsa.thumbprint);
    assert_eq!(
        STANDARD
            .decode(row["ThumbprintBase64"].as_str().unwrap())
            .unwrap()
            .len(),
        20
    );
    assert!(
        row["Subject"]
            .as_str()
            .unwrap()
            .contains("CN=Shop\\, \\\"LLC\\\""),
        "{row}"
    );
    assert_eq!(row["Issuer"], "CN=Test authority");
    assert_eq!(
        (&row["ITN"], &row["OGRN"]),
        (&json!("7707083893"), &json!("1027700132195"))
    );
    assert_eq!(row["NotBefore"], "2020-01-01T00:00:00.000Z");
    assert_eq!(row["NotAfter"], "2045-01-01T00:00:00.000Z");
    assert_eq!(row["Algorithm"], "RSA 2048");
    assert_eq!(
        (&row["Device"], &row["KeyPlace"]),
        (&json!("shop"), &json!("file shop"))
    );
    assert_eq!((&row["Usable"], &row["Reason"]), (&json!(true), &Value::Null));

    // The path has no case; lists have what all lists have.
    let lower = format!("/api/certificates/{}/", rsa.thumbprint.to_lowercase());
    assert_eq!(node.get(&lower).expect(200).json(), row);
    let all = node.get("/api/certificates").expect(200);
    assert_eq!(all.column("Device"), ["shop", "shop", "till", "till"]);
    let authorities = node.get("/api/certificates?Usable=false").expect(200);
    assert_eq!(authorities.column("Subject"), ["CN=Test authority"; 2]);
    assert!(
        authorities
            .column("Reason")
            .iter()
            .all(|reason| reason.as_str().unwrap().contains("private key"))
    );
    let chosen = node
        .get("/api/certificates?Usable=true&_fields=Algorithm&_sort=-Algorithm")
        .expect(200);
    assert_eq!(
        chosen.json(),
        json!({ "Certificates": [{ "Algorithm": "RSA 2048" }, { "Algorithm": "ECDSA P-256" }] })
    );
    assert_eq!(
        node.get("/api/certificates?Colour=red").refused(400),
        "EHTTPBadRequest"
    );
    for unknown in ["00", "x", &"0".repeat(40), &"g".repeat(40)] {
        assert_eq!(
            node.get(&format!("/api/certificates/{unknown}")).refused(404),
            "ECertificateNotFound"
        );
    }
    let urns = node.get("/api").json()["Urns"].clone();
    assert!(urns.as_array().unwrap().contains(&json!("/api/certificates")));
}

#[test]
fn signatures_are_accepted_by_openssl() {
    let pki = Pki::new();
    let identities = [Kind::Rsa, Kind::P256, Kind::P384].map(|kind| pki.issue("Shop", kind));
    let names = ["rsa", "p256", "p384"];
    let files: Vec<_> = names
        .iter()
        .zip(&identities)
        .map(|(name, identity)| (*name, entry(&pki.pem(name, identity))))
        .collect();
    let node = node(&files);
    signer(&node, "shop", &identities.each_ref());
    let content = b"what is signed \x00\xff";
    for identity in &identities {
        for (kind, detached, chain) in [
            (Some("CAdES-BES"), false, true),
            (Some("CAdES-BES"), true, false),
            (Some("CMS"), false, true),
            (Some("CMS"), true, true),
            (None, false, true),
        ] {
            let mut body = json!({ "Data": STANDARD.encode(content), "Detached": detached, "Chain": chain });
            if let Some(kind) = kind {
                body["Type"] = kind.into();
            }
            let answer = sign(&node, &identity.thumbprint, &body).expect(201);
            let message = signature(&answer);
            let outside = detached.then_some(content.as_slice());
            let trusted = if chain { "root.pem" } else { "both.pem" };
            let further: &[&str] = if kind == Some("CMS") { &[] } else { &["-cades"] };
            let found = pki.verify(trusted, &message, outside, further);
            assert_eq!(found.as_deref(), Some(content.as_slice()), "{body}");
            if detached {
                assert_eq!(
                    pki.verify(trusted, &message, Some(b"another"), further),
                    None,
                    "{body}"
                );
            }
            if !chain {
                assert_eq!(
                    pki.verify("root.pem", &message, outside, &["-cades"]),
                    None,
                    "there is no chain in it"
                );
            }
        }
    }
    // Lines of Base64, as 1C writes them, and nothing at all.
    let lines =
        STANDARD.encode(content).split_at(8).0.to_owned() + "\r\n" + STANDARD.encode(content).split_at(8).1;
    for (data, expected) in [(lines.as_str(), content.as_slice()), ("", b"")] {
        let answer = sign(
            &node,
            &identities[0].thumbprint,
            &json!({ "Data": data, "Chain": true }),
        )
        .expect(201);
        assert_eq!(
            pki.verify("root.pem", &signature(&answer), None, &["-cades"])
                .as_deref(),
            Some(expected)
        );
    }
}
