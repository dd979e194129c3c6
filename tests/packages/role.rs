//! The Ansible role: what it sets up, and that a second run changes nothing.

use std::fs;
use std::path::PathBuf;

use crate::container::{Container, possible, run};
use crate::guest::boot;

fn play(guest: &Container, more: &str) -> String {
    guest
        .sh(&format!(
            "cd /srv/ansible && export LC_ALL=C.UTF-8 ANSIBLE_ROLES_PATH=roles ANSIBLE_NOCOLOR=1 HOME=/root
             ansible-playbook {more} role.yml 2>&1"
        ))
        .ok()
}

/// A vendor's key and a licence of it, made out here: in there is no keynode yet.
fn make_licence(into: &std::path::Path) {
    let keynode = |arguments: &str| {
        let arguments = arguments.replace("SRV", &into.display().to_string());
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_keynode"));
        run(command.args(arguments.split(' '))).ok()
    };
    keynode("vendor init --dir SRV/vendor");
    fs::write(
        into.join("vendor.pem"),
        keynode("vendor public-key --dir SRV/vendor"),
    )
    .unwrap();
    keynode("vendor issue --dir SRV/vendor --itn 7707083893 --key-id 672B --key-no 7131766 --out SRV");
}

#[test]
fn the_role_sets_a_node_up_and_changes_nothing_the_second_time() {
    if !possible() {
        return;
    }
    let guest = boot();
    let srv: PathBuf = guest.path("/srv");
    make_licence(&srv);
    let copy = ["-a", "packaging/ansible/.", "tests/packages/role.yml"];
    fs::create_dir(srv.join("ansible")).unwrap();
    run(std::process::Command::new("cp")
        .args(copy)
        .arg(srv.join("ansible")))
    .ok();

    let said = play(&guest, "");
    assert!(!said.contains("correct horse"), "{said}");
    assert_eq!(guest.property("keynode", "ActiveState"), "active");
    let licences = guest
        .sh("curl --silent --fail --user 'admin:correct horse' http://127.0.0.1:9099/api/licences/7131766")
        .ok();
    let licence: serde_json::Value = serde_json::from_str(&licences).unwrap();
    assert_eq!(licence["Workable"], true, "{licence:#}");
    let shown = guest.sh("keynode config show").ok();
    assert!(shown.contains("0.0.0.0:9099") && shown.contains("20m"), "{shown}");

    let process = guest.property("keynode", "MainPID");
    let said = play(&guest, "");
    assert!(said.contains("changed=0 "), "{said}");
    assert_eq!(guest.property("keynode", "MainPID"), process);

    // A changed setting restarts the node; a refused one never reaches it.
    let said = play(&guest, "--extra-vars life=30m");
    assert!(said.contains("changed=2 "), "{said}");
    assert_ne!(guest.property("keynode", "MainPID"), process);
    let refused = guest.sh(
        "cd /srv/ansible && LC_ALL=C.UTF-8 ANSIBLE_ROLES_PATH=roles HOME=/root \
         ansible-playbook --extra-vars life=never role.yml 2>&1",
    );
    assert_ne!(refused.code, Some(0), "{refused:?}");
    assert_eq!(guest.property("keynode", "ActiveState"), "active");
}
