//! What the list of keys is made of, read and written.

use std::os::unix::fs::PermissionsExt;

use super::KeyState::{Current, Fallback, Retired};
use super::*;

const NODE: &str = include_str!("../../tests/fixtures/node.key.pem");

fn public(bits: &str) -> PublicKey {
    let vendor = include_str!("../../tests/fixtures/vendor.pub.pem");
    let node = SoftwareKey::from_pem(NODE).unwrap().public_key().clone();
    if bits == "node" {
        node
    } else {
        PublicKey::from_pem(vendor).unwrap()
    }
}

fn software(file: &str) -> Place {
    Place::Software { file: file.into() }
}

fn on_token(token: &str, id: &str) -> Place {
    Place::Pkcs11 {
        token: token.into(),
        id: id.into(),
    }
}

fn rules(provider: SigningProvider, token: Option<&str>, on_failure: OnSigningFailure) -> Signing {
    Signing {
        provider,
        token: token.map(Into::into),
        on_failure,
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

#[test]
fn the_settings_say_which_key_is_current() {
    let mut list = KeyList::default();
    list.put(&public("node"), software("signing.key"), at(1));
    list.put(&public("vendor"), on_token("hsm", "01"), at(2));
    let states = |rules: &Signing| list.states(rules).map(|(_, state)| state).collect::<Vec<_>>();
    let token = |on_failure| rules(SigningProvider::Pkcs11, Some("hsm"), on_failure);
    assert_eq!(states(&Signing::default()), [Current, Retired]);
    assert_eq!(states(&token(OnSigningFailure::Fail)), [Retired, Current]);
    assert_eq!(states(&token(OnSigningFailure::Software)), [Fallback, Current]);
    let other = rules(SigningProvider::Pkcs11, Some("other"), OnSigningFailure::Fail);
    assert_eq!(states(&other), [Retired, Retired]);
}

#[test]
fn a_new_key_retires_the_one_in_its_place_and_no_other() {
    let mut list = KeyList::default();
    list.put(&public("node"), software("signing.key"), at(1));
    list.put(&public("node"), on_token("hsm", "01"), at(2));
    list.put(&public("node"), on_token("other", "01"), at(3));
    list.put(&public("vendor"), on_token("hsm", "02"), at(4));
    let retired: Vec<_> = list.keys.iter().map(|entry| entry.retired).collect();
    assert_eq!(retired, [None, Some(at(4)), None, None]);
    assert_eq!(list.on_token("hsm").unwrap().place, on_token("hsm", "02"));
    // Taken up again, it is in force and listed once.
    list.put(&public("node"), on_token("hsm", "01"), at(5));
    assert_eq!(list.keys.len(), 4);
    assert_eq!(list.on_token("hsm").unwrap().place, on_token("hsm", "01"));
}

#[test]
fn a_list_is_read_as_it_was_saved_and_a_first_key_is_found_without_one() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(KeyList::load(dir.path()).unwrap(), KeyList::default());
    let key = SoftwareKey::from_pem(NODE).unwrap();
    key.write_new(&dir.path().join(SIGNING_KEY)).unwrap();
    let mut list = KeyList::load(dir.path()).unwrap();
    assert_eq!(list.software().unwrap().place, software(SIGNING_KEY));
    list.put(&public("vendor"), on_token("hsm", "00ff"), at(1));
    list.save(dir.path()).unwrap();
    assert_eq!(KeyList::load(dir.path()).unwrap(), list);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[test]
fn what_a_writer_left_behind_that_was_cut_off_exposes_no_key() {
    let dir = tempfile::tempdir().unwrap();
    // The list is written whole, and cannot be put in its place.
    fs::create_dir(dir.path().join(KEY_LIST)).unwrap();
    KeyList::default().save(dir.path()).unwrap_err();
    for other in ["signing.part", "signing.key.part"] {
        fs::write(dir.path().join(other), "a key that was cut off").unwrap();
    }
    for entry in fs::read_dir(dir.path()).unwrap() {
        fs::set_permissions(entry.unwrap().path(), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = dir.path().join(SIGNING_KEY);
    let made = SoftwareKey::read_or_create(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    assert_eq!(SoftwareKey::read(&path).unwrap().public_key(), made.public_key());
    assert!(!dir.path().join("signing.key.part").exists());
    let list = fs::read_to_string(dir.path().join("signing.json.part")).unwrap();
    assert_eq!(list, "{\n  \"keys\": []\n}\n", "a key's writer lets it be");
}

#[test]
fn a_list_that_somebody_else_wrote_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(KEY_LIST);
    let mut list = KeyList::default();
    list.put(&public("node"), software("../../etc/shadow"), at(1));
    let escaping = serde_json::to_string(&list).unwrap();
    list.keys[0].place = on_token("hsm", "0g");
    let no_id = serde_json::to_string(&list).unwrap();
    list.keys[0].public_key = "none".into();
    let no_key = serde_json::to_string(&list).unwrap();
    for text in ["", "{}", "{\"keys\":[],\"more\":1}", &escaping, &no_id, &no_key] {
        fs::write(&path, text).unwrap();
        let error = KeyList::load(dir.path()).unwrap_err().to_string();
        assert!(error.contains("signing.json"), "{text}: {error}");
    }
}

#[test]
fn hexadecimal_digits() {
    assert_eq!(from_hex("00Ff").unwrap(), [0, 255]);
    for wrong in ["", "0", "0x", "é0", "0 "] {
        assert_eq!(from_hex(wrong), None, "{wrong:?}");
    }
}
