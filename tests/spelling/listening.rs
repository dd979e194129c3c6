//! Limits, addresses and the end of a listener.

use std::{net::TcpListener, time::Duration};

use keynode::api::listener::{Limits, Listener, raise_file_limit, serve};

use crate::{
    client::{Client, request},
    server::{plain, start},
};

#[test]
fn slow_head_is_timed_out() {
    let served = start(
        None,
        Limits {
            request_head: Duration::from_millis(50),
            ..Limits::default()
        },
    );
    let mut client = Client::connect(&served);
    client.send("GET / HTTP/1.1\r\n");
    let answer = client.answer();
    assert_eq!(answer.status(), 408);
    client.assert_closed();
}

#[test]
fn half_closed_client_gets_its_answers() {
    let served = plain();
    let mut client = Client::connect(&served);
    client.send(&[request("GET", "/later"), request("GET", "/b")].concat());
    client.0.get_ref().shutdown(std::net::Shutdown::Write).unwrap();
    client.answer().assert_path("/later");
    client.answer().assert_path("/b");
    client.assert_closed();
}

#[test]
fn addresses_reach_the_application() {
    let served = plain();
    let mut client = Client::connect(&served);
    let own = client.0.get_ref().local_addr().unwrap();
    client.send(&request("GET", "/peer"));
    assert_eq!(
        client.answer().text(),
        format!("{own} {} false http", served.address)
    );
}

#[test]
fn graceful_stop_ends_idle_connections() {
    let served = plain();
    let mut client = Client::connect(&served);
    client.send(&request("GET", "/a"));
    client.answer().assert_path("/a");
    drop(served.handle.stop(true));
    client.assert_closed();
}

#[test]
fn bad_listeners_are_refused() {
    let listener = |sockets, workers| Listener {
        sockets,
        tls: None,
        workers,
        limits: Limits::default(),
    };
    let socket = || vec![TcpListener::bind("127.0.0.1:0").unwrap()];
    for bad in [
        listener(Vec::new(), 1),
        listener(socket(), 0),
        listener(socket(), 513),
    ] {
        assert!(serve(bad, |_| {}).is_err());
    }
}

#[test]
fn file_limit_is_raised() {
    let limit = raise_file_limit().unwrap();
    assert_eq!(limit, raise_file_limit().unwrap());
}
