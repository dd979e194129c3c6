//! What its vendor takes back gives no seats any more, and what ends soon is told before it does.

use std::time::{Duration, Instant};

use keynode::keyring::accept_list;
use keynode::licence::{DAY, Licence, Revocation, RevocationReason, Revocations, VendorKey};
use serde_json::{Value, json};

use crate::common::TestNode;
use crate::common::keys::{KEY_NO, VENDOR_PUBLIC, licence, notice, numbered};
use crate::devices::admin;

/// Gives the node a list of what is revoked: these keys' documents up to now.
fn revoke(node: &TestNode, number: u64, keys: &[(u64, RevocationReason)]) -> bool {
    let now = node.now();
    let keys = keys
        .iter()
        .map(|(key_no, reason)| (*key_no, Revocation(now, *reason)));
    let list = Revocations {
        number,
        issued: now,
        keys: keys.collect(),
    };
    let vendor = VendorKey::from_pem(VENDOR_PUBLIC).unwrap();
    let vendors = [vendor].into_iter().collect();
    accept_list(
        &node.settings.revocation_dir(),
        notice(&list).as_bytes(),
        &vendors,
    )
    .unwrap()
}

/// Waits until the node shows the licence of this number as wanted, by itself.
#[track_caller]
fn until(node: &TestNode, key_no: u64, wanted: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let licence = node.get(&format!("/api/licences/{key_no}")).expect(200).json();
        if wanted(&licence) {
            return licence;
        }
        assert!(Instant::now() < deadline, "{licence}");
        std::thread::yield_now();
    }
}

#[test]
fn a_new_list_is_noticed_and_names_the_reason() {
    let node = TestNode::licensed();
    node.put(&numbered(2));
    node.put(&numbered(3));
    let seat = node.seat("client");
    assert!(revoke(
        &node,
        1,
        &[(KEY_NO, RevocationReason::Moved), (2, RevocationReason::Returned)]
    ));
    for (key_no, why) in [(KEY_NO, "it is in use elsewhere now"), (2, "it was returned")] {
        let licence = until(&node, key_no, |licence| licence["Workable"] == false);
        let error = licence["OpenError"].as_str().unwrap();
        assert!(
            error.starts_with(&format!("revoked by its vendor: {why}; ")),
            "{error}"
        );
        assert!(
            error.contains("keynode activation activate 4345-…-5361") && !error.contains("9320"),
            "{error}"
        );
        assert_eq!(licence["Enabled"], false);
    }
    assert_eq!(
        until(&node, 3, |licence| licence["Workable"] == true)["OpenError"],
        Value::Null
    );
    // Whoever sat on the key sits on what is left of the series now.
    let session = node.get(&seat).expect(200).json();
    assert_eq!(session["UsedLicence"], 3, "{session}");

    assert!(revoke(&node, 2, &[(3, RevocationReason::Revoked)]));
    until(&node, KEY_NO, |licence| licence["Workable"] == true);
    let taken = until(&node, 3, |licence| licence["Workable"] == false);
    assert!(
        taken["OpenError"]
            .as_str()
            .unwrap()
            .contains("the vendor took it back; ask the vendor")
    );
    assert!(!revoke(&node, 2, &[]), "an old list changes nothing");
}

#[test]
fn a_licence_issued_later_works_beside_the_revoked_one_and_after_a_restart() {
    let mut node = TestNode::licensed();
    revoke(&node, 1, &[(KEY_NO, RevocationReason::Moved)]);
    until(&node, KEY_NO, |licence| licence["Workable"] == false);
    let later = Licence {
        issued: Some(node.now().plus(1)),
        licence_count: 7,
        ..licence()
    };
    let old = node.licence_dir().join("old.licence");
    std::fs::rename(node.licence_dir().join(licence().file_name()), old).unwrap();
    node.put(&later);
    let found = until(&node, KEY_NO, |licence| licence["Workable"] == true);
    assert_eq!(found["LicenceCount"], 7, "a revoked licence is no rival");
    node.restart(1000);
    let found = until(&node, KEY_NO, |licence| licence["Workable"] == true);
    assert_eq!(found["LicenceCount"], 7);
}

#[test]
fn health_tells_of_what_ends_within_thirty_days() {
    let node = TestNode::licensed();
    let ending = |key_no, days: i64| Licence {
        period: u32::try_from((node.now().millis() - licence().activation_date.millis()) / DAY + days)
            .unwrap(),
        ..numbered(key_no)
    };
    node.put(&ending(2, 20));
    node.put(&ending(3, 10));
    node.put(&ending(4, 40));
    let told = || {
        let report = admin(&node, "GET /health HTTP/1.1\r\nHost: localhost")
            .expect(200)
            .json();
        report["ending"].clone()
    };
    let row = |key_no: u64, days: i64| json!({ "KeyNo": key_no, "KeyID": "672B", "DaysLeft": days });
    assert_eq!(told(), json!([row(3, 10), row(2, 20)]));
    node.advance(12 * 86_400_000);
    assert_eq!(told(), json!([row(2, 8), row(4, 28)]), "3 is over");
}
