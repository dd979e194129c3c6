//! Tests of revocation lists: which counts, for what, and until when.

use std::collections::BTreeMap;

use super::*;
use crate::keyring::key::{KeyKind, opened};
use crate::licence::tests::{licence, vendor_key, vendor_public};
use crate::licence::{Revocation, Timestamp, seal, seal_notice};

fn vendors() -> VendorKeys {
    [vendor_public()].into_iter().collect()
}

fn list(number: u64, keys: impl IntoIterator<Item = u64>) -> Vec<u8> {
    let until = licence().activation_date;
    let revoked = |key_no| (key_no, Revocation(until, RevocationReason::Moved));
    let list = Revocations {
        number,
        issued: until,
        keys: keys.into_iter().map(revoked).collect::<BTreeMap<_, _>>(),
    };
    let sign = |message: &[u8]| Ok::<_, ()>(vendor_key().sign(message));
    seal_notice(&list, vendor_public().kid(), sign)
        .unwrap()
        .into_bytes()
}

fn found(licence: &Licence) -> Found {
    let sign = |message: &[u8]| Ok::<_, ()>(vendor_key().sign(message));
    let file = seal(licence, vendor_public().kid(), sign).unwrap();
    let (opened, vendor) = opened(file.as_bytes(), &vendors());
    Found {
        kind: KeyKind::Virtual,
        file_name: "a".into(),
        named: None,
        opened,
        vendor,
        obstacle: None,
        updated: Timestamp::default(),
    }
}

fn path(directory: &Path) -> PathBuf {
    directory.join(format!("{}.jws", vendor_public().kid()))
}

#[test]
fn only_a_newer_list_of_a_trusted_vendor_replaces_one() {
    let dir = tempfile::tempdir().unwrap();
    let directory = dir.path().join("revocations");
    let accept = |bytes: &[u8]| accept_list(&directory, bytes, &vendors());
    assert!(accept(b"nonsense").is_err() && !directory.exists());
    let stranger = accept_list(&directory, &list(1, [1]), &VendorKeys::default());
    assert!(matches!(
        stranger,
        Err(ListError::List(OpenFailure::UnknownVendor(_)))
    ));
    assert!(!directory.exists(), "nothing was written");
    assert!(accept(&list(5, [1])).unwrap());
    assert!(!accept(&list(5, [2])).unwrap() && !accept(&list(4, [2])).unwrap());
    assert_eq!(fs::read(path(&directory)).unwrap(), list(5, [1]));
    assert!(accept(&list(6, [2])).unwrap());
    fs::write(path(&directory), "damaged").unwrap();
    assert!(accept(&list(1, [1])).unwrap(), "a damaged one is worth nothing");
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 1, "no parts are left");
}

#[test]
fn a_list_counts_for_the_licences_of_its_vendor_key_alone() {
    let dir = tempfile::tempdir().unwrap();
    accept_list(dir.path(), &list(1, [licence().key_no]), &vendors()).unwrap();
    let mut revoked = Revoked::new(dir.path());
    let found = found(&licence());
    assert_eq!(revoked.reason(&found), None, "it is not read yet");
    revoked.read(&vendors());
    assert_eq!(revoked.reason(&found), Some(RevocationReason::Moved));
    let other = Found {
        vendor: Some("another".into()),
        ..found.clone()
    };
    assert_eq!(revoked.reason(&other), None);
    let later = Licence {
        issued: Some(licence().activation_date.plus(1)),
        ..licence()
    };
    assert_eq!(revoked.reason(&super::tests::found(&later)), None);
    // Under the name of another key it counts for nobody.
    fs::rename(path(dir.path()), dir.path().join("another.jws")).unwrap();
    revoked.read(&vendors());
    assert_eq!((revoked.reason(&found), revoked.reason(&other)), (None, None));
}

#[test]
fn what_cannot_be_read_changes_nothing_and_what_is_gone_counts_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let mut revoked = Revoked::new(dir.path());
    let found = found(&licence());
    fs::write(path(dir.path()), "damaged").unwrap();
    revoked.read(&vendors());
    assert_eq!(revoked.reason(&found), None);
    fs::write(path(dir.path()), list(1, [licence().key_no])).unwrap();
    revoked.read(&vendors());
    assert!(revoked.reason(&found).is_some());
    fs::write(path(dir.path()), "damaged again").unwrap();
    revoked.read(&vendors());
    assert!(revoked.reason(&found).is_some(), "as before");
    fs::remove_file(path(dir.path())).unwrap();
    revoked.read(&vendors());
    assert_eq!(revoked.reason(&found), None);
}

#[test]
fn a_large_list_is_parsed_once() {
    let dir = tempfile::tempdir().unwrap();
    accept_list(dir.path(), &list(1, 1..=30_000), &vendors()).unwrap();
    let mut revoked = Revoked::new(dir.path());
    let settled = |revoked: &Revoked| revoked.lists.values().all(|list| list.stamp != Stamp::default());
    while !settled(&revoked) || revoked.lists.is_empty() {
        revoked.read(&vendors());
    }
    // What is in memory is what counts as long as the file is the same: nothing is read of it.
    let kid = vendor_public().kid().to_owned();
    revoked.lists.get_mut(&kid).unwrap().revocations.keys.remove(&7);
    revoked.read(&vendors());
    let keys = |revoked: &Revoked| revoked.lists[&kid].revocations.keys.len();
    assert_eq!(keys(&revoked), 29_999);
    // A key with another expiry is another key: the list is verified anew.
    let pem = include_str!("../../tests/fixtures/vendor.pub.pem");
    let expiring = VendorKey::from_pem(&format!("Expires: 2100-01-01T00:00:00Z\n{pem}")).unwrap();
    revoked.read(&[expiring].into_iter().collect());
    assert_eq!(keys(&revoked), 30_000);
}

#[test]
fn a_million_entries_fit() {
    let many = list(1, (0..10_000).map(|number| 9_007_199_254_740_991 - number));
    assert!(many.len() * 100 < Revocations::LONGEST);
}
