//! A node whose process ends between the centre's yes and its own writing, and a disk that takes nothing: the same
//! request brings the licence all the same.

use std::fs;
use std::sync::Mutex;
use std::sync::mpsc::channel;

use keynode::store::{Activations, Database};
use rustix::process::{Pid, Signal, kill_process};

use crate::centre::{FakeCentre, KEY_NO, Reply, honest};
use crate::common::TestNode;
use crate::first::{CODE, files, node, order};
use crate::harness::eventually;
use crate::state::State;

#[test]
fn a_node_that_is_killed_after_the_centres_yes_gets_its_licence() {
    let centre = FakeCentre::start();
    let state = State::new();
    let url = centre.url();
    let flags = [
        "--activation-timeout",
        "1s",
        "--activation-centre",
        &url,
        "--activation-proxy",
        "none",
        "--log-level",
        "trace",
    ];
    let node = state.start(&flags);
    let (pid, wait) = (
        Pid::from_raw(i32::try_from(node.pid()).unwrap()).unwrap(),
        channel(),
    );
    let killed = Mutex::new(false);
    centre.script(move |heard| {
        let mut killed = killed.lock().unwrap();
        if heard.line.starts_with("POST") && !*killed {
            *killed = true;
            kill_process(pid, Signal::KILL).unwrap();
            let _ = wait.0.send(());
            return Reply::Hang;
        }
        honest(heard)
    });
    let answer = node.client().call("POST", "/api/licences", &order().to_string());
    assert!(answer.is_err(), "{answer:?}");
    wait.1.recv().unwrap();
    let log = node.log();
    node.kill();
    assert_eq!(fs::read_dir(state.path("state/licences")).unwrap().count(), 0);

    // Nobody asks again: the node itself does.
    let node = state.start(&flags);
    eventually("the licence", || state.licence(KEY_NO).exists().then_some(()));
    let mut client = node.client();
    eventually("the key", || {
        let answer = client.get(&format!("/api/licences/{KEY_NO}"));
        (answer.status == 200 && answer.json()["Workable"] == true).then_some(())
    });
    let heard = centre.heard();
    assert_eq!(heard.len(), 2);
    assert_eq!(heard[0].body, heard[1].body, "the same request");
    let again = client
        .call("POST", "/api/licences", &order().to_string())
        .unwrap();
    assert_eq!(again.status, 200);

    // The code never stands whole in any log.
    let log = log + &node.log();
    let (_, _) = node.stop();
    assert!(log.contains("4345-…-5361"), "{log}");
    for code in [CODE.to_owned(), CODE.replace('-', "")] {
        assert!(!log.contains(&code), "{log}");
    }
    let exported = state.run(&["audit", "export"]);
    assert!(
        !exported.out.contains(CODE) && !exported.err.contains(CODE),
        "{exported:?}"
    );
}

#[test]
fn a_disk_that_takes_no_licence_loses_none() {
    let centre = FakeCentre::start();
    let node = node(&centre);
    let licences = node.licence_dir();
    fs::remove_dir(&licences).unwrap();
    fs::write(&licences, "in the way").unwrap();
    assert_eq!(
        node.post("/api/licences", &order()).refused(500),
        "EHTTPInternalServerError"
    );
    fs::remove_file(&licences).unwrap();
    fs::create_dir(&licences).unwrap();
    node.advance(120_000);
    let heard = centre.wait_for(2);
    assert_eq!(heard[0].body, heard[1].body, "the same request");
    eventually("the licence", || (files(&node).len() == 1).then_some(()));
    eventually("the key", || {
        (node.get(&format!("/api/licences/{KEY_NO}")).status == 200).then_some(())
    });
    assert_eq!(
        node.post("/api/licences", &order()).expect(200).json(),
        node.licence(KEY_NO)
    );
}

/// What a node keeps of its one activation.
fn row(node: &TestNode) -> keynode::store::ActivationRow {
    let database = Database::open(&node.settings.state_dir).unwrap();
    let mut rows = Activations::open(&database).unwrap().all().unwrap();
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}

#[test]
fn a_node_that_ended_after_it_wrote_the_licence_knows_what_it_answers() {
    let centre = FakeCentre::start();
    let node = node(&centre);
    node.post("/api/licences", &order()).expect(201);
    let done = row(&node);
    // As if the process had ended between the file and the record.
    let before = keynode::store::ActivationRow {
        key_no: None,
        last: None,
        pending: Some(keynode::store::PendingRequest {
            action: "activate".into(),
            text: centre.heard()[0].body.clone(),
            offline: false,
        }),
        ..done.clone()
    };
    centre.script(|_| Reply::Hang);
    let database = Database::open(&node.settings.state_dir).unwrap();
    let mut activations = Activations::open(&database).unwrap();
    activations
        .change(&before.code.clone(), |_| Some(before))
        .unwrap();
    eventually("the record", || (row(&node) == done).then_some(()));
    assert_eq!(centre.heard().len(), 1, "nobody had to be asked");
}
