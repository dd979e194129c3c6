//! Runs a script in Node.js, which looks at a console with Chromium, and does to the node what the script asks for.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// Where the scripts are.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser");

/// A script that is ended with the test, and its browser with it.
struct Script(Child);

impl Drop for Script {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a script to its end. It asks in lines of JSON; `act` does what it asks for, and says what came of it.
#[track_caller]
pub(crate) fn run(script: &str, console: SocketAddr, act: impl FnMut(&str, &Value) -> Value) {
    run_with(script, console, &[], act);
}

/// As [`run`], with more arguments.
#[track_caller]
pub(crate) fn run_with(
    script: &str,
    console: SocketAddr,
    arguments: &[&Path],
    act: impl FnMut(&str, &Value) -> Value,
) {
    run_by(Command::new("node"), script, console, arguments, act);
}

/// As [`run_with`], by a command that starts `node`: one that starts it in another network, for example.
#[track_caller]
pub(crate) fn run_by(
    mut command: Command,
    script: &str,
    console: SocketAddr,
    arguments: &[&Path],
    mut act: impl FnMut(&str, &Value) -> Value,
) {
    command
        .arg(Path::new(SCRIPTS).join(script))
        .arg(format!("http://{console}"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let child = command
        .spawn()
        .unwrap_or_else(|error| panic!("node: {error}; packaging/setup.sh test installs it"));
    let mut script_process = Script(child);
    let mut answers = script_process.0.stdin.take().unwrap();
    let questions = BufReader::new(script_process.0.stdout.take().unwrap());
    for line in questions.lines() {
        let line = line.unwrap();
        let question: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{script}: {line}"));
        let answer = act(question["what"].as_str().unwrap(), &question["value"]);
        // A script that has failed meanwhile says so itself.
        let _ = writeln!(answers, "{answer}");
    }
    let status = script_process.0.wait().unwrap();
    assert!(status.success(), "{script} failed, see above: {status}");
}
