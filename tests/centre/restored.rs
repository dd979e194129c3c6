//! What follows when a centre is restored from a backup, and when its vendor changes the key.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use keynode::activation::centre::{Books, CentreError, DATABASE, IssuedCode, RETIRED_KEYS};
use keynode::licence::{DAY, KeyNo, Revocations, VendorKey, VendorKeys, open_notice};
use keynode::signing::{Signer, SoftwareKey};
use keynode::store::Author;

use crate::common::clock::TestClock;
use crate::world::{make, order, start, vendor, vendors};

fn issue(books: &mut Books, count: u64, by: &Author) -> Vec<KeyNo> {
    let mut issued = Vec::new();
    let visit = |_: &_, part: &[IssuedCode]| {
        issued.extend(part.iter().map(|code| code.key_no));
        true
    };
    books.issue(&order(count), by, visit).unwrap();
    issued
}

async fn list(dir: &Path) -> Revocations {
    let centre = start(dir, Arc::new(TestClock::at(vendor().time)));
    let list = centre.revocations().await.unwrap();
    centre.stop();
    open_notice(list.text.as_bytes(), &vendors()).unwrap().0
}

#[tokio::test]
async fn a_centre_that_was_restored_gives_nothing_out_twice() {
    let dir = tempfile::tempdir().unwrap();
    let (books, backup) = (dir.path().join(DATABASE), dir.path().join("backup"));
    let later = Author {
        time: vendor().time.plus(DAY),
        ..vendor()
    };
    let before = issue(&mut make(dir.path()), 2, &vendor());
    std::fs::copy(&books, &backup).unwrap();

    let mut lost = Books::open(dir.path()).unwrap();
    let since = issue(&mut lost, 3, &vendor());
    for key_no in &since {
        lost.revoke(*key_no, "", &vendor()).unwrap();
    }
    drop(lost);
    let given = list(dir.path()).await;
    for rest in ["centre.db-wal", "centre.db-shm"] {
        let _ = std::fs::remove_file(dir.path().join(rest));
    }
    std::fs::copy(&backup, &books).unwrap();

    let mut restored = Books::open(dir.path()).unwrap();
    let passed = restored.restored(100, &later).unwrap();
    let next = issue(&mut restored, 1, &later);
    assert!(passed >= since[2] && next[0] == passed + 1, "{passed}, {next:?}");
    assert!(list(dir.path()).await.number > given.number);
    assert!(matches!(
        restored.restored(u64::MAX, &later),
        Err(CentreError::Invalid(_))
    ));

    // Also where nobody said that it was restored, nodes take what is revoked from then on.
    drop(restored);
    std::fs::copy(&backup, &books).unwrap();
    let mut restored = Books::open(dir.path()).unwrap();
    restored.revoke(before[0], "", &later).unwrap();
    assert!(list(dir.path()).await.number > given.number);
}

fn stranger() -> VendorKey {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/stranger.key.pem");
    let text = std::fs::read(path).unwrap();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, &text).unwrap();
    VendorKey::from_pem(&SoftwareKey::read(file.path()).unwrap().public_key().pem).unwrap()
}

#[tokio::test]
async fn a_key_from_before_revokes_what_it_signed() {
    let dir = tempfile::tempdir().unwrap();
    let mut books = make(dir.path());
    let key_no = issue(&mut books, 1, &vendor())[0];
    books.revoke(key_no, "", &vendor()).unwrap();
    let retired = dir.path().join(RETIRED_KEYS);
    std::fs::create_dir(&retired).unwrap();
    let old = retired.join("old.key");
    std::fs::write(&old, include_str!("../fixtures/stranger.key.pem")).unwrap();
    std::fs::set_permissions(&old, PermissionsExt::from_mode(0o600)).unwrap();
    let clock = Arc::new(TestClock::at(vendor().time));
    let centre = start(dir.path(), clock.clone());

    let key = stranger();
    let kid = key.kid().to_owned();
    let list = centre.revocations_by(&kid).await.unwrap().unwrap();
    let known: VendorKeys = [key].into_iter().collect();
    let (opened, signer) = open_notice::<Revocations>(list.text.as_bytes(), &known).unwrap();
    assert_eq!((&signer, &list.kid), (&kid, &kid));
    assert!(opened.keys.contains_key(&key_no));
    let own = centre.revocations().await.unwrap();
    assert_eq!(centre.revocations_by(&own.kid).await.unwrap(), Some(own));
    assert_eq!(centre.revocations_by("nobody").await.unwrap(), None);
    centre.stop();

    // What says when it expires lies beside it; after that it signs nothing, and the present key goes on.
    let expires = vendor().time;
    let public = SoftwareKey::read(&old).unwrap().public_key().pem.clone();
    std::fs::write(retired.join("old.pem"), format!("Expires: {expires}\n{public}")).unwrap();
    let centre = start(dir.path(), clock);
    assert!(centre.revocations_by(&kid).await.is_err());
    assert!(centre.revocations().await.is_ok());
    centre.stop();
}
