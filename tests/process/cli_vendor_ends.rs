//! Vendor keys that expire and licences that their vendor takes back, as typed in a shell.

use std::fs;

use keynode::keyring::accept_list;
use keynode::licence::{Revocation, RevocationReason, Revocations, Timestamp, VendorKey, seal_notice};
use keynode::signing::{Message, Signer, SoftwareKey};

use crate::harness::{keynode, run};
use crate::state::State;

#[test]
fn a_vendor_key_that_expires_is_trusted_until_then() {
    let state = State::distrustful();
    let dir = state.text("acme");
    let init = |expires: &str| run(keynode(&["vendor", "init", "--dir", &dir, "--expires", expires]));
    let told = init("soon");
    assert!(told.code == 2 && told.err.contains("2026-01-31"), "{told:?}");
    assert!(init("2020-01-01").fails(2).contains("over already"));
    assert!(
        init("2100-01-31T12:00:00Z")
            .ok()
            .contains("expires on 2100-01-31T12:00:00.000Z")
    );
    let public = run(keynode(&["vendor", "public-key", "--dir", &dir])).ok();
    assert!(
        public.starts_with("Expires: 2100-01-31T12:00:00.000Z\n-----BEGIN"),
        "{public}"
    );

    let out = state.text("out");
    let issue = [
        "vendor", "issue", "--dir", &dir, "--key-id", "672b", "--key-no", "8", "--out", &out,
    ];
    run(keynode(&issue)).ok();
    let licence = state.text("out/672B.8.licence");
    let pem = state.text("acme/vendor.pem");
    let told = state.run(&["vendor", "trust", &pem]).ok();
    assert!(told.contains("before 2100-01-31T12:00:00.000Z"), "{told}");
    state.run(&["licence", "add", &licence]).ok();

    // The same key with another expiry: what the file says counts.
    let text = fs::read_to_string(&pem).unwrap();
    fs::write(&pem, text.replace("2100-01-31", "2020-01-31")).unwrap();
    assert!(run(keynode(&issue)).fails(1).contains("expired on 2020-01-31"));
    state.run(&["vendor", "trust", &pem]).ok();
    let done = state.run(&["vendor", "inspect", &licence]);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.out.contains("expired on 2020-01-31"), "{done:?}");
    let listed = state.run(&["keys", "list"]).ok();
    assert!(listed.contains("expired on 2020-01-31"), "{listed}");
    fs::write(&pem, text.replace("2100-01-31", "2100-31-01")).unwrap();
    assert!(
        state
            .run(&["vendor", "trust", &pem])
            .fails(1)
            .contains("Expires:")
    );
}

#[test]
fn a_revoked_licence_is_told_by_every_command_that_looks_at_it() {
    let state = State::new();
    let file = state.issue(7_131_766, &[]);
    let file = file.to_str().unwrap();
    state.run(&["vendor", "inspect", file]).ok();
    let until = Timestamp::parse("2100-01-01").unwrap();
    let list = Revocations {
        number: 1,
        issued: until,
        keys: [(7_131_766, Revocation(until, RevocationReason::Returned))].into(),
    };
    let key = SoftwareKey::read(&state.path("vendor/vendor.key")).unwrap();
    let public = VendorKey::from_pem(&key.public_key().pem).unwrap();
    let signed = seal_notice(&list, public.kid(), |body| {
        let message = Message { query_id: b"", body };
        key.sign_one(message).map(|signature| signature.0)
    });
    let vendors = [public].into_iter().collect();
    assert!(
        accept_list(
            &state.path("state/revocations"),
            signed.unwrap().as_bytes(),
            &vendors
        )
        .unwrap()
    );

    let inspected = state.run(&["vendor", "inspect", file]);
    assert_eq!(inspected.code, 1, "{inspected:?}");
    assert!(
        inspected.out.contains("Revoked:    it was returned"),
        "{inspected:?}"
    );
    let told = state.run(&["licence", "add", file]).ok();
    assert!(
        told.contains("gives no seats here: revoked by its vendor: it was returned"),
        "{told}"
    );
    assert!(
        state
            .run(&["keys", "list"])
            .ok()
            .contains("revoked by its vendor")
    );
}
