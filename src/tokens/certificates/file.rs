//! Reads `[certificates.NAME]`: certificates and private keys out of PEM and PKCS#12 files.

use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::key::{FileKey, KeyFault};
use super::password::{Fault, Password};
use super::pkcs12;
use crate::tokens::private_file;

/// No file of certificates is larger.
const LARGEST: u64 = 1024 * 1024;

/// What the node is told of one file by its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRules {
    /// NAME in the settings.
    pub name: String,
    /// PEM or PKCS#12.
    pub file: PathBuf,
    /// PEM file with the private key, where `file` does not have it.
    pub key: Option<PathBuf>,
    /// File with the password of a PKCS#12 file, or of an encrypted private key.
    pub password: Option<PathBuf>,
}

/// What stands in the files of one `[certificates.NAME]`.
#[derive(Debug, Default)]
pub(super) struct FileContents {
    /// Certificates, DER, in their order.
    pub(super) certificates: Vec<Arc<[u8]>>,
    /// Private keys, and why one cannot be used.
    pub(super) keys: Vec<Result<Arc<FileKey>, KeyFault>>,
}

/// Why a file cannot be used. Holds no secret.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum FileFault {
    #[error("{path}: {what}")]
    Io { path: PathBuf, what: String },
    #[error("{0}: others may read this private key: chmod 600 {0}")]
    Exposed(PathBuf),
    #[error("{0}: it is no regular file, or has more than {LARGEST} bytes")]
    Kind(PathBuf),
    #[error("{0}: it is neither PEM nor PKCS#12, or damaged")]
    Form(PathBuf),
    #[error("{0}: there is no certificate in it")]
    Empty(PathBuf),
    #[error("{0}: it wants a password: set password_file or password_credential")]
    NoPassword(PathBuf),
    #[error("{path}: {fault}")]
    Sealed { path: PathBuf, fault: Fault },
}

impl FileContents {
    /// Reads the files of an entry.
    pub(super) fn read(rules: &CertificateRules) -> Result<Self, FileFault> {
        let password = rules.password.as_deref().map(read_password).transpose()?;
        let password = password.as_ref().map(|text| text.as_str());
        let mut contents = Self::default();
        contents.add(&rules.file, password)?;
        if let Some(key) = &rules.key {
            contents.add(key, password)?;
        }
        if contents.certificates.is_empty() {
            return Err(FileFault::Empty(rules.file.clone()));
        }
        Ok(contents)
    }

    fn add(&mut self, path: &Path, password: Option<&str>) -> Result<(), FileFault> {
        let Opened { bytes, exposed } = open(path)?;
        let private = || {
            if exposed {
                Err(FileFault::Exposed(path.into()))
            } else {
                Ok(())
            }
        };
        match std::str::from_utf8(&bytes) {
            Ok(text) if text.contains("-----BEGIN ") => {
                let blocks = blocks(text).ok_or_else(|| FileFault::Form(path.into()))?;
                if blocks.iter().any(|block| block.label.ends_with("PRIVATE KEY")) {
                    private()?;
                }
                let mut password = password.map(Password::new);
                blocks
                    .iter()
                    .try_for_each(|block| self.add_block(path, block, password.as_mut()))
            }
            _ if bytes.first() == Some(&0x30) => {
                private()?;
                self.add_pkcs12(path, &bytes, password)
            }
            _ => Err(FileFault::Form(path.into())),
        }
    }

    fn add_block(
        &mut self,
        path: &Path,
        block: &Block<'_>,
        password: Option<&mut Password<'_>>,
    ) -> Result<(), FileFault> {
        match block.label {
            "CERTIFICATE" => self.certificates.push(block.bytes.as_slice().into()),
            "PRIVATE KEY" => self.keys.push(FileKey::from_pkcs8(&block.bytes).map(Arc::new)),
            "RSA PRIVATE KEY" => self.keys.push(FileKey::from_pkcs1(&block.bytes).map(Arc::new)),
            "EC PRIVATE KEY" => self.keys.push(FileKey::from_sec1(&block.bytes).map(Arc::new)),
            "ENCRYPTED PRIVATE KEY" => {
                let password = password.ok_or_else(|| FileFault::NoPassword(path.into()))?;
                let key = pkcs12::open_key(&block.bytes, password).map_err(|fault| FileFault::Sealed {
                    path: path.into(),
                    fault,
                })?;
                self.keys.push(FileKey::from_pkcs8(&key).map(Arc::new));
            }
            // Parameters of a curve, revocation lists.
            _ => {}
        }
        Ok(())
    }

    fn add_pkcs12(&mut self, path: &Path, bytes: &[u8], password: Option<&str>) -> Result<(), FileFault> {
        let fault = |fault| match (fault, password) {
            (Fault::Password, None) => FileFault::NoPassword(path.into()),
            (fault, _) => FileFault::Sealed {
                path: path.into(),
                fault,
            },
        };
        let mut own = Password::new(password.unwrap_or_default());
        let contents = pkcs12::open(bytes, &mut own).map_err(fault)?;
        self.certificates
            .extend(contents.certificates.into_iter().map(Arc::from));
        self.keys.extend(
            contents
                .keys
                .iter()
                .map(|key| FileKey::from_pkcs8(key).map(Arc::new)),
        );
        Ok(())
    }
}

struct Opened {
    bytes: Zeroizing<Vec<u8>>,
    /// Others than its owner may read or change it.
    exposed: bool,
}

fn open(path: &Path) -> Result<Opened, FileFault> {
    let io = |error: std::io::Error| FileFault::Io {
        path: path.into(),
        what: error.to_string(),
    };
    let (file, metadata) = private_file::open(path).map_err(io)?;
    if !metadata.is_file() || metadata.len() > LARGEST {
        return Err(FileFault::Kind(path.into()));
    }
    // Room for all of it: what a vector outgrows is not wiped.
    let room = usize::try_from(metadata.len()).map_or(0, |length| length + 1);
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    file.take(LARGEST).read_to_end(&mut bytes).map_err(io)?;
    Ok(Opened {
        bytes,
        exposed: private_file::is_exposed(path, &metadata),
    })
}

fn read_password(path: &Path) -> Result<Zeroizing<String>, FileFault> {
    let Opened { bytes, exposed } = open(path)?;
    if exposed {
        return Err(FileFault::Io {
            path: path.into(),
            what: "others may read this password: make its mode 0600".into(),
        });
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| FileFault::Io {
        path: path.into(),
        what: "the password is not UTF-8".into(),
    })?;
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// A part of a PEM file.
struct Block<'a> {
    label: &'a str,
    bytes: Zeroizing<Vec<u8>>,
}

/// The parts of a PEM file, whatever stands between them; None where one is damaged.
fn blocks(mut text: &str) -> Option<Vec<Block<'_>>> {
    let mut blocks = Vec::new();
    while let Some((_, rest)) = text.split_once("-----BEGIN ") {
        let (label, rest) = rest.split_once("-----")?;
        let (body, rest) = rest.split_once("-----END ")?;
        let rest = rest.strip_prefix(label)?.strip_prefix("-----")?;
        let body: Zeroizing<String> = Zeroizing::new(body.split_ascii_whitespace().collect());
        let bytes = Zeroizing::new(STANDARD.decode(body.as_bytes()).ok()?);
        blocks.push(Block { label, bytes });
        text = rest;
    }
    Some(blocks)
}

/// What tells whether a file was changed: device, inode, size, mode, change time. None: it cannot be looked at.
pub(super) type Stamp = Option<(u64, u64, u64, u32, i64, i64)>;

impl CertificateRules {
    /// The files as they stand.
    pub(super) fn stamps(&self) -> [Stamp; 3] {
        let stamp = |path: &Path| {
            let file = fs::metadata(path).ok()?;
            Some((
                file.dev(),
                file.ino(),
                file.len(),
                file.mode(),
                file.ctime(),
                file.ctime_nsec(),
            ))
        };
        [
            stamp(&self.file),
            self.key.as_deref().and_then(stamp),
            self.password.as_deref().and_then(stamp),
        ]
    }
}
