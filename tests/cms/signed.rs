//! What this program signs is accepted by everybody, and refused where it was altered.

use std::fs;
use std::path::PathBuf;

use keynode::cms::{
    Certificate, CmsError, Profile, PublicKeyKind, Scheme, SignedMessage, Signer, SigningRequest, draft,
};
use keynode::licence::{DAY, Timestamp};

use super::judges::{Case, bouncy_castle, gnutls, openssl};
use super::key;
use super::keys::{Identity, KINDS};

const CONTENT: &[u8] = "Вызов: 5f2b\r\n".as_bytes();

/// One way to make a message.
#[derive(Clone, Copy, Debug)]
struct Way {
    profile: Profile,
    detached: bool,
    chain: bool,
}

fn ways() -> impl Iterator<Item = Way> {
    let make = |(profile, detached, chain)| Way {
        profile,
        detached,
        chain,
    };
    let (cms, cades) = (Profile::Cms, Profile::CadesBes);
    [
        (cms, false, false),
        (cms, true, false),
        (cades, false, false),
        (cades, true, false),
        (cades, false, true),
        (cades, true, true),
    ]
    .into_iter()
    .map(make)
}

/// A whole second within the time of the certificate, which is made anew in each run.
fn signing_time(identity: &Identity) -> Timestamp {
    Certificate::read(&identity.certificate)
        .unwrap()
        .not_before
        .plus(DAY)
}

fn sign(identity: &Identity, way: Way) -> Vec<u8> {
    let chain: &[&[u8]] = if way.chain { &[&identity.authority] } else { &[] };
    let request = SigningRequest {
        content: CONTENT,
        detached: way.detached,
        profile: way.profile,
        certificate: &identity.certificate,
        chain,
        time: signing_time(identity).plus(500),
    };
    let draft = draft(&request).unwrap();
    let signature = identity.sign(draft.algorithm(), draft.to_be_signed());
    draft.finish(&signature).unwrap()
}

/// A message as files: it, its content where that is outside, and both with one bit turned in the content.
struct Files {
    message: PathBuf,
    content: Option<PathBuf>,
    altered: (PathBuf, Option<PathBuf>),
    way: Way,
}

fn files(identity: &Identity) -> Vec<Files> {
    let altered: Vec<u8> = [&[CONTENT[0] ^ 1], &CONTENT[1..]].concat();
    let content = identity.write("content", CONTENT);
    let altered_content = identity.write("altered", &altered);
    ways()
        .enumerate()
        .map(|(index, way)| {
            let message = sign(identity, way);
            let path = identity.write(&format!("{index}.cms"), &message);
            let (content, altered) = if way.detached {
                (
                    Some(content.clone()),
                    (path.clone(), Some(altered_content.clone())),
                )
            } else {
                let place = message
                    .windows(CONTENT.len())
                    .position(|part| part == CONTENT)
                    .unwrap();
                let mut turned = message.clone();
                turned[place] ^= 1;
                (
                    None,
                    (identity.write(&format!("{index}-altered.cms"), &turned), None),
                )
            };
            Files {
                message: path,
                content,
                altered,
                way,
            }
        })
        .collect()
}

impl Files {
    fn good<'a>(&'a self, identity: &'a Identity) -> Case<'a> {
        Case {
            identity,
            message: &self.message,
            content: self.content.as_deref(),
            cades: self.way.profile == Profile::CadesBes,
        }
    }

    fn bad<'a>(&'a self, identity: &'a Identity) -> Case<'a> {
        Case {
            message: &self.altered.0,
            content: self.altered.1.as_deref(),
            ..self.good(identity)
        }
    }
}

fn judge(kind: &'static str, gnutls_knows: bool) {
    let identity = Identity::new(kind);
    for files in files(&identity) {
        let way = files.way;
        let good = files.good(&identity);
        assert_eq!(
            openssl(&good).as_deref(),
            Some(CONTENT),
            "openssl, {kind}, {way:?}"
        );
        let bad = files.bad(&identity);
        assert_eq!(openssl(&bad), None, "openssl, altered, {kind}, {way:?}");
        read_back(&files, &identity);
        if gnutls_knows {
            assert!(gnutls(&good), "certtool, {kind}, {way:?}");
            assert!(!gnutls(&bad), "certtool, altered, {kind}, {way:?}");
        }
    }
}

/// The node's own parser agrees.
fn read_back(files: &Files, identity: &Identity) {
    let way = files.way;
    let certificate = Certificate::read(&identity.certificate).unwrap();
    let message = SignedMessage::read(&fs::read(&files.message).unwrap()).unwrap();
    let content = files.content.as_ref().map(|_| CONTENT);
    assert_eq!(message.content.is_none(), way.detached);
    assert_eq!(message.certificates.len(), if way.chain { 2 } else { 1 });
    let [signer] = &message.signers[..] else {
        panic!("one signer, not {}", message.signers.len());
    };
    assert_eq!(message.certificate(signer), Some(&certificate));
    let attributes = signer.attributes.as_ref().unwrap();
    assert_eq!(attributes.signing_time, Some(signing_time(identity)));
    assert_eq!(
        attributes.signing_certificate.is_some(),
        way.profile == Profile::CadesBes
    );
    verify(&message, signer, content, &certificate).unwrap();

    let altered = SignedMessage::read(&fs::read(&files.altered.0).unwrap()).unwrap();
    let content = files.altered.1.as_ref().map(|path| fs::read(path).unwrap());
    let refusal = verify(&altered, &altered.signers[0], content.as_deref(), &certificate);
    assert_eq!(
        refusal,
        Err(CmsError::Unverified("its content is not the one that was signed"))
    );
}

/// Verifies by the node's parser, and GOST by the textbook.
pub(crate) fn verify(
    message: &SignedMessage,
    signer: &Signer,
    content: Option<&[u8]>,
    certificate: &Certificate,
) -> Result<(), CmsError> {
    if !matches!(signer.scheme, Scheme::Gost256 | Scheme::Gost512) {
        return message.verify(signer, content, certificate);
    }
    let bytes = message.signed_bytes(signer, content, certificate)?;
    let holds = key::verify(&certificate.public_key, &bytes, &signer.signature);
    assert!(holds, "the GOST signature");
    Ok(())
}

macro_rules! judged {
    ($($name:ident: $kind:literal, $gnutls_knows:literal;)*) => {$(
        #[test]
        fn $name() {
            judge($kind, $gnutls_knows);
        }
    )*};
}

judged! {
    openssl_and_gnutls_take_rsa: "rsa", true;
    openssl_and_gnutls_take_p256: "p256", true;
    openssl_and_gnutls_take_p384: "p384", true;
    openssl_and_gnutls_take_gost_256_cryptopro_a: "gost256a", true;
    openssl_takes_gost_256_tc26_a: "gost256tca", false;
    openssl_and_gnutls_take_gost_256_tc26_b: "gost256tcb", true;
    openssl_and_gnutls_take_gost_512_a: "gost512a", true;
}

#[test]
fn bouncy_castle_takes_all_of_them() {
    let identities: Vec<Identity> = KINDS
        .iter()
        .filter(|(kind, ..)| *kind != "gost256tcb")
        .map(|(kind, ..)| Identity::new(kind))
        .collect();
    let all: Vec<(&Identity, Files)> = identities
        .iter()
        .flat_map(|identity| files(identity).into_iter().map(move |files| (identity, files)))
        .collect();
    let cases: Vec<Case<'_>> = all
        .iter()
        .flat_map(|(identity, files)| [files.good(identity), files.bad(identity)])
        .collect();
    let said = bouncy_castle(&cases);
    assert_eq!(said.len(), cases.len());
    for ((identity, files), said) in all.iter().zip(said.chunks(2)) {
        let (kind, way) = (identity.kind, files.way);
        let certificates = if way.chain { 2 } else { 1 };
        assert!(
            said[0].starts_with(&format!("good {certificates} ")),
            "{kind}, {way:?}: {said:?}"
        );
        assert!(said[1].starts_with("bad: "), "altered, {kind}, {way:?}: {said:?}");
    }
}

#[test]
fn a_certificate_tells_whose_it_is() {
    for (kind, key) in [
        ("rsa", PublicKeyKind::Rsa(2048)),
        ("p256", PublicKeyKind::EcP256),
        ("p384", PublicKeyKind::EcP384),
        ("gost256a", PublicKeyKind::Gost256),
        ("gost512a", PublicKeyKind::Gost512),
    ] {
        let identity = Identity::new(kind);
        let certificate = Certificate::read(&identity.certificate).unwrap();
        let authority = Certificate::read(&identity.authority).unwrap();
        assert_eq!(certificate.key, key);
        assert_eq!(certificate.common_name.as_deref(), Some("Подпись"));
        assert_eq!(certificate.organization.as_deref(), Some("Ромашка, ООО"));
        assert_eq!(certificate.itn.as_deref(), Some("7707083893"));
        assert_eq!(certificate.ogrn.as_deref(), Some("1027700132195"));
        assert_eq!(
            certificate.subject,
            "OGRN=1027700132195,INNLE=7707083893,INN=500100732259,CN=Подпись,O=Ромашка\\, ООО,C=RU"
        );
        assert_eq!(certificate.issuer_der, authority.subject_der);
        assert!(authority.self_issued() && authority.authority && !certificate.authority);
        let usage = certificate.key_usage.unwrap();
        assert!(usage.signs && usage.enciphers_keys && !usage.signs_certificates);
        assert_eq!(certificate.subject_key_id.as_ref().map(Vec::len), Some(20));
        let days = (certificate.not_after.millis() - certificate.not_before.millis()) / DAY;
        assert_eq!(days, 3650);
        assert_eq!(certificate.thumbprint().to_string().len(), 40);
    }
}
