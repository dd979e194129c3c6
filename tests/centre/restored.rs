//! What follows when a centre is restored from a backup, and when its vendor changes the key.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use keynode::activation::Action;
use keynode::activation::centre::{
    Books, Centre, CentreError, DATABASE, IssuedCode, RETIRED_KEYS, VENDOR_KEY, VendorSigner,
};
use keynode::licence::{DAY, Revocations, VendorKey, VendorKeys, open_notice};
use keynode::signing::{Signer, SoftwareKey};
use keynode::store::Author;

use crate::common::clock::TestClock;
use crate::world::{Node, make, order, start, vendor, vendors};

fn issue(books: &mut Books, count: u64, by: &Author) -> Vec<IssuedCode> {
    let mut issued = Vec::new();
    let visit = |_: &_, part: &[IssuedCode]| {
        issued.extend_from_slice(part);
        true
    };
    books.issue(&order(count), by, visit).unwrap();
    issued
}

async fn activate(dir: &Path, code: &IssuedCode) {
    let (centre, thread) = open(dir);
    let answer = Node::new().ask(&centre, Action::Activate, &code.code).await;
    answer.unwrap();
    centre.stop();
    thread.join().unwrap();
}

/// A centre whose thread can be waited for: only then is all of it in its file.
fn open(dir: &Path) -> (Centre, JoinHandle<()>) {
    let signer = VendorSigner::from_file(&dir.join(VENDOR_KEY)).unwrap();
    Centre::start(dir, signer, Arc::new(TestClock::at(vendor().time))).unwrap()
}

async fn list(dir: &Path) -> Revocations {
    let (centre, thread) = open(dir);
    let list = centre.revocations().await.unwrap();
    centre.stop();
    thread.join().unwrap();
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
    let before = issue(&mut make(dir.path()), 1, &vendor()).remove(0);
    activate(dir.path(), &before).await;
    std::fs::copy(&books, &backup).unwrap();

    let mut lost = Books::open(dir.path()).unwrap();
    let since = issue(&mut lost, 3, &vendor());
    for code in &since {
        activate(dir.path(), code).await;
        lost.revoke(code.key_no, "", &vendor()).unwrap();
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
    assert!(
        passed >= since[2].key_no && next[0].key_no == passed + 1,
        "{passed}, {next:?}"
    );
    assert!(list(dir.path()).await.number > given.number);
    assert!(matches!(
        restored.restored(u64::MAX, &later),
        Err(CentreError::Invalid(_))
    ));

    // Also where nobody said that it was restored, nodes take what is revoked from then on.
    drop(restored);
    std::fs::copy(&backup, &books).unwrap();
    let mut restored = Books::open(dir.path()).unwrap();
    restored.revoke(before.key_no, "", &later).unwrap();
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
    let code = issue(&mut books, 1, &vendor()).remove(0);
    activate(dir.path(), &code).await;
    let key_no = code.key_no;
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
