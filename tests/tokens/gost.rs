//! The GOST test token through PKCS#11, as a real one would be used.

#[path = "modules/gost/arithmetic.rs"]
#[expect(dead_code, reason = "the token uses all of it")]
mod arithmetic;
#[path = "../cms/judges.rs"]
#[expect(dead_code, reason = "the tests of messages use all of it")]
mod judges;
#[path = "modules/gost/key.rs"]
#[expect(dead_code, reason = "the token uses all of it")]
mod key;
#[path = "../cms/keys.rs"]
#[expect(dead_code, reason = "the tests of messages use all of it")]
mod keys;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keynode::cms::{
    Algorithm, Certificate, CmsError, KeyTransport, Profile, SignedMessage, SigningRequest, draft,
    open_envelope,
};
use keynode::licence::Timestamp;
use keynode::settings;
use keynode::tokens::{
    CertificateError, CertificatesHandle, Decryption, KeyKind, Mechanism, Operation, PinWanted, ToSign,
    TokenError, TokenState,
};
use tempfile::TempDir;

use super::modules::module;
use super::world::World;
use judges::Case;
use keys::Identity;

const PIN: &str = "12345678";

/// A token in a directory, with a key of each identity.
struct GostToken {
    directory: TempDir,
}

impl GostToken {
    fn new(identities: &[&Identity]) -> Self {
        let token = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        fs::create_dir(token.path()).unwrap();
        for (file, text) in [("label", "GOST"), ("serial", "4711"), ("pin", PIN)] {
            fs::write(token.path().join(file), text).unwrap();
        }
        for identity in identities {
            for (from, to) in [("key.pem", "key"), ("certificate.pem", "crt")] {
                let to = token.path().join(format!("{}.{to}", identity.kind));
                fs::copy(identity.path(from), to).unwrap();
            }
        }
        token
    }

    /// What `GOST_TOKEN_DIR` is to name.
    fn path(&self) -> PathBuf {
        self.directory.path().join("token")
    }

    /// Pulls it.
    fn pull(&self) {
        fs::rename(self.path(), self.directory.path().join("pulled")).unwrap();
    }

    /// Plugs it in again.
    fn plug(&self) {
        fs::rename(self.directory.path().join("pulled"), self.path()).unwrap();
    }

    /// Settings with this PIN.
    fn settings(&self, pin: &str) -> settings::Token {
        let pin_file = self.directory.path().join("pin-file");
        fs::write(&pin_file, pin).unwrap();
        fs::set_permissions(&pin_file, fs::Permissions::from_mode(0o600)).unwrap();
        let directory = self.path().to_str().unwrap().to_owned();
        settings::Token {
            module: module("gost_token"),
            label: Some("GOST".into()),
            serial: None,
            pin_file: Some(pin_file),
            pin_credential: None,
            environment: [("GOST_TOKEN_DIR".to_owned(), directory)].into(),
            sessions: 2,
            timeout: Duration::from_secs(20),
            probe: Duration::from_millis(100),
        }
    }
}

/// What `openssl` encrypts for the identity's key.
fn encrypt(identity: &Identity, content: &[u8]) -> Vec<u8> {
    let (content, message) = (identity.write("content", content), identity.path("envelope"));
    let certificate = identity.path("certificate.pem");
    keys::must(
        "openssl",
        &[
            &"cms",
            &"-engine",
            &"gost",
            &"-encrypt",
            &"-gost89",
            &"-binary",
            &"-in",
            &content,
            &"-outform",
            &"DER",
            &"-out",
            &message,
            &"-recip",
            &certificate,
        ],
    );
    fs::read(&message).unwrap()
}

/// A message that the token signs with the identity's key.
fn sign(world: &World, identity: &Identity, content: &[u8], detached: bool) -> Result<Vec<u8>, TokenError> {
    let request = SigningRequest {
        content,
        detached,
        profile: Profile::CadesBes,
        certificate: &identity.certificate,
        chain: &[],
        time: Certificate::read(&identity.certificate).unwrap().not_before,
    };
    let draft = draft(&request).unwrap();
    let mechanism = match draft.algorithm() {
        Algorithm::Gost256 => Mechanism::Gost256,
        Algorithm::Gost512 => Mechanism::Gost512,
        other => panic!("{other:?}"),
    };
    let (key, data) = (identity.kind.as_bytes().to_vec(), draft.to_be_signed().to_vec());
    let signature = world
        .tokens
        .perform_and_wait("gost", Operation::Sign { key, mechanism, data })?;
    Ok(draft.finish(&signature).unwrap())
}

#[test]
fn what_the_token_signs_is_accepted_by_others() {
    let identities = ["gost256a", "gost256tcb", "gost512a"].map(Identity::new);
    let token = GostToken::new(&identities.each_ref());
    let world = World::new([("gost", token.settings(PIN))]);
    let seen = world.usable("gost");
    assert_eq!((seen.label.as_str(), seen.serial.as_str()), ("GOST", "4711"));
    let kinds: Vec<KeyKind> = seen.keys.iter().map(|key| key.kind).collect();
    assert_eq!(kinds, [KeyKind::Gost256, KeyKind::Gost256, KeyKind::Gost512]);
    assert!(seen.keys.iter().all(|key| key.signs && !key.extractable));
    let content = b"a challenge";
    for identity in &identities {
        let id = identity.kind.as_bytes();
        let certificate = seen
            .certificates
            .iter()
            .find(|certificate| certificate.id == id)
            .unwrap();
        assert_eq!(*certificate.der, *identity.certificate);
        for detached in [false, true] {
            let bytes = sign(&world, identity, content, detached).unwrap();
            let message = identity.write("message.cms", &bytes);
            let outside = identity.write("content", content);
            let case = Case {
                identity,
                message: &message,
                content: detached.then_some(&outside),
                cades: true,
            };
            assert_eq!(
                judges::openssl(&case).as_deref(),
                Some(&content[..]),
                "{}",
                identity.kind
            );
            assert!(judges::gnutls(&case), "{}", identity.kind);
            let read = SignedMessage::read(&bytes).unwrap();
            let certificate = Certificate::read(&identity.certificate).unwrap();
            let signed = read
                .signed_bytes(&read.signers[0], Some(content), &certificate)
                .unwrap();
            assert!(key::verify(
                &certificate.public_key,
                &signed,
                &read.signers[0].signature
            ));
        }
    }
}

#[test]
fn what_is_encrypted_for_a_key_on_the_token_is_decrypted() {
    let identities = ["gost256a", "gost512a"].map(Identity::new);
    let token = GostToken::new(&identities.each_ref());
    let world = World::new([("gost", token.settings(PIN))]);
    let seen = world.usable("gost");
    assert!(seen.keys.iter().all(|key| key.decrypts));
    for identity in &identities {
        let envelope = open_envelope(&encrypt(identity, b"a marker")).unwrap();
        let KeyTransport::Gost(transport) = &envelope.recipients()[0].transport else {
            panic!("{:?}", envelope.recipients());
        };
        let agree = |data| Operation::Decrypt {
            key: identity.kind.as_bytes().to_vec(),
            mechanism: Decryption::GostAgreement,
            data,
        };
        let parameter = transport.derive_parameter();
        let agreed = world
            .tokens
            .perform_and_wait("gost", agree(parameter.clone()))
            .unwrap();
        let content_key = transport
            .content_key(agreed.as_slice().try_into().unwrap())
            .unwrap();
        assert_eq!(
            **envelope.decrypt(Some(&content_key)).unwrap(),
            *b"a marker",
            "{}",
            identity.kind
        );
        let refused = world
            .tokens
            .perform_and_wait("gost", agree(parameter[1..].to_vec()))
            .unwrap_err();
        assert!(matches!(refused, TokenError::Refused { .. }), "{refused}");
    }
}

#[test]
fn its_certificates_sign_and_decrypt_as_all_others_do() {
    let identity = Identity::new("gost256a");
    let token = GostToken::new(&[&identity]);
    let world = World::new([("gost", token.settings(PIN))]);
    world.usable("gost");
    let certificates = CertificatesHandle::start(Vec::new(), world.tokens.clone());
    certificates.rescan();
    let thumbprint = Certificate::read(&identity.certificate).unwrap().thumbprint();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let now = Timestamp::from_millis(i64::try_from(now).unwrap());

    let what = ToSign {
        content: b"a challenge",
        profile: Profile::CadesBes,
        detached: false,
        chain: false,
    };
    let signed = runtime
        .block_on(certificates.sign_cms(thumbprint, what, now))
        .unwrap();
    let case = Case {
        identity: &identity,
        message: &identity.write("message.cms", &signed),
        content: None,
        cades: true,
    };
    assert_eq!(judges::openssl(&case).as_deref(), Some(&b"a challenge"[..]));

    let message = encrypt(&identity, b"a marker");
    let opened = runtime
        .block_on(certificates.decrypt_cms(thumbprint, &message, now))
        .unwrap();
    assert_eq!(**opened, *b"a marker");

    // What cannot be agreed on is as all that does not decrypt, and no trouble of the token.
    let process = world.process();
    fs::write(token.path().join("agreement"), "31").unwrap();
    let refused = runtime
        .block_on(certificates.decrypt_cms(thumbprint, &message, now))
        .unwrap_err();
    assert!(
        matches!(refused, CertificateError::Cms(CmsError::Undecipherable)),
        "{refused}"
    );
    fs::remove_file(token.path().join("agreement")).unwrap();
    runtime
        .block_on(certificates.decrypt_cms(thumbprint, &message, now))
        .unwrap();
    assert_eq!(world.process(), process);
}

#[test]
fn a_token_that_was_pulled_signs_again_when_it_is_back() {
    let identity = Identity::new("gost256a");
    let token = GostToken::new(&[&identity]);
    let world = World::new([("gost", token.settings(PIN))]);
    world.usable("gost");
    sign(&world, &identity, b"one", false).unwrap();
    token.pull();
    sign(&world, &identity, b"two", false).unwrap_err();
    world.until("gost", "absent", |token| token.state == TokenState::Absent);
    token.plug();
    world.usable("gost");
    sign(&world, &identity, b"three", false).unwrap();
}

#[test]
fn a_wrong_pin_is_tried_once_and_a_locked_token_is_left_alone() {
    let identity = Identity::new("gost256a");
    let token = GostToken::new(&[&identity]);
    let failures = || fs::read_to_string(token.path().join("failures")).unwrap();
    let world = World::new([("gost", token.settings("87654321"))]);
    world.until("gost", "refused", |token| {
        matches!(token.state, TokenState::NeedsPin(PinWanted::Refused(_)))
    });
    assert_eq!(failures(), "1");
    sign(&world, &identity, b"x", false).unwrap_err();
    assert_eq!(failures(), "1");
    drop(world);

    fs::write(token.path().join("failures"), "3").unwrap();
    let world = World::new([("gost", token.settings(PIN))]);
    world.until("gost", "locked", |token| token.state == TokenState::Locked);
    assert_eq!(failures(), "3");
}
