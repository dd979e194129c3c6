//! The service in the guest: whether it runs, what it holds open, and its answers beyond the truth of the keys.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::machine::Machine;
use crate::truth::rows;

const CURL: &str = "curl -sS --max-time 30 -u admin:admin";
pub(crate) const API: &str = "http://127.0.0.1:9099/api";

/// What GET says of something below /api.
pub(crate) fn get(machine: &mut Machine, what: &str) -> String {
    machine.run(&format!("{CURL} {API}/{what}")).text
}

/// The service at a moment.
pub(crate) struct State {
    process: String,
    files: usize,
}

/// How it is now.
pub(crate) fn state(machine: &mut Machine) -> State {
    let process = machine.sh("systemctl show --value -p MainPID keynode");
    let files = machine.sh(&format!("ls /proc/{process}/fd | wc -l"));
    State {
        process,
        files: files.parse().unwrap(),
    }
}

/// It did not end since then, holds no more files open, complained of nothing unexpected, and udev told it of keys.
pub(crate) fn ran_through(machine: &mut Machine, began: &State) {
    let now = state(machine);
    assert_eq!(now.process, began.process, "the service ended in between");
    assert!(
        now.files < began.files + 8,
        "{} files are open, {} at first",
        now.files,
        began.files
    );
    let log = machine.sh("journalctl -b --no-pager -u keynode");
    assert!(!log.contains("panicked"), "{log}");
    // What only root may read of the computer's identity reached it as credentials.
    assert!(!log.contains("Not permitted to read"), "{log}");
    let failed = machine.sh("systemctl --failed --plain --no-legend");
    assert_eq!(failed, "", "units that failed");
    machine.sh("journalctl -b --no-pager -u keynode-rescan | grep -q Finished");
}

/// The doctor finds nothing wrong with what an installation has to get right.
pub(crate) fn is_well(machine: &mut Machine) {
    let lines = rows(&machine.run("keynode doctor --json").text, "").unwrap();
    for check in [
        "USB",
        "hot-plug",
        "permissions",
        "service",
        "port",
        "state directory",
    ] {
        let line = lines.iter().find(|line| line["check"] == check).unwrap();
        assert_eq!(line["state"], "ok", "{line}");
    }
}

/// Takes a seat; the name of the session.
pub(crate) fn take_seat(machine: &mut Machine) -> String {
    let body = r#"{"KeyID":"672B","ClientSessionID":"guest"}"#;
    machine.sh(&format!("{CURL} --fail -X POST -d '{body}' {API}/sessions"));
    sessions(machine).pop().unwrap()
}

/// The sessions' names.
pub(crate) fn sessions(machine: &mut Machine) -> Vec<String> {
    let sessions = rows(&get(machine, "sessions"), "Sessions").unwrap();
    let name = |session: &Value| session["ID"].as_str().map(ToString::to_string);
    sessions.iter().filter_map(name).collect()
}

/// Has the service talk with the dongles, and returns when a transfer is under way in the kernel.
pub(crate) fn exchange(machine: &mut Machine) {
    let State { process, .. } = state(machine);
    machine.sh(&format!(
        "{{ keynode rescan >/dev/null 2>&1 & }}; tries=0
        until grep -qs usb_start_wait_urb /proc/{process}/task/*/wchan; do
            tries=$((tries + 1)); [ $tries -lt 1000 ] || exit 1; sleep 0.01
        done"
    ));
}

/// How long the API takes to answer.
pub(crate) fn answers(machine: &mut Machine) -> Duration {
    let start = Instant::now();
    get(machine, "serverinfo");
    start.elapsed()
}

/// The service has no driver for these devices, no program claims them, and the service might not open them.
pub(crate) fn is_let_alone(machine: &mut Machine, device: &str) {
    let devices = rows(&get(machine, "devices"), "Devices").unwrap();
    let its = |row: &&Value| row["ID"].as_str().is_some_and(|id| id.starts_with(device));
    for row in devices.iter().filter(its) {
        assert!(
            row["Driver"].is_null() && row["Proof"].is_null() && row["KernelDrivers"] == "",
            "{row}"
        );
        let node = format!(
            "/dev/bus/usb/{:03}/{:03}",
            row["Bus"].as_u64().unwrap(),
            row["Address"].as_u64().unwrap()
        );
        assert_eq!(
            machine.sh(&format!("stat -c '%U %G %a' {node}")),
            "root root 664",
            "{node}"
        );
    }
}
