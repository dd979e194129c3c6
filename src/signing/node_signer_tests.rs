//! What signs, with a token that is none: policy, and that nothing wrong goes out.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt, ready};

use super::*;
use rsa::pkcs8::DecodePrivateKey;
use rsa::{Pkcs1v15Sign, RsaPrivateKey};

use crate::licence::Timestamp;
use crate::measure::Times;
use crate::settings::OnSigningFailure;
use crate::signing::{SignerWatch, verify};
use crate::tokens::{KeyKind, Operation, Token, TokenError, TokenKey, TokenState};

const NODE: &str = include_str!("../../tests/fixtures/node.key.pem");
const TOKENS: &str = include_str!("../../tests/fixtures/vendor.key.pem");

/// How the double of a token behaves.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Signs,
    /// It signs something else.
    Lies,
    Refuses,
    /// Others wait for it already.
    Busy,
    Absent,
}

/// A token that is none.
struct Double {
    key: RsaPrivateKey,
    mood: Mutex<Mood>,
    asked: AtomicUsize,
    /// `CKA_ID` of its key as it was seen last.
    id: Mutex<u8>,
    /// What happens while it is looked at.
    on_look: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Double {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            key: RsaPrivateKey::from_pkcs8_pem(TOKENS).unwrap(),
            mood: Mutex::new(Mood::Signs),
            asked: AtomicUsize::new(0),
            id: Mutex::new(1),
            on_look: Mutex::default(),
        })
    }

    fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }
}

impl Hardware for Double {
    fn token(&self, name: &str) -> Option<Arc<Token>> {
        let absent = *self.mood.lock().unwrap() == Mood::Absent;
        let key = TokenKey {
            id: vec![*self.id.lock().unwrap()],
            label: "signing".into(),
            kind: KeyKind::Rsa(2048),
            public_key: None,
            extractable: false,
            signs: true,
            decrypts: false,
        };
        Some(Arc::new(Token {
            name: name.into(),
            module: "/no/such.so".into(),
            state: if absent {
                TokenState::Absent
            } else {
                TokenState::Usable
            },
            label: String::new(),
            serial: String::new(),
            manufacturer: String::new(),
            model: String::new(),
            slot: None,
            free_memory: None,
            keys: vec![key],
            certificates: Vec::new(),
            data: Vec::new(),
        }))
    }

    fn perform<'a>(
        &'a self,
        token: &'a str,
        operation: Operation,
    ) -> BoxFuture<'a, Result<Vec<u8>, TokenError>> {
        ready(self.perform_and_wait(token, operation)).boxed()
    }

    fn perform_and_wait(&self, token: &str, operation: Operation) -> Result<Vec<u8>, TokenError> {
        self.asked.fetch_add(1, SeqCst);
        let Operation::Sign { key, data, .. } = operation else {
            panic!("only signatures are asked for");
        };
        let known = *self.id.lock().unwrap();
        assert_eq!((key, token), (vec![known], "hsm"));
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::Signs => Ok(self.key.sign(Pkcs1v15Sign::new_unprefixed(), &data).unwrap()),
            Mood::Lies => Ok(self.key.sign(Pkcs1v15Sign::new_unprefixed(), b"else").unwrap()),
            Mood::Refuses | Mood::Absent => Err(TokenError::Refused {
                name: token.into(),
                code: "CKR_FUNCTION_FAILED".into(),
            }),
            Mood::Busy => Err(TokenError::Busy(token.into())),
        }
    }

    fn look(&self) {
        let work = self.on_look.lock().unwrap().take();
        if let Some(work) = work {
            work();
        }
    }

    fn on_change(&self, _: Box<dyn Fn() + Send + Sync>) {}
}

const MESSAGE: Message<'_> = Message {
    query_id: b"20200127230600",
    body: b"{}",
};

/// A state directory whose list has the software key and the one on the token.
fn state() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let key = SoftwareKey::from_pem(NODE).unwrap();
    key.write_new(&dir.path().join(SIGNING_KEY)).unwrap();
    let mut list = KeyList::load(dir.path()).unwrap();
    let place = Place::Pkcs11 {
        token: "hsm".into(),
        id: "01".into(),
    };
    list.put(&on_token(), place, Timestamp::default());
    list.save(dir.path()).unwrap();
    dir
}

fn on_token() -> PublicKey {
    SoftwareKey::from_pem(TOKENS).unwrap().public_key().clone()
}

fn in_file() -> PublicKey {
    SoftwareKey::from_pem(NODE).unwrap().public_key().clone()
}

fn rules(on_failure: OnSigningFailure) -> Signing {
    Signing {
        provider: SigningProvider::Pkcs11,
        token: Some("hsm".into()),
        on_failure,
    }
}

fn opened(dir: &Path, on_failure: OnSigningFailure, double: &Arc<Double>) -> NodeSigner {
    NodeSigner::open(dir, &rules(on_failure), double.clone(), || ()).unwrap()
}

/// Signs in both ways; both must come to the same.
fn sign(signer: &NodeSigner) -> Result<String, SignError> {
    let at_once = signer.sign(MESSAGE).now_or_never();
    let waited = signer.sign_and_wait(MESSAGE);
    assert_eq!(at_once.expect("the double never waits"), waited);
    waited.map(|signature| signature.to_base64())
}

#[test]
fn a_token_signs_and_its_public_key_verifies() {
    let (dir, double) = (state(), Double::new());
    let signer = opened(dir.path(), OnSigningFailure::Fail, &double);
    assert_eq!(signer.public_key(), on_token());
    verify(&on_token().pem, MESSAGE, &sign(&signer).unwrap()).unwrap();
    assert_eq!(double.asked.load(SeqCst), 2);
    assert_eq!(signer.measures().token.read().classes.iter().sum::<u64>(), 2);
    let states: Vec<_> = signer.keys().iter().map(|key| (key.state, key.usable)).collect();
    assert_eq!(states, [(KeyState::Retired, false), (KeyState::Current, true)]);
}

#[test]
fn a_wrong_signature_never_goes_out() {
    for on_failure in [OnSigningFailure::Fail, OnSigningFailure::Software] {
        let (dir, double) = (state(), Double::new());
        let signer = opened(dir.path(), on_failure, &double);
        double.set(Mood::Lies);
        let outcome = sign(&signer);
        assert_eq!(double.asked.load(SeqCst), 1, "it is not believed a second time");
        if on_failure == OnSigningFailure::Fail {
            let why = outcome.unwrap_err().to_string();
            assert!(why.contains("hsm") && why.contains("does not verify"), "{why}");
            assert!(!signer.can_sign());
        } else {
            verify(&in_file().pem, MESSAGE, &outcome.unwrap()).unwrap();
            assert!(signer.can_sign());
            assert!(matches!(signer.force(), Force::Fallback(_)));
        }
        let measures = signer.measures();
        let count = |times: &Times| times.read().classes.iter().sum::<u64>();
        assert_eq!((measures.token_failures.read(), count(&measures.token)), (1, 0));
        let (made, failed) = if on_failure == OnSigningFailure::Fail {
            (0, 2)
        } else {
            (2, 0)
        };
        assert_eq!(
            (count(&measures.software), measures.failures.read()),
            (made, failed)
        );
    }
}

#[test]
fn a_token_that_is_known_to_be_absent_is_not_asked() {
    let (dir, double) = (state(), Double::new());
    double.set(Mood::Absent);
    let strict = opened(dir.path(), OnSigningFailure::Fail, &double);
    assert!(
        sign(&strict)
            .unwrap_err()
            .to_string()
            .contains("token hsm is absent")
    );
    let lenient = opened(dir.path(), OnSigningFailure::Software, &double);
    verify(&in_file().pem, MESSAGE, &sign(&lenient).unwrap()).unwrap();
    assert_eq!(double.asked.load(SeqCst), 0);
    // It is back by itself, and nothing failed before.
    double.set(Mood::Signs);
    verify(&on_token().pem, MESSAGE, &sign(&lenient).unwrap()).unwrap();
    verify(&on_token().pem, MESSAGE, &sign(&strict).unwrap()).unwrap();
}

#[test]
fn what_is_too_much_for_a_token_fails_alone() {
    let (dir, double) = (state(), Double::new());
    let strict = opened(dir.path(), OnSigningFailure::Fail, &double);
    let lenient = opened(dir.path(), OnSigningFailure::Software, &double);
    double.set(Mood::Busy);
    let why = sign(&strict).unwrap_err().to_string();
    assert!(why.contains("too much is asked"), "{why}");
    verify(&in_file().pem, MESSAGE, &sign(&lenient).unwrap()).unwrap();
    double.set(Mood::Signs);
    for signer in [strict, lenient] {
        assert_eq!(signer.force(), Force::Current);
        verify(&on_token().pem, MESSAGE, &sign(&signer).unwrap()).unwrap();
    }
}

#[test]
fn a_token_that_failed_is_tried_and_each_change_is_told_once() {
    let (dir, double) = (state(), Double::new());
    let (watch, start) = SignerWatch::new();
    let (told, changes) = mpsc::channel();
    let look = watch.clone();
    let rules = rules(OnSigningFailure::Fail);
    let signer = NodeSigner::open(dir.path(), &rules, double.clone(), move || look.look());
    let signer = Arc::new(signer.unwrap());
    let thread = start.start(signer.clone(), Duration::ZERO, move |force| {
        told.send(force.clone()).unwrap();
    });
    let patience = Duration::from_secs(10);
    let next = || changes.recv_timeout(patience).unwrap();
    sign(&signer).unwrap();
    double.set(Mood::Refuses);
    sign(&signer).unwrap_err();
    assert!(matches!(next(), Force::Nobody(why) if why.contains("CKR_FUNCTION_FAILED")));
    sign(&signer).unwrap_err();
    watch.settle(patience);
    double.set(Mood::Absent);
    watch.settle(patience);
    double.set(Mood::Signs);
    watch.settle(patience);
    assert_eq!(next(), Force::Current);
    verify(&on_token().pem, MESSAGE, &sign(&signer).unwrap()).unwrap();
    assert!(changes.try_recv().is_err(), "said twice");
    watch.stop();
    thread.join().unwrap();
}

#[test]
fn a_new_key_signs_once_its_token_was_looked_at_and_the_old_one_until_then() {
    let (dir, double) = (state(), Double::new());
    let signer = Arc::new(opened(dir.path(), OnSigningFailure::Fail, &double));
    let mut list = KeyList::load(dir.path()).unwrap();
    let place = Place::Pkcs11 {
        token: "hsm".into(),
        id: "02".into(),
    };
    list.put(&on_token(), place, Timestamp::default());
    list.save(dir.path()).unwrap();
    let (done, looked) = mpsc::channel();
    let (meanwhile, token) = (signer.clone(), double.clone());
    *double.on_look.lock().unwrap() = Some(Box::new(move || {
        done.send((meanwhile.force(), sign(&meanwhile))).unwrap();
        *token.id.lock().unwrap() = 2;
    }));
    signer.reload(&rules(OnSigningFailure::Fail)).unwrap();
    let (force, old) = looked.try_recv().unwrap();
    assert_eq!(force, Force::Current);
    verify(&on_token().pem, MESSAGE, &old.unwrap()).unwrap();
    verify(&on_token().pem, MESSAGE, &sign(&signer).unwrap()).unwrap();
}

#[test]
fn without_a_list_the_software_key_signs_as_ever() {
    let (dir, double) = (tempfile::tempdir().unwrap(), Double::new());
    let software = Signing::default();
    let signer = NodeSigner::open(dir.path(), &software, double.clone(), || ()).unwrap();
    verify(&signer.public_key().pem, MESSAGE, &sign(&signer).unwrap()).unwrap();
    assert_eq!(signer.keys().len(), 1);
    assert_eq!(
        std::fs::read_dir(dir.path()).unwrap().count(),
        1,
        "only {SIGNING_KEY}"
    );
    // A token without a key is told of, and what signs goes on.
    let refused = signer
        .reload(&rules(OnSigningFailure::Fail))
        .unwrap_err()
        .to_string();
    assert!(refused.contains("keynode signing init --token hsm"), "{refused}");
    sign(&signer).unwrap();
    assert_eq!(double.asked.load(SeqCst), 0);
}

#[test]
fn a_retired_software_key_verifies_on_and_its_private_half_goes() {
    let (dir, double) = (tempfile::tempdir().unwrap(), Double::new());
    let software = Signing::default();
    let old = SoftwareKey::from_pem(NODE).unwrap();
    old.write_new(&dir.path().join(SIGNING_KEY)).unwrap();
    let signer = NodeSigner::open(dir.path(), &software, double, || ()).unwrap();
    let before = sign(&signer).unwrap();
    let mut list = KeyList::load(dir.path()).unwrap();
    let file = "signing-2.key".to_owned();
    let new = SoftwareKey::from_pem(TOKENS).unwrap();
    list.put(
        new.public_key(),
        Place::Software { file: file.clone() },
        Timestamp::default(),
    );
    list.save(dir.path()).unwrap();
    assert!(signer.reload(&software).is_err(), "the new key's file is missing");
    assert!(
        dir.path().join(SIGNING_KEY).exists(),
        "the old one is needed still"
    );
    old.write_new(&dir.path().join(&file)).unwrap();
    let error = signer.reload(&software).unwrap_err().to_string();
    assert!(error.contains(&file) && error.contains("not the key"), "{error}");
    std::fs::remove_file(dir.path().join(&file)).unwrap();
    new.write_new(&dir.path().join(&file)).unwrap();
    signer.reload(&software).unwrap();
    assert!(!dir.path().join(SIGNING_KEY).exists());
    verify(&new.public_key().pem, MESSAGE, &sign(&signer).unwrap()).unwrap();
    let keys = signer.keys();
    assert_eq!(keys[0].state, KeyState::Retired);
    verify(&keys[0].entry.public_key, MESSAGE, &before).unwrap();
}
