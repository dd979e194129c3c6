//! RSA keys in files: the node's signing key, a vendor's licence key. Made and used by aws-lc-rs (constant
//! time), never by the `rsa` crate's private-key operations (RUSTSEC-2023-0071).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use rsa::pkcs8::{Document, LineEnding, SecretDocument};
use zeroize::Zeroizing;

use super::{Message, PublicKey, SignError, Signature, Signer};

/// An RSA private key in this process's memory.
pub struct SoftwareKey {
    pair: RsaKeyPair,
    public: PublicKey,
}

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// Reading or writing failed.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others than its owner may read it.
    #[error("{0}: others may read this private key: chmod 600 {0}")]
    Exposed(PathBuf),
    /// It holds no RSA private key of 2048 to 8192 bits.
    #[error("{0}: expected an RSA private key of 2048 to 8192 bits in PEM")]
    Form(PathBuf),
    /// No key could be made.
    #[error("no RSA key could be made")]
    Generation,
}

impl SoftwareKey {
    /// Makes a key of 2048 or 3072 bits.
    ///
    /// # Errors
    /// [`KeyFileError::Generation`] where the system gives no randomness.
    pub fn generate(size: KeySize) -> Result<Self, KeyFileError> {
        RsaKeyPair::generate(size)
            .ok()
            .and_then(Self::new)
            .ok_or(KeyFileError::Generation)
    }

    /// Reads a PEM file, PKCS#8 or PKCS#1.
    ///
    /// # Errors
    /// [`KeyFileError`], with the path in it. A file that others may read is refused.
    pub fn read(path: &Path) -> Result<Self, KeyFileError> {
        let io = |source| KeyFileError::Io {
            path: path.into(),
            source,
        };
        let metadata = fs::metadata(path).map_err(io)?;
        if metadata.mode() & 0o077 != 0 {
            return Err(KeyFileError::Exposed(path.into()));
        }
        let pem = Zeroizing::new(fs::read_to_string(path).map_err(io)?);
        Self::from_pem(&pem).ok_or_else(|| KeyFileError::Form(path.into()))
    }

    /// Reads the key at `path`, or makes one there (RSA-2048, mode 0600) where there is none.
    ///
    /// # Errors
    /// [`KeyFileError`], with the path in it.
    pub fn read_or_create(path: &Path) -> Result<Self, KeyFileError> {
        match Self::read(path) {
            Err(KeyFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                let key = Self::generate(KeySize::Rsa2048)?;
                key.write_new(path)?;
                Ok(key)
            }
            other => other,
        }
    }

    /// Writes the private key as PKCS#8 PEM, mode 0600, to a file that must not exist yet. The file is whole
    /// and on disk when this returns.
    ///
    /// # Errors
    /// [`KeyFileError::Io`], also where the file exists.
    pub fn write_new(&self, path: &Path) -> Result<(), KeyFileError> {
        let io = |source| KeyFileError::Io {
            path: path.into(),
            source,
        };
        let pem = SecretDocument::try_from(self.to_pkcs8()?.as_slice())
            .and_then(|document| document.to_pem("PRIVATE KEY", LineEnding::LF))
            .map_err(|_| KeyFileError::Generation)?;
        let part = path.with_added_extension("part");
        // What another left behind that was cut off: others might read it.
        if let Err(error) = fs::remove_file(&part)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(io(error));
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&part)
            .map_err(io)?;
        file.write_all(pem.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(io)?;
        // `hard_link` refuses to replace a key that another process made meanwhile; `rename` would not.
        let linked = fs::hard_link(&part, path);
        fs::remove_file(&part).map_err(io)?;
        linked
            .and_then(|()| File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all())
            .map_err(io)
    }

    /// The private key as PKCS#8 DER, to put it on a token.
    ///
    /// # Errors
    /// [`KeyFileError::Generation`] where the library refuses.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
        let der: Pkcs8V1Der<'_> = self.pair.as_der().map_err(|_| KeyFileError::Generation)?;
        Ok(Zeroizing::new(der.as_ref().to_vec()))
    }

    /// RS256 over one message.
    ///
    /// # Errors
    /// [`SignError`] where the library refuses.
    pub fn sign_one(&self, message: Message<'_>) -> Result<Signature, SignError> {
        let mut digest = Context::new(&SHA256);
        digest.update(message.query_id);
        digest.update(message.body);
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign_digest(&RSA_PKCS1_SHA256, &digest.finish(), &mut signature)
            .map_err(|_| SignError("the software key refused".into()))?;
        Ok(Signature(signature))
    }

    pub(super) fn from_pem(pem: &str) -> Option<Self> {
        let (_, der) = SecretDocument::from_pem(pem).ok()?;
        let pair = RsaKeyPair::from_pkcs8(der.as_bytes()).or_else(|_| RsaKeyPair::from_der(der.as_bytes()));
        Self::new(pair.ok()?)
    }

    fn new(pair: RsaKeyPair) -> Option<Self> {
        let der: PublicKeyX509Der<'_> = pair.public_key().as_der().ok()?;
        let pem = Document::try_from(der.as_ref())
            .ok()?
            .to_pem("PUBLIC KEY", LineEnding::LF)
            .ok()?;
        let bits = pair.public_modulus_len() * 8;
        Some(Self {
            pair,
            public: PublicKey { pem, bits },
        })
    }
}

impl Signer for SoftwareKey {
    fn sign(&self, messages: &[Message<'_>]) -> Result<Vec<Signature>, SignError> {
        messages.iter().map(|message| self.sign_one(*message)).collect()
    }

    fn public_key(&self) -> &PublicKey {
        &self.public
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::verify;
    use super::*;

    #[test]
    fn a_key_is_made_once_and_found_again_private_to_its_owner() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("signing.key");
        let made = SoftwareKey::read_or_create(&path).unwrap();
        let found = SoftwareKey::read_or_create(&path).unwrap();
        assert_eq!(made.public, found.public);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        assert!(
            made.write_new(&path).is_err(),
            "an existing key is never replaced"
        );
    }

    #[test]
    fn exposed_and_broken_files_are_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("signing.key");
        fs::write(&path, "no key").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(SoftwareKey::read(&path), Err(KeyFileError::Exposed(_))));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(SoftwareKey::read(&path), Err(KeyFileError::Form(_))));
    }

    #[test]
    fn a_batch_is_signed_in_order_and_verifies() {
        let key = SoftwareKey::from_pem(include_str!("../../tests/fixtures/node.key.pem")).unwrap();
        let messages = [
            Message {
                query_id: b"20200127230600",
                body: b"{}",
            },
            Message {
                query_id: b"",
                body: b"[]",
            },
        ];
        let signatures = key.sign(&messages).unwrap();
        assert_eq!(signatures[0].to_base64().len(), 344);
        for (message, signature) in messages.iter().zip(&signatures) {
            verify(&key.public.pem, *message, &signature.to_base64()).unwrap();
        }
        assert!(verify(&key.public.pem, messages[0], &signatures[1].to_base64()).is_err());
    }
}
