//! Files of certificates: PKCS#12 of all kinds, files that cannot be used, files that change.

use crate::certificates::{entry, node, sign, signature, signer};
use crate::common::TestNode;
use crate::pki::{Identity, Kind, Pki};
use keynode::settings::CertificateFile;
use serde_json::json;

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
#[expect(clippy::too_many_lines, reason = "one table of files and reasons")]
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
        params.not_after = rcgen::date_time_ymd(2025, 12, 31);
    });
    let young = pki.issue_with("Young", Kind::P256, |params| {
        params.not_before = rcgen::date_time_ymd(2027, 1, 1);
    });
    let mut cut = std::fs::read(&p12).unwrap();
    cut.truncate(cut.len() / 2);
    Pki::openssl(&[
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
