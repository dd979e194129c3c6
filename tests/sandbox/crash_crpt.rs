//! SIGKILL at random moments while connections of CRPT are registered: none is registered twice, and whoever asks again is told
//! of the connection, or that nobody knows.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::crpt::GATEWAY;
use crate::daemon::{Daemon, Home, ask, kill_under};
use crate::keys::Key;
use crate::random::Random;
use crate::world::{ITN, OMS_ID};

/// So often a node is killed.
const KILLS: u64 = 12;

const CONNECTIONS: &str = "/api/crpt/connections";

/// The registration of this number.
fn order(number: u64) -> Value {
    json!({ "OmsId": OMS_ID, "ITN": ITN, "Address": format!("Москва, {number}"), "Route": "Gateway" })
}

/// The connection that was told; none: nobody knows whether there is one.
#[track_caller]
fn told(seed: u64, number: u64, answer: &(u16, Value)) -> Option<String> {
    let (status, told) = answer;
    let what = format!("seed {seed}, {number}: {told}");
    assert_eq!(*status, 200, "{what}");
    if told["ErrorCode"] == "" {
        let connection = told["ResponseData"]["omsConnection"].as_str();
        return Some(connection.expect(&what).to_owned());
    }
    let message = told["ErrorMessage"].as_str().unwrap();
    assert!(
        message.contains("Неизвестно, зарегистрировано ли соединение"),
        "{what}"
    );
    None
}

/// Asks for everything that was asked for once more; the connections by number.
fn all_again(seed: u64, node: &Daemon, numbers: u64) -> HashMap<u64, String> {
    let again = (0..numbers).filter_map(|number| {
        let answer = node.ask("POST", CONNECTIONS, &order(number)).unwrap();
        Some((number, told(seed, number, &answer)?))
    });
    again.collect()
}

#[test]
fn no_connection_is_registered_twice_though_the_node_was_killed() {
    let (mut random, seed) = Random::seeded();
    let home = Home::new(Key::File, |_| ());
    let next = AtomicU64::new(0);
    let mut known = HashMap::new();
    for _ in 0..KILLS {
        kill_under(home.start(), &mut random, 200, |address, mut random: Random| {
            loop {
                let new = next.fetch_add(1, Ordering::Relaxed);
                // Some ask for what somebody asked for before, or asks for now.
                let number = if random.below(3) == 0 {
                    random.below(new + 1)
                } else {
                    new
                };
                let Some(answer) = ask(address, "POST", CONNECTIONS, &order(number)) else {
                    return;
                };
                told(seed, number, &answer);
            }
        });
    }
    let node = home.start();
    let numbers = next.load(Ordering::Relaxed);
    for _ in 0..2 {
        let told = all_again(seed, &node, numbers);
        assert!(known.is_empty() || known == told, "seed {seed}");
        known = told;
    }
    let mut sent = HashMap::new();
    for asked in home.sandbox.asked(GATEWAY) {
        let body = asked.json()["crptRequest"]["bodyBase64"].to_string();
        *sent.entry(body).or_insert(0) += 1;
    }
    let twice: Vec<_> = sent.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "seed {seed}: {twice:?}");
    assert!(!known.is_empty(), "seed {seed}: none of {numbers} was registered");
    let (_, rows) = node.ask("GET", CONNECTIONS, &Value::Null).unwrap();
    let rows = rows["Connections"].as_array().unwrap();
    for connection in known.values() {
        let is = |row: &&Value| row["OmsConnection"] == connection.as_str();
        assert_eq!(rows.iter().filter(is).count(), 1, "seed {seed}: {connection}");
    }
}
