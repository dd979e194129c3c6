//! Clients that are many, slow or silent: the others are served on.

use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::http::{Answer, Lost, read_answer};
use crate::state::State;

const IDLE: usize = 10_000;

#[test]
fn ten_thousand_idle_connections_leave_room_for_others() {
    let limit = keynode::api::listener::raise_file_limit().unwrap();
    assert!(
        limit.is_none_or(|limit| limit > IDLE as u64 + 200),
        "this test opens {IDLE} connections, but the hard limit of open files is {limit:?}: raise it (ulimit -Hn)"
    );
    let state = State::new();
    state.install(7_131_766, &[]);
    let node = state.start(&["--api-header-timeout", "10m"]);
    let client = &mut node.client();
    assert_eq!(client.get("/api").status, 200);
    let start = Instant::now();
    let idle: Vec<TcpStream> = (0..IDLE)
        .map(|number| {
            let mut stream = TcpStream::connect(node.address).unwrap();
            // Every other one says something and stops.
            if number % 2 == 0 {
                stream.write_all(b"GET /api HTTP/1.1\r\nHost: loc").unwrap();
            }
            stream
        })
        .collect();
    let connected = start.elapsed();
    let mut slowest = Duration::ZERO;
    for number in 0..20 {
        let asked = Instant::now();
        let mut fresh = node.client();
        assert_eq!(
            fresh.take(&format!("{}", number % 5)).unwrap().status,
            if number < 5 { 201 } else { 200 }
        );
        assert_eq!(client.get("/api/serverinfo").status, 200);
        slowest = slowest.max(asked.elapsed());
    }
    println!("{IDLE} connections in {connected:?}; then a new client and a request: {slowest:?} at most");
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    for stream in &idle {
        stream.set_nonblocking(true).unwrap();
        let error = stream.peek(&mut [0]).expect_err("an idle connection was ended");
        assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    }
    // One of those that stopped goes on.
    let mut late = &idle[0];
    late.set_nonblocking(false).unwrap();
    late.write_all(b"alhost\r\n\r\n").unwrap();
    assert_eq!(read_answer(&mut BufReader::new(late)).unwrap().status, 401);
    let (status, took) = node.stop();
    println!("SIGTERM to exit with them: {took:?}");
    // To close them is work, and this computer may be busy with other tests.
    assert!(
        status.success() && took < Duration::from_secs(3),
        "{status} {took:?}"
    );
}

#[test]
fn a_client_that_drips_is_cut_off_and_the_others_are_not() {
    let state = State::new();
    let node = state.start(&[
        "--api-header-timeout",
        "400ms",
        "--api-body-timeout",
        "400ms",
        "--workers",
        "1",
    ]);
    let head = "POST /api/sessions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic YWRtaW46YWRtaW4=\r\n";
    let body = format!("{head}Content-Length: 5000\r\n\r\n{{");
    assert_eq!(node.client().get("/api").status, 200);
    let address = node.address;
    std::thread::scope(|scope| {
        let drips: Vec<_> = [head, &body, "G", ""]
            .into_iter()
            .flat_map(|first| std::iter::repeat_n(first, 8))
            .map(|first| scope.spawn(move || drip(address, first)))
            .collect();
        let mut client = node.client();
        let mut served = 0;
        while !drips.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            let asked = Instant::now();
            assert_eq!(client.get("/api").status, 200);
            assert!(asked.elapsed() < Duration::from_secs(1));
            served += 1;
        }
        println!("{served} requests served meanwhile");
        for drip in drips {
            let (answer, took) = drip.join().unwrap();
            assert!(took < Duration::from_secs(5), "{took:?}");
            if let Ok(answer) = answer {
                assert!([400, 408].contains(&answer.status), "{answer:?}");
            }
        }
    });
}

/// Sends `first`, then a byte now and then, until the node has had enough.
fn drip(address: SocketAddr, first: &str) -> (Result<Answer, Lost>, Duration) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(first.as_bytes()).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let start = Instant::now();
    let mut got = Vec::new();
    loop {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "never cut off: {first:?}"
        );
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => got.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                if stream.write_all(b"x").is_err() {
                    break;
                }
            }
            Err(_) => break,
        }
    }
    (read_answer(&mut got.as_slice()), start.elapsed())
}
