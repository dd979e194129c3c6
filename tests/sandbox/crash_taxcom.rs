//! SIGKILL at random moments of processes of 1C-Taxcom: they go on when the node is back, and no application is sent twice.

use std::net::SocketAddr;
use std::time::Duration;

use keynode::settings::Settings;
use serde_json::{Value, json};

use crate::daemon::{Daemon, Home, ask, kill_under};
use crate::keys::Key;
use crate::random::Random;
use crate::world::ITN;

/// So many processes are tried, each in a node that is killed so often.
const ROUNDS: u64 = 4;
const KILLS: u64 = 7;

const PROCESSES: &str = "/api/taxcom/processes";

/// Starts a process, which is the same while there is one, and looks at all, until the node is gone.
fn process(address: SocketAddr, mut random: Random) {
    loop {
        let asked = match random.below(4) {
            0 => ask(address, "GET", PROCESSES, &Value::Null),
            _ => ask(
                address,
                "POST",
                PROCESSES,
                &json!({ "Kind": "SubscriberID", "ITN": ITN }),
            ),
        };
        let Some((status, told)) = asked else { return };
        assert!(matches!(status, 200 | 201), "{status} {told}");
    }
}

/// Has another application sent, where that is allowed.
fn send_another(node: &Daemon) {
    let (_, told) = node.ask("GET", PROCESSES, &Value::Null).unwrap();
    for process in told["Processes"].as_array().unwrap() {
        let target = format!("{PROCESSES}/{}", process["ID"].as_str().unwrap());
        let (_, process) = node.ask("GET", &target, &Value::Null).unwrap();
        let actions = process["AllowedActions"].as_array().unwrap();
        if actions.contains(&json!("НоваяЗаявка")) {
            let action = json!({ "Action": "НоваяЗаявка" });
            node.ask("POST", &format!("{target}/actions"), &action).unwrap();
        }
    }
}

#[test]
fn a_process_of_taxcom_goes_on_though_the_node_was_killed() {
    let (mut random, seed) = Random::seeded();
    for round in 0..ROUNDS {
        let home = Home::new(Key::File, |all: &mut Settings| {
            // Longer than a request of a node that was killed is on its way.
            all.taxcom.poll = Duration::from_secs(4);
        });
        for kill in 0..KILLS {
            kill_under(home.start(), &mut random, 300, process);
            if kill == KILLS / 2 {
                home.sandbox.decide(None);
            }
        }
        // At the latest now it is sent, decided about, and over.
        let node = home.start();
        let order = json!({ "Kind": "SubscriberID", "ITN": ITN });
        node.ask("POST", PROCESSES, &order).unwrap();
        node.until(
            &format!("seed {seed}, round {round}: the application is to be sent"),
            || {
                // Where the node was killed while it sent, only somebody who sees that it did not arrive may send another.
                let sent = home.sandbox.taxcom_applications() > 0;
                if !sent {
                    send_another(&node);
                }
                sent
            },
        );
        home.sandbox.decide(None);
        node.until(
            &format!("seed {seed}, round {round}: the application is to be taken"),
            || {
                let (_, told) = node.ask("GET", PROCESSES, &Value::Null).unwrap();
                let processes = told["Processes"].as_array().unwrap();
                let taken = |process: &Value| {
                    process["RequestStatus"] == "Обработана" && process["SubscriberID"] != ""
                };
                !processes.is_empty() && processes.iter().all(taken)
            },
        );
        assert_eq!(
            home.sandbox.taxcom_applications(),
            1,
            "seed {seed}, round {round}"
        );
        assert_eq!(
            home.sandbox.offences(),
            Vec::<String>::new(),
            "seed {seed}, round {round}"
        );
    }
}
