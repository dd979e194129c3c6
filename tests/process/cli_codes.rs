//! `keynode centre codes` as a vendor types it: issued, listed, exported, support cases.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use keynode::licence::ActivationCode;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::centre::{ITN, Vendor, codes};
use crate::harness::{Done, run};

#[test]
fn codes_are_issued_to_a_file_and_shown_whole_only_where_that_is_asked() {
    let vendor = Vendor::new();
    let csv = vendor.path("codes.csv");
    let words = [
        "codes", "issue", "--series", "672B", "--count", "25", "--csv", &csv,
    ];
    let told = vendor
        .run(
            &[
                &words[..],
                &["--itn", ITN, "--valid-until", "2040-01-01", "--note", "order 1"],
            ]
            .concat(),
        )
        .ok();
    assert!(told.contains("batch 1") && told.contains("25"), "{told}");
    assert_eq!(fs::metadata(&csv).unwrap().permissions().mode() & 0o777, 0o600);
    let issued = codes(Path::new(&csv));
    assert_eq!(issued.len(), 25);
    // What is there is not overwritten, and then nothing is issued either.
    assert!(vendor.run(&words).fails(1).contains(&csv));

    let first = issued[0].as_str();
    for words in [
        &["codes", "list"][..],
        &["codes", "list", "--json"],
        &["codes", "show", first],
    ] {
        let shown = vendor.run(words).ok();
        assert!(!shown.contains(first) && shown.contains(&first[..4]), "{shown}");
    }
    assert!(vendor.run(&["codes", "list", "--full"]).ok().contains(first));
    let list = vendor.json(&[
        "codes", "list", "--json", "--limit", "5", "--itn", ITN, "--state", "new",
    ]);
    assert_eq!(list.as_array().unwrap().len(), 5);
    assert!(
        vendor
            .run(&["codes", "list", "--limit", "5"])
            .ok()
            .contains("--after")
    );
    assert_eq!(vendor.json(&["codes", "batches", "--json"])[0]["Note"], "order 1");

    let export = vendor.path("export.csv");
    vendor
        .run(&["codes", "export", "--batch", "1", "--csv", &export])
        .ok();
    assert_eq!(codes(Path::new(&export)), issued);
    let printed = vendor.run(&["codes", "export", "--csv", "-"]).ok();
    assert_eq!(printed, fs::read_to_string(&export).unwrap());
    let printed = vendor
        .run(&["codes", "issue", "--series", "672B", "--count", "2", "--csv", "-"])
        .ok();
    assert_eq!(printed.lines().count(), 3, "{printed}");
}

#[test]
fn what_cannot_be_issued_leaves_no_file_behind() {
    let vendor = Vendor::new();
    let csv = vendor.path("codes.csv");
    let issue = |more: &[&str]| {
        let words = [
            "codes", "issue", "--series", "672B", "--count", "1", "--csv", &csv,
        ];
        vendor.run(&[&words[..], more].concat())
    };
    let told = issue(&["--valid-until", "2001-01-31"]).fails(2);
    assert!(told.contains("over already"), "{told}");
    let unknown = [
        "codes", "issue", "--series", "0000", "--count", "1", "--csv", &csv,
    ];
    vendor.run(&unknown).fails(4);
    assert!(!Path::new(&csv).exists());
    issue(&["--renew-until", "never"]).ok();
    let before = fs::read(&csv).unwrap();
    let told = issue(&[]).fails(1);
    assert!(
        told.contains("such a file already") && !told.contains("os error"),
        "{told}"
    );
    assert!(fs::read(&csv).unwrap() == before);
    assert_eq!(
        vendor
            .json(&["codes", "list", "--json"])
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn a_full_disk_loses_no_code() {
    let vendor = Vendor::new();
    let words = [
        "codes",
        "issue",
        "--series",
        "672B",
        "--count",
        "3",
        "--csv",
        "/dev/full",
    ];
    // A device cannot be made anew, and so is refused before anything is issued.
    vendor.run(&words).fails(1);
    assert_eq!(
        vendor.json(&["codes", "batches", "--json"]),
        Value::Array(Vec::new())
    );
    // A pipe that nobody reads any more.
    let mut command = vendor.command(&["codes", "issue", "--series", "672B", "--count", "3", "--csv", "-"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    command.stdout(writer);
    let told = run(command).fails(1);
    assert!(told.contains("codes export --batch 1"), "{told}");
    let export = vendor.path("export.csv");
    vendor
        .run(&["codes", "export", "--batch", "1", "--csv", &export])
        .ok();
    assert_eq!(codes(Path::new(&export)).len(), 3);
}

#[test]
fn support_cases_are_handled_from_the_command_line() {
    let vendor = Vendor::new();
    let code = vendor.issue(1, &[]).remove(0);
    let text = code.as_str();
    let does = |words: &[&str]| vendor.run(&[&["codes"], words].concat());
    assert!(
        does(&["bind", text, "--itn", ITN, "--iec", "770701001"])
            .ok()
            .contains("770701001")
    );
    assert!(
        does(&["extend", text, "--renew-until", "2040-01-01"])
            .ok()
            .contains("2040")
    );
    assert!(
        does(&["extend", text, "--renew-until", "never"])
            .ok()
            .contains("not renewed")
    );
    assert!(does(&["moves", text, "--moves", "9"]).ok().contains("9 moves"));
    let key_no = vendor.json(&["codes", "list", "--json"])[0]["KeyNo"].to_string();
    let told = does(&["recover", &key_no]).ok();
    let recovery = told
        .split_whitespace()
        .find_map(|word| ActivationCode::parse(word.trim_end_matches(',')).ok());
    assert!(recovery.is_some_and(|recovery| recovery != code), "{told}");
    assert!(
        does(&["revoke", &key_no, "--reason", "unpaid"])
            .ok()
            .contains("revoked")
    );
    let shown = vendor.json(&["codes", "show", &key_no, "--json"]);
    assert_eq!(
        (&shown["Key"]["State"], &shown["Key"]["IEC"]),
        (&"Revoked".into(), &"770701001".into())
    );
    assert_eq!(does(&["extend", text, "--renew-until", "soon"]).code, 2);
}

#[test]
fn the_vendors_systems_get_keys() {
    let vendor = Vendor::new();
    let key = vendor.run(&["api-key", "add", "shop"]).ok();
    vendor.run(&["api-key", "add", "shop"]).fails(1);
    let list = vendor.run(&["api-key", "list"]).ok();
    assert!(list.contains("shop") && !list.contains(key.trim()), "{list}");
    assert_eq!(vendor.json(&["api-key", "list", "--json"])[0]["Name"], "shop");
    vendor.run(&["api-key", "remove", "shop"]).ok();
    assert_eq!(vendor.run(&["api-key", "list"]).ok().lines().count(), 1);
}

/// Issues more codes than a pipe holds, and reads only the first lines: the process waits within its first 10,000.
fn interrupted(vendor: &Vendor, signal: Signal) -> (Done, String) {
    let words = [
        "codes", "issue", "--series", "672B", "--count", "12000", "--csv", "-",
    ];
    let mut command = vendor.command(&words);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut seen = String::new();
    out.read_line(&mut seen).unwrap();
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
    out.read_to_string(&mut seen).unwrap();
    let output = child.wait_with_output().unwrap();
    let done = Done {
        code: output.status.code().unwrap_or(-1),
        out: String::new(),
        err: String::from_utf8(output.stderr).unwrap(),
    };
    (done, seen)
}

#[test]
fn issuing_that_is_interrupted_or_killed_loses_no_code_and_goes_on() {
    let vendor = Vendor::new();
    let (done, seen) = interrupted(&vendor, Signal::INT);
    let told = done.fails(1);
    assert!(
        told.contains("10000 of 12000") && told.contains("--resume 1") && told.contains("export --batch 1"),
        "{told}"
    );
    assert_eq!(
        seen.lines().count(),
        10_001,
        "what is in the books was written too"
    );
    let (done, _) = interrupted(&vendor, Signal::KILL);
    assert_eq!(done.code, -1);
    for (batch, place) in [("1", 0), ("2", 1)] {
        let batches = vendor.json(&["codes", "batches", "--json"]);
        assert_eq!(batches[place]["Issued"], 10_000, "{batches}");
        let told = vendor.run(&["codes", "issue", "--resume", batch]).ok();
        assert!(told.contains(&format!("export --batch {batch}")), "{told}");
        let csv = vendor.path(&format!("whole-{batch}.csv"));
        vendor
            .run(&["codes", "export", "--batch", batch, "--csv", &csv])
            .ok();
        let mut all: Vec<String> = codes(Path::new(&csv))
            .iter()
            .map(|code| code.as_str().to_owned())
            .collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 12_000);
    }
    vendor.run(&["codes", "issue", "--resume", "3"]).fails(4);
}
