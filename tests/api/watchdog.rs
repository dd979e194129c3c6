//! What the watchdog goes by: a thread that does not answer is named, and one that answers again is not.

use std::net::SocketAddr;
use std::sync::mpsc::channel;
use std::time::Duration;

use keynode::clock::SystemClock;
use keynode::computer::Roots;
use keynode::node::Node;
use keynode::settings::Settings;

use crate::common::node::prepare;

/// Whoever answers does so long before.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whoever hangs does so for ever.
const IMPATIENCE: Duration = Duration::from_millis(100);

#[test]
fn a_thread_that_hangs_is_named_until_it_answers_again() {
    let dir = tempfile::tempdir().unwrap();
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let settings = Settings {
        listen: loopback,
        admin_listen: loopback,
        state_dir: dir.path().into(),
        workers: 2,
        ..Settings::default()
    };
    prepare(&settings);
    actix_rt::System::new().block_on(async {
        let node = Node::start(&settings, SystemClock::shared(), Roots::under(dir.path())).unwrap();
        while !node.silent_threads(PATIENCE).await.is_empty() {
            // The workers have not entered yet.
            tokio::task::yield_now().await;
        }

        let ((release, hold), (begun, begins)) = (channel::<()>(), channel());
        let desk = node.desk.clone();
        let wedged = actix_rt::spawn(async move {
            desk.ask(move |_, _, _| {
                begun.send(()).unwrap();
                let _ = hold.recv();
            })
            .await
        });
        tokio::task::spawn_blocking(move || begins.recv().unwrap())
            .await
            .unwrap();
        assert_eq!(node.silent_threads(IMPATIENCE).await, ["seats"]);
        drop(release);
        wedged.await.unwrap().unwrap();
        assert!(node.silent_threads(PATIENCE).await.is_empty());

        node.keys.stop();
        assert_eq!(node.silent_threads(PATIENCE).await, ["keyring"]);
        node.stop().await;
    });
}
