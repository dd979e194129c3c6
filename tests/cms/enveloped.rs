//! What `openssl cms -encrypt` makes is decrypted.

use std::ffi::OsStr;
use std::process::Command;

use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, Pkcs1PrivateDecryptingKey,
    PrivateDecryptingKey,
};
use keynode::cms::{Certificate, CmsError, Envelope, KeyTransport, Recipient, open_envelope};
use proptest::prelude::*;

use super::key::GostKey;
use super::keys::{Identity, must};

const CONTENT: &[u8] = b"marker 71f0\r\nsecond line";

/// What `openssl` encrypts for the identities.
fn encrypt(identity: &Identity, cipher: &str, more: &[&str]) -> Vec<u8> {
    encrypted(identity, CONTENT, cipher, more)
}

fn encrypted(identity: &Identity, content: &[u8], cipher: &str, more: &[&str]) -> Vec<u8> {
    let content = identity.write("content", content);
    let out = identity.path("envelope");
    let certificate = identity.path("certificate.pem");
    let mut arguments: Vec<&dyn AsRef<OsStr>> = vec![
        &"cms",
        &"-engine",
        &"gost",
        &"-encrypt",
        &"-binary",
        &"-in",
        &content,
        &"-outform",
        &"DER",
        &"-out",
        &out,
    ];
    if !cipher.is_empty() {
        arguments.push(&cipher);
    }
    arguments.extend([&"-recip" as &dyn AsRef<OsStr>, &certificate]);
    arguments.extend(more.iter().map(|text| text as &dyn AsRef<OsStr>));
    must("openssl", &arguments);
    std::fs::read(&out).unwrap()
}

/// What a token does.
fn unwrap(identity: &Identity, recipient: &Recipient) -> Option<Vec<u8>> {
    let key = PrivateDecryptingKey::from_pkcs8(&identity.private_key()).unwrap();
    let mut content_key = vec![0; key.key_size_bytes()];
    let oaep = OaepPrivateDecryptingKey::new(key.clone()).unwrap();
    let encrypted = &recipient.encrypted_key;
    let unwrapped = match &recipient.transport {
        KeyTransport::RsaPkcs1 => Pkcs1PrivateDecryptingKey::new(key)
            .unwrap()
            .decrypt(encrypted, &mut content_key),
        KeyTransport::RsaOaepSha1 => oaep.decrypt(&OAEP_SHA1_MGF1SHA1, encrypted, &mut content_key, None),
        KeyTransport::RsaOaepSha256 => {
            oaep.decrypt(&OAEP_SHA256_MGF1SHA256, encrypted, &mut content_key, None)
        }
        KeyTransport::Gost(_) | KeyTransport::Other(_) => return None,
    };
    unwrapped.ok().map(|content_key| content_key.to_vec())
}

fn opened(identity: &Identity, message: &[u8]) -> (Envelope, Recipient) {
    let envelope = open_envelope(message).unwrap();
    let certificate = Certificate::read(&identity.certificate).unwrap();
    let recipient = envelope.recipient(&certificate).unwrap().clone();
    (envelope, recipient)
}

#[test]
fn every_cipher_and_every_transport_is_decrypted_streamed_or_not() {
    let identity = Identity::new("rsa");
    let ciphers = [
        "",
        "-des3",
        "-aes-128-cbc",
        "-aes-192-cbc",
        "-aes-256-cbc",
        "-aes-128-gcm",
        "-aes-192-gcm",
        "-aes-256-gcm",
    ];
    let oaep = ["-keyopt", "rsa_padding_mode:oaep"];
    let sha256 = [
        "-keyopt",
        "rsa_padding_mode:oaep",
        "-keyopt",
        "rsa_oaep_md:sha256",
        "-keyopt",
        "rsa_mgf1_md:sha256",
    ];
    let mut ways: Vec<(&str, Vec<&str>, KeyTransport)> = Vec::new();
    for cipher in ciphers {
        ways.push((cipher, vec![], KeyTransport::RsaPkcs1));
        ways.push((cipher, vec!["-stream"], KeyTransport::RsaPkcs1));
    }
    ways.push(("-aes-256-cbc", oaep.to_vec(), KeyTransport::RsaOaepSha1));
    ways.push(("-aes-256-cbc", sha256.to_vec(), KeyTransport::RsaOaepSha256));
    for (cipher, more, transport) in ways {
        let message = encrypt(&identity, cipher, &more);
        assert_eq!(
            message[1] == 0x80,
            more.contains(&"-stream"),
            "{cipher}: the length is indefinite"
        );
        let (envelope, recipient) = opened(&identity, &message);
        assert_eq!(recipient.transport, transport);
        let key = unwrap(&identity, &recipient).unwrap();
        assert_eq!(
            *envelope.decrypt(Some(&key)).unwrap(),
            CONTENT,
            "{cipher} {more:?}"
        );
    }
}

#[test]
fn what_is_encrypted_for_gost_keys_is_decrypted() {
    let long: Vec<u8> = (0..5000_u32).flat_map(u32::to_be_bytes).collect();
    for kind in ["gost256a", "gost256tcb", "gost512a"] {
        let identity = Identity::new(kind);
        let key = GostKey::read(&identity.private_key());
        for content in [&long[..0], &long[..1], &long[..1024], &long[..1031], &long] {
            let message = encrypted(&identity, content, "-gost89", &[]);
            let (envelope, recipient) = opened(&identity, &message);
            let KeyTransport::Gost(transport) = &recipient.transport else {
                panic!("{:?}", recipient.transport);
            };
            let shared = key.agree(&transport.public_key, &transport.user_keying_material);
            let content_key = transport.content_key(&shared).unwrap();
            assert_eq!(
                *envelope.decrypt(Some(&content_key)).unwrap(),
                content,
                "{kind}, {}",
                content.len()
            );
            // Another agreement is noticed, and none decrypts nothing.
            assert_eq!(transport.content_key(&[1; 32]), None);
            assert_eq!(envelope.decrypt(None), Err(CmsError::Undecipherable));
        }
    }
}

#[test]
fn the_older_substitution_box_is_known_too() {
    let identity = Identity::new("gost256a");
    let message = identity.path("envelope");
    let output = Command::new("openssl")
        .args([
            "cms", "-engine", "gost", "-encrypt", "-gost89", "-binary", "-outform", "DER", "-in",
        ])
        .arg(identity.write("content", CONTENT))
        .arg("-out")
        .arg(&message)
        .arg("-recip")
        .arg(identity.path("certificate.pem"))
        .env("CRYPT_PARAMS", "id-Gost28147-89-CryptoPro-A-ParamSet")
        .output()
        .unwrap();
    assert!(output.status.success());
    let message = std::fs::read(&message).unwrap();
    let parameters = [6, 7, 0x2a, 0x85, 3, 2, 2, 0x1f, 1];
    assert!(
        message.windows(9).any(|part| part == parameters),
        "openssl took another box"
    );
    let (envelope, recipient) = opened(&identity, &message);
    let KeyTransport::Gost(transport) = &recipient.transport else {
        panic!("{:?}", recipient.transport);
    };
    let key = GostKey::read(&identity.private_key());
    let shared = key.agree(&transport.public_key, &transport.user_keying_material);
    let content_key = transport.content_key(&shared).unwrap();
    assert_eq!(*envelope.decrypt(Some(&content_key)).unwrap(), CONTENT);
}

#[test]
fn a_recipient_is_found_among_others_by_number_or_key_identifier() {
    let (identity, other) = (Identity::new("rsa"), Identity::new("rsa"));
    let certificate = other.path("certificate.pem");
    let message = encrypt(&identity, "-aes-256-cbc", &[certificate.to_str().unwrap()]);
    let (envelope, recipient) = opened(&identity, &message);
    assert_eq!(envelope.recipients().len(), 2);
    let key = unwrap(&identity, &recipient).unwrap();
    assert_eq!(*envelope.decrypt(Some(&key)).unwrap(), CONTENT);

    let message = encrypt(&identity, "-aes-256-cbc", &["-keyid"]);
    let (envelope, recipient) = opened(&identity, &message);
    let key = unwrap(&identity, &recipient).unwrap();
    assert_eq!(*envelope.decrypt(Some(&key)).unwrap(), CONTENT);

    let stranger = Certificate::read(&Identity::new("p256").certificate).unwrap();
    assert_eq!(envelope.recipient(&stranger), None);
}

#[test]
fn a_bad_key_is_answered_like_none_and_an_altered_content_is_refused() {
    let identity = Identity::new("rsa");
    let message = encrypt(&identity, "-aes-256-gcm", &[]);
    let (envelope, recipient) = opened(&identity, &message);
    let key = unwrap(&identity, &recipient).unwrap();
    for wrong in [None, Some(&[7; 32][..]), Some(&key[1..]), Some(&[][..])] {
        assert_eq!(envelope.decrypt(wrong), Err(CmsError::Undecipherable));
    }
    let mut altered = message.clone();
    *altered.last_mut().unwrap() ^= 1;
    let envelope = open_envelope(&altered).unwrap();
    assert_eq!(envelope.decrypt(Some(&key)), Err(CmsError::Undecipherable));
    assert!(open_envelope(&message[..message.len() - 1]).is_err());
}

#[test]
fn hostile_bytes_are_refused_without_a_panic() {
    let identity = Identity::new("rsa");
    let messages: Vec<Vec<u8>> = ["-aes-256-gcm", "-des3"]
        .into_iter()
        .flat_map(|cipher| {
            [
                encrypt(&identity, cipher, &[]),
                encrypt(&identity, cipher, &["-stream"]),
            ]
        })
        .collect();
    let certificate = identity.certificate.clone();
    proptest!(|(which in 0..messages.len(), place in any::<prop::sample::Index>(), byte: u8, cut in any::<prop::sample::Index>())| {
        let mut message = messages[which].clone();
        let place = place.index(message.len());
        message[place] = byte;
        if let Ok(envelope) = open_envelope(&message) {
            let _ = envelope.decrypt(Some(&[1; 32]));
        }
        message.truncate(cut.index(message.len()));
        prop_assert!(open_envelope(&message).is_err());
        let mut certificate = certificate.clone();
        let place = place % certificate.len();
        certificate[place] = byte;
        let _ = Certificate::read(&certificate);
    });
}
