//! The shipped units, hardened as they are, in a real systemd. One boot for all of it.

use std::fs;
use std::time::{Duration, Instant};

use crate::container::{Container, possible};

#[test]
fn systemd_runs_the_service() {
    if !possible() {
        return;
    }
    let mut guest = Container::boot();
    // What `make install` says to do next.
    guest
        .sh("systemd-sysusers && systemd-tmpfiles --create keynode.conf && systemctl daemon-reload")
        .ok();
    bad_settings_are_no_restart_loop(&guest);
    starts_as_an_unprivileged_user(&mut guest);
    credentials_arrive(&guest);
    reload_keeps_the_process(&guest);
    rescan_finds_its_node(&guest);
    doctor_finds_nothing_wrong(&guest);
    starts_without_the_computers_identity(&guest);
    a_node_that_hangs_is_started_anew(&mut guest);
    stops_within_a_second(&guest);
}

fn bad_settings_are_no_restart_loop(guest: &Container) {
    // The initial password, and an address that others reach.
    guest
        .sh("sed -i '1ilisten = \"0.0.0.0:9099\"' /etc/keynode/keynode.toml")
        .ok();
    assert_ne!(guest.sh("systemctl start keynode").code, Some(0));
    assert_eq!(guest.property("keynode", "ExecMainStatus"), "78");
    assert_eq!(guest.property("keynode", "ActiveState"), "failed");
    assert_eq!(guest.property("keynode", "NRestarts"), "0");
    let said = guest.sh("journalctl --no-pager --unit keynode --output cat").ok();
    assert!(said.contains("keynode user passwd admin"), "{said}");
}

fn starts_as_an_unprivileged_user(guest: &mut Container) {
    // As root, and before the node ever ran: it must be able to write what this makes.
    guest
        .sh("rm -rf /var/lib/keynode && echo open-sesame | keynode user passwd admin")
        .ok();
    fs::create_dir(guest.path("/srv/dmi")).unwrap();
    fs::write(
        guest.path("/srv/dmi/product_uuid"),
        "4c4c4544-0051-3510-8052-b4c04f4a3132\n",
    )
    .unwrap();
    fs::write(guest.path("/srv/dmi/board_serial"), "CN7016345B00A1\n").unwrap();
    guest.drop_in(
        "keynode-identity.service",
        "[Service]\\nEnvironment=DMI=/srv/dmi\\n",
    );
    guest
        .sh("systemctl restart keynode-identity && systemctl enable --now keynode")
        .ok();

    // `systemctl start` of Type=notify returns once the node said that it serves.
    assert_eq!(guest.property("keynode", "ActiveState"), "active");
    guest.sh("curl --silent --fail http://127.0.0.1:9098/health").ok();
    let pid = guest.property("keynode", "MainPID");
    let status = guest.sh(&format!("cat /proc/{pid}/status")).ok();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{name}\n{status}"))
            .split_whitespace()
            .collect::<Vec<_>>()
    };
    let uid = guest.sh("id --user keynode").ok();
    assert_eq!(field("Uid:"), [uid.trim(); 4]);
    assert_ne!(uid.trim(), "0");
    for set in ["CapEff:", "CapPrm:", "CapBnd:", "CapAmb:"] {
        assert_eq!(field(set), ["0000000000000000"], "{set}");
    }
    assert_eq!((field("NoNewPrivs:"), field("Seccomp:")), (vec!["1"], vec!["2"]));
    assert_eq!(
        guest.sh("stat --format '%a %U' /var/lib/keynode").ok().trim(),
        "700 keynode"
    );
}

fn credentials_arrive(guest: &Container) {
    let as_the_node = |more: &str| {
        let script = format!(
            "setpriv --reuid=keynode --regid=keynode --clear-groups {more} keynode computer show --json"
        );
        let shown: serde_json::Value = serde_json::from_str(&guest.sh(&script).ok()).unwrap();
        shown
    };
    let shown = as_the_node("env CREDENTIALS_DIRECTORY=/run/credentials/keynode.service");
    let found = |kind: &str| {
        let all = shown["components"].as_array().unwrap();
        all.iter().any(|component| component["kind"] == kind)
    };
    // The third is one that this computer has not.
    assert!(found("product-uuid") && found("board-serial"), "{shown:#}");
    assert!(!found("product-serial"), "{shown:#}");
    assert_ne!(as_the_node("env")["ComputerID"], shown["ComputerID"]);
    let info = guest
        .sh("curl --silent --fail --user admin:open-sesame http://127.0.0.1:9099/api/serverinfo")
        .ok();
    let info: serde_json::Value = serde_json::from_str(&info).unwrap();
    assert_eq!(info["ComputerID"], shown["ComputerID"]);
}

fn starts_without_the_computers_identity(guest: &Container) {
    guest
        .sh("systemctl stop keynode-identity && systemctl mask --runtime keynode-identity")
        .ok();
    guest
        .sh("systemctl restart keynode && test ! -e /run/keynode-identity")
        .ok();
    assert_eq!(guest.property("keynode", "ActiveState"), "active");
}

fn reload_keeps_the_process(guest: &Container) {
    let pid = guest.property("keynode", "MainPID");
    // The command ends with its signal; the node then says for itself that it reloads, and when it has.
    guest
        .sh("systemctl reload keynode
             timeout 30 sh -c 'while systemctl is-active keynode | grep --quiet reloading; do sleep 0.02; done'")
        .ok();
    assert_eq!(guest.property("keynode", "ActiveState"), "active");
    assert_eq!(guest.property("keynode", "MainPID"), pid);
}

fn rescan_finds_its_node(guest: &Container) {
    let scans = || {
        let told = guest
            .sh("curl --silent --fail --request POST http://127.0.0.1:9098/rescan")
            .ok();
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        told["Scans"].as_u64().unwrap()
    };
    let before = scans();
    // More starts in a row than systemd allows units by itself.
    for _ in 0..7 {
        guest.sh("systemctl start keynode-rescan").ok();
    }
    assert!(scans() >= before + 8, "{before}");
}

fn doctor_finds_nothing_wrong(guest: &Container) {
    let report = guest.sh("keynode doctor --json").ok();
    let lines: serde_json::Value = serde_json::from_str(&report).unwrap();
    let state = |check: &str| {
        let line = lines
            .as_array()
            .unwrap()
            .iter()
            .find(|line| line["check"] == check);
        line.unwrap_or_else(|| panic!("{check}: {report}"))["state"].clone()
    };
    for check in [
        "USB",
        "udev rules",
        "permissions",
        "service",
        "port",
        "state directory",
        "password",
    ] {
        assert_eq!(state(check), "ok", "{check}: {report}");
    }
    // What a root's command leaves behind is no longer the node's.
    guest
        .sh("touch /var/lib/keynode/mine && chmod 600 /var/lib/keynode/mine")
        .ok();
    let report = guest.sh("keynode doctor");
    assert!(
        report.code == Some(1) && report.said.contains("chown"),
        "{report:?}"
    );
    guest.sh("rm /var/lib/keynode/mine").ok();
}

fn a_node_that_hangs_is_started_anew(guest: &mut Container) {
    guest.drop_in("keynode.service", "[Service]\\nWatchdogSec=2\\nRestartSec=0\\n");
    guest.sh("systemctl restart keynode").ok();
    let pid = guest.property("keynode", "MainPID");
    guest.sh(&format!("kill -STOP {pid}")).ok();
    guest.eventually("a new process", |guest| {
        let new = guest.property("keynode", "MainPID");
        (new != pid && new != "0" && guest.property("keynode", "ActiveState") == "active").then_some(())
    });
    let said = guest.sh("journalctl --no-pager --unit keynode --output cat").ok();
    assert!(said.contains("Watchdog timeout"), "{said}");
}

fn stops_within_a_second(guest: &Container) {
    let start = Instant::now();
    guest.sh("systemctl stop keynode").ok();
    let took = start.elapsed();
    println!("stop: {took:?}");
    assert_eq!(guest.property("keynode", "Result"), "success");
    assert!(took < Duration::from_secs(1), "{took:?}");
    let report = guest.sh("keynode doctor");
    assert!(
        report.code == Some(1) && report.said.contains("enable --now"),
        "{report:?}"
    );
    // Nobody is there to rescan, and that is no failure.
    guest.sh("systemctl start keynode-rescan").ok();
    let said = guest
        .sh("journalctl --no-pager --unit keynode-rescan --output cat --lines 5")
        .ok();
    assert!(said.contains("no node at 127.0.0.1:9098"), "{said}");
}
