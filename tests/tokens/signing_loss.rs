//! A signing token that goes and comes back, has too much to do, or lies: no wrong signature, no seat that nobody could
//! tell of.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::join_all;
use keynode::settings::{OnSigningFailure, Signing, SigningProvider};
use keynode::signing::{Force, Message, NodeSigner, verify};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::common::keys::{licence, node_public};
use crate::common::{Answer, TestNode, Wire};
use crate::faulty::Faulty;
use crate::signing::{Signed, ask, health_of, list, public, public_on};
use crate::world::World;

/// Longer than anything takes, however busy the computer is.
const PATIENCE: Duration = Duration::from_mins(1);

/// Who signed an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Token,
    File,
    Nobody,
}

/// Judges an answer; one that is neither rightly signed nor says that it is not fails the test.
fn judge(signed: &Signed, id: &str, answer: &Answer) -> By {
    let by = |pem: &str| answer.is_signed_by(pem, id.as_bytes(), &answer.body);
    match answer.header("Licence-Signature") {
        None => {
            assert_eq!(answer.status, 500, "{answer:?}");
            assert!(answer.message().contains("cannot sign its answers"), "{answer:?}");
            By::Nobody
        }
        Some(_) if by(&signed.public.pem) => By::Token,
        Some(_) if by(node_public()) => By::File,
        Some(_) => panic!("signed by none of the node's keys: {answer:?}"),
    }
}

/// Asks again until this one signs; says how often it took.
fn until(signed: &Signed, node: &TestNode, wanted: By) {
    let start = Instant::now();
    let mut wire = Wire::connect(node.address());
    loop {
        let answer = ask(node, &mut wire, "GET", "/api/serverinfo", "until", "");
        if judge(signed, "until", &answer) == wanted {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain for {wanted:?}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// A token signs, or nobody does.
fn strict() -> Signing {
    Signing {
        provider: SigningProvider::Pkcs11,
        token: Some("hsm".into()),
        on_failure: OnSigningFailure::Fail,
    }
}

fn session(client: &str) -> String {
    json!({ "KeyID": "672B", "ClientSessionID": client }).to_string()
}

/// Takes seats under load while the token is pulled and put back, twice.
fn load_with_a_pull(on_failure: OnSigningFailure, meanwhile: By) {
    let signed = Signed::new();
    let node = signed.node(on_failure);
    until(&signed, &node, By::Token);
    let (stop, told) = (AtomicBool::new(false), AtomicUsize::new(0));
    let sessions = Mutex::new(BTreeSet::new());
    thread::scope(|scope| {
        for thread in 0..4 {
            let (signed, node, stop, told, sessions) = (&signed, &node, &stop, &told, &sessions);
            scope.spawn(move || {
                let mut wire = Wire::connect(node.address());
                for number in 0.. {
                    if stop.load(SeqCst) {
                        return;
                    }
                    let id = format!("{thread}-{number}");
                    let answer = ask(node, &mut wire, "POST", "/api/sessions", &id, &session(&id));
                    let by = judge(signed, &id, &answer);
                    if by != By::Nobody {
                        assert_eq!(answer.status, 201, "{answer:?}");
                        let session = answer.header("Licence-SessionID").unwrap().to_owned();
                        sessions.lock().unwrap().insert(session);
                    }
                    told.fetch_add(1, SeqCst);
                }
            });
        }
        let more = |answers: usize| {
            let (start, goal) = (Instant::now(), told.load(SeqCst) + answers);
            while told.load(SeqCst) < goal {
                assert!(start.elapsed() < PATIENCE, "the load stands still");
                thread::sleep(Duration::from_millis(2));
            }
        };
        for _ in 0..2 {
            more(200);
            signed.hsm.remove("node");
            until(&signed, &node, meanwhile);
            more(50);
            signed.hsm.put_back("node");
            until(&signed, &node, By::Token);
        }
        more(200);
        stop.store(true, SeqCst);
    });
    let ids = {
        let mut wire = Wire::connect(node.address());
        let answer = ask(&node, &mut wire, "GET", "/api/sessions", "list", "").expect(200);
        let live = answer.rows().into_iter().filter(|row| row["Expired"] == "False");
        live.map(|row| row["ID"].as_str().unwrap().to_owned())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(ids, sessions.into_inner().unwrap(), "seats and signed answers");
}

#[test]
fn a_token_pulled_under_load_gives_no_seat_without_a_signature_and_comes_back() {
    load_with_a_pull(OnSigningFailure::Fail, By::Nobody);
}

#[test]
fn the_software_key_stands_in_for_a_pulled_token_under_load() {
    load_with_a_pull(OnSigningFailure::Software, By::File);
}

#[test]
fn what_is_too_much_for_a_token_costs_no_other_answer() {
    const ASKED: usize = 1_200;
    let signed = Signed::new();
    let mut settings = signed.hsm.settings("node");
    settings.timeout = PATIENCE;
    let world = World::new([("hsm", settings)]);
    world.usable("hsm");
    let state = tempfile::tempdir().unwrap();
    list(state.path(), &signed.public, 1);
    let node = NodeSigner::open(state.path(), &strict(), Arc::new(world.tokens.clone()), || ()).unwrap();
    let message = Message {
        query_id: b"many",
        body: b"{}",
    };
    // The module's process does nothing until all have asked.
    let process = world.process().unwrap();
    let process = process.file_name().unwrap().to_str().unwrap().parse().unwrap();
    let process = Pid::from_raw(process).unwrap();
    kill_process(process, Signal::STOP).unwrap();
    let mut all = join_all((0..ASKED).map(|_| node.sign(message)));
    assert!((&mut all).now_or_never().is_none(), "some wait");
    kill_process(process, Signal::CONT).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (done, refused): (Vec<_>, Vec<_>) = runtime.block_on(all).into_iter().partition(Result::is_ok);
    assert!(done.len() >= 1_024 && done.len() < ASKED, "{}", done.len());
    for signature in done {
        verify(&signed.public.pem, message, &signature.unwrap().to_base64()).unwrap();
    }
    for refusal in refused {
        let why = refusal.unwrap_err().to_string();
        assert!(why.contains("too much is asked"), "{why}");
    }
    assert_eq!(node.force(), Force::Current);
}

#[test]
fn a_token_that_signs_with_another_key_is_not_believed_and_its_seat_goes_back() {
    let signed = Signed::new();
    signed.hsm.make_key("node", "rsa:2048", 2, "other");
    let other = public(&signed.hsm, 2);
    let node = signed.node_that_lists(&other, OnSigningFailure::Fail);
    let mut wire = Wire::connect(node.address());
    // The first request of all: the node does not know yet that the token lies.
    let answer = ask(
        &node,
        &mut wire,
        "POST",
        "/api/sessions",
        "first",
        &session("first"),
    );
    assert_eq!(judge(&signed, "first", &answer), By::Nobody);
    // From now on nothing is carried out at all.
    let answer = ask(
        &node,
        &mut wire,
        "POST",
        "/api/sessions",
        "second",
        &session("second"),
    );
    assert_eq!(judge(&signed, "second", &answer), By::Nobody);
    let health = health_of(Wire::connect(node.admin_address()));
    assert_eq!(health["healthy"], false);
    let why = health["signer"].as_str().unwrap();
    assert!(why.contains("hsm") && why.contains("does not verify"), "{why}");
    assert_eq!(health["seats"][1], 0, "{health}");

    let events = told_of_nobody(&node, 1);
    assert_eq!(count(&events, "grant", ""), 1, "{events:?}");
    assert_eq!(count(&events, "release", "could not be signed"), 1, "{events:?}");
    assert_eq!(count(&events, "signing", "signed by nobody"), 1, "{events:?}");
}

#[test]
fn a_failure_is_told_again_after_other_settings_had_mended_it() {
    let signed = Signed::new();
    let mut node = signed.node(OnSigningFailure::Fail);
    signed.hsm.remove("node");
    until(&signed, &node, By::Nobody);
    told_of_nobody(&node, 1);
    node.reload(|settings| settings.signing.provider = SigningProvider::Software);
    until(&signed, &node, By::File);
    node.reload(|settings| settings.signing.provider = SigningProvider::Pkcs11);
    until(&signed, &node, By::Nobody);
    told_of_nobody(&node, 2);
}

#[test]
fn a_seat_stays_with_who_was_told_of_it_though_the_first_answer_could_not_be_signed() {
    let faulty = Faulty::new();
    let public = public_on(&faulty.hsm, "one", 1);
    let node = TestNode::with(|settings| {
        settings.workers = 2;
        let mut token = faulty.settings();
        token.timeout = PATIENCE;
        settings.tokens.insert("hsm".into(), token);
        settings.signing = strict();
        list(&settings.state_dir, &public, 1);
    });
    node.put(&licence());
    let take = |id: &str| {
        let mut wire = Wire::connect(node.address());
        ask(&node, &mut wire, "POST", "/api/sessions", id, &session("a"))
    };
    faulty.will("once C_Sign hold 0x20");
    thread::scope(|scope| {
        let first = scope.spawn(|| take("first"));
        let start = Instant::now();
        while !faulty.has_begun() {
            assert!(start.elapsed() < PATIENCE, "nothing is signed");
            thread::sleep(Duration::from_millis(2));
        }
        let again = take("again").expect(200);
        assert!(again.is_signed_by(&public.pem, b"again", &again.body));
        faulty.will("");
        let first = first.join().unwrap().expect(500);
        assert_eq!(first.header("Licence-Signature"), None);
    });
    let health = health_of(Wire::connect(node.admin_address()));
    assert_eq!(health["seats"][1], 1, "{health}");
}

/// Events of the audit log, once they tell so often that nobody signs: the watch over the signer does that in its own time.
#[track_caller]
fn told_of_nobody(node: &TestNode, times: usize) -> Vec<(String, String)> {
    let start = Instant::now();
    loop {
        let events = audited(node);
        if count(&events, "signing", "signed by nobody") == times {
            return events;
        }
        assert!(start.elapsed() < PATIENCE, "{events:?}");
        // Rows that nobody waits for are on disk some seconds later.
        node.advance(1_000);
    }
}

/// Events of the audit log with their details.
fn audited(node: &TestNode) -> Vec<(String, String)> {
    let connection = node.database().connect().unwrap();
    let mut rows = Vec::new();
    keynode::store::verify_audit(
        &connection,
        |_, _| true,
        |row| rows.push((row.entry.event.clone(), row.entry.detail.clone())),
    )
    .unwrap();
    rows
}

fn count(events: &[(String, String)], event: &str, words: &str) -> usize {
    let fits = |(own, detail): &&(String, String)| own == event && detail.contains(words);
    events.iter().filter(fits).count()
}

#[test]
fn a_node_starts_without_its_token_and_takes_it_when_it_comes() {
    for (on_failure, meanwhile) in [
        (OnSigningFailure::Fail, By::Nobody),
        (OnSigningFailure::Software, By::File),
    ] {
        let signed = Signed::new();
        signed.hsm.remove("node");
        let node = signed.node(on_failure);
        let mut wire = Wire::connect(node.address());
        let answer = ask(&node, &mut wire, "GET", "/api/serverinfo", "absent", "");
        assert_eq!(judge(&signed, "absent", &answer), meanwhile);
        let health = health_of(Wire::connect(node.admin_address()));
        let why = health["signer"].as_str().unwrap();
        assert!(why.contains("token hsm is absent"), "{why}");
        assert_eq!(health["healthy"], Value::Bool(false));
        signed.hsm.put_back("node");
        until(&signed, &node, By::Token);
    }
}
