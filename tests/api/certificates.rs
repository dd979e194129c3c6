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

#[test]
fn pkcs12_files_of_new_and_old_programs_are_opened() {
    let pki = Pki::new();
    let ways: [(&str, &[&str]); 5] = [
        ("new", &[]),
        (
            "aes128",
            &[
                "-keypbe",
                "AES-128-CBC",
                "-certpbe",
                "AES-128-CBC",
                "-macalg",
                "sha512",
                "-iter",
                "1000",
            ],
        ),
        ("old", &["-legacy"]),
        (
            "triple-des",
            &["-legacy", "-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES"],
        ),
        ("open", &["-keypbe", "NONE", "-certpbe", "NONE"]),
    ];
    let mut files = Vec::new();
    let mut identities = Vec::new();
    for (name, further) in ways {
        let identity = pki.issue(name, if name == "new" { Kind::Rsa } else { Kind::P256 });
        let file = CertificateFile {
            password_file: Some(pki.write(&format!("{name}.password"), "пароль 1\n".as_bytes())),
            ..entry(&pki.pkcs12(name, &identity, "пароль 1", further))
        };
        files.push((name, file));
        identities.push(identity);
    }
    let node = node(&files);
    signer(&node, "shop", &identities.iter().collect::<Vec<_>>());
    for identity in &identities {
        let body = json!({ "Data": "AAECAw==", "Chain": true });
        let message = signature(&sign(&node, &identity.thumbprint, &body).expect(201));
        assert_eq!(
            pki.verify("root.pem", &message, None, &["-cades"]).as_deref(),
            Some([0, 1, 2, 3].as_slice())
        );
    }
    assert_eq!(
        node.get("/api/certificates").rows().len(),
        10,
        "with their authority's"
    );
}

#[test]
fn a_file_that_cannot_be_used_is_a_row_with_its_reason_and_hides_no_other() {
    let pki = Pki::new();
    let good = pki.issue("Good", Kind::P256);
    let other = pki.issue("Other", Kind::P256);
    let exposed = pki.pem("exposed", &other);
    std::fs::set_permissions(&exposed, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
    let password = |text: &str| Some(pki.write(&format!("{text}.password"), text.as_bytes()));
    let p12 = pki.pkcs12("locked", &other, "right", &[]);
    let open_password = pki.write("open.password", b"right");
    std::fs::set_permissions(
        &open_password,
        std::os::unix::fs::PermissionsExt::from_mode(0o644),
    )
    .unwrap();
    let mixed = [&good.certificate, &other.key].map(String::as_str).concat();
    let old = pki.issue_with("Old", Kind::P256, |params| {
        params.not_after = rcgen::date_time_ymd(2025, 12, 31)
    });
    let young = pki.issue_with("Young", Kind::P256, |params| {
        params.not_before = rcgen::date_time_ymd(2027, 1, 1)
    });
    let mut cut = std::fs::read(&p12).unwrap();
    cut.truncate(cut.len() / 2);
    pki.openssl(&[
        "genpkey",
        "-algorithm",
        "ed25519",
        "-out",
        crate::pki::text(&pki.path("ed.key")),
    ]);
    let ed = std::fs::read_to_string(pki.path("ed.key")).unwrap();
    let files = [
        ("a-good", entry(&pki.pem("good", &good)), ""),
        ("absent", entry(&pki.path("nothing.pem")), "No such file"),
        (
            "damaged",
            entry(&pki.write("damaged.pem", b"-----BEGIN CERTIFICATE-----\nAAA\n")),
            "neither PEM nor PKCS#12",
        ),
        ("directory", entry(&pki.path("")), "no regular file"),
        (
            "empty",
            entry(&pki.write("empty.pem", b"")),
            "neither PEM nor PKCS#12",
        ),
        (
            "exposed",
            entry(&exposed),
            "others may read this private key: chmod 600",
        ),
        (
            "keyless",
            entry(&pki.write("keyless.pem", other.certificate.as_bytes())),
            "no private key for it in its file",
        ),
        (
            "mixed",
            entry(&pki.write("mixed.pem", mixed.as_bytes())),
            "is another certificate's",
        ),
        (
            "no-certificate",
            entry(&pki.write("key.pem", other.key.as_bytes())),
            "there is no certificate in it",
        ),
        ("no-password", entry(&p12), "it wants a password"),
        ("old", entry(&pki.pem("old", &old)), "it expired on 2025-12-31"),
        (
            "open-password",
            CertificateFile {
                password_file: Some(open_password),
                ..entry(&p12)
            },
            "others may read this password",
        ),
        (
            "other-type",
            CertificateFile {
                key: Some(pki.write("ed.key", ed.as_bytes())),
                ..entry(&pki.write("lonely.pem", other.certificate.as_bytes()))
            },
            "of a type that is not supported",
        ),
        (
            "torn",
            CertificateFile {
                password_file: password("right"),
                ..entry(&pki.write("torn.p12", &cut))
            },
            "no PKCS#12 file",
        ),
        (
            "wrong-password",
            CertificateFile {
                password_file: password("wrong"),
                ..entry(&p12)
            },
            "its password is another",
        ),
        (
            "young",
            entry(&pki.pem("young", &young)),
            "it is valid from 2027-01-01",
        ),
    ];
    let settings: Vec<_> = files
        .iter()
        .map(|(name, file, _)| (*name, file.clone()))
        .collect();
    let node = node(&settings);
    for (name, _, reason) in &files {
        let rows = node
            .get(&format!("/api/certificates?Device={name}"))
            .expect(200)
            .rows();
        let row = rows.first().unwrap_or_else(|| panic!("{name} is not listed"));
        assert_eq!(row["Usable"], reason.is_empty(), "{row}");
        let told = row["Reason"].as_str().unwrap_or_default();
        assert!(told.contains(reason), "{name}: {told:?}, not {reason:?}");
        assert!(!told.contains("right") && !told.contains("wrong"), "{told}");
    }
    signer(&node, "shop", &[&good, &old, &young]);
    let body = json!({ "Data": "" });
    for (identity, status) in [(&good, 201), (&old, 409), (&young, 409)] {
        let answer = sign(&node, &identity.thumbprint, &body).expect(status);
        if status == 409 {
            assert_eq!(answer.refused(409), "ECertificateNotUsable");
        }
    }
}

#[test]
fn a_changed_file_and_changed_settings_are_followed() {
    let pki = Pki::new();
    let (first, second) = (pki.issue("First", Kind::P256), pki.issue("Second", Kind::P256));
    let path = pki.pem("shop", &first);
    let mut node = node(&[("shop", entry(&path))]);
    let there = |node: &TestNode, identity: &Identity| {
        node.get(&format!("/api/certificates/{}", identity.thumbprint))
            .status
            == 200
    };
    assert!(there(&node, &first) && !there(&node, &second));
    pki.pem("shop", &second);
    node.post("/api/rescan", &json!({})).expect(200);
    assert!(!there(&node, &first) && there(&node, &second));
    // By itself, within a second or so.
    pki.pem("shop", &first);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !there(&node, &first) {
        assert!(std::time::Instant::now() < deadline, "the change is not noticed");
        std::thread::yield_now();
    }
    node.reload(|settings| settings.certificates.clear());
    assert_eq!(
        node.get("/api/certificates").json(),
        json!({ "Certificates": [] })
    );
}
