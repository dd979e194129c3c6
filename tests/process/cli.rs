//! What holds for every command: help, exit codes, settings, output that nobody reads.

use std::fs;

use crate::harness::{keynode, run, sh};
use crate::state::State;

#[test]
fn help_and_version_are_there_and_wrong_words_are_told() {
    let help = run(keynode(&["--help"])).ok();
    for command in [
        "serve",
        "demo",
        "status",
        "doctor",
        "rescan",
        "keys",
        "devices",
        "sessions",
        "licence",
        "computer",
        "vendor",
        "user",
        "activation",
        "config",
        "public-key",
        "verify",
    ] {
        assert!(help.contains(command), "{command}");
        assert!(
            run(keynode(&[command, "--help"])).ok().contains("Usage: keynode"),
            "{command}"
        );
    }
    assert!(run(keynode(&["--version"])).ok().starts_with("keynode 0."));
    for words in [
        &[][..],
        &["fly"],
        &["keys"],
        &["serve", "--fly"],
        &["keys", "disable", "x"],
        &["serve", "now"],
    ] {
        let done = run(keynode(words));
        assert_eq!(done.code, 2, "{words:?} {done:?}");
        assert!(
            done.err.contains("Usage") || done.err.contains("--help"),
            "{done:?}"
        );
    }
}

#[test]
fn the_settings_are_checked_shown_and_sampled() {
    let state = State::new();
    let sample = run(keynode(&["config", "sample"])).ok();
    let file = state.text("keynode.toml");
    fs::write(&file, &sample).unwrap();
    assert!(
        run(keynode(&["config", "check", "--config", &file]))
            .ok()
            .contains(&file)
    );
    assert!(
        run(keynode(&["config", "show", "--config", &file]))
            .ok()
            .contains("listen = \"127.0.0.1:9099\"")
    );
    fs::write(&file, "listen = 9099\n").unwrap();
    for command in ["check", "show"] {
        let told = run(keynode(&["config", command, "--config", &file])).fails(78);
        assert!(told.contains(&format!("{file}:1:10")), "{told}");
    }
    // Every command minds the same settings.
    for words in [
        &["status"][..],
        &["keys", "list"],
        &["rescan"],
        &["devices", "list"],
        &["devices", "rules"],
        &["user", "list"],
        &["sessions", "list"],
        &["serve"],
        &["demo"],
    ] {
        let mut command = keynode(words);
        command.args(["--config", &file]);
        run(command).fails(78);
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let state = State::new();
    state.install(7, &["--computer", "self"]);
    state.start(&[]).kill();
    let licence = state.licence(7);
    for words in [
        "config sample",
        "config show",
        "computer show",
        "computer show --json",
        "keys list",
        "devices rules",
        "licence list --json",
        "licence show 7",
        "user list",
        "public-key",
        "vendor inspect \"$2\"",
        "--help",
        "help vendor issue",
    ] {
        let place = match words.split(' ').next() {
            Some("keys" | "licence" | "user" | "public-key" | "vendor") => "--state-dir \"$3\"",
            _ => "",
        };
        // The reader is gone before the first byte.
        let script =
            format!("{{ \"$1\" {words} {place}; echo $? >&3; }} 3>code 2>errors | true; cat code errors");
        let program = env!("CARGO_BIN_EXE_keynode");
        let given = [program, licence.to_str().unwrap(), &state.text("state")];
        let done = sh(&script, &given, &state.path(""));
        assert_eq!(done.out, "0\n", "{words}");
    }
    // Nor is one that does not want to hear of failures.
    let script = "{ \"$1\" keys disable 99 --state-dir \"$2\" 2>&1 || echo $? >&3; } 3>code | true; cat code";
    let given = [env!("CARGO_BIN_EXE_keynode"), &state.text("state")];
    assert_eq!(sh(script, &given, &state.path("")).out, "4\n");
    // A full disk is one.
    let done = sh("\"$1\" config sample >/dev/full", &given, &state.path(""));
    assert!(done.fails(1).contains("No space left"));
}
