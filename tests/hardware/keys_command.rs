//! `keynode devices` and `keynode vendor issue --carrier`: the program itself, looking at described devices.

use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use super::described::{Described, root_hub};
use super::dongle::{Fault, dongle, plug, unplug};
use super::keys_node::{on_host, on_port, until_sound};
use super::preload::mocked_test;

/// The program, which inherits the mock of this process.
fn keynode(arguments: &[&str], home: &std::path::Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keynode"));
    command.args(arguments).current_dir(home).stdin(Stdio::null());
    command.env("HOME", home).env_remove("KEYNODE_CONFIG");
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What it printed; it must have ended with this code.
#[track_caller]
fn run(mut command: Command, code: i32) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let (out, err) = (text(&stdout), text(&stderr));
    assert_eq!(status.code(), Some(code), "{out}{err}");
    if code == 0 { out } else { err }
}

/// A vendor's directory with the fixture key, which this home's nodes trust.
fn vendor(home: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let (vendor, trusted) = (home.join("vendor"), home.join("vendors"));
    std::fs::create_dir_all(&vendor).unwrap();
    std::fs::create_dir_all(&trusted).unwrap();
    std::fs::copy(fixtures.join("vendor.key.pem"), vendor.join("vendor.key")).unwrap();
    std::fs::set_permissions(vendor.join("vendor.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::copy(fixtures.join("vendor.pub.pem"), trusted.join("v.pem")).unwrap();
}

mocked_test!(fn devices_are_listed_and_shown(bed) {
    bed.add(&root_hub());
    let home = tempfile::tempdir().unwrap();
    let list = |more: &[&str]| run(keynode(&[&["devices", "list"], more].concat(), home.path()), 0);
    assert_eq!(list(&["--json"]), "[]\n");
    let (first, second) = (on_port(1, "LK-1"), on_port(2, "LK-2"));
    let silent = dongle(&second);
    plug(bed, &first, &dongle(&first));
    plug(bed, &second, &silent);
    silent.set_fault(Fault::Wrong);
    bed.add(&Described { vendor_id: 0x4b4e, product_id: 7, hid: None, ..on_port(3, "OWN") }.text());
    let rows: Value = serde_json::from_str(&list(&["--json"])).unwrap();
    let shown = |row: &Value| [row["ID"].clone(), row["Port"].clone(), row["Proof"].clone()];
    assert_eq!(shown(&rows[0]), [json!("usb-1209-0001-LK-1"), json!("1-1"), json!("proven")]);
    assert!(rows[1]["Proof"].as_str().unwrap().contains("its proof is wrong"));
    assert_eq!(shown(&rows[2]), [json!("usb-4b4e-0007-OWN"), json!("1-3"), Value::Null]);
    let table = list(&["--devices-families", "4b4e:* serial Our own"]);
    let own = table.lines().find(|line| line.contains("usb-4b4e-0007-OWN")).unwrap();
    assert!(own.contains("Our own") && own.ends_with("proven"), "{table}");
    let show = |device: &str| keynode(&["devices", "show", device], home.path());
    let told = run(show("LK-1"), 0);
    assert!(told.contains("usb-1209-0001-LK-1") && told.contains("it holds no licence"), "{told}");
    assert!(run(show("LK-9"), 4).contains("LK-9"));
    // Two devices with one serial number are named by their ports.
    bed.add(&Described { vendor_id: 0x4b4e, product_id: 7, hid: None, ..on_port(4, "OWN") }.text());
    let told = run(show("OWN"), 2);
    assert!(told.contains("@1-3") && told.contains("@1-4"), "{told}");
});

mocked_test!(fn a_licence_is_issued_for_a_carrier_and_written_into_it(bed) {
    bed.add(&root_hub());
    let home = tempfile::tempdir().unwrap();
    vendor(home.path());
    let described = [on_port(1, "LK-1"), on_port(2, "LK-2")];
    let dongles = described.each_ref().map(dongle);
    for (described, dongle) in described.iter().zip(&dongles) {
        plug(bed, described, dongle);
    }
    let issue = |more: &[&str]| {
        let words = ["vendor", "issue", "--dir", "vendor", "--key-id", "672B"];
        keynode(&[&words, more].concat(), home.path())
    };
    let provision = |more: &[&str]| {
        let words = ["devices", "provision", "--vendor-dir", "vendors"];
        keynode(&[&words, more].concat(), home.path())
    };
    run(issue(&["--key-no", "7", "--carrier", "LK-1"]), 0);
    run(issue(&["--key-no", "8"]), 0);
    assert!(run(issue(&["--key-no", "9", "--carrier", "LK-9"]), 4).contains("LK-9"));
    // Only a licence for this carrier, of a vendor that is trusted, is written.
    let told = run(provision(&["LK-2", "--licence", "672B.7.licence"]), 1);
    assert!(told.contains("not for usb-1209-0001-LK-2: it is bound to hid LK-1"), "{told}");
    assert!(run(provision(&["LK-1", "--licence", "/dev/zero"]), 1).contains("more than 65536 bytes"));
    assert!(run(provision(&["LK-1", "--licence", "672B.8.licence"]), 1).contains("not bound to a carrier"));
    let distrusted = keynode(&["devices", "provision", "LK-1", "--licence", "672B.7.licence"], home.path());
    assert!(run(distrusted, 1).contains("unknown vendor"));
    assert!(dongles[0].dongle().memory().licence().is_empty(), "nothing was written");
    let told = run(provision(&["LK-1", "--licence", "672B.7.licence"]), 0);
    assert!(told.contains("licence 7 of series 672B is written into usb-1209-0001-LK-1"), "{told}");
    let file = std::fs::read(home.path().join("672B.7.licence")).unwrap();
    assert_eq!(dongles[0].dongle().memory().licence(), file.trim_ascii());
    let rows = run(keynode(&["devices", "list", "--json", "--vendor-dir", "vendors"], home.path()), 0);
    let rows: Value = serde_json::from_str(&rows).unwrap();
    assert_eq!((&rows[0]["KeyNo"], &rows[1]["KeyNo"]), (&json!(7), &Value::Null));
    let keys = run(keynode(&["keys", "list", "--json", "--vendor-dir", "vendors", "--licence-dir", "none"], home.path()), 0);
    let keys: Value = serde_json::from_str(&keys).unwrap();
    let seven = keys.as_array().unwrap().iter().find(|key| key["KeyNo"] == 7).unwrap();
    assert_eq!((&seven["Type"], &seven["Workable"]), (&json!("USB"), &json!(true)));
    // Another licence does not replace it unasked; nor is anything erased unasked.
    run(issue(&["--key-no", "10", "--carrier", "LK-1"]), 0);
    assert!(run(provision(&["LK-1", "--licence", "672B.10.licence"]), 2).contains("KeyNo 7"));
    run(provision(&["LK-1", "--licence", "672B.10.licence", "--yes"]), 0);
    run(provision(&["LK-1", "--erase"]), 2);
    assert!(run(provision(&["LK-1", "--erase", "--yes"]), 0).contains("erased"));
    assert!(dongles[0].dongle().memory().licence().is_empty());
    let blank = rows[0]["CarrierNo"].to_string();
    let disable = keynode(&["keys", "disable", &blank, "--licence-dir", "none", "--state-dir", "state"], home.path());
    assert!(run(disable, 1).contains("a carrier without a licence"));
    // A device that fails is not bound to.
    dongles[1].set_fault(Fault::Wrong);
    assert!(run(issue(&["--key-no", "11", "--carrier", "LK-2"]), 1).contains("its proof is wrong"));
});

mocked_test!(fn where_libusb_does_not_start_the_doctor_says_so(_bed) {
    let home = tempfile::tempdir().unwrap();
    let mut doctor = keynode(&["doctor"], home.path());
    doctor.env("UMOCKDEV_DIR", home.path().join("nowhere"));
    let output = doctor.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("devices cannot be looked for: libusb"), "{}", text(&output.stdout));
});

mocked_test!(fn what_comes_and_goes_is_printed_as_it_happens(bed) {
    bed.add(&root_hub());
    let home = tempfile::tempdir().unwrap();
    let (first, second) = (on_port(1, "LK-1"), on_port(2, "LK-1"));
    let dongle = dongle(&first);
    plug(bed, &first, &dongle);
    let mut command = keynode(&["devices", "watch", "--json"], home.path());
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = |event: &str| loop {
        let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        if line["Event"] == event {
            break line["Device"].clone();
        }
    };
    assert_eq!(next("added")["Port"], "1-1");
    unplug(bed, &first, &dongle);
    assert_eq!(next("removed")["ID"], "usb-1209-0001-LK-1");
    plug(bed, &second, &dongle);
    assert_eq!(next("added")["Port"], "1-2");
    child.kill().unwrap();
    child.wait().unwrap();
});

mocked_test!(fn a_running_node_sees_what_was_written_beside_it(bed) {
    bed.add(&root_hub());
    let home = tempfile::tempdir().unwrap();
    vendor(home.path());
    let described = on_port(1, "LK-1");
    plug(bed, &described, &dongle(&described));
    let node = on_host();
    let rows = node.get("/api/licences").rows();
    assert_eq!((rows.len(), &rows[0]["IsBlank"]), (1, &json!(true)));
    let words = ["vendor", "issue", "--dir", "vendor", "--key-id", "672B", "--key-no", "7", "--carrier", "LK-1"];
    run(keynode(&words, home.path()), 0);
    let words = ["devices", "provision", "LK-1", "--licence", "672B.7.licence", "--vendor-dir", "vendors"];
    run(keynode(&words, home.path()), 0);
    let admin = node.admin_address().to_string();
    let told = run(keynode(&["rescan", "--admin-listen", &admin], home.path()), 0);
    assert_eq!(told, "1 device(s) and 1 key(s) are there\n");
    until_sound(&node, 7);
    assert_eq!(node.take("a").expect(201).json()["KeyNo"], 7);
});
