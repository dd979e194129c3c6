//! The real program: what somebody sees who has just started it.

use std::process::Stdio;

use serde_json::Value;

use crate::browser::run;
use crate::harness::{Node, keynode};

#[test]
fn a_demo_shows_its_keys_on_the_first_page() {
    let home = tempfile::tempdir().unwrap();
    let mut command = keynode(&["demo", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    command
        .current_dir(home.path())
        .env("HOME", home.path())
        .stdout(Stdio::null());
    let node = Node::start(command);
    run("program.mjs", node.admin, |what, _| -> Value {
        panic!("{what}: nobody is asked for anything")
    });
    assert!(
        !node.log().contains("a new password"),
        "a password stands in the log"
    );
}
