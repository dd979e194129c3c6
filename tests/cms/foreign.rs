//! Signed messages that others made go through the node's parser.

use std::ffi::OsStr;

use keynode::cms::{Certificate, CmsError, Scheme, SignedMessage};
use proptest::prelude::*;

use super::keys::{Identity, must};
use super::signed::verify;

const CONTENT: &[u8] = b"{\"uuid\":\"a1\",\"data\":\"XYZ\"}";

fn sign(identity: &Identity, more: &[&str]) -> Vec<u8> {
    let content = identity.write("content", CONTENT);
    let (certificate, key) = (identity.path("certificate.pem"), identity.path("key.pem"));
    let out = identity.path("signed");
    let mut arguments: Vec<&dyn AsRef<OsStr>> = vec![
        &"cms",
        &"-engine",
        &"gost",
        &"-sign",
        &"-binary",
        &"-in",
        &content,
        &"-signer",
        &certificate,
        &"-inkey",
        &key,
        &"-outform",
        &"DER",
        &"-out",
        &out,
    ];
    arguments.extend(more.iter().map(|text| text as &dyn AsRef<OsStr>));
    must("openssl", &arguments);
    std::fs::read(&out).unwrap()
}

#[test]
fn what_openssl_signs_is_read_and_verified() {
    let ways: [&[&str]; 6] = [
        &["-nodetach"],
        &[],
        &["-nodetach", "-cades"],
        &["-nodetach", "-stream"],
        &["-nodetach", "-keyid"],
        // The shape of the marking system's own sample: no signed attributes, NULL as parameters.
        &["-nodetach", "-noattr"],
    ];
    for (kind, scheme) in [
        ("rsa", Scheme::Rsa),
        ("p384", Scheme::Ecdsa),
        ("gost256a", Scheme::Gost256),
        ("gost512a", Scheme::Gost512),
    ] {
        let identity = Identity::new(kind);
        let certificate = Certificate::read(&identity.certificate).unwrap();
        for way in ways {
            let bytes = sign(&identity, way);
            assert_eq!(
                bytes[1] == 0x80,
                way.contains(&"-stream"),
                "{kind} {way:?}: an indefinite length"
            );
            let message = SignedMessage::read(&bytes).unwrap();
            let signer = &message.signers[0];
            assert_eq!(signer.scheme, scheme);
            assert_eq!(signer.attributes.is_none(), way.contains(&"-noattr"));
            assert_eq!(message.certificate(signer), Some(&certificate));
            let content = message.content.is_none().then_some(CONTENT);
            assert_eq!(content.is_some(), way.is_empty());
            verify(&message, signer, content, &certificate)
                .unwrap_or_else(|why| panic!("{kind} {way:?}: {why}"));
        }
    }
}

#[test]
fn another_certificate_another_content_and_another_signature_are_refused() {
    let (identity, other) = (Identity::new("p256"), Identity::new("p256"));
    let bytes = sign(&identity, &["-cades"]);
    let message = SignedMessage::read(&bytes).unwrap();
    let certificate = Certificate::read(&identity.certificate).unwrap();
    let signer = &message.signers[0];
    let refused = |content: Option<&[u8]>, certificate: &Certificate| {
        message.verify(signer, content, certificate).unwrap_err()
    };
    assert_eq!(
        refused(None, &certificate),
        CmsError::Unverified("its content is not there")
    );
    assert_eq!(
        refused(Some(b"other"), &certificate),
        CmsError::Unverified("its content is not the one that was signed")
    );
    let stranger = Certificate::read(&other.certificate).unwrap();
    let not_this = CmsError::Unverified("it is not signed with this certificate");
    assert_eq!(refused(Some(CONTENT), &stranger), not_this);
    // The same name and number with another key: only the digest of the certificate tells them apart.
    let impostor = Certificate {
        issuer_der: certificate.issuer_der.clone(),
        serial: certificate.serial.clone(),
        ..stranger.clone()
    };
    let another = CmsError::Unverified("it is signed with another certificate of that number");
    assert_eq!(refused(Some(CONTENT), &impostor), another);

    let mut forged = message.clone();
    forged.signers[0].signature = SignedMessage::read(&sign(&identity, &[])).unwrap().signers[0]
        .signature
        .clone();
    let refusal = forged.verify(&forged.signers[0], Some(CONTENT), &certificate);
    assert_eq!(refusal, Err(CmsError::Unverified("its signature is wrong")));
}

#[test]
fn hostile_bytes_are_refused_without_a_panic() {
    let identity = Identity::new("p256");
    let certificate = Certificate::read(&identity.certificate).unwrap();
    let messages = [
        sign(&identity, &["-nodetach", "-cades"]),
        sign(&identity, &["-nodetach", "-stream"]),
    ];
    proptest!(|(which in 0..messages.len(), place in any::<prop::sample::Index>(), byte: u8, cut in any::<prop::sample::Index>())| {
        let mut bytes = messages[which].clone();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        if let Ok(message) = SignedMessage::read(&bytes) {
            for signer in &message.signers {
                let _ = message.verify(signer, Some(CONTENT), &certificate);
            }
        }
        bytes.truncate(cut.index(bytes.len()));
        prop_assert!(SignedMessage::read(&bytes).is_err());
    });
}
