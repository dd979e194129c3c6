//! SIGKILL at random moments: what was begun goes on when the node is back, and nothing is done twice.

use std::net::SocketAddr;
use std::time::Duration;

use keynode::licence::Timestamp;
use keynode::settings::Settings;
use keynode::store::{GatewayRecords, GatewayWrite};
use serde_json::{Value, json};

use crate::daemon::{Daemon, Home, ask, kill_under};
use crate::keys::Key;
use crate::random::Random;
use crate::world::ITN;

/// So often a node is killed while it has tokens.
const KILLS: u64 = 20;

const TYPES: [&str; 2] = ["ISMP", "SUZ"];

const MINUTE: i64 = 60 * 1000;

/// Has all tokens be so many minutes older, as if the node had been away for so long.
fn age(home: &Home, minutes: i64) {
    let mut records = GatewayRecords::open(&home.database()).unwrap();
    let mut writes = Vec::new();
    for row in records.all("ismp-session-key").unwrap() {
        let mut record: Value = serde_json::from_str(&row.record).unwrap();
        for field in ["Obtained", "ValidUntil"] {
            if let Some(time) = record[field].as_str() {
                let time = Timestamp::parse(time).unwrap().plus(-minutes * MINUTE);
                record[field] = time.to_string().into();
            }
        }
        writes.push(GatewayWrite::Update {
            kind: "ismp-session-key",
            name: row.name,
            record: record.to_string(),
        });
    }
    for mut job in records.jobs().unwrap() {
        job.due = job.due.plus(-minutes * MINUTE);
        writes.push(GatewayWrite::Plan(job));
    }
    records.write(&writes).unwrap();
}

/// The token of a type, where there is a live one.
fn token(node: &Daemon, kind: &str) -> Option<String> {
    let target = format!("/api/ismp/session-keys?TokenType={kind}&ITN={ITN}");
    let (status, told) = node.ask("GET", &target, &Value::Null)?;
    (status == 200).then(|| told["Token"].as_str().unwrap().to_owned())
}

/// Asks and has renewed until the node is gone.
fn load(address: SocketAddr, mut random: Random) {
    loop {
        let kind = TYPES[usize::try_from(random.below(2)).unwrap()];
        let wanted = json!({ "TokenType": kind, "ITN": ITN });
        let asked = match random.below(3) {
            0 => ask(address, "POST", "/api/ismp/session-keys", &wanted),
            1 => ask(
                address,
                "POST",
                "/api/ismp/tokens/renew",
                &json!({ "Rows": [wanted] }),
            ),
            _ => ask(address, "GET", "/api/ismp/tokens", &Value::Null),
        };
        let Some((status, told)) = asked else { return };
        assert!(matches!(status, 200 | 201), "{status} {told}");
    }
}

#[test]
fn a_token_is_renewed_though_the_node_was_killed() {
    let (mut random, seed) = Random::seeded();
    let home = Home::new(Key::File, |all: &mut Settings| {
        all.ismp.renew_before = Duration::from_hours(5);
    });
    for kill in 0..KILLS {
        let node = home.start();
        for kind in TYPES {
            // Whatever the end was, a caller has a token that the operator takes.
            let wanted = json!({ "TokenType": kind, "ITN": ITN });
            let (status, told) = node.ask("POST", "/api/ismp/session-keys", &wanted).unwrap();
            assert!(
                matches!(status, 200 | 201) && told["ErrorCode"] == "",
                "seed {seed}: {told}"
            );
            node.until(&format!("seed {seed}, kill {kill}: {kind} is to live"), || {
                let token = token(&node, kind);
                token.is_some_and(|token| kind != "SUZ" || home.sandbox.client_token_lives(&token))
            });
        }
        kill_under(node, &mut random, 150, load);
        // Old enough to be replaced by who asks for that.
        age(&home, 2);
        if kill % 3 == 0 {
            // In the middle of the renewals that are due at the start.
            age(&home, 8 * 60);
            let node = home.spawn();
            std::thread::sleep(Duration::from_millis(random.below(200)));
            drop(node);
        }
    }
    // One that nobody asks for is renewed by itself.
    age(&home, 8 * 60);
    let before = home.sandbox.ismp_tokens().len();
    let node = home.start();
    node.until("both tokens are to be renewed", || {
        home.sandbox.ismp_tokens().len() >= before + TYPES.len()
    });
    for kind in TYPES {
        node.until("the newest token is to be given out", || {
            token(&node, kind).is_some_and(|token| home.sandbox.ismp_tokens()[before..].contains(&token))
        });
    }
    assert_eq!(home.sandbox.violations(), 0);
}
