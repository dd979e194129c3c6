//! SIGTERM, SIGHUP, and what systemd is told.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use rustix::process::Signal;

use crate::harness::{Node, PATIENCE, eventually};
use crate::http::Lost;
use crate::state::State;

#[test]
fn sigterm_under_load_ends_within_a_second_and_finishes_its_answers() {
    let state = State::new();
    state.install(7_131_766, &["--seats", "100000"]);
    let node = state.start(&[]);
    node.client().get("/api");
    let (address, (status, took), mut promised) = std::thread::scope(|scope| {
        let address = node.address;
        let workers: Vec<_> = (0..8)
            .map(|worker| {
                scope.spawn(move || {
                    let mut client = crate::http::Client::new(address);
                    let mut promised = Vec::new();
                    for number in 0.. {
                        let name = format!("{worker}-{number}");
                        match client.take(&name) {
                            Ok(answer) => {
                                assert_eq!(answer.status, 201, "{answer:?}");
                                promised.push(name);
                            }
                            Err(Lost::Nothing) => break,
                            Err(Lost::Within(part)) => panic!("half an answer: {part}"),
                        }
                    }
                    promised
                })
            })
            .collect();
        // Load is there once every worker had an answer.
        eventually("some sessions", || (state_sessions(address) > 50).then_some(()));
        let ended = node.stop();
        let promised: Vec<String> = workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap())
            .collect();
        (address, ended, promised)
    });
    println!(
        "SIGTERM to exit under load: {took:?}; {} sessions promised at {address}",
        promised.len()
    );
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(1), "{took:?}");

    let listed = state.start(&[]).client().sessions();
    let listed: std::collections::HashSet<_> = listed
        .iter()
        .map(|session| session["UserName"].as_str().unwrap())
        .collect();
    promised.retain(|name| !listed.contains(name.as_str()));
    assert!(promised.is_empty(), "promised and lost: {promised:?}");
}

fn state_sessions(address: std::net::SocketAddr) -> usize {
    crate::http::Client::new(address).sessions().len()
}

#[test]
fn sigterm_and_sigint_end_an_idle_node_at_once() {
    let state = State::new();
    let node = state.start(&[]);
    // An idle connection that stays open holds nothing up.
    let mut client = node.client();
    client.get("/api");
    let (status, took) = node.stop();
    println!("SIGTERM to exit, idle: {took:?}");
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(1), "{took:?}");

    let node = state.start(&[]);
    node.signal(Signal::INT);
    node.logged("keynode has stopped");
}

#[test]
fn sighup_follows_good_settings_and_keeps_the_old_ones_for_bad() {
    let state = State::new();
    let file = state.text("keynode.toml");
    let write = |text: &str| fs::write(&file, text).unwrap();
    write("[api]\nenabled = true\n");
    let node = state.start(&["--config", &file]);
    let mut client = node.client();
    assert_eq!(client.get("/api").status, 200);

    write("[api]\nenabled = false\n");
    node.signal(Signal::HUP);
    node.logged("settings are reloaded");
    let answer = client.get("/api");
    assert_eq!(answer.status, 503);
    assert!(answer.header("Licence-Signature").is_some());

    write("[api]\nenabled = perhaps\n");
    node.signal(Signal::HUP);
    let told = node.logged("the settings are not reloaded");
    assert!(told["error"].as_str().unwrap().contains(":2:"), "{told}");
    assert_eq!(client.get("/api").status, 503);

    write("workers = 7\n[api]\nenabled = true\n");
    node.signal(Signal::HUP);
    let told = node.logged("takes effect at the next start");
    assert_eq!(told["setting"], "workers");
    node.logged("settings are reloaded");
    assert_eq!(client.get("/api").status, 200);
}

#[test]
fn systemd_is_told_what_goes_on() {
    let state = State::new();
    let socket = UnixDatagram::bind(state.path("notify")).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut command = state.serve(&[]);
    command.env("NOTIFY_SOCKET", state.path("notify"));
    let node = Node::start(command);
    let told = || {
        let mut buffer = [0; 4096];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    };
    let says = |text: &str, word: &str| text.lines().any(|line| line == word);
    let ready = told();
    assert!(says(&ready, "READY=1"), "{ready}");
    for _ in 0..2 {
        node.signal(Signal::HUP);
        let reloading = told();
        assert!(says(&reloading, "RELOADING=1"), "{reloading}");
        // Type=notify-reload takes this for an answer to its signal only with the time.
        assert!(
            reloading.lines().any(|line| line.starts_with("MONOTONIC_USEC=")),
            "{reloading}"
        );
        let ready = told();
        assert!(says(&ready, "READY=1"), "{ready}");
    }
    node.stop();
    let stopping = told();
    assert!(says(&stopping, "STOPPING=1"), "{stopping}");
}

#[test]
fn systemds_watchdog_is_pinged_as_long_as_the_process_goes_on() {
    let state = State::new();
    let socket = UnixDatagram::bind(state.path("notify")).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut command = state.serve(&[]);
    command.env("NOTIFY_SOCKET", state.path("notify"));
    // Long enough for a busy computer: a ping that is late is one that an answer was late for.
    command.env("WATCHDOG_USEC", "600000");
    let node = Node::start(command);
    let told = || {
        let mut buffer = [0; 4096];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    };
    assert!(told().contains("READY=1"));
    for _ in 0..3 {
        assert_eq!(told().trim_end(), "WATCHDOG=1");
    }
    node.stop();
}
