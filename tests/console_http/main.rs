//! The console over HTTP, without a browser: who gets in, who may do what, what is sent along, and what is live.

#![expect(clippy::unwrap_used, reason = "a test that fails panics")]

mod browser;
mod further;
mod guard;
mod live;
mod pages;
mod passwords;
mod tls;
mod usage;

#[path = "../common/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the tests of the API use the rest of it")]
mod common;

use keynode::settings::Settings;
use keynode::store::Role;

use browser::Browser;
use common::TestNode;

/// Password of the users that tests add.
const PASSWORD: &str = "correct horse";

/// A node with an administrator and a monitor who have passwords of their own.
fn node() -> TestNode {
    with(|_| ())
}

fn with(change: impl FnOnce(&mut Settings)) -> TestNode {
    let node = TestNode::with(change);
    node.add_user("boss", Role::Admin, PASSWORD);
    node.add_user("watcher", Role::Monitor, PASSWORD);
    node.put(&common::keys::licence());
    // The users were changed by somebody else: the node looks at them again after a while.
    node.advance(1_000);
    node
}

fn boss(node: &TestNode) -> Browser {
    Browser::logged_in(node.admin_address(), "boss", PASSWORD)
}

fn watcher(node: &TestNode) -> Browser {
    Browser::logged_in(node.admin_address(), "watcher", PASSWORD)
}
