//! Carrier keys on tokens of `SoftHSM2`: what proves itself, and what a node makes of licences on them and bound to them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use keynode::devices::token_carriers::{CARRIER_LABEL, licence_label};
use keynode::devices::{CarrierError, CarrierState, TokenCarrier, TokenHardware};
use keynode::licence::Licence;
use keynode::licence::binding::{Binding, CarrierBinding};
use keynode::node::{look_at_tokens, token_rules};
use keynode::tokens::{KeyKind, NewKey, Operation, TokensHandle, Workers};
use serde_json::{Value, json};

use crate::common::TestNode;
use crate::common::keys::{licence, sealed};
use crate::softhsm::SoftHsm;

const PATIENCE: Duration = Duration::from_secs(30);

/// These tokens of a `SoftHSM2`, by their labels.
fn tokens(hsm: &SoftHsm, labels: &[&str]) -> TokensHandle {
    let settings: BTreeMap<_, _> = labels
        .iter()
        .map(|label| ((*label).to_owned(), hsm.settings(label)))
        .collect();
    let workers = Workers {
        program: env!("CARGO_BIN_EXE_keynode").into(),
        state_dir: None,
    };
    TokensHandle::start(token_rules(&settings, None), workers)
}

fn look(hsm: &SoftHsm, labels: &[&str]) -> Arc<TokenHardware> {
    let tokens = tokens(hsm, labels);
    let hardware = look_at_tokens(&tokens);
    tokens.stop();
    hardware
}

/// A node that has these tokens, and no USB devices.
fn node(hsm: &SoftHsm, labels: &[&str]) -> TestNode {
    TestNode::with(|settings| {
        settings.devices.enabled = false;
        for label in labels {
            settings.tokens.insert((*label).to_owned(), hsm.settings(label));
        }
    })
}

/// The licence of this number, for this carrier.
fn bound(key_no: u64, carrier: &TokenCarrier) -> Licence {
    Licence {
        key_no,
        binding: Binding::Carrier(CarrierBinding {
            driver: TokenCarrier::DRIVER.into(),
            serial: carrier.token.serial.clone(),
            public_key: carrier.public_key.clone(),
        }),
        ..licence()
    }
}

/// Looks until there is something.
#[track_caller]
fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

/// The licence of this number as soon as it is as wanted.
#[track_caller]
fn await_licence(node: &TestNode, key_no: u64, wanted: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    eventually(&format!("licence {key_no} is not as wanted"), || {
        let answer = node.get(&format!("/api/licences/{key_no}"));
        last = (answer.status == 200).then(|| answer.json())?;
        wanted(&last).then(|| last.clone())
    })
}

#[track_caller]
fn await_workable(node: &TestNode, key_no: u64) {
    await_licence(node, key_no, |licence| licence["Workable"] == true);
}

/// Waits until a licence is not Workable for a reason that contains this.
#[track_caller]
fn await_error(node: &TestNode, key_no: u64, why: &str) {
    await_licence(node, key_no, |licence| {
        let error = licence["OpenError"].as_str().unwrap_or_default();
        licence["Workable"] == false && error.contains(why)
    });
}

/// Puts licences beside their keys.
fn write(hsm: &SoftHsm, label: &str, licences: &[(&TokenCarrier, &Licence)]) {
    let tokens = tokens(hsm, &[label]);
    tokens.rescan();
    for (carrier, licence) in licences {
        let operation = Operation::WriteData {
            label: licence_label(&carrier.key),
            value: sealed(licence).into_bytes(),
        };
        tokens.perform_and_wait(label, operation).unwrap();
    }
    tokens.stop();
}

/// Writes another serial number into the file of a token: `SoftHSM2` keeps it there as 16 characters.
fn set_serial(directory: &Path, from: &str, to: &str) {
    assert_eq!((from.len(), to.len()), (16, 16));
    let path = directory.join("token.object");
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes
        .windows(16)
        .position(|window| window == from.as_bytes())
        .unwrap();
    bytes[at..at + 16].copy_from_slice(to.as_bytes());
    fs::write(&path, bytes).unwrap();
}

#[test]
fn keys_of_each_kind_prove_themselves_and_licences_bound_to_them_work() {
    let hsm = SoftHsm::new(&["one"]);
    for (id, kind) in [(1, "EC:edwards25519"), (2, "EC:prime256v1"), (3, "rsa:2048")] {
        hsm.make_key("one", kind, id, "keynode-carrier");
    }
    hsm.make_key("one", "EC:prime256v1", 4, "another's key");
    let hardware = look(&hsm, &["one"]);
    let states: Vec<_> = hardware.carriers.iter().map(|carrier| &carrier.state).collect();
    assert_eq!(states, [&CarrierState::Proven; 3], "{hardware:?}");
    let node = node(&hsm, &["one"]);
    for (number, carrier) in (1..).zip(&hardware.carriers) {
        let named = Licence {
            blank_key_no: Some(carrier.number()),
            ..bound(number, carrier)
        };
        node.put(&named);
        await_workable(&node, number);
    }
    let rows = node.get("/api/devices").expect(200).rows();
    let proofs: Vec<&Value> = rows.iter().map(|row| &row["Proof"]).collect();
    assert_eq!(
        proofs,
        [&Value::Null, &json!("proven"), &json!("proven"), &json!("proven")]
    );
    assert_eq!(
        (&rows[0]["Type"], &rows[0]["Access"]),
        (&json!("Token"), &json!("ok"))
    );
}

#[test]
fn licences_on_a_token_go_and_come_back_with_it() {
    let hsm = SoftHsm::new(&["one"]);
    hsm.make_key("one", "EC:prime256v1", 1, "keynode-carrier a");
    hsm.make_key("one", "rsa:2048", 2, "keynode-carrier b");
    let hardware = look(&hsm, &["one"]);
    let [first, second] = &hardware.carriers[..] else {
        panic!("{hardware:?}");
    };
    let node = node(&hsm, &["one"]);
    let blank = await_licence(&node, first.number(), |licence| licence["IsBlank"] == true);
    assert_eq!(blank["Type"], "USB");
    write(
        &hsm,
        "one",
        &[(first, &bound(1, first)), (second, &bound(2, second))],
    );
    node.ask("POST", "/api/rescan").send().expect(200);
    for key_no in [1, 2] {
        await_workable(&node, key_no);
    }
    let shown = node.licence(1);
    assert_eq!(
        (&shown["Type"], &shown["FileName"]),
        (&json!("USB"), &json!(first.id))
    );
    hsm.remove("one");
    for key_no in [1, 2] {
        await_error(&node, key_no, "unplugged; it was last in token one");
    }
    assert_eq!(node.get("/api/devices").column("Access"), [json!("absent")]);
    hsm.put_back("one");
    for key_no in [1, 2] {
        await_workable(&node, key_no);
    }
}

#[test]
fn a_file_bound_to_a_token_works_with_no_copy_of_it() {
    let hsm = SoftHsm::new(&["one"]);
    hsm.make_key("one", "EC:prime256v1", 1, "keynode-carrier");
    let hardware = look(&hsm, &["one"]);
    let carrier = &hardware.carriers[0];
    let serial = carrier.token.serial.clone();
    let node = node(&hsm, &["one"]);
    node.put(&bound(1, carrier));
    await_workable(&node, 1);

    // The token's directory under another serial number.
    let original = hsm.token_directory("one");
    hsm.remove("one");
    await_error(&node, 1, "is not connected");
    let copy = original.with_file_name("copy");
    let away = hsm.path().join("away").join(original.file_name().unwrap());
    let copied = Command::new("cp")
        .arg("-r")
        .arg(&away)
        .arg(&copy)
        .status()
        .unwrap();
    assert!(copied.success());
    let other_serial = "00c0ffee00c0ffee";
    set_serial(&copy, &serial, other_serial);
    eventually("the copy is not seen", || {
        let seen = node.get("/api/devices?Proof=proven").column("SerialNumber");
        (seen == [json!(other_serial)]).then_some(())
    });
    await_error(&node, 1, "is not connected");
    fs::remove_dir_all(&copy).unwrap();

    // Another key under the same serial number.
    hsm.add("one");
    hsm.make_key("one", "EC:prime256v1", 1, "keynode-carrier");
    let other = look(&hsm, &["one"]).tokens[0].serial.clone();
    set_serial(&hsm.token_directory("one"), &other, &serial);
    await_error(&node, 1, "another device with the same serial number");

    // The genuine one.
    fs::remove_dir_all(hsm.token_directory("one")).unwrap();
    hsm.put_back("one");
    await_workable(&node, 1);
}

#[test]
fn a_key_that_can_be_copied_is_no_carrier() {
    let hsm = SoftHsm::new(&["one"]);
    let id = [
        "--id",
        "07",
        "--label",
        "keynode-carrier",
        "--usage-sign",
        "--extractable",
    ];
    let kind = ["--keypairgen", "--key-type", "EC:prime256v1"];
    hsm.tool("one", &[&kind[..], &id[..]].concat());
    let hardware = look(&hsm, &["one"]);
    let carrier = &hardware.carriers[0];
    assert_eq!(carrier.state, CarrierState::Failed(CarrierError::Copyable));
    let node = node(&hsm, &["one"]);
    node.put(&bound(1, carrier));
    await_error(&node, 1, "copied off the token");
}

#[test]
fn a_locked_pin_is_shown_and_told_to_its_licences() {
    let hsm = SoftHsm::new(&["one"]);
    hsm.make_key("one", "EC:prime256v1", 1, "keynode-carrier");
    let hardware = look(&hsm, &["one"]);
    hsm.lock_pin("one");
    let node = node(&hsm, &["one"]);
    node.put(&bound(1, &hardware.carriers[0]));
    await_error(&node, 1, "its PIN is locked");
    let row = node.get("/api/devices?Type=Token").rows().remove(0);
    assert_eq!(
        (&row["Access"], &row["PinState"]),
        (&json!("locked"), &json!("locked"))
    );
}

#[test]
fn licences_beside_keys_are_seen_among_many_objects_and_by_long_names() {
    let hsm = SoftHsm::new(&["one"]);
    let tokens = tokens(&hsm, &["one"]);
    tokens.rescan();
    let perform = |operation| tokens.perform_and_wait("one", operation).unwrap();
    let write = |label: String, value: &[u8]| {
        let value = value.to_vec();
        perform(Operation::WriteData { label, value });
    };
    for other in 0..16 {
        write(licence_label(&[other; 2]), b"of a key that was removed");
    }
    let ids = [1, 55, 56, 64].map(|length| vec![0xA5; length]);
    for id in &ids {
        perform(Operation::CreateKey {
            id: id.clone(),
            label: CARRIER_LABEL.into(),
            key: NewKey::Generated(KeyKind::EcP256),
        });
        write(licence_label(id), id);
    }
    let hardware = look_at_tokens(&tokens);
    tokens.stop();
    assert_eq!(hardware.tokens[0].data.len(), 20);
    let carriers = hardware.carriers.iter();
    let beside: BTreeMap<_, _> = carriers.map(|carrier| (&carrier.key, &carrier.memory)).collect();
    for id in &ids {
        assert_eq!(beside[id].as_deref(), Some(&id[..]), "{} bytes", id.len());
    }
}

#[test]
fn a_hundred_keys_on_four_tokens_prove_themselves() {
    let labels = ["one", "two", "three", "four"];
    let hsm = SoftHsm::new(&labels);
    let tokens = tokens(&hsm, &labels);
    tokens.rescan();
    // A token lists all its keys after each new one: four of them do that side by side.
    std::thread::scope(|scope| {
        for label in labels {
            let tokens = &tokens;
            scope.spawn(move || {
                for id in 0..25 {
                    let operation = Operation::CreateKey {
                        id: vec![id],
                        label: CARRIER_LABEL.into(),
                        key: NewKey::Generated(KeyKind::EcP256),
                    };
                    tokens.perform_and_wait(label, operation).unwrap();
                }
            });
        }
    });
    let hardware = look_at_tokens(&tokens);
    let proven = hardware.carriers.iter();
    let proven = proven.filter(|carrier| carrier.state == CarrierState::Proven);
    assert_eq!((hardware.carriers.len(), proven.count()), (100, 100));
    tokens.stop();
}
