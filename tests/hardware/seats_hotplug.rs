//! Seats while keys come and go: 20 clients take and release, and no seat is ever given twice.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use keynode::licence::Licence;
use serde_json::json;

use super::common::TestNode;
use super::common::keys::numbered;
use super::described::root_hub;
use super::dongle::{plug, unplug};
use super::keys_node::{loaded, on_host, on_port, until_broken, until_sound};
use super::preload::mocked_test;

const CLIENTS: usize = 20;
const SEATS: [u32; 2] = [10, 5];
const ALL: usize = 15;

/// Clients take seats and give them back until they are told to end; returns how often one was taken.
fn clients(node: &TestNode, done: &AtomicBool, held: &AtomicUsize, name: usize) -> usize {
    let mut taken = 0;
    while !done.load(Ordering::SeqCst) {
        let answer = node.take(&format!("client {name}, seat {taken}"));
        if answer.status != 201 {
            assert!([403, 404].contains(&answer.status), "{}", answer.text());
            continue;
        }
        taken += 1;
        let others = held.fetch_add(1, Ordering::SeqCst);
        assert!(others < ALL, "more seats are held than there are");
        let seat = answer.header("Location").unwrap().to_owned();
        node.put_to(&seat).expect(202);
        held.fetch_sub(1, Ordering::SeqCst);
        node.delete(&seat).expect(200);
    }
    taken
}

mocked_test!(fn no_seat_is_given_twice_while_keys_come_and_go(bed) {
    bed.add(&root_hub());
    let mut described = [on_port(1, "LK-1"), on_port(2, "LK-2")];
    let with = |key_no: u64, licence_count| Licence { licence_count, ..numbered(key_no) };
    let dongles = [loaded(&described[0], with(1, SEATS[0])), loaded(&described[1], with(2, SEATS[1]))];
    for (described, dongle) in described.iter().zip(&dongles) {
        plug(bed, described, dongle);
    }
    let node = on_host();
    for key_no in [1, 2] {
        until_sound(&node, key_no);
    }
    let (done, held) = (AtomicBool::new(false), AtomicUsize::new(0));
    let taken: usize = std::thread::scope(|threads| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|name| threads.spawn({
                let (node, done, held) = (&node, &done, &held);
                move || clients(node, done, held, name)
            }))
            .collect();
        for round in 0..3_u8 {
            let which = usize::from(round % 2);
            let key_no = u64::from(round % 2) + 1;
            unplug(bed, &described[which], &dongles[which]);
            until_broken(&node, key_no, "unplugged");
            for (key_no, seats) in [1, 2].into_iter().zip(SEATS) {
                let used = node.get("/api/sessions?Expired=False").column("UsedLicence");
                let used = used.iter().filter(|used| **used == json!(key_no)).count();
                assert!(used <= seats as usize, "key {key_no}: {used} sessions, {seats} seats");
            }
            // Each time on another port.
            described[which] = on_port(3 + round, ["LK-1", "LK-2"][which]);
            plug(bed, &described[which], &dongles[which]);
            until_sound(&node, key_no);
        }
        done.store(true, Ordering::SeqCst);
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    });
    assert!(taken > CLIENTS, "{taken}");
    // Every seat is there again, and no more of them.
    for seat in 0..ALL {
        node.take(&format!("last {seat}")).expect(201);
    }
    assert_eq!(node.take("one more").refused(403), "ELicenceNoFree");
});
