//! How the centre stands up to a million codes: run by hand.

use std::time::Instant;

use keynode::activation::Action;
use keynode::activation::centre::{Books, IssuedCode};
use tempfile::tempdir;

use crate::common::clock::{START, TestClock};
use crate::world::{Node, make, order, start, vendor};

#[tokio::test]
#[ignore = "measures"]
async fn a_million_codes() {
    for count in [1_000, 1_000_000] {
        let dir = tempdir().unwrap();
        let mut books: Books = make(dir.path());
        let begun = Instant::now();
        let mut codes: Vec<IssuedCode> = Vec::new();
        let mut longest = std::time::Duration::ZERO;
        let mut last = Instant::now();
        books
            .issue(&order(count), &vendor(), |_, part| {
                codes.extend_from_slice(part);
                longest = longest.max(last.elapsed());
                last = Instant::now();
                true
            })
            .unwrap();
        println!("{count} codes in {:?}, longest part {longest:?}", begun.elapsed());
        let clock = std::sync::Arc::new(TestClock::at(keynode::licence::Timestamp::parse(START).unwrap()));
        let centre = start(dir.path(), clock);
        let mut nodes: Vec<Node> = (0..64).map(|_| Node::new()).collect();
        let mut picked = codes.iter().step_by(codes.len() / 1_000);
        let begun = Instant::now();
        let mut done = 0;
        while done < 1_000 - 64 {
            let all = nodes
                .iter_mut()
                .zip(&mut picked)
                .map(|(node, code)| node.ask(&centre, Action::Activate, &code.code));
            let answers = futures_util::future::join_all(all).await;
            done += answers.len();
            assert!(answers.iter().all(Result::is_ok), "{:?}", answers[0]);
        }
        println!(
            "among {count}: an activation in {:?}",
            begun.elapsed() / u32::try_from(done).unwrap()
        );
        centre.stop();
        let size = std::fs::metadata(dir.path().join("centre.db")).unwrap().len();
        println!("{} MiB", size >> 20);
    }
}
