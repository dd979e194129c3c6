//! What is kept sealed under a key that a token guards.

use std::fs;
use std::path::PathBuf;

use keynode::sandbox::Sandbox;
use keynode::settings::Settings;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::TestNode;
use crate::keys::{Key, NAME, Plugged};
use crate::world::{ACCOUNT, point, sandbox};

struct Guarded {
    node: TestNode,
    key: Plugged,
    _sandbox: Sandbox,
    _directory: TempDir,
}

fn guard(all: &mut Settings) {
    all.gateway.token = Some(NAME.into());
    all.gateway.token_key = Some(NAME.into());
}

impl Guarded {
    fn new(change: impl FnOnce(&mut Settings)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let sandbox = sandbox(directory.path());
        let key = Plugged::new(Key::SoftHsm);
        let node = TestNode::with(|all| {
            point(all, &sandbox.url());
            key.apply(all);
            change(all);
        });
        let world = Self {
            node,
            key,
            _sandbox: sandbox,
            _directory: directory,
        };
        world.until_usable(true);
        world
    }

    /// Waits until the node can, or cannot, use the token.
    fn until_usable(&self, usable: bool) {
        let target = format!("/api/certificates/{}", self.key.thumbprint);
        let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
        loop {
            self.node.post("/api/rescan", &json!({})).expect(200);
            let row = self.node.get(&target).json();
            if (row["Usable"] == true) == usable {
                return;
            }
            assert!(std::time::Instant::now() < deadline, "{row}");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    fn set_account(&self) -> Value {
        let body = json!({ "Login": ACCOUNT.0, "Password": ACCOUNT.1 });
        let put = self
            .node
            .ask("PUT", "/api/support-account")
            .body(body.to_string());
        put.send().expect(200).json()
    }

    /// Error code and detail of a ticket that is asked for.
    fn ticket(&self) -> (String, String) {
        let told = self.node.post("/api/tickets", &json!({ "TicketOwner": "login" }));
        let told = told.expect(200).json();
        let text = |name: &str| told[name].as_str().unwrap().to_owned();
        (text("ErrorCode"), text("Detail"))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.node.settings.state_dir.join(name)
    }
}

fn good() -> (String, String) {
    (String::new(), String::new())
}

fn away() -> (String, String) {
    ("ОшибкаСервиса".into(), "КлючНеПодключен".into())
}

#[test]
fn secrets_are_read_while_their_token_is_here_and_again_when_it_is_back() {
    let mut world = Guarded::new(guard);
    assert_eq!(world.set_account()["Kept"], true);
    assert!(world.file("gateway.key.wrapped").exists());
    assert!(!world.file("gateway.key").exists());
    assert_eq!(world.ticket(), good());

    world.key.pull();
    world.until_usable(false);
    assert_eq!(world.ticket(), away());
    let told = world.set_account();
    assert_eq!(
        (&told["Kept"], &told["Detail"]),
        (&json!(false), &json!("КлючНеПодключен"))
    );
    world.key.plug();
    world.until_usable(true);
    assert_eq!(world.ticket(), good());

    // Another run of the node, which begins without the token.
    world.key.pull();
    world.node.restart(0);
    assert_eq!(world.ticket(), away());
    world.key.plug();
    world.until_usable(true);
    assert_eq!(world.ticket(), good());
}

#[test]
fn a_key_in_a_file_goes_under_the_guard_of_a_token_and_does_not_come_back_by_itself() {
    let mut world = Guarded::new(|_| ());
    world.set_account();
    let key = fs::read(world.file("gateway.key")).unwrap();
    world.node.reload(guard);
    assert_eq!(world.ticket(), good());
    assert!(!world.file("gateway.key").exists());
    let wrapped = fs::read(world.file("gateway.key.wrapped")).unwrap();
    assert!(!wrapped.windows(key.len()).any(|part| part == key));

    world
        .node
        .reload(|all| (all.gateway.token, all.gateway.token_key) = (None, None));
    assert_eq!(world.ticket().0, "ОшибкаСервиса");
    let told = world.set_account();
    assert_eq!(told["Kept"], false);
    assert!(
        told["ErrorInfo"].as_str().unwrap().contains("gateway.token"),
        "{told}"
    );
    assert_eq!(fs::read(world.file("gateway.key.wrapped")).unwrap(), wrapped);

    // A key that no token has, or that is none for this.
    world.node.reload(|all| {
        guard(all);
        all.gateway.token_key = Some("another".into());
    });
    let told = world.set_account();
    assert!(told["ErrorInfo"].as_str().unwrap().contains("another"), "{told}");
    world.node.reload(guard);
    assert_eq!(world.ticket(), good());
}
