//! SIGKILL at random moments under load: nothing that a client was promised is lost, no seat is given twice.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::Node;
use crate::http::{Client, Lost};
use crate::random::Random;
use crate::state::State;

const KILLS: u32 = 52;
const WORKERS: u64 = 6;
/// Sessions that each worker has to itself: together more than there are seats.
const OWN: u64 = 8;
const SEATS: [(u64, usize); 2] = [(7_131_766, 20), (7_131_767, 12)];

/// What a worker knows of one of its sessions.
#[derive(Clone, Debug, PartialEq)]
enum Known {
    Free,
    Held {
        id: String,
        key_no: u64,
    },
    /// The node was killed before it answered.
    Unsure,
}

type Sessions = HashMap<String, Known>;

#[test]
fn what_a_client_was_promised_survives_sigkill() {
    let (mut random, seed) = Random::seeded();
    let state = State::new();
    state.install(7_131_766, &["--seats", "20"]);
    state.install(7_131_767, &["--seats", "12", "--type", "additional"]);
    let mut workers: Vec<Sessions> = (0..WORKERS)
        .map(|worker| {
            (0..OWN)
                .map(|own| (format!("w{worker}-{own}"), Known::Free))
                .collect()
        })
        .collect();
    let (mut starts, mut promised, mut unsure, begun) = (Vec::new(), 0, 0, Instant::now());
    for kill in 0..=KILLS {
        let node = state.start(&[]);
        starts.push(node.start_took);
        let (held, lost) = check(&mut node.client(), &mut workers, seed);
        promised += held;
        unsure += lost;
        if kill == KILLS {
            break;
        }
        let moment = Duration::from_millis(5 + random.below(120));
        std::thread::scope(|scope| {
            for sessions in &mut workers {
                let (address, random) = (node.address, random.fork());
                scope.spawn(move || work(address, sessions, random, seed));
            }
            std::thread::sleep(moment);
            node.kill();
        });
        if kill % 5 == 0 {
            kill_while_starting(&state, Duration::from_millis(random.below(60)));
        }
    }
    assert!(promised > 100, "{promised} sessions only: this was no load");
    starts.sort();
    println!(
        "{KILLS} kills in {:?}: {promised} promised sessions looked for, {unsure} without an answer; start of the \
         process {:?} (median), {:?} (longest)",
        begun.elapsed(),
        starts[starts.len() / 2],
        starts[starts.len() - 1]
    );
}

/// Takes, renews and releases until the node is gone.
fn work(address: SocketAddr, sessions: &mut Sessions, mut random: Random, seed: u64) {
    let mut client = Client::new(address);
    let names: Vec<String> = sessions.keys().cloned().collect();
    loop {
        let pick = usize::try_from(random.below(names.len() as u64)).unwrap();
        let name = &names[pick];
        let next = match sessions[name].clone() {
            Known::Free => take(&mut client, name, seed),
            Known::Held { id, key_no } => match random.below(10) {
                0..4 => renew(&mut client, name, &id, key_no, seed),
                4..6 => expect(client.call("PUT", &format!("/api/sessions/{id}"), ""), 202, seed)
                    .map(|()| Known::Held {
                        id: id.clone(),
                        key_no,
                    })
                    .or(Err(Known::Held { id, key_no })),
                6 => contend(&mut client, random.below(3), seed)
                    .map(|()| Known::Held {
                        id: id.clone(),
                        key_no,
                    })
                    .or(Err(Known::Held { id, key_no })),
                _ => expect(
                    client.call("DELETE", &format!("/api/sessions/{id}"), ""),
                    200,
                    seed,
                )
                .map(|()| Known::Free)
                .or(Err(Known::Unsure)),
            },
            Known::Unsure => unreachable!("each start finds out"),
        };
        let gone = next.is_err();
        let (Ok(known) | Err(known)) = next;
        sessions.insert(name.clone(), known);
        if gone {
            return;
        }
    }
}

/// What is known then; as an error where the node is gone.
type Next = Result<Known, Known>;

fn take(client: &mut Client, name: &str, seed: u64) -> Next {
    match client.take(name) {
        Ok(answer) if answer.status == 201 => Ok(Known::Held {
            id: answer.header("Licence-SessionID").unwrap().to_owned(),
            key_no: answer.json()["KeyNo"].as_u64().unwrap(),
        }),
        Ok(answer) if answer.status == 403 => Ok(Known::Free),
        Ok(answer) => panic!("seed {seed}: {name} was free: {answer:?}"),
        Err(_) => Err(Known::Unsure),
    }
}

fn renew(client: &mut Client, name: &str, id: &str, key_no: u64, seed: u64) -> Next {
    let held = Known::Held {
        id: id.to_owned(),
        key_no,
    };
    let Ok(answer) = client.take(name) else {
        return Err(held);
    };
    assert_eq!(answer.status, 200, "seed {seed}: {name} was held: {answer:?}");
    assert_eq!(answer.header("Licence-SessionID"), Some(id), "seed {seed}");
    assert_eq!(answer.json()["KeyNo"], key_no, "seed {seed}");
    Ok(held)
}

/// One of few sessions that all workers fight for: only that it never holds two seats is looked at.
fn contend(client: &mut Client, which: u64, seed: u64) -> Result<(), Lost> {
    let name = format!("shared-{which}");
    let answer = client.take(&name)?;
    assert!(
        [200, 201, 403].contains(&answer.status),
        "seed {seed}: {answer:?}"
    );
    let path = format!("/api/sessions?KeyID=672B&ClientSessionID={name}");
    let answer = client.call("DELETE", &path, "")?;
    assert!([200, 404].contains(&answer.status), "seed {seed}: {answer:?}");
    Ok(())
}

fn expect(answer: Result<crate::http::Answer, Lost>, status: u16, seed: u64) -> Result<(), Lost> {
    let answer = answer?;
    assert_eq!(answer.status, status, "seed {seed}: {answer:?}");
    Ok(())
}

/// Holds what the node says against what the workers know; clears up what they are not sure of. The result is
/// the number of promised sessions, and of those that were not answered.
fn check(client: &mut Client, workers: &mut [Sessions], seed: u64) -> (usize, usize) {
    let listed = client.sessions();
    for (key_no, seats) in SEATS {
        let used = listed
            .iter()
            .filter(|session| session["UsedLicence"] == key_no)
            .count();
        assert!(
            used <= seats,
            "seed {seed}: {used} sessions on the {seats} seats of {key_no}"
        );
    }
    let name = |session: &Value| session["UserName"].as_str().unwrap().to_owned();
    let names: HashSet<String> = listed.iter().map(name).collect();
    assert_eq!(
        names.len(),
        listed.len(),
        "seed {seed}: one ClientSessionID on two seats"
    );
    let listed: HashMap<String, Known> = listed
        .iter()
        .map(|session| {
            let known = Known::Held {
                id: session["ID"].as_str().unwrap().to_owned(),
                key_no: session["UsedLicence"].as_u64().unwrap(),
            };
            (name(session), known)
        })
        .collect();
    let (mut promised, mut unsure) = (0, 0);
    for (name, known) in workers.iter_mut().flatten() {
        let found = listed.get(name).cloned().unwrap_or(Known::Free);
        match known {
            Known::Unsure => unsure += 1,
            Known::Held { .. } => promised += 1,
            Known::Free => (),
        }
        assert!(
            *known == Known::Unsure || *known == found,
            "seed {seed}: {name} was {known:?}, after the restart it is {found:?}"
        );
        *known = found;
    }
    (promised, unsure)
}

/// A start that does not come to its end is no danger either.
fn kill_while_starting(state: &State, moment: Duration) {
    let mut child = state
        .serve(&[])
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(moment);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// The process is quick to start with few sessions.
#[test]
fn the_process_starts_quickly() {
    let state = State::new();
    state.install(7_131_766, &[]);
    Node::kill(state.start(&[]));
    let mut times: Vec<Duration> = (0..5)
        .map(|_| {
            let node = state.start(&[]);
            let took = node.start_took;
            node.kill();
            took
        })
        .collect();
    times.sort();
    println!("start of the process: {times:?}");
    assert!(times[0] < Duration::from_millis(300), "{times:?}");
}
