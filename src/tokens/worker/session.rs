//! One session and what is done in it.

use std::collections::HashMap;

use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsOaepParams, PkcsOaepSource};
use cryptoki::mechanism::vendor_defined::VendorDefinedMechanism;
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, SessionState};
use rsa::RsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use zeroize::{Zeroize, Zeroizing};

use super::module::Module;
use super::{listing, objects, public_key};
use crate::tokens::operation::{Decryption, Mechanism as Signing};
use crate::tokens::token::KeyKind;
use crate::tokens::wire::{Ask, Failure, FailureKind};

/// `CKM_GOSTR3410_WITH_GOSTR3411_12_256` of TC26.
const GOST_256: u64 = 0xD432_1008;

/// `CKM_GOSTR3410_WITH_GOSTR3411_12_512` of TC26.
const GOST_512: u64 = 0xD432_1009;

/// `CKM_GOSTR3410_12_DERIVE` of TC26.
const GOST_DERIVE: u64 = 0xD432_1007;

/// `id-edwards25519` of RFC 8410, and the curves' object identifiers, as `CKA_EC_PARAMS` has them.
pub(super) const ED25519: &[u8] = &[0x06, 0x03, 0x2b, 0x65, 0x70];
pub(super) const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
pub(super) const P384: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];

/// `CKA_EC_PARAMS` of Ed25519 as older versions of the standard have it: the curve's name, a `PrintableString`.
pub(super) const ED25519_NAME: &[u8] = b"\x13\x0cedwards25519";

/// What an operation results in: it may be a secret.
pub(super) type Bytes = Zeroizing<Vec<u8>>;

/// A key that is put on the token.
#[derive(Clone, Copy)]
enum New<'a> {
    /// Made there.
    Made { kind: KeyKind, decrypts: bool },
    /// An RSA key, PKCS#8 DER.
    Given(&'a [u8]),
}

/// A session with the handles of the keys that it has used.
pub(super) struct Desk<'a> {
    pub(super) session: Session,
    module: &'a Module,
    handles: HashMap<(Vec<u8>, Option<u64>), ObjectHandle>,
}

impl<'a> Desk<'a> {
    pub(super) fn new(module: &'a Module, session: Session) -> Self {
        Self {
            session,
            module,
            handles: HashMap::new(),
        }
    }

    /// Does one thing; the result is what the operation's result is.
    pub(super) fn perform(&mut self, ask: Ask, bytes: &[u8]) -> Result<Bytes, Failure> {
        match ask {
            Ask::Check => self.check(),
            Ask::Sign { key, mechanism } => {
                let (kind, mechanism) = signing(mechanism)?;
                self.with_key(key, kind, |session, key| session.sign(&mechanism, key, bytes))
            }
            Ask::Decrypt {
                key,
                mechanism: Decryption::GostAgreement,
            } => {
                if !matches!(bytes.len(), 84 | 148) {
                    return Err(Failure::new(FailureKind::Asked, "no parameter of an agreement"));
                }
                self.decrypted(&key, None, |session, key| agree(session, key, bytes))
            }
            Ask::Decrypt { key, mechanism } => {
                let mechanism = decryption(mechanism)?;
                let kind = Some(KeyType::RSA);
                self.decrypted(&key, kind, |session, key| session.decrypt(&mechanism, key, bytes))
            }
            Ask::CreateKey {
                id,
                label,
                kind,
                decrypts,
            } => match kind {
                Some(kind) => self.create_key(&id, &label, New::Made { kind, decrypts }),
                None => self.create_key(&id, &label, New::Given(bytes)),
            },
            Ask::WriteData { label } => objects::write_data(&self.session, &label, bytes),
            Ask::WriteCertificate { id, label } => {
                objects::write_certificate(&self.session, &id, &label, bytes)
            }
            Ask::Open { .. } | Ask::LogIn { .. } | Ask::List => Err(Failure::nonsense("asked out of turn")),
        }
    }

    /// The same token in the same slot, and the sessions as they were.
    fn check(&self) -> Result<Bytes, Failure> {
        let gone = |text| Failure::new(FailureKind::Gone, text);
        let info = self.module.pkcs11.get_token_info(self.module.slot)?;
        let facts = &self.module.facts;
        if crate::text::clean(info.serial_number().as_bytes()).unwrap_or_default() != facts.serial {
            return Err(gone("another token is in its slot"));
        }
        let state = self.session.get_session_info()?.session_state();
        if facts.wants_login && !matches!(state, SessionState::RoUser | SessionState::RwUser) {
            return Err(gone("its sessions were logged out"));
        }
        Ok(Bytes::default())
    }

    /// Decrypts, and sees then whether the key is still there, for some modules say of a token that was pulled what they
    /// say of wrong padding. Where it is, what was asked does not decrypt, whatever the module's word for that is. It is looked
    /// for after a success as well: nobody is to tell the two by their time (RFC 3218).
    fn decrypted(
        &mut self,
        id: &[u8],
        kind: Option<KeyType>,
        decrypt: impl FnMut(&Session, ObjectHandle) -> Result<Vec<u8>, Error>,
    ) -> Result<Bytes, Failure> {
        match self.with_key(id.to_vec(), kind, decrypt) {
            Err(failure) if failure.kind == FailureKind::NoKey => Err(failure),
            outcome => match self.private_key(id, kind) {
                Ok(_) => outcome.map_err(|failure| match failure.text.as_str() {
                    // The session decrypts nothing before it is opened anew.
                    "CKR_OPERATION_ACTIVE" => failure,
                    _ => Failure::new(FailureKind::Asked, failure.text),
                }),
                Err(failure) => Err(Failure::new(FailureKind::Gone, failure.text)),
            },
        }
    }

    /// Uses a private key; a handle that is not good any more is looked up anew, once.
    fn with_key(
        &mut self,
        id: Vec<u8>,
        kind: Option<KeyType>,
        mut used: impl FnMut(&Session, ObjectHandle) -> Result<Vec<u8>, Error>,
    ) -> Result<Bytes, Failure> {
        let name = (id, kind.map(|kind| *kind));
        if let Some(&handle) = self.handles.get(&name) {
            match used(&self.session, handle) {
                Err(Error::Pkcs11(RvError::KeyHandleInvalid | RvError::ObjectHandleInvalid, _)) => {
                    self.handles.remove(&name);
                }
                result => return Ok(result?.into()),
            }
        }
        let handle = self.private_key(&name.0, kind)?;
        let result = used(&self.session, handle)?;
        self.handles.insert(name, handle);
        Ok(result.into())
    }

    fn private_key(&self, id: &[u8], kind: Option<KeyType>) -> Result<ObjectHandle, Failure> {
        let mut template = vec![
            Attribute::Class(ObjectClass::PRIVATE_KEY),
            Attribute::Token(true),
            Attribute::Id(id.to_vec()),
        ];
        template.extend(kind.map(Attribute::KeyType));
        let found = if id.is_empty() {
            None
        } else {
            self.session.find_objects(&template)?.first().copied()
        };
        found.ok_or_else(|| Failure::new(FailureKind::NoKey, "it has no such key"))
    }

    fn create_key(&mut self, id: &[u8], label: &str, new: New<'_>) -> Result<Bytes, Failure> {
        let asked = |text: &str| Failure::new(FailureKind::Asked, text);
        match self.private_key(id, None) {
            Err(failure) if failure.kind == FailureKind::NoKey => {}
            Err(failure) => return Err(failure),
            Ok(_) => return Err(asked("a key with this CKA_ID is there already")),
        }
        let common = |class| {
            vec![
                Attribute::Class(class),
                Attribute::Token(true),
                Attribute::Id(id.to_vec()),
                Attribute::Label(label.as_bytes().to_vec()),
            ]
        };
        let mut public = common(ObjectClass::PUBLIC_KEY);
        public.extend([Attribute::Private(false), Attribute::Verify(true)]);
        let mut private = common(ObjectClass::PRIVATE_KEY);
        private.extend([
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Sign(true),
        ]);
        // Tokens let an RSA key decrypt and unwrap unless they are told otherwise.
        if let New::Made {
            kind: KeyKind::Rsa(_),
            decrypts,
        } = new
        {
            private.extend([Attribute::Decrypt(decrypts), Attribute::Unwrap(false)]);
        }
        let public = match new {
            New::Made { kind, .. } => {
                let mut parameters = generation(kind).into_iter();
                let mut made = Err(asked("no key of this kind can be made"));
                while let (Err(_), Some((mechanism, parameters))) = (&made, parameters.next()) {
                    let public = [&public[..], &parameters].concat();
                    let pair = self.session.generate_key_pair(&mechanism, &public, &private);
                    made = pair.map(|(public, _)| public).map_err(Failure::from);
                }
                made?
            }
            New::Given(pkcs8) => {
                private.extend([Attribute::Decrypt(false), Attribute::Unwrap(false)]);
                self.import(public, private, pkcs8)?
            }
        };
        let made = listing::attributes(&self.session, public, listing::PUBLIC_HALF)?;
        let public = public_key::of_attributes(&made);
        public
            .map(Bytes::from)
            .ok_or_else(|| Failure::nonsense("the public half of a new key"))
    }

    /// The public half first: without it nobody would know the private one.
    fn import(
        &self,
        mut public: Vec<Attribute>,
        mut private: Vec<Attribute>,
        pkcs8: &[u8],
    ) -> Result<ObjectHandle, Failure> {
        let key = RsaPrivateKey::from_pkcs8_der(pkcs8)
            .map_err(|_| Failure::new(FailureKind::Asked, "no RSA private key in PKCS#8"))?;
        let [p, q] = key.primes() else {
            return Err(Failure::new(
                FailureKind::Asked,
                "an RSA key with more than two primes",
            ));
        };
        let shares = (key.dp(), key.dq(), key.crt_coefficient());
        let (Some(dp), Some(dq), Some(coefficient)) = shares else {
            return Err(Failure::new(
                FailureKind::Asked,
                "an RSA key without its CRT parts",
            ));
        };
        let of_public = [
            Attribute::KeyType(KeyType::RSA),
            Attribute::Modulus(key.n().to_bytes_be()),
            Attribute::PublicExponent(key.e().to_bytes_be()),
        ];
        public.extend(of_public.clone());
        private.extend(of_public);
        private.extend([
            Attribute::PrivateExponent(key.d().to_bytes_be()),
            Attribute::Prime1(p.to_bytes_be()),
            Attribute::Prime2(q.to_bytes_be()),
            Attribute::Exponent1(dp.to_bytes_be()),
            Attribute::Exponent2(dq.to_bytes_be()),
            Attribute::Coefficient(coefficient.to_bytes_be()),
        ]);
        let public = self.session.create_object(&public);
        let made = public.and_then(|public| match self.session.create_object(&private) {
            Ok(_) => Ok(public),
            Err(error) => {
                let _ = self.session.destroy_object(public);
                Err(error)
            }
        });
        for part in &mut private {
            if let Attribute::PrivateExponent(bytes)
            | Attribute::Prime1(bytes)
            | Attribute::Prime2(bytes)
            | Attribute::Exponent1(bytes)
            | Attribute::Exponent2(bytes)
            | Attribute::Coefficient(bytes) = part
            {
                bytes.zeroize();
            }
        }
        Ok(made?)
    }
}

fn signing(mechanism: Signing) -> Result<(Option<KeyType>, Mechanism<'static>), Failure> {
    let vendor = |number| {
        let kind = MechanismType::new_vendor_defined(number)?;
        let mechanism = VendorDefinedMechanism::new::<()>(kind, None);
        Ok::<_, Error>((None, Mechanism::VendorDefined(mechanism)))
    };
    Ok(match mechanism {
        Signing::RsaPkcs1 => (Some(KeyType::RSA), Mechanism::RsaPkcs),
        Signing::Ecdsa => (Some(KeyType::EC), Mechanism::Ecdsa),
        Signing::Eddsa => {
            let pure = EddsaParams::new(EddsaSignatureScheme::Pure);
            (Some(KeyType::EC_EDWARDS), Mechanism::Eddsa(pure))
        }
        Signing::Gost256 => vendor(GOST_256)?,
        Signing::Gost512 => vendor(GOST_512)?,
    })
}

fn decryption(mechanism: Decryption) -> Result<Mechanism<'static>, Failure> {
    let oaep = |hash, mgf| Mechanism::RsaPkcsOaep(PkcsOaepParams::new(hash, mgf, PkcsOaepSource::empty()));
    Ok(match mechanism {
        Decryption::RsaPkcs1 => Mechanism::RsaPkcs,
        Decryption::RsaOaepSha1 => oaep(MechanismType::SHA1, PkcsMgfType::MGF1_SHA1),
        Decryption::RsaOaepSha256 => oaep(MechanismType::SHA256, PkcsMgfType::MGF1_SHA256),
        Decryption::GostAgreement => return Err(Failure::nonsense("an agreement is no decryption")),
    })
}

/// Agrees on a key with whom the parameter names, and takes its value: it is for one message.
fn agree(session: &Session, key: ObjectHandle, parameter: &[u8]) -> Result<Vec<u8>, Error> {
    let kind = MechanismType::new_vendor_defined(GOST_DERIVE)?;
    // A parameter has a size that the compiler knows: that with a public key of 64 bytes, or of 128.
    let mechanism = match <&[u8; 84]>::try_from(parameter) {
        Ok(short) => VendorDefinedMechanism::new(kind, Some(short)),
        Err(_) => VendorDefinedMechanism::new(kind, Some(<&[u8; 148]>::try_from(parameter)?)),
    };
    let template = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::GOST28147),
        Attribute::Token(false),
        Attribute::Sensitive(false),
        Attribute::Extractable(true),
    ];
    let agreed = session.derive_key(&Mechanism::VendorDefined(mechanism), key, &template)?;
    let value = session.get_attributes(agreed, &[AttributeType::Value]);
    session.destroy_object(agreed)?;
    match value?.pop() {
        Some(Attribute::Value(value)) if value.len() == 32 => Ok(value),
        _ => Err(Error::InvalidValue),
    }
}

/// Ways to make a key of this kind, the first that works is the right one: curves have been named in two ways.
fn generation(kind: KeyKind) -> Vec<(Mechanism<'static>, Vec<Attribute>)> {
    let curve = |mechanism, curve: &[u8]| (mechanism, vec![Attribute::EcParams(curve.to_vec())]);
    match kind {
        KeyKind::Rsa(bits) => {
            let parameters = vec![
                Attribute::ModulusBits(u64::from(bits).into()),
                Attribute::PublicExponent(vec![1, 0, 1]),
            ];
            vec![(Mechanism::RsaPkcsKeyPairGen, parameters)]
        }
        KeyKind::EcP256 => vec![curve(Mechanism::EccKeyPairGen, P256)],
        KeyKind::EcP384 => vec![curve(Mechanism::EccKeyPairGen, P384)],
        KeyKind::Ed25519 => vec![
            curve(Mechanism::EccEdwardsKeyPairGen, ED25519),
            curve(Mechanism::EccEdwardsKeyPairGen, ED25519_NAME),
        ],
        KeyKind::Gost256 | KeyKind::Gost512 | KeyKind::Other => Vec::new(),
    }
}
