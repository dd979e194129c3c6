//! An independent verifier accepts every answer, and rejects each with one bit changed.

use crate::common::keys::{licence, node_public};
use crate::common::{Answer, TestNode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// What `openssl dgst -sha256 -verify` says of many messages: a shell runs one openssl for each. Openssl is
/// needed to test and never skipped: without it this fails.
struct Verifier(tempfile::TempDir, usize);

impl Verifier {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("public.pem"), node_public()).unwrap();
        Self(dir, 0)
    }

    /// Adds a message with its signature; the file's name tells what openssl is to say.
    fn add(&mut self, good: bool, query_id: &[u8], body: &[u8], signature: &[u8]) {
        self.1 += 1;
        let name = format!("{:04}-{}", self.1, if good { "good" } else { "bad" });
        let path = self.0.path().join(name);
        std::fs::write(&path, [query_id, body].concat()).unwrap();
        std::fs::write(path.with_extension("sig"), signature).unwrap();
    }

    fn run(&self) {
        let script = "for m in *-good *-bad; do \
            openssl dgst -sha256 -verify public.pem -signature $m.sig $m >$m.says 2>&1; echo $m $?; done";
        let told = shell(self.0.path(), script);
        let lines: Vec<_> = told.lines().collect();
        assert_eq!(lines.len(), self.1);
        for line in lines {
            let (name, code) = line.split_once(' ').unwrap();
            let says = std::fs::read_to_string(self.0.path().join(format!("{name}.says"))).unwrap();
            if name.ends_with("-good") {
                assert_eq!((code, says.trim()), ("0", "Verified OK"), "{name}");
            } else {
                assert!(
                    code == "1" && says.contains("Verification failure"),
                    "{name}: {says}"
                );
            }
        }
    }
}

fn shell(dir: &Path, script: &str) -> String {
    let output = Command::new("sh")
        .arg("-c")
        .arg(script)
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// With one bit changed, in a place that depends on the content.
fn flipped(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let bit = bytes.iter().map(|byte| usize::from(*byte)).sum::<usize>() % (bytes.len() * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes
}

/// Requests over all endpoints, in an order that leaves something to answer about: login, verb, path, body.
fn tour(node: &mut TestNode) -> Vec<Answer> {
    let mut answers = Vec::new();
    let number = std::cell::Cell::new(0);
    let mut both = |node: &TestNode, verb: &str, path: &str, body: Option<&str>, login: bool| {
        let mut last = None;
        for with_id in [false, true] {
            number.set(number.get() + 1);
            let mut ask = node.ask(verb, path);
            if with_id {
                ask = ask.query_id(format!("20200127230600-{}", number.get()));
            }
            if let Some(body) = body {
                ask = ask.body(body.replace("{n}", &number.get().to_string()));
            }
            if !login {
                ask = ask.anonymous();
            }
            let answer = ask.send();
            last = answer.header("Location").map(str::to_owned);
            answers.push(answer);
        }
        last.unwrap_or_default()
    };
    let take = r#"{"KeyID":"672B","ClientSessionID":"{n}"}"#;
    let session = both(node, "POST", "/api/sessions", Some(take), true);
    let connection = both(node, "POST", "/api/connections", Some("{}"), true);
    for path in [
        "/api",
        "/api/serverinfo",
        "/api/publickey",
        "/api/licences",
        "/api/licences?_pretty=true",
        "/api/licences/7131766",
        "/api/licences/1",
        "/api/licences/x",
        "/api/connections",
        "/api/sessions",
        "/api/sessions?_limit=0",
        "/api/nothing",
        &session,
        &connection,
    ] {
        both(node, "GET", path, None, true);
    }
    both(node, "PUT", &session, None, true);
    both(node, "PUT", &connection, None, true);
    both(node, "DELETE", &session, None, true);
    both(node, "POST", "/api/sessions", Some("{"), true);
    both(
        node,
        "POST",
        "/api/sessions",
        Some(r#"{"KeyID":"0000","ClientSessionID":"a"}"#),
        true,
    );
    both(node, "POST", "/api/licences", Some("{}"), true);
    both(node, "PUT", "/api/licences", None, true);
    both(node, "GET", "/api", None, false);
    // 500: the store refuses what is written to it.
    let database = node.database().connect().unwrap();
    let full = "CREATE TRIGGER full BEFORE INSERT ON sessions BEGIN SELECT RAISE(ABORT, 'disk full'); END";
    database.execute_batch(full).unwrap();
    both(node, "POST", "/api/sessions", Some(take), true);
    database.execute_batch("DROP TRIGGER full").unwrap();
    // 200, 201 and 403 again: as soon as it can, it gives seats.
    for _ in 0..3 {
        both(node, "POST", "/api/sessions", Some(take), true);
    }
    node.reload(|settings| settings.api.enabled = false);
    both(node, "GET", "/api", None, true);
    answers
}

#[test]
fn openssl_accepts_every_answer_and_rejects_one_changed_bit() {
    let mut node = TestNode::licensed();
    let answers = tour(&mut node);
    let statuses: BTreeSet<u16> = answers.iter().map(|answer| answer.status).collect();
    let all = [200, 201, 202, 400, 401, 403, 404, 500, 501, 503];
    assert_eq!(statuses, all.into());
    let mut verifier = Verifier::new();
    for answer in &answers {
        let id = answer.header("Licence-QueryID").unwrap_or_default().as_bytes();
        let signature = STANDARD
            .decode(answer.header("Licence-Signature").unwrap())
            .unwrap();
        assert_eq!(signature.len(), 256);
        verifier.add(true, id, &answer.body, &signature);
        verifier.add(false, id, &flipped(&answer.body), &signature);
        verifier.add(false, id, &answer.body, &flipped(&signature));
        if !id.is_empty() {
            verifier.add(false, &flipped(id), &answer.body, &signature);
            verifier.add(false, b"", &answer.body, &signature);
        }
    }
    verifier.run();
}

#[test]
fn nothing_is_given_that_cannot_be_saved() {
    let node = TestNode::licensed();
    let seat = node.seat("a");
    let database = node.database().connect().unwrap();
    let full = "CREATE TRIGGER full BEFORE INSERT ON sessions BEGIN SELECT RAISE(ABORT, 'disk full'); END";
    database.execute_batch(full).unwrap();
    let refused = node.take("b");
    assert_eq!(refused.refused(500), "EHTTPInternalServerError");
    assert_eq!(refused.json()["Text"], "Internal server error");
    assert!(!refused.message().contains("keynode.db"), "{}", refused.message());
    assert_eq!(
        node.get("/api/sessions").expect(200).column("ID").len(),
        1,
        "reads go on"
    );
    node.get(&seat).expect(200);
    node.take("a").expect(200);
    database.execute_batch("DROP TRIGGER full").unwrap();
    node.take("b").expect(201);
    let body = json!(licence().licence_count);
    assert_eq!(node.licence(7_131_766)["LicenceCount"], body);
}
