//! Every certificate on the tokens and in the files, each with its private key's place, or with what it lacks.

use std::fmt;
use std::sync::Arc;

use x509_cert::der::Decode;
use x509_cert::spki::SubjectPublicKeyInfoRef;

use crate::cms::{Certificate, PublicKeyKind, Thumbprint};
use crate::licence::Timestamp;
use crate::tokens::{KeyKind, Token, TokenKey, TokenState, Tokens};

use super::file::{CertificateRules, FileContents, FileFault};
use super::key::{FileKey, KeyFault};

/// RSA keys of fewer bits are not used.
const LEAST_RSA: u32 = 2048;

/// Where the private key of a certificate is.
#[derive(Clone, Debug)]
pub enum KeyPlace {
    /// On a token.
    Token {
        /// NAME in the settings.
        token: String,
        /// The key.
        key: TokenKey,
    },
    /// In a file.
    File {
        /// NAME in the settings.
        name: String,
        /// The key, in memory.
        key: FileKeyRef,
    },
}

/// A private key out of a file; shows nothing of itself.
#[derive(Clone, Debug)]
pub struct FileKeyRef(pub(super) Arc<FileKey>);

/// `token NAME, key <CKA_ID in hexadecimal digits>`, or `file NAME`.
impl fmt::Display for KeyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token { token, key } => {
                write!(f, "token {token}, key ")?;
                key.id.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
            Self::File { name, .. } => write!(f, "file {name}"),
        }
    }
}

/// Why a certificate cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Its token cannot be used now: what a person or the next look can mend.
    Token(String),
    /// Itself, its key or its file.
    Own(String),
}

/// What it says.
impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Token(text) | Self::Own(text)) = self;
        f.write_str(text)
    }
}

/// A certificate in its place, or a place whose certificate cannot be read.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The token's ID as devices have it, or the NAME of the file's entry in the settings.
    pub device: String,
    /// None where a file cannot be read.
    pub thumbprint: Option<Thumbprint>,
    /// None where it cannot be read.
    pub certificate: Option<Arc<Certificate>>,
    /// Its private key.
    pub key: Option<KeyPlace>,
    obstacle: Option<Obstacle>,
}

impl Listed {
    /// Why it cannot be used at that time; none: it can.
    pub fn obstacle(&self, now: Timestamp) -> Option<Obstacle> {
        self.validity(now).or_else(|| self.obstacle.clone())
    }

    /// As [`Listed::obstacle`], whatever the time: for messages that were encrypted while it was valid.
    pub fn lasting_obstacle(&self) -> Option<&Obstacle> {
        self.obstacle.as_ref()
    }

    /// Whether it can be read and is within its time.
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.certificate.is_some() && self.validity(now).is_none()
    }

    /// NAME of the token that has its private key.
    pub fn token(&self) -> Option<&str> {
        match &self.key {
            Some(KeyPlace::Token { token, .. }) => Some(token),
            _ => None,
        }
    }

    fn validity(&self, now: Timestamp) -> Option<Obstacle> {
        let certificate = self.certificate.as_ref()?;
        if now < certificate.not_before {
            return Some(Obstacle::Own(format!(
                "it is valid from {} on",
                certificate.not_before
            )));
        }
        (now > certificate.not_after)
            .then(|| Obstacle::Own(format!("it expired on {}", certificate.not_after)))
    }
}

/// All certificates at a moment: those of tokens, in the order of the tokens, then those of files.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// One for each place.
    pub certificates: Vec<Arc<Listed>>,
}

impl Inventory {
    /// The certificate of this thumbprint; where it is in several places, the one that can be used.
    pub fn find(&self, thumbprint: Thumbprint, now: Timestamp) -> Option<&Arc<Listed>> {
        let named = || {
            self.certificates
                .iter()
                .filter(|listed| listed.thumbprint == Some(thumbprint))
        };
        named()
            .find(|listed| listed.obstacle(now).is_none())
            .or_else(|| named().find(|listed| listed.obstacle.is_none()))
            .or_else(|| named().next())
    }

    /// The certificates above this one, as far as they are known: every one that bears the name of the issuer, up to
    /// the root.
    pub fn chain(&self, certificate: &Certificate) -> Vec<Arc<Certificate>> {
        /// Longer chains are none.
        const MOST: usize = 16;
        let mut chain: Vec<Arc<Certificate>> = Vec::new();
        let mut wanted = vec![certificate.issuer_der.clone()];
        while let Some(name) = wanted.pop() {
            for found in self
                .certificates
                .iter()
                .filter_map(|listed| listed.certificate.as_ref())
            {
                let new = found.subject_der == name
                    && found.der != certificate.der
                    && chain.iter().all(|known| known.der != found.der);
                if new && chain.len() < MOST {
                    wanted.push(found.issuer_der.clone());
                    chain.push(found.clone());
                }
            }
        }
        chain
    }

    /// Brings together what tokens and files hold.
    pub(super) fn assemble<'f>(
        tokens: &Tokens,
        files: impl Iterator<Item = (&'f CertificateRules, &'f Result<FileContents, FileFault>)>,
    ) -> Self {
        let on_tokens = tokens.iter().flat_map(|token| of_token(token));
        let in_files = files.flat_map(|(rules, read)| match read {
            Ok(contents) => of_file(rules, contents),
            Err(fault) => vec![Listed {
                device: rules.name.clone(),
                thumbprint: None,
                certificate: None,
                key: None,
                obstacle: Some(Obstacle::Own(fault.to_string())),
            }],
        });
        Self {
            certificates: on_tokens.chain(in_files).map(Arc::new).collect(),
        }
    }
}

fn of_token(token: &Token) -> Vec<Listed> {
    let list = token.certificates.iter().map(|held| {
        listed(&token.id(), &held.der, |certificate| {
            let key = token_key(token, &held.id, certificate);
            let place = key.as_ref().ok().map(|key| KeyPlace::Token {
                token: token.name.clone(),
                key: (*key).clone(),
            });
            let absent = (token.state != TokenState::Usable).then(|| Obstacle::Token(state(token)));
            (place, absent.or(key.err().map(Obstacle::Own)))
        })
    });
    list.collect()
}

/// Lists a certificate with what `key` finds of its private key.
fn listed(
    device: &str,
    der: &[u8],
    key: impl FnOnce(&Certificate) -> (Option<KeyPlace>, Option<Obstacle>),
) -> Listed {
    let (certificate, key, obstacle) = match Certificate::read(der) {
        Ok(certificate) => {
            let (place, obstacle) = key(&certificate);
            let obstacle = unsupported(&certificate).map(Obstacle::Own).or(obstacle);
            (Some(Arc::new(certificate)), place, obstacle)
        }
        Err(error) => (None, None, Some(Obstacle::Own(error.to_string()))),
    };
    Listed {
        device: device.into(),
        thumbprint: Some(Thumbprint::of(der)),
        certificate,
        key,
        obstacle,
    }
}

fn unsupported(certificate: &Certificate) -> Option<String> {
    match certificate.key {
        PublicKeyKind::Rsa(bits) if bits < LEAST_RSA => Some(format!(
            "its key has {bits} bits: RSA keys of {LEAST_RSA} bits and more are used"
        )),
        PublicKeyKind::Ed25519 | PublicKeyKind::Other => Some(
            "its key is of a type that is not supported: RSA, P-256, P-384 and GOST R 34.10-2012 are".into(),
        ),
        _ => None,
    }
}

fn state(token: &Token) -> String {
    format!("token {} {}", token.name, token.state.in_words())
}

/// The private key of a certificate on its token.
fn token_key<'t>(token: &'t Token, id: &[u8], certificate: &Certificate) -> Result<&'t TokenKey, String> {
    let name = &token.name;
    let own = bits(&certificate.public_key);
    let fits = |key: &&TokenKey| {
        key.public_key
            .as_deref()
            .is_some_and(|public| own.is_some() && bits(public) == own)
    };
    let key = token.keys.iter().find(fits).map_or_else(
        || {
            let key = token
                .key(id)
                .ok_or_else(|| format!("there is no private key for it on token {name}"))?;
            match &key.public_key {
                Some(_) => Err(format!(
                    "the private key of its ID on token {name} is another certificate's"
                )),
                // What the token does not tell shows when it signs: signatures are verified before they go out.
                None => Ok(key),
            }
        },
        Ok,
    )?;
    if !same_kind(key.kind, certificate.key) {
        return Err(format!(
            "the private key of its ID on token {name} is of another type"
        ));
    }
    if !key.signs && !key.decrypts {
        return Err(format!(
            "token {name} lets its private key neither sign nor decrypt"
        ));
    }
    Ok(key)
}

fn same_kind(key: KeyKind, certificate: PublicKeyKind) -> bool {
    matches!(
        (key, certificate),
        (KeyKind::Rsa(_), PublicKeyKind::Rsa(_))
            | (KeyKind::EcP256, PublicKeyKind::EcP256)
            | (KeyKind::EcP384, PublicKeyKind::EcP384)
            | (KeyKind::Gost256, PublicKeyKind::Gost256)
            | (KeyKind::Gost512, PublicKeyKind::Gost512)
    )
}

/// The bit string of a `SubjectPublicKeyInfo`: encodings of its parameters differ.
pub(super) fn bits(public_key: &[u8]) -> Option<&[u8]> {
    SubjectPublicKeyInfoRef::from_der(public_key)
        .ok()?
        .subject_public_key
        .as_bytes()
}

fn of_file(rules: &CertificateRules, contents: &FileContents) -> Vec<Listed> {
    let list = contents.certificates.iter().enumerate().map(|(at, der)| {
        listed(&rules.name, der, |certificate| {
            match file_key(contents, certificate, at == 0) {
                Ok(key) => {
                    let place = KeyPlace::File {
                        name: rules.name.clone(),
                        key: FileKeyRef(key),
                    };
                    (Some(place), None)
                }
                Err(reason) => (None, Some(Obstacle::Own(reason))),
            }
        })
    });
    list.collect()
}

/// The private key of a certificate among those beside it. What is wrong with a key is told of the certificate that
/// stands first, and of those that are no authority's.
fn file_key(contents: &FileContents, certificate: &Certificate, first: bool) -> Result<Arc<FileKey>, String> {
    let own = bits(&certificate.public_key);
    let usable = || contents.keys.iter().filter_map(|key| key.as_ref().ok());
    if let Some(key) = usable().find(|key| own == Some(key.public())) {
        return Ok(key.clone());
    }
    let gost = matches!(certificate.key, PublicKeyKind::Gost256 | PublicKeyKind::Gost512);
    let faults = || contents.keys.iter().filter_map(|key| key.as_ref().err());
    match faults().find(|fault| (**fault == KeyFault::Gost) == gost) {
        Some(fault) if first || !certificate.authority => Err(fault.to_string()),
        _ if contents.keys.is_empty() => Err("there is no private key for it in its file".into()),
        _ => Err("the private key in its file is another certificate's".into()),
    }
}
