//! Answers signed by SoftHSM2: all of them verify, and a new key takes over from an old one.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keynode::settings::{OnSigningFailure, Signing, SigningProvider};
use keynode::signing::{KeyList, Place, PublicKey, verify};
use keynode::signing::{Message, SIGNING_KEY};
use serde_json::{Value, json};

use crate::common::keys;
use crate::common::{Answer, TestNode, Wire};
use crate::softhsm::SoftHsm;

/// A token with one key that signs, and a node that may use it.
pub(crate) struct Signed {
    pub(crate) hsm: SoftHsm,
    pub(crate) public: PublicKey,
}

impl Signed {
    pub(crate) fn new() -> Self {
        let hsm = SoftHsm::new(&["node"]);
        hsm.make_key("node", "rsa:2048", 1, "signing");
        let public = public(&hsm, 1);
        Self { hsm, public }
    }

    /// A node that signs with it, and has seats to give.
    pub(crate) fn node(&self, on_failure: OnSigningFailure) -> TestNode {
        self.node_that_lists(&self.public, on_failure)
    }

    /// As [`Signed::node`], where this is the public key that the node knows of.
    pub(crate) fn node_that_lists(&self, public: &PublicKey, on_failure: OnSigningFailure) -> TestNode {
        let node = TestNode::with(|settings| {
            settings.workers = 2;
            settings.tokens.insert("hsm".into(), self.hsm.settings("node"));
            settings.signing = Signing {
                provider: SigningProvider::Pkcs11,
                token: Some("hsm".into()),
                on_failure,
            };
            list(&settings.state_dir, public, 1);
        });
        let mut licence = keys::licence();
        licence.licence_count = 1_000_000;
        node.put(&licence);
        node
    }
}

/// The public half of the token's key, as pkcs11-tool reads it.
pub(crate) fn public(hsm: &SoftHsm, id: u8) -> PublicKey {
    public_on(hsm, "node", id)
}

/// As [`public`], of the token with this label.
pub(crate) fn public_on(hsm: &SoftHsm, label: &str, id: u8) -> PublicKey {
    let file = hsm.path().join("public.der");
    let (id, path) = (format!("{id:02x}"), file.to_str().unwrap());
    hsm.tool(
        label,
        &[
            "--read-object",
            "--type",
            "pubkey",
            "--id",
            &id,
            "--output-file",
            path,
        ],
    );
    PublicKey::from_der(&fs::read(&file).unwrap()).unwrap()
}

/// Lists a key on the token as the one in force.
pub(crate) fn list(state_dir: &Path, public: &PublicKey, id: u8) {
    fs::create_dir_all(state_dir).unwrap();
    let mut list = KeyList::load(state_dir).unwrap();
    let place = Place::Pkcs11 {
        token: "hsm".into(),
        id: format!("{id:02x}"),
    };
    let now = keynode::clock::SystemClock::shared().now().wall;
    list.put(public, place, now);
    list.save(state_dir).unwrap();
}

/// Asks over a connection, whoever signs the answer.
pub(crate) fn ask(
    node: &TestNode,
    wire: &mut Wire,
    verb: &str,
    target: &str,
    id: &str,
    body: &str,
) -> Answer {
    let mut ask = node.ask(verb, target).query_id(id);
    if !body.is_empty() {
        ask = ask.body(body);
    }
    wire.send(ask.bytes());
    wire.answer(false).unwrap()
}

/// The keys that a node lists.
pub(crate) fn listed(node: &TestNode, signer: &PublicKey) -> Value {
    let mut wire = Wire::connect(node.address());
    let answer = ask(node, &mut wire, "GET", "/api/publickey", "keys", "");
    assert!(
        answer.is_signed_by(&signer.pem, b"keys", &answer.body),
        "{answer:?}"
    );
    answer.json()
}

#[test]
fn ten_thousand_answers_over_eight_threads_all_verify() {
    const THREADS: usize = 8;
    const EACH: usize = 1_250;
    let signed = Signed::new();
    let node = signed.node(OnSigningFailure::Fail);
    let der = {
        let (_, der) = rsa::pkcs8::Document::from_pem(&signed.public.pem).unwrap();
        der.as_bytes().to_vec()
    };
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der)
        .parse()
        .unwrap();
    let work = |thread: usize| {
        let mut wire = Wire::connect(node.address());
        for number in 0..EACH {
            let id = format!("{thread}-{number}");
            let answer = ask(&node, &mut wire, "GET", "/api/serverinfo", &id, "").expect(200);
            let signature = STANDARD
                .decode(answer.header("Licence-Signature").unwrap())
                .unwrap();
            let message = [id.as_bytes(), &answer.body].concat();
            assert!(key.verify_sig(&message, &signature).is_ok(), "{id}: {answer:?}");
        }
    };
    thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| scope.spawn(move || work(thread)))
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

#[test]
fn clients_are_told_of_every_key_and_openssl_agrees() {
    let signed = Signed::new();
    let node = signed.node(OnSigningFailure::Software);
    let told = listed(&node, &signed.public);
    assert_eq!(told["PublicKey"], signed.public.pem);
    assert_eq!(told["Bits"], 2048);
    let row = |field: &str| -> Vec<Value> {
        let rows = told["Keys"].as_array().unwrap();
        rows.iter().map(|row| row[field].clone()).collect()
    };
    assert_eq!(row("Provider"), ["software", "pkcs11"]);
    assert_eq!(row("State"), ["Fallback", "Current"]);
    assert_eq!(row("Usable"), [true, true]);
    assert_eq!(row("PublicKey"), [keys::node_public(), &signed.public.pem]);
    for number in 0..5 {
        let id = format!("openssl-{number}");
        let mut wire = Wire::connect(node.address());
        let answer = ask(&node, &mut wire, "GET", "/api/licences", &id, "").expect(200);
        openssl_verifies(&signed.public.pem, &id, &answer);
    }
    // The token is tried by /health too.
    let health = Wire::connect(node.admin_address());
    assert_eq!(health_of(health)["signer"], "ok");
}

#[test]
fn a_new_key_takes_over_at_a_reload_and_the_old_one_stays_listed() {
    let signed = Signed::new();
    let mut node = signed.node(OnSigningFailure::Fail);
    let mut wire = Wire::connect(node.address());
    let old = ask(&node, &mut wire, "GET", "/api/licences", "old", "").expect(200);
    signed.hsm.make_key("node", "rsa:3072", 2, "signing");
    let new = public(&signed.hsm, 2);
    list(&node.settings.state_dir, &new, 2);
    let before = ask(&node, &mut wire, "GET", "/api/licences", "before", "");
    assert!(before.is_signed_by(&signed.public.pem, b"before", &before.body));
    node.reload(|_| ());
    let mut wire = Wire::connect(node.address());
    let after = ask(&node, &mut wire, "GET", "/api/licences", "after", "").expect(200);
    let message = Message {
        query_id: b"after",
        body: &after.body,
    };
    verify(&new.pem, message, after.header("Licence-Signature").unwrap()).unwrap();
    openssl_verifies(&new.pem, "after", &after);

    let answer = ask(&node, &mut wire, "GET", "/api/publickey", "keys", "");
    let told = answer.json();
    assert_eq!(
        (&told["PublicKey"], &told["Bits"]),
        (&json!(new.pem), &json!(3072))
    );
    let rows = told["Keys"].as_array().unwrap();
    let retired = rows.iter().find(|row| row["Retired"] != Value::Null).unwrap();
    assert_eq!(retired["State"], "Retired");
    assert!(old.is_signed_by(retired["PublicKey"].as_str().unwrap(), b"old", &old.body));
    assert!(
        node.settings.state_dir.join(SIGNING_KEY).exists(),
        "nobody retired that one"
    );

    // Settings that name a token without a key are told of, and the old ones hold.
    node.reload(|settings| {
        let token = settings.tokens["hsm"].clone();
        settings.tokens.insert("other".into(), token);
        settings.signing.token = Some("other".into());
    });
    let still = ask(&node, &mut wire, "GET", "/api/licences", "still", "").expect(200);
    openssl_verifies(&new.pem, "still", &still);
}

#[test]
fn every_answer_is_signed_while_a_new_key_takes_over() {
    let signed = Signed::new();
    let mut node = signed.node(OnSigningFailure::Fail);
    signed.hsm.make_key("node", "rsa:2048", 2, "signing");
    let new = public(&signed.hsm, 2);
    list(&node.settings.state_dir, &new, 2);
    let (address, done) = (node.address(), AtomicBool::new(false));
    let requests: Vec<Vec<u8>> = (0..4)
        .map(|thread| {
            let ask = node.ask("GET", "/api/serverinfo");
            ask.query_id(format!("client-{thread}")).bytes()
        })
        .collect();
    thread::scope(|scope| {
        for (thread, request) in requests.iter().enumerate() {
            let (id, done, keys) = (format!("client-{thread}"), &done, [&new.pem, &signed.public.pem]);
            scope.spawn(move || {
                let mut wire = Wire::connect(address);
                while !done.load(SeqCst) {
                    wire.send(request);
                    let answer = wire.answer(false).unwrap();
                    let mut keys = keys.into_iter();
                    let by = keys.position(|pem| answer.is_signed_by(pem, id.as_bytes(), &answer.body));
                    assert!(by.is_some(), "signed by nobody: {answer:?}");
                }
            });
        }
        node.reload(|_| ());
        done.store(true, SeqCst);
    });
    let mut wire = Wire::connect(address);
    let answer = ask(&node, &mut wire, "GET", "/api/serverinfo", "after", "");
    assert!(
        answer.is_signed_by(&new.pem, b"after", &answer.body),
        "{answer:?}"
    );
}

/// What /health says.
pub(crate) fn health_of(mut wire: Wire) -> Value {
    wire.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    wire.answer(false).unwrap().json()
}

/// Has OpenSSL judge.
fn openssl_verifies(pem: &str, id: &str, answer: &Answer) {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let signature = STANDARD
        .decode(answer.header("Licence-Signature").unwrap())
        .unwrap();
    let mut openssl = Command::new("openssl");
    openssl.args(["dgst", "-sha256", "-verify"]);
    openssl.arg(file("public.pem", pem.as_bytes()));
    openssl.arg("-signature").arg(file("signature", &signature));
    openssl.arg(file("signed", &[id.as_bytes(), &answer.body].concat()));
    let output = openssl.output().unwrap();
    assert!(output.status.success(), "{output:?}");
}
