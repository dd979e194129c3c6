//! Manual pages and completions: every command has its page, and the tools that read them find no fault.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::harness::{keynode, run};

/// Whether a tool is installed; what it thinks is asked only then.
fn is_here(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap();
    let found = std::env::split_paths(&path).any(|directory| directory.join(tool).exists());
    assert!(
        found || std::env::var("CI").as_deref() != Ok("true"),
        "{tool} is missing: packaging/setup.sh test installs it"
    );
    found
}

#[test]
fn every_command_has_a_page_without_faults() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    run(keynode(&["man", "--dir", path])).ok();
    let names: Vec<_> = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    for expected in [
        "keynode.1",
        "keynode-serve.1",
        "keynode-sessions-list.1",
        "keynode-connections-close.1",
        "keynode-gateway-tokens.1",
        "keynode-backup.1",
        "keynode-restore.1",
        "keynode-completions.1",
        "keynode.toml.5",
    ] {
        assert!(
            names.iter().any(|name| name.file_name().unwrap() == expected),
            "{expected}"
        );
    }
    assert!(
        names
            .iter()
            .all(|name| !name.to_str().unwrap().contains("token-worker"))
    );
    for name in &names {
        let text = fs::read_to_string(name).unwrap();
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "FILES"] {
            assert!(
                text.lines().any(|line| line == format!(".SH {section}")),
                "{} {section}",
                name.display()
            );
        }
        faultless(name);
    }
    let root = fs::read_to_string(directory.path().join("keynode.1")).unwrap();
    assert!(root.contains("EXIT STATUS") && root.contains("KEYNODE_PASSWORD") && root.contains("78"));
    let settings = fs::read_to_string(directory.path().join("keynode.toml.5")).unwrap();
    assert!(settings.contains("KEYNODE_SESSIONS_LIFE"));
    assert_eq!(run(keynode(&["man"])).ok(), root);
}

fn faultless(page: &Path) {
    if !is_here("groff") {
        return;
    }
    let mut groff = Command::new("groff");
    let output = groff
        .args(["-man", "-Tutf8", "-Kutf8", "-ww"])
        .arg(page)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && told.is_empty(),
        "{}: {told}",
        page.display()
    );
}

#[test]
fn shells_understand_the_completions() {
    let directory = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let script = run(keynode(&["completions", shell])).ok();
        assert!(script.contains("sessions") && script.contains("backup") && !script.contains("token-worker"));
        let file = directory.path().join(shell);
        fs::write(&file, script).unwrap();
        if is_here(shell) {
            let output = Command::new(shell).arg("-n").arg(&file).output().unwrap();
            assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        }
    }
    if is_here("bash") {
        let bash = directory.path().join("bash");
        let script = "source \"$1\"; COMP_WORDS=(keynode sess); COMP_CWORD=1; _keynode keynode sess keynode; echo ${COMPREPLY[@]}";
        let output = Command::new("bash")
            .args(["-c", script, "bash"])
            .arg(bash)
            .output()
            .unwrap();
        assert_eq!(
            String::from_utf8_lossy(&output.stdout).trim(),
            "sessions",
            "{output:?}"
        );
    }
    assert_eq!(run(keynode(&["completions", "powershell"])).code, 2);
}
