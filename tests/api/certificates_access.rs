//! Who may sign and decrypt with what, and what the audit log tells of it.

use crate::certificates::{as_signer, entry, node, sign, signer};
use crate::common::keys::VENDOR_PUBLIC;
use crate::common::node::author;
use crate::common::{TestNode, Wire};
use crate::pki::{Identity, Kind, Pki};
use crate::softhsm::SoftHsm;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keynode::settings::SigningProvider;
use keynode::signing::{KeyList, Place, PublicKey};
use keynode::store::{AuditEntry, Role, Users};
use serde_json::json;

/// Rows of the audit log about signatures and decryptions: event, object, detail.
pub(crate) fn rows(node: &mut TestNode) -> Vec<AuditEntry> {
    // What does not wait for the disk is on it after an orderly stop.
    node.restart(0);
    let connection = node.database().connect().unwrap();
    let mut statement = connection
        .prepare("SELECT actor, event, object, detail FROM audit WHERE event LIKE '%ature%' OR event LIKE 'decr%' ORDER BY seq")
        .unwrap();
    let rows = statement.query_map([], |row| {
        Ok(AuditEntry {
            time: keynode::licence::Timestamp::default(),
            actor: row.get(0)?,
            event: row.get(1)?,
            object: row.get(2)?,
            detail: row.get(3)?,
        })
    });
    rows.unwrap().collect::<Result<_, _>>().unwrap()
}

fn two() -> (Pki, Identity, Identity, TestNode) {
    let pki = Pki::new();
    let (own, other) = (pki.issue("Own", Kind::Rsa), pki.issue("Other", Kind::P256));
    let node = node(&[
        ("own", entry(&pki.pem("own", &own))),
        ("other", entry(&pki.pem("other", &other))),
    ]);
    signer(&node, "shop", &[&own]);
    (pki, own, other, node)
}

#[test]
fn a_signer_has_its_own_certificates_and_nothing_else() {
    let (_pki, own, other, node) = two();
    let ask = |verb: &str, target: &str| as_signer(&node, "shop", verb, target).send();
    let listed = ask("GET", "/api/certificates").expect(200);
    assert_eq!(listed.column("Thumbprint"), [json!(own.thumbprint)]);
    ask("GET", &format!("/api/certificates/{}", own.thumbprint)).expect(200);
    let nowhere = "0".repeat(40);
    for stranger in [&other.thumbprint, &nowhere] {
        let refused = ask("GET", &format!("/api/certificates/{stranger}"));
        assert_eq!(refused.refused(403), "EHTTPForbidden");
        assert!(refused.message().contains("not bound"), "{}", refused.message());
        assert_eq!(
            sign(&node, stranger, &json!({ "Data": "" })).refused(403),
            "EHTTPForbidden"
        );
        let target = format!("/api/certificates/{stranger}/decryptions");
        let body = json!({ "Data": "" }).to_string();
        let answer = as_signer(&node, "shop", "POST", &target).body(body).send();
        assert_eq!(answer.refused(403), "EHTTPForbidden");
    }
    sign(&node, &own.thumbprint, &json!({ "Data": "" })).expect(201);
    // Bound to what is not here.
    let users = Users::open(&node.database()).unwrap();
    users
        .grant("shop", &[nowhere.parse().unwrap()], &author())
        .unwrap();
    node.advance(1_000);
    assert_eq!(
        sign(&node, &nowhere, &json!({ "Data": "" })).refused(404),
        "ECertificateNotFound"
    );
    users
        .revoke("shop", &[own.thumbprint.parse().unwrap()], &author())
        .unwrap();
    node.advance(1_000);
    assert_eq!(
        sign(&node, &own.thumbprint, &json!({ "Data": "" })).refused(403),
        "EHTTPForbidden"
    );
    users
        .grant("shop", &[other.thumbprint.parse().unwrap()], &author())
        .unwrap();
    node.advance(1_000);
    sign(&node, &other.thumbprint, &json!({ "Data": "" })).expect(201);
}

#[test]
fn nobody_else_signs_and_each_attempt_is_a_row() {
    let (_pki, own, other, mut node) = two();
    node.add_user("client", Role::Client, "password of client");
    node.add_user("monitor", Role::Monitor, "password of monitor");
    let body = json!({ "Data": STANDARD.encode("the content itself"), "Detached": true }).to_string();
    let mut expected = Vec::new();
    let mut expect = |user: &str, event: &str, object: &str, detail: &str| {
        expected.push((
            format!("{user}@127.0.0.1"),
            event.to_owned(),
            object.to_owned(),
            detail.to_owned(),
        ));
    };
    for (user, password) in [
        ("admin", "admin"),
        ("client", "password of client"),
        ("monitor", "password of monitor"),
    ] {
        for (verb, event) in [("signatures", "signature"), ("decryptions", "decryption")] {
            let target = format!("/api/certificates/{}/{verb}", own.thumbprint.to_lowercase());
            let answer = node.ask("POST", &target).login(user, password).body(&body).send();
            assert_eq!(answer.refused(403), "EHTTPForbidden", "{user} {verb}");
            let detail = format!("the role {user} may not");
            expect(user, &format!("{event}-failure"), &own.thumbprint, &detail);
        }
        let sees = node.ask("GET", "/api/certificates").login(user, password).send();
        sees.expect(if user == "client" { 403 } else { 200 });
    }
    as_signer(
        &node,
        "shop",
        "POST",
        &format!("/api/certificates/{}/signatures", own.thumbprint),
    )
    .body(&body)
    .send()
    .expect(201);
    let what = "CAdES-BES, detached, 18 bytes, SHA-256 bd34a45a1338";
    expect("shop", "signature", &own.thumbprint, what);
    sign(&node, &other.thumbprint, &json!({ "Data": "AAAA" })).expect(403);
    expect(
        "shop",
        "signature-failure",
        &other.thumbprint,
        "The user shop is not bound",
    );
    sign(&node, &own.thumbprint, &json!({ "Data": "?" })).expect(400);
    expect(
        "shop",
        "signature-failure",
        &own.thumbprint,
        "Data: expected Base64.",
    );
    sign(&node, &format!("{}%0a", "x".repeat(100)), &json!({})).expect(404);
    expect(
        "shop",
        "signature-failure",
        &"x".repeat(64),
        "There is no certificate",
    );
    let found = rows(&mut node);
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (row, (actor, event, object, detail)) in found.iter().zip(&expected) {
        assert_eq!((&row.actor, &row.event, &row.object), (actor, event, object));
        assert!(row.detail.starts_with(detail.as_str()), "{row:?}, not {detail}");
        assert!(
            !row.detail.contains("the content itself") && !row.detail.contains('\n'),
            "{row:?}"
        );
    }
}

#[test]
fn what_is_refused_before_it_is_read_is_a_row_too() {
    let (_pki, own, _other, mut node) = two();
    let target = |verb: &str| format!("/api/certificates/{}/{verb}", own.thumbprint);
    let ask = |node: &TestNode, target: &str, body: &str| {
        as_signer(node, "shop", "POST", target).body(body).bytes()
    };
    let hostile = format!("?_limit=%0a{}", "x".repeat(1_000));
    let large = json!({ "Data": "A".repeat(70_000) }).to_string();
    for verb in ["signatures", "decryptions"] {
        for (query, body) in [(hostile.as_str(), "{}"), ("", &large)] {
            let mut wire = Wire::connect(node.address());
            wire.send(ask(&node, &(target(verb) + query), body));
            wire.answer(false).unwrap().expect(400);
        }
    }
    // Answers are to be signed by a token that is not there.
    let vendor = PublicKey::from_pem(VENDOR_PUBLIC).unwrap();
    let mut list = KeyList::load(&node.settings.state_dir).unwrap();
    let (token, id) = ("hsm".to_owned(), "01".to_owned());
    list.put(&vendor, Place::Pkcs11 { token, id }, node.now());
    list.save(&node.settings.state_dir).unwrap();
    let hsm = SoftHsm::new(&[]);
    node.reload(|settings| {
        settings.tokens.insert("hsm".into(), hsm.settings("node"));
        settings.signing.provider = SigningProvider::Pkcs11;
        settings.signing.token = Some("hsm".into());
    });
    let data = json!({ "Data": "" }).to_string();
    for verb in ["signatures", "decryptions"] {
        let mut wire = Wire::connect(node.address());
        wire.send(ask(&node, &target(verb), &data));
        wire.answer(false).unwrap().expect(500);
    }
    let rows = rows(&mut node);
    let told: Vec<_> = rows.iter().map(|row| (&*row.event, &*row.detail)).collect();
    let told_of = |event: &str| -> Vec<&str> {
        let own = told.iter().filter(|row| row.0 == event);
        own.map(|row| row.1).collect()
    };
    for event in ["signature-failure", "decryption-failure"] {
        let [query, body, signer] = told_of(event)[..] else {
            panic!("{told:?}");
        };
        assert!(query.starts_with("_limit: expected a whole number"), "{query}");
        assert!(query.len() <= 256 && !query.contains('\n'), "{query}");
        assert!(body.contains("more than 65536 bytes"), "{body}");
        assert!(signer.contains("cannot sign its answers"), "{signer}");
    }
    assert_eq!(told.len(), 6, "{told:?}");
    assert!(
        rows.iter()
            .all(|row| row.object == own.thumbprint && row.actor == "shop@127.0.0.1")
    );
}

#[test]
fn what_cannot_be_recorded_is_not_given_out() {
    let (_pki, own, _other, node) = two();
    sign(&node, &own.thumbprint, &json!({ "Data": "" })).expect(201);
    let connection = node.database().connect().unwrap();
    connection
        .execute_batch(
            "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'disk full'); END",
        )
        .unwrap();
    let refused = sign(&node, &own.thumbprint, &json!({ "Data": "" }));
    assert_eq!(refused.refused(500), "EHTTPInternalServerError");
    connection.execute_batch("DROP TRIGGER full").unwrap();
    sign(&node, &own.thumbprint, &json!({ "Data": "" })).expect(201);
    let rows: i64 = connection
        .query_row(
            "SELECT count(*) FROM audit WHERE event = 'signature'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(rows, 2, "on disk before the answer");
}

#[test]
fn hostile_requests_are_refused_by_name() {
    let (_pki, own, _other, node) = two();
    let target = format!("/api/certificates/{}/signatures", own.thumbprint);
    let refused = |target: &str, body: &str| {
        let answer = as_signer(&node, "shop", "POST", target).body(body).send();
        assert_eq!(answer.refused(400), "EHTTPBadRequest", "{body}");
        answer.message()
    };
    for (body, names) in [
        ("", "empty"),
        ("[]", "array"),
        ("{}", "Data is missing"),
        (r#"{"Data":null}"#, "Data is missing"),
        (r#"{"Data":7}"#, "Data: expected a string"),
        (r#"{"Data":"A"}"#, "Data: expected Base64"),
        (r#"{"Data":"AAA_"}"#, "Data: expected Base64"),
        (
            r#"{"Data":"","Detached":"yes"}"#,
            "Detached: expected true or false",
        ),
        (r#"{"Data":"","Chain":1}"#, "Chain: expected true or false"),
        (r#"{"Data":"","Type":"XAdES"}"#, "Type: expected"),
        (r#"{"Data":"","Type":1}"#, "Type: expected a string"),
    ] {
        let message = refused(&target, body);
        assert!(message.contains(names), "{body}: {message}");
    }
    let large = json!({ "Data": "A".repeat(70_000) }).to_string();
    assert!(refused(&target, &large).contains("more than 65536 bytes"));
    let most = json!({ "Data": STANDARD.encode(vec![7; 48_000]) });
    sign(&node, &own.thumbprint, &most).expect(201);
    let decryptions = format!("/api/certificates/{}/decryptions", own.thumbprint);
    for body in [
        r#"{"Data":""}"#,
        r#"{"Data":"AAAA"}"#,
        r#"{"Data":"MIAGCSqGSIb3DQEHA6CAMIACAQ=="}"#,
    ] {
        refused(&decryptions, body);
    }
    for (verb, target) in [("GET", &target), ("DELETE", &decryptions), ("PUT", &target)] {
        let answer = as_signer(&node, "shop", verb, target).send().expect(501);
        assert_eq!(answer.header("Allow"), Some("POST"));
    }
}

#[test]
fn messages_of_openssl_are_opened_with_rsa_keys() {
    let pki = Pki::new();
    let (rsa, elliptic) = (pki.issue("Shop", Kind::Rsa), pki.issue("Till", Kind::P256));
    let stranger = pki.issue_with("Stranger", Kind::Rsa, |params| {
        params.serial_number = Some(77.into());
    });
    let mut node = node(&[
        ("shop", entry(&pki.pem("shop", &rsa))),
        ("till", entry(&pki.pem("till", &elliptic))),
    ]);
    signer(&node, "shop", &[&rsa, &elliptic]);
    let decrypt = |thumbprint: &str, message: &[u8]| {
        let body = json!({ "Data": STANDARD.encode(message) }).to_string();
        let target = format!("/api/certificates/{thumbprint}/decryptions");
        as_signer(&node, "shop", "POST", &target).body(body).send()
    };
    let content = b"the marker \x00\xff";
    let oaep = ["-aes-256-cbc", "-keyopt", "rsa_padding_mode:oaep"];
    let oaep_256 = [&oaep[..], &["-keyopt", "rsa_oaep_md:sha256"]].concat();
    for further in [
        &[][..],
        &["-aes-256-cbc"],
        &oaep,
        &oaep_256,
        &["-aes-128-cbc", "-keyid"],
    ] {
        let message = pki.encrypt(&rsa, content, further);
        let answer = decrypt(&rsa.thumbprint, &message).expect(200);
        assert_eq!(
            answer.json(),
            json!({ "Data": STANDARD.encode(content) }),
            "{further:?}"
        );
    }
    let foreign = decrypt(
        &rsa.thumbprint,
        &pki.encrypt(&stranger, content, &["-aes-256-cbc"]),
    );
    assert_eq!(foreign.refused(400), "EHTTPBadRequest");
    assert!(
        foreign.message().contains("not encrypted to certificate"),
        "{}",
        foreign.message()
    );
    let message = pki.encrypt(&elliptic, content, &["-aes-256-cbc"]);
    assert_eq!(
        decrypt(&elliptic.thumbprint, &message).refused(409),
        "ECertificateNotUsable"
    );

    // A key that does not decrypt and content that does not are told alike (RFC 3218).
    // Authenticated: of CBC's noise, one in 256 ends in what looks like padding.
    let good = pki.encrypt(&rsa, content, &["-aes-256-gcm"]);
    let key = good
        .windows(4)
        .position(|window| window == [0x04, 0x82, 0x01, 0x00])
        .unwrap();
    let told: Vec<String> = [key + 20, good.len() - 1]
        .into_iter()
        .map(|at| {
            let mut broken = good.clone();
            broken[at] ^= 1;
            let answer = decrypt(&rsa.thumbprint, &broken);
            assert_eq!(answer.refused(400), "EHTTPBadRequest");
            answer.message()
        })
        .collect();
    assert_eq!(told[0], told[1]);
    let rows = rows(&mut node);
    assert_eq!(rows.iter().filter(|row| row.event == "decryption").count(), 5);
    assert_eq!(
        rows.iter()
            .filter(|row| row.event == "decryption-failure")
            .count(),
        4
    );
    for row in rows {
        assert!(
            row.detail.contains(" bytes, SHA-256 ") && !row.detail.contains("marker"),
            "{row:?}"
        );
    }
}
