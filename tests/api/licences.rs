//! Section 8, "Licences": rows 18 to 22.

use crate::common::TestNode;
use crate::common::keys::{KEY_NO, licence, numbered, sealed};
use crate::common::node::author;
use crate::manual::INSTALL;
use keynode::licence::binding::{Binding, CarrierBinding};
use keynode::licence::{DAY, Licence, Timestamp};
use keynode::store::switch_key;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

#[test]
fn row_18_key_no_in_the_path() {
    let node = TestNode::licensed();
    for (name, status) in [
        ("7131766", 200),
        ("7131766/", 200),
        ("0007131766", 200),
        ("7131767", 404),
        ("0", 404),
        ("99999999999999999999999999", 404),
        ("x", 400),
        ("-7131766", 400),
        ("+7131766", 400),
        ("7131766.0", 400),
        ("0x6CD5F6", 400),
        ("%20", 400),
        ("672B.7131766", 400),
    ] {
        let answer = node.get(&format!("/api/licences/{name}")).expect(status);
        match status {
            400 => assert_eq!(answer.refused(400), "EHTTPBadRequest", "{name}"),
            404 => assert_eq!(answer.refused(404), "ELicenceNotFound", "{name}"),
            _ => assert_eq!(answer.json()["KeyNo"], KEY_NO, "{name}"),
        }
    }
}

/// Workable, Enabled, and the OpenError.
fn state(licence: &Value) -> (bool, bool, Option<&str>) {
    let truth = |name: &str| licence[name].as_bool().unwrap();
    (truth("Workable"), truth("Enabled"), licence["OpenError"].as_str())
}

#[track_caller]
fn assert_broken(licence: &Value, why: &str) {
    let (workable, enabled, error) = state(licence);
    assert!(!workable && !enabled, "{licence}");
    assert!(error.unwrap().contains(why), "{}", error.unwrap());
}

const SOUND: (bool, bool, Option<&str>) = (true, true, None);

#[test]
fn row_19_files_that_cannot_be_used() {
    let node = TestNode::licensed();
    let good = sealed(&licence());
    assert_eq!(state(&node.licence(KEY_NO)), SOUND);
    for (damaged, why) in [
        (good[..good.len() - 20].to_owned(), "signature"),
        (good.replacen('.', "x.", 1), ""),
        ("no licence".to_owned(), "no licence"),
        (String::new(), ""),
        ("x".repeat(70_000), "65536"),
    ] {
        node.put_file("672B.7131766.licence", &damaged);
        assert_broken(&node.licence(KEY_NO), why);
        let broken = node.licence(KEY_NO);
        assert_eq!(
            (&broken["KeyID"], &broken["LicenceCount"]),
            (&json!("672B"), &json!(0))
        );
    }
    node.put(&licence());
    assert_eq!(state(&node.licence(KEY_NO)), SOUND);
    // Two files with one KeyNo name each other; without one of them the other is as before.
    let copy = node.put_file("copy.licence", &good);
    let rows = node.get(&format!("/api/licences?KeyNo={KEY_NO}")).rows();
    assert_eq!(rows.len(), 2);
    assert_broken(&rows[0], rows[1]["FileName"].as_str().unwrap());
    assert_broken(&rows[1], rows[0]["FileName"].as_str().unwrap());
    node.remove(&copy);
    assert_eq!(state(&node.licence(KEY_NO)), SOUND);
}

#[test]
fn row_19_computer_and_carrier() {
    let node = TestNode::start();
    node.put(&node.bound(licence()));
    assert_eq!(state(&node.licence(KEY_NO)), SOUND);
    let board = "sys/class/dmi/id/board_serial";
    node.change_computer(board, "another board\n");
    assert_eq!(
        state(&node.licence(KEY_NO)),
        SOUND,
        "one change is within the tolerance"
    );
    node.change_computer("etc/machine-id", "00112233445566778899aabbccddeeff\n");
    let broken = node.licence(KEY_NO);
    assert_broken(&broken, "machine-id");
    assert_broken(&broken, "board");
    node.change_computer(board, "CN1234567890AB\n");
    assert_eq!(state(&node.licence(KEY_NO)), SOUND);
    let carrier = CarrierBinding {
        driver: "hid".into(),
        serial: "A1".into(),
        public_key: None,
    };
    node.put(&Licence {
        binding: Binding::Carrier(carrier),
        ..numbered(8)
    });
    assert_broken(&node.licence(8), "A1");
}

#[test]
fn row_19_enabled() {
    let node = TestNode::licensed();
    let switch = |enabled| {
        switch_key(&node.database(), KEY_NO, enabled, &author()).unwrap();
        node.wake();
        let licence = node.licence(KEY_NO);
        (
            licence["Workable"].clone(),
            licence["Enabled"].clone(),
            licence["OpenError"].clone(),
        )
    };
    assert_eq!(switch(false), (json!(true), json!(false), json!(null)));
    assert!(
        node.take("a")
            .message()
            .contains("switched off by the administrator")
    );
    assert_eq!(switch(true), (json!(true), json!(true), json!(null)));
    let start = node.now().plus(DAY);
    node.put(&Licence {
        start_date: Some(start),
        period: 2,
        ..numbered(9)
    });
    let enabled = || {
        let licence = node.licence(9);
        assert_eq!(licence["Workable"], true);
        (licence["Enabled"] == true, licence["Expired"] == true)
    };
    assert_eq!(enabled(), (false, false), "it has not started");
    node.advance(u64::try_from(DAY).unwrap() - 1);
    assert_eq!(enabled(), (false, false));
    node.advance(1);
    assert_eq!(enabled(), (true, false));
    node.advance(u64::try_from(2 * DAY).unwrap() - 1);
    assert_eq!(enabled(), (true, false));
    node.advance(1);
    assert_eq!(enabled(), (false, true));
}

#[test]
fn row_19_changes_show_without_being_asked_for() {
    // The one test that leaves it to the node to notice: another thread has to act, so it is asked until then.
    let node = TestNode::start();
    let until = |what: &str, shows: &dyn Fn(&[Value]) -> bool| {
        let asked = Instant::now();
        while !shows(&node.get("/api/licences").rows()) {
            assert!(asked.elapsed() < Duration::from_secs(20), "{what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let path = node.licence_dir().join(licence().file_name());
    std::fs::write(&path, sealed(&licence())).unwrap();
    until("copied in", &|rows| rows.len() == 1 && state(&rows[0]) == SOUND);
    std::fs::write(
        &path,
        sealed(&Licence {
            licence_count: 6,
            ..licence()
        }),
    )
    .unwrap();
    until("replaced", &|rows| rows[0]["LicenceCount"] == 6);
    std::fs::write(&path, "damaged").unwrap();
    until("damaged", &|rows| rows[0]["Workable"] == false);
    std::fs::remove_file(&path).unwrap();
    until("removed", &|rows| rows.is_empty());
}

#[test]
fn row_20_numbers_of_what_has_none() {
    // Blank carriers are in `usb_keys`. What the row says of numbers holds for files too, where neither name nor
    // content tells one.
    use sha2::{Digest, Sha256};

    let node = TestNode::licensed();
    let path = node.put_file("who knows.licence", "no licence");
    let digest = Sha256::digest(path.to_str().unwrap());
    let number = digest[..6]
        .iter()
        .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let unknown = node.licence(number);
    assert_eq!(unknown["KeyNo"], number);
    assert_eq!(
        (&unknown["KeyID"], &unknown["LicenceCount"]),
        (&Value::Null, &json!(0))
    );
    assert_eq!(
        (&unknown["IsBlank"], &unknown["Type"]),
        (&json!(false), &json!("Virtual"))
    );
    assert_eq!(node.get("/api/licences?IsBlank=false").rows().len(), 2);
    node.put(&Licence {
        blank_key_no: Some(77),
        ..numbered(5)
    });
    assert_eq!(node.licence(5)["BlankKeyNo"], 77);
}

#[test]
fn row_21_validity() {
    let node = TestNode::start();
    let activated = Timestamp::parse("2026-01-10T12:00:00Z").unwrap();
    let dated = |start_date, period| {
        node.put(&Licence {
            activation_date: activated,
            start_date,
            period,
            ..licence()
        });
        let licence = node.licence(KEY_NO);
        (
            licence["ExpireDate"].clone(),
            licence["DaysLeft"].clone(),
            licence["Expired"].clone(),
        )
    };
    assert_eq!(dated(None, 0), (json!(null), json!(null), json!(false)));
    let start = Some(Timestamp::parse("2026-01-14T18:00:00Z").unwrap());
    assert_eq!(dated(start, 0), (json!(null), json!(null), json!(false)));
    assert_eq!(
        dated(None, 10),
        (json!("2026-01-20T12:00:00.000Z"), json!(5), json!(false))
    );
    assert_eq!(
        dated(start, 10),
        (json!("2026-01-24T18:00:00.000Z"), json!(10), json!(false))
    );
    assert_eq!(
        dated(None, 5),
        (json!("2026-01-15T12:00:00.000Z"), json!(0), json!(true))
    );
    assert_eq!(
        dated(None, 1),
        (json!("2026-01-11T12:00:00.000Z"), json!(0), json!(true))
    );
    assert_eq!(dated(None, 6).1, 1);
    node.advance(1);
    assert_eq!(node.licence(KEY_NO)["DaysLeft"], 1, "rounded up");
    node.advance(u64::try_from(DAY).unwrap() - 2);
    assert_eq!(node.licence(KEY_NO)["DaysLeft"], 1);
    node.advance(1);
    assert_eq!(
        (
            &node.licence(KEY_NO)["DaysLeft"],
            &node.licence(KEY_NO)["Expired"]
        ),
        (&json!(0), &json!(true))
    );
}

#[test]
fn row_22_activation_code() {
    // What a centre makes of it is tested with one.
    let node = TestNode::licensed();
    for body in [INSTALL, "{}", "", "nonsense", r#"{"ActivationCodeString":"x"}"#] {
        let answer = node.ask("POST", "/api/licences").body(body).send();
        assert_eq!(answer.refused(400), "EHTTPBadRequest");
    }
    // The ITN of the manual's example with its check digit.
    let here = INSTALL.replace("1234567890", "1234567894");
    let answer = node.ask("POST", "/api/licences").body(&here).send().expect(200);
    assert_eq!(answer.json(), node.licence(KEY_NO));
    let other = here.replace("5361", "5362");
    let answer = node.ask("POST", "/api/licences").body(other).send();
    assert_eq!(answer.refused(503), "EActivationCentreUnavailable");
    assert_eq!(node.get("/api/licences").rows().len(), 1, "nothing changed");
}
