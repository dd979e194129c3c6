//! Many clients at once.

use crate::common::keys::{KEY_NO, licence};
use crate::common::{Answer, TestNode, Wire};
use keynode::licence::Licence;
use serde_json::json;
use std::sync::Barrier;

const CLIENTS: usize = 64;

/// Each client asks for a seat under the name that is given for it, all at the same moment.
fn race(node: &TestNode, name: impl Fn(usize) -> String + Sync) -> Vec<Answer> {
    let start = Barrier::new(CLIENTS);
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let (start, name) = (&start, &name);
                scope.spawn(move || {
                    let mut wire = Wire::connect(node.address());
                    node.ask("GET", "/api").over(&mut wire).expect(200);
                    let body = json!({ "KeyID": "672B", "ClientSessionID": name(number) });
                    let ask = node.ask("POST", "/api/sessions").body(body.to_string());
                    start.wait();
                    ask.query_id(number.to_string()).over(&mut wire)
                })
            })
            .collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    })
}

fn count(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

#[test]
fn sixty_four_clients_race_for_the_last_seats() {
    let node = TestNode::with(|settings| settings.workers = 2);
    node.put(&Licence {
        licence_count: 7,
        ..licence()
    });
    node.take("first").expect(201);
    let answers = race(&node, |number| number.to_string());
    assert_eq!((count(&answers, 201), count(&answers, 403)), (6, 58));
    for refused in answers.iter().filter(|answer| answer.status == 403) {
        assert_eq!(refused.refused(403), "ELicenceNoFree");
    }
    let sessions = node.get("/api/sessions").rows();
    assert_eq!(sessions.len(), 7);
    assert!(sessions.iter().all(|session| session["UsedLicence"] == KEY_NO));
}

#[test]
fn one_name_gets_one_seat_however_often_it_asks_at_once() {
    let node = TestNode::with(|settings| settings.workers = 2);
    node.put(&licence());
    let answers = race(&node, |_| "the same".to_owned());
    assert_eq!((count(&answers, 201), count(&answers, 200)), (1, CLIENTS - 1));
    let location = answers[0].header("Location");
    assert!(answers.iter().all(|answer| answer.header("Location") == location));
    assert_eq!(node.get("/api/sessions").rows().len(), 1);
}
