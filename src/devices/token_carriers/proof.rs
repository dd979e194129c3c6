//! The proof: a fresh challenge, and the signature that only the token's private key makes (docs/licence-format.md).

use std::collections::VecDeque;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

use super::public_key::PublicKey;
use crate::devices::carrier::CarrierError;
use crate::tokens::{Operation, TokenError, TokenKey};

/// What the signed text begins with: nothing else that anybody signs does.
const DOMAIN: &[u8] = b"keynode pkcs11 carrier proof v1\0";
/// Challenges that are remembered, to tell a replayed proof from a wrong one.
const REMEMBERED: usize = 8;
/// No token shows a longer serial number, in bytes.
const LONGEST_SERIAL: usize = 2048;

/// The challenges that a key was given.
#[derive(Debug, Default)]
pub(super) struct Earlier(VecDeque<[u8; 32]>);

/// Has a key on the token with this serial number sign a fresh challenge; `perform` has the token do something.
///
/// # Errors
/// What the token says; [`CarrierError::Replayed`], Wrong or Unfit.
pub(super) fn prove(
    serial: &str,
    key: &TokenKey,
    earlier: &mut Earlier,
    perform: impl FnOnce(Operation) -> Result<Vec<u8>, TokenError>,
) -> Result<(), CarrierError> {
    let public_key = PublicKey::of(key)?;
    let challenge = random()?;
    let signature = sign(serial, key, &public_key, &challenge, perform)?;
    let signs =
        |challenge: &[u8; 32]| public_key.verifies(&signed_text(serial, &key.id, challenge), &signature);
    let verdict = if signs(&challenge) {
        Ok(())
    } else if earlier.0.iter().any(signs) {
        Err(CarrierError::Replayed)
    } else {
        Err(CarrierError::Wrong)
    };
    earlier.0.truncate(REMEMBERED - 1);
    earlier.0.push_front(challenge);
    verdict
}

/// Has a key on the token with this serial number sign the challenge of somebody else. The result is the length of its
/// `CKA_ID` (1 byte), the `CKA_ID`, which bindings do not have, and the signature.
///
/// # Errors
/// What the token says; [`CarrierError::Wrong`] or Unfit.
pub(super) fn attest(
    serial: &str,
    key: &TokenKey,
    challenge: &[u8; 32],
    perform: impl FnOnce(Operation) -> Result<Vec<u8>, TokenError>,
) -> Result<Vec<u8>, CarrierError> {
    let public_key = PublicKey::of(key)?;
    let signature = sign(serial, key, &public_key, challenge, perform)?;
    if !public_key.verifies(&signed_text(serial, &key.id, challenge), &signature) {
        return Err(CarrierError::Wrong);
    }
    let length =
        u8::try_from(key.id.len()).map_err(|_| CarrierError::Unfit("its CKA_ID is too long".into()))?;
    Ok([&[length], &key.id[..], &signature].concat())
}

/// Whether the key of this token and public key, as bindings write them, signed this challenge.
pub(in crate::devices) fn attests(
    serial: &str,
    public_key: &str,
    challenge: &[u8; 32],
    proof: &[u8],
) -> bool {
    let Some((id, signature)) = (proof.split_first())
        .and_then(|(length, rest)| rest.split_at_checked(usize::from(*length)))
        .filter(|(id, _)| !id.is_empty())
    else {
        return false;
    };
    let signed = || signed_text(serial, id, challenge);
    (1..=LONGEST_SERIAL).contains(&serial.len())
        && PublicKey::parse(public_key).is_some_and(|key| key.verifies(&signed(), signature))
}

fn sign(
    serial: &str,
    key: &TokenKey,
    public_key: &PublicKey,
    challenge: &[u8; 32],
    perform: impl FnOnce(Operation) -> Result<Vec<u8>, TokenError>,
) -> Result<Vec<u8>, CarrierError> {
    let (mechanism, data) = public_key.to_sign(&signed_text(serial, &key.id, challenge));
    perform(Operation::Sign {
        key: key.id.clone(),
        mechanism,
        data,
    })
    .map_err(|error| CarrierError::Token(format!("it does not sign: {error}")))
}

fn random() -> Result<[u8; 32], CarrierError> {
    let mut bytes = [0; 32];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| CarrierError::Io("the system gives no random numbers".into()))?;
    Ok(bytes)
}

/// What the key signs. Serial number and `CKA_ID` are preceded by their lengths: no two carriers sign one text.
fn signed_text(serial: &str, id: &[u8], challenge: &[u8; 32]) -> Vec<u8> {
    let length = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes();
    let (serial_length, id_length) = (length(serial.as_bytes()), length(id));
    [
        DOMAIN,
        &serial_length,
        serial.as_bytes(),
        &id_length,
        id,
        challenge,
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer;
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
    };

    use super::*;
    use crate::tokens::{KeyKind, Mechanism};

    fn key(kind: KeyKind, info: &[u8]) -> TokenKey {
        TokenKey {
            id: vec![0xab, 1],
            label: "keynode-carrier".into(),
            kind,
            public_key: Some(info.to_vec()),
            extractable: false,
            signs: true,
            decrypts: false,
        }
    }

    fn ed25519(seed: u8) -> (TokenKey, Ed25519KeyPair) {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        let info = pair.public_key().as_der().unwrap();
        (key(KeyKind::Ed25519, info.as_ref()), pair)
    }

    /// What a token that has this key answers.
    fn signs(pair: &Ed25519KeyPair) -> impl Fn(Operation) -> Result<Vec<u8>, TokenError> {
        move |operation| {
            let Operation::Sign { mechanism, data, .. } = operation else {
                panic!("another operation");
            };
            assert_eq!(mechanism, Mechanism::Eddsa);
            Ok(pair.sign(&data).as_ref().to_vec())
        }
    }

    #[test]
    fn the_genuine_key_proves_itself_and_the_text_is_the_documented_one() {
        let (key, pair) = ed25519(1);
        let mut told = Vec::new();
        let mut earlier = Earlier::default();
        let proven = prove("S1", &key, &mut earlier, |operation| {
            if let Operation::Sign { data, key, .. } = &operation {
                told.clone_from(data);
                assert_eq!(*key, [0xab, 1]);
            }
            signs(&pair)(operation)
        });
        assert_eq!(proven, Ok(()));
        let known = b"keynode pkcs11 carrier proof v1\0\x00\x02S1\x00\x02\xab\x01";
        assert_eq!((&told[..known.len()], told.len()), (&known[..], known.len() + 32));
    }

    #[test]
    fn rsa_and_p256_sign_what_their_mechanisms_want() {
        let random = SystemRandom::new();
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let info: aws_lc_rs::encoding::PublicKeyX509Der<'_> = rsa.public_key().as_der().unwrap();
        let rsa_key = key(KeyKind::Rsa(2048), info.as_ref());
        // What is padded is the DigestInfo: the pair hashes for itself, so the hash that it makes must be in there.
        let message = signed_text("S", &rsa_key.id, &[7; 32]);
        let public_key = PublicKey::of(&rsa_key).unwrap();
        let mut signature = vec![0; 256];
        rsa.sign(&RSA_PKCS1_SHA256, &random, &message, &mut signature)
            .unwrap();
        assert!(public_key.verifies(&message, &signature));
        let (mechanism, data) = public_key.to_sign(&message);
        assert_eq!((mechanism, data.len()), (Mechanism::RsaPkcs1, 51));

        let p256 = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let info: aws_lc_rs::encoding::PublicKeyX509Der<'_> = p256.public_key().as_der().unwrap();
        let p256_key = key(KeyKind::EcP256, info.as_ref());
        let public_key = PublicKey::of(&p256_key).unwrap();
        let signature = p256.sign(&random, &message).unwrap();
        assert!(public_key.verifies(&message, signature.as_ref()));
        let (mechanism, data) = public_key.to_sign(&message);
        assert_eq!((mechanism, data.len()), (Mechanism::Ecdsa, 32));
        // As bindings write a key is as its standard encoding has it.
        for (key, info) in [
            (&p256_key, info.as_ref()),
            (&rsa_key, rsa_key.public_key.as_deref().unwrap()),
        ] {
            use base64::Engine;
            let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(info);
            assert_eq!(PublicKey::of(key).unwrap().text(), text);
        }
    }

    #[test]
    fn wrong_and_old_signatures_are_told_apart() {
        let (key, pair) = ed25519(1);
        let (_, other) = ed25519(2);
        let mut earlier = Earlier::default();
        let mut recorded = Vec::new();
        let proven = prove("S1", &key, &mut earlier, |operation| {
            recorded = signs(&pair)(operation)?;
            Ok(recorded.clone())
        });
        assert_eq!(proven, Ok(()));
        let replayed = prove("S1", &key, &mut earlier, |_| Ok(recorded.clone()));
        assert_eq!(replayed, Err(CarrierError::Replayed));
        assert_eq!(
            prove("S1", &key, &mut earlier, signs(&other)),
            Err(CarrierError::Wrong)
        );
        for garbage in [vec![], vec![0; 64], vec![0xff; 5000]] {
            let answer = garbage.clone();
            assert_eq!(
                prove("S1", &key, &mut earlier, |_| Ok(answer)),
                Err(CarrierError::Wrong)
            );
        }
        assert_eq!(prove("S1", &key, &mut earlier, signs(&pair)), Ok(()));
        // A signature made on one token counts for no other.
        let elsewhere = prove("S2", &key, &mut Earlier::default(), |_| Ok(recorded));
        assert_eq!(elsewhere, Err(CarrierError::Wrong));
        let crashed = |_| Err(TokenError::Crashed("t".into()));
        let failed = prove("S1", &key, &mut earlier, crashed).unwrap_err();
        assert!(
            matches!(&failed, CarrierError::Token(why) if why.contains("crashed")),
            "{failed}"
        );
    }

    #[test]
    fn keys_that_prove_nothing_are_never_asked() {
        let unasked = |key: &TokenKey| {
            prove("S1", key, &mut Earlier::default(), |_| panic!("it was asked")).unwrap_err()
        };
        let (good, _) = ed25519(1);
        let mut weak = good.clone();
        let info = weak.public_key.as_mut().unwrap();
        let at = info.len() - 32;
        info[at..].fill(0);
        let cases = [
            TokenKey {
                public_key: None,
                ..good.clone()
            },
            TokenKey {
                public_key: Some(b"nonsense".to_vec()),
                ..good.clone()
            },
            TokenKey {
                kind: KeyKind::EcP256,
                ..good.clone()
            },
            weak,
        ];
        for key in cases {
            assert!(matches!(unasked(&key), CarrierError::Unfit(_)), "{key:?}");
        }
    }
}
