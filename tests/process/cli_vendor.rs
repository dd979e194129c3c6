//! The vendor's commands, licences and computers, as typed in a shell.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use crate::harness::{keynode, run};
use crate::state::{State, fixture};

#[test]
fn a_vendor_is_made_once_and_its_licences_are_believed_by_nodes_that_trust_it() {
    let state = State::distrustful();
    let dir = state.text("acme");
    let init = ["vendor", "init", "--dir", &dir, "--name", "Acme, Ltd"];
    let told = run(keynode(&init)).ok();
    assert!(
        told.contains("Acme, Ltd") && told.contains("keynode vendor trust"),
        "{told}"
    );
    let key = state.path("acme/vendor.key");
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    let before = fs::read(&key).unwrap();
    assert!(run(keynode(&init)).fails(1).contains("already"));
    assert!(fs::read(&key).unwrap() == before, "the key was replaced");

    let public = run(keynode(&["vendor", "public-key", "--dir", &dir])).ok();
    assert!(public.starts_with("-----BEGIN PUBLIC KEY-----"), "{public}");
    assert!(
        fs::read_to_string(state.path("acme/vendor.pem"))
            .unwrap()
            .ends_with(&public)
    );

    let out = state.text("out");
    let issue = [
        "vendor", "issue", "--dir", &dir, "--key-id", "672b", "--key-no", "8", "--out", &out,
    ];
    run(keynode(&issue)).ok();
    let licence = state.text("out/672B.8.licence");
    let done = state.run(&["vendor", "inspect", &licence]);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.out.contains("unknown vendor"), "{done:?}");
    assert!(
        state
            .run(&["licence", "add", &licence])
            .fails(1)
            .contains("unknown vendor")
    );
    let pem = state.text("acme/vendor.pem");
    assert!(
        state
            .run(&["vendor", "inspect", &licence, "--public-key", &pem])
            .ok()
            .contains("good")
    );
    state.run(&["vendor", "trust", &pem]).ok();
    assert!(state.run(&["vendor", "inspect", &licence]).ok().contains("good"));
    state.run(&["licence", "add", &licence]).ok();
}

#[test]
fn every_field_that_can_be_issued_is_in_the_licence() {
    let state = State::new();
    let file = state.issue(
        77,
        [
            "--type",
            "demo",
            "--seats",
            "9",
            "--period",
            "30",
            "--start",
            "2030-01-31",
            "--itn",
            "0123456788",
            "--iec",
            "770701001",
            "--product-name",
            "Серия",
            "--article",
            "42",
            "--article-name",
            "Номенклатура",
            "--service-type",
            "3",
            "--flags",
            "101",
            "--reg-no",
            "202",
            "--activation-code",
            "4345-9320-2035-7421-5361",
        ]
        .as_slice(),
    );
    let shown = state.run(&["vendor", "inspect", file.to_str().unwrap()]).ok();
    let (json, _) = shown.rsplit_once("\n\n").unwrap();
    let licence: Value = serde_json::from_str(json).unwrap();
    for (field, value) in [
        ("KeyNo", Value::from(77)),
        ("KeyID", "672B".into()),
        ("KeyType", 5.into()),
        ("LicenceCount", 9.into()),
        ("Period", 30.into()),
        ("StartDate", "2030-01-31T00:00:00.000Z".into()),
        ("ITN", "0123456788".into()),
        ("ProductName", "Серия".into()),
        ("Article", "42".into()),
        ("ServiceType", 3.into()),
        ("RegNo", 202.into()),
        ("ActivationCode", "4345-9320-2035-7421-5361".into()),
    ] {
        assert_eq!(licence[field], value, "{field}");
    }
    state.run(&["licence", "add", file.to_str().unwrap()]).ok();
    let listed = state.run(&["licence", "list"]).ok();
    assert!(
        listed.contains("demo") && listed.contains("not started") || listed.contains("2030"),
        "{listed}"
    );
}

#[test]
fn wrong_words_to_the_vendor_are_told_in_a_line() {
    let state = State::new();
    let vendor = state.text("vendor");
    let issue = |words: &[&str]| {
        let mut command = keynode(&[
            "vendor",
            "issue",
            "--dir",
            &vendor,
            "--out",
            "/nowhere/here",
            "--key-id",
            "672B",
        ]);
        command.args(words);
        run(command)
    };
    for (words, told) in [
        (&["--key-no", "x"][..], "--key-no"),
        (&["--key-no", "1", "--itn", "1234567890"], "--itn"),
        (&["--key-no", "1", "--iec", "77"], "--iec"),
        (&["--key-no", "1", "--flags", "12"], "--flags"),
        (&["--key-no", "1", "--start", "tomorrow"], "--start"),
        (&["--key-no", "1", "--type", "large"], "main, additional, demo"),
        (
            &["--key-no", "1", "--activation-code", "1-2"],
            "--activation-code",
        ),
        (&[], "--key-no"),
    ] {
        let done = issue(words);
        assert!(done.code == 2 && done.err.contains(told), "{words:?} {done:?}");
    }
    let too_long = "я".repeat(101);
    assert!(
        issue(&["--key-no", "1", "--article-name", &too_long])
            .fails(2)
            .contains("100")
    );
    assert!(
        issue(&["--key-no", "1", "--computer", "/no/such.json"])
            .fails(1)
            .contains("/no/such.json")
    );
    let (nobody, out) = (state.text("nobody"), state.text("out"));
    let told = run(keynode(&[
        "vendor", "issue", "--dir", &nobody, "--key-id", "672B", "--key-no", "1", "--out", &out,
    ]));
    assert!(told.fails(4).contains("keynode vendor init"));
    assert!(
        run(keynode(&["vendor", "public-key", "--dir", &nobody]))
            .fails(4)
            .contains("keynode vendor init")
    );

    let junk = state.text("junk");
    fs::write(&junk, "junk").unwrap();
    assert!(state.run(&["vendor", "inspect", &junk]).fails(1).contains(&junk));
    assert!(state.run(&["vendor", "trust", &junk]).fails(1).contains(&junk));
    let private = fixture("vendor.key.pem");
    assert!(
        state
            .run(&["vendor", "trust", private.to_str().unwrap()])
            .fails(1)
            .contains("private")
    );
    assert!(
        state
            .run(&["licence", "add", "/no/such.licence"])
            .fails(1)
            .contains("/no/such.licence")
    );
}

#[test]
fn licences_are_added_listed_shown_and_removed() {
    let state = State::new();
    let file = state.issue(7, &["--seats", "3"]);
    let file = file.to_str().unwrap();
    assert!(state.run(&["licence", "add", file]).ok().contains("added"));
    assert!(state.run(&["licence", "add", file]).ok().contains("replaced"));
    let rows: Value = serde_json::from_str(&state.run(&["licence", "list", "--json"]).ok()).unwrap();
    assert_eq!(rows[0]["KeyNo"], 7);
    assert_eq!(rows[0]["Enabled"], true);
    assert_eq!(state.run(&["keys", "list", "--json"]).ok(), format!("{rows}\n"));
    let shown: Value = serde_json::from_str(&state.run(&["licence", "show", "7", "--json"]).ok()).unwrap();
    assert_eq!(shown["Licence"]["LicenceCount"], 3);
    assert_eq!(
        state.run(&["licence", "show", "7"]).ok(),
        state.run(&["keys", "show", "7"]).ok()
    );

    // The same KeyNo under another series would make both unusable.
    let other = state.text("out/1111.7.licence");
    let (vendor, out) = (state.text("vendor"), state.text("out"));
    run(keynode(&[
        "vendor", "issue", "--dir", &vendor, "--key-id", "1111", "--key-no", "7", "--out", &out,
    ]))
    .ok();
    let told = state.run(&["licence", "add", &other]).fails(1);
    assert!(told.contains("672B.7.licence"), "{told}");

    assert!(state.run(&["licence", "remove", "7"]).ok().contains("removed"));
    assert!(!state.licence(7).exists());
    for words in [
        ["licence", "remove", "7"],
        ["licence", "show", "7"],
        ["keys", "disable", "7"],
        ["keys", "enable", "7"],
    ] {
        assert!(state.run(&words).fails(4).contains('7'), "{words:?}");
    }
}

#[test]
fn a_licence_is_bound_to_the_computer_that_its_file_describes() {
    let state = State::new();
    let show = run(keynode(&["computer", "show", "--json"])).ok();
    let report: Value = serde_json::from_str(&show).unwrap();
    let computer_id = report["ComputerID"].as_str().unwrap();
    assert_eq!(computer_id.len(), 40);
    assert!(run(keynode(&["computer", "show"])).ok().contains(computer_id));

    let here = state.text("here.json");
    fs::write(&here, &show).unwrap();
    for (key_no, computer) in [(1, "self"), (2, here.as_str())] {
        let file = state.issue(key_no, &["--computer", computer]);
        let told = run(keynode(&["computer", "diff", file.to_str().unwrap()])).ok();
        assert!(told.contains("fits this computer"), "{told}");
    }
    let file = state.issue(3, &[]);
    assert!(
        run(keynode(&["computer", "diff", file.to_str().unwrap()]))
            .ok()
            .contains("not bound")
    );

    // The same computer with one component changed: as the tolerance says.
    let other = another(&report, &state.path("other.json"));
    let strict = state.issue(4, &["--computer", &other, "--tolerance", "0"]);
    let done = run(keynode(&["computer", "diff", strict.to_str().unwrap()]));
    assert_eq!(done.code, 1, "{done:?}");
    assert!(
        done.out.contains("- ") && done.out.contains("licence 4"),
        "{done:?}"
    );
    let told = state.run(&["licence", "add", strict.to_str().unwrap()]).ok();
    assert!(told.contains("gives no seats here"), "{told}");
    let lenient = state.issue(5, &["--computer", &other, "--tolerance", "1"]);
    run(keynode(&["computer", "diff", lenient.to_str().unwrap()])).ok();

    // A file that somebody changed by hand.
    fs::write(&here, show.replace(computer_id, &"0".repeat(40))).unwrap();
    let (vendor, out) = (state.text("vendor"), state.text("out"));
    let words = [
        "vendor",
        "issue",
        "--dir",
        &vendor,
        "--key-id",
        "672B",
        "--key-no",
        "6",
        "--out",
        &out,
        "--computer",
    ];
    let mut command = keynode(&words);
    command.arg(&here);
    assert!(run(command).fails(1).contains("ComputerID"));
}

/// Writes the report of a computer with another processor: a weak component, so that the rest outweighs it
/// wherever the tests run.
fn another(report: &Value, path: &Path) -> String {
    let mut components = report["components"].as_array().unwrap().clone();
    let processor = components
        .iter_mut()
        .find(|component| component["kind"] == "cpu")
        .unwrap();
    let value = processor["value"].as_str().unwrap();
    let turned: String = value.chars().map(|c| if c == '0' { '1' } else { '0' }).collect();
    processor["value"] = turned.into();
    fs::write(path, serde_json::json!({ "components": components }).to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}
