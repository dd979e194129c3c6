//! Decrypts with a password: PBES2 (RFC 8018), and the ways of PKCS#12 before it, SHA-1 with triple DES or RC2. A file says how
//! much work that takes, so it is bounded.

use aws_lc_rs::hmac;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockDecryptMut, KeyIvInit};
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode, Sequence};
use pkcs5::EncryptionScheme;
use pkcs5::pbes2::Kdf;
use pkcs12::kdf::{Pkcs12KeyType, derive_key_utf8};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

/// Iterations that one file may ask for in all; programs write at most some hundred thousand.
const MOST_WORK: u64 = 10_000_000;

/// Memory that scrypt may ask for, in bytes; OpenSSL writes 16 MiB.
const MOST_MEMORY: u64 = 64 << 20;

const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");

/// Why what is encrypted cannot be opened.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum Fault {
    #[error("it is no PKCS#12 file")]
    Form,
    #[error("its password is another")]
    Password,
    #[error("it is encrypted in a way that is not supported: export it anew with OpenSSL 3")]
    Algorithm,
    #[error("it asks for more work than any program writes: export it anew with OpenSSL 3")]
    Work,
}

impl From<der::Error> for Fault {
    fn from(_: der::Error) -> Self {
        Self::Form
    }
}

#[derive(Sequence)]
pub(super) struct AlgorithmIdentifier<'a> {
    id: ObjectIdentifier,
    parameters: Option<AnyRef<'a>>,
}

#[derive(Sequence)]
struct PbeParameters<'a> {
    salt: OctetStringRef<'a>,
    iterations: u32,
}

/// The password of one file, and the work that the file may still ask for.
pub(super) struct Password<'a> {
    text: &'a str,
    work: u64,
}

impl<'a> Password<'a> {
    /// For a file that was not worked on yet.
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            work: MOST_WORK,
        }
    }

    fn spend(&mut self, work: u64) -> Result<(), Fault> {
        self.work = self.work.checked_sub(work).ok_or(Fault::Work)?;
        Ok(())
    }

    /// Decrypts in the way that is named.
    ///
    /// # Errors
    /// [`Fault`].
    pub(super) fn decrypt(
        &mut self,
        how: &AlgorithmIdentifier<'_>,
        data: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Fault> {
        match how.id.to_string().strip_prefix("1.2.840.113549.1.12.1.") {
            Some("3") => self.pbe::<cbc::Decryptor<des::TdesEde3>>(how, data, 24),
            Some("4") => self.pbe::<cbc::Decryptor<des::TdesEde2>>(how, data, 16),
            Some("5") => self.pbe::<cbc::Decryptor<rc2::Rc2>>(how, data, 16),
            Some("6") => self.pbe::<cbc::Decryptor<rc2::Rc2>>(how, data, 5),
            Some(_) => Err(Fault::Algorithm),
            None => self.pbes2(how, data),
        }
    }

    /// The way of PKCS#12 itself, before PBES2.
    fn pbe<C: KeyIvInit + BlockDecryptMut>(
        &mut self,
        how: &AlgorithmIdentifier<'_>,
        data: &[u8],
        length: usize,
    ) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let parameters: PbeParameters<'_> = how.parameters.ok_or(Fault::Form)?.decode_as()?;
        let (salt, iterations) = (parameters.salt.as_bytes(), parameters.iterations);
        let key = self.derive::<Sha1>(salt, Pkcs12KeyType::EncryptionKey, iterations, length)?;
        let iv = self.derive::<Sha1>(salt, Pkcs12KeyType::Iv, iterations, 8)?;
        let cipher = C::new_from_slices(&key, &iv).map_err(|_| Fault::Algorithm)?;
        let plain = cipher.decrypt_padded_vec_mut::<Pkcs7>(data);
        plain.map(Zeroizing::new).map_err(|_| Fault::Password)
    }

    fn pbes2(&mut self, how: &AlgorithmIdentifier<'_>, data: &[u8]) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let der = how.to_der()?;
        let scheme = EncryptionScheme::from_der(&der).map_err(|_| Fault::Algorithm)?;
        let EncryptionScheme::Pbes2(parameters) = &scheme else {
            return Err(Fault::Algorithm);
        };
        self.spend(work(&parameters.kdf)?)?;
        let plain = scheme.decrypt(self.text, data);
        plain.map(Zeroizing::new).map_err(|_| Fault::Password)
    }

    /// Checks the sum of a PKCS#12 file.
    ///
    /// # Errors
    /// [`Fault`].
    pub(super) fn verify(
        &mut self,
        how: &AlgorithmIdentifier<'_>,
        salt: &[u8],
        iterations: u32,
        data: &[u8],
        digest: &[u8],
    ) -> Result<(), Fault> {
        let purpose = Pkcs12KeyType::Mac;
        let (algorithm, key) = match how.id {
            SHA1 => (
                hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
                self.derive::<Sha1>(salt, purpose, iterations, 20),
            ),
            SHA256 => (
                hmac::HMAC_SHA256,
                self.derive::<Sha256>(salt, purpose, iterations, 32),
            ),
            SHA384 => (
                hmac::HMAC_SHA384,
                self.derive::<Sha384>(salt, purpose, iterations, 48),
            ),
            SHA512 => (
                hmac::HMAC_SHA512,
                self.derive::<Sha512>(salt, purpose, iterations, 64),
            ),
            _ => return Err(Fault::Algorithm),
        };
        hmac::verify(&hmac::Key::new(algorithm, &key?), data, digest).map_err(|_| Fault::Password)
    }

    fn derive<D>(
        &mut self,
        salt: &[u8],
        purpose: Pkcs12KeyType,
        iterations: u32,
        length: usize,
    ) -> Result<Zeroizing<Vec<u8>>, Fault>
    where
        D: sha2::digest::Digest + sha2::digest::FixedOutputReset + sha2::digest::core_api::BlockSizeUser,
    {
        self.spend(iterations.into())?;
        let iterations = i32::try_from(iterations).map_err(|_| Fault::Work)?;
        Ok(Zeroizing::new(derive_key_utf8::<D>(
            self.text, salt, purpose, iterations, length,
        )?))
    }
}

/// What PBES2 takes to make its key, in iterations.
fn work(kdf: &Kdf<'_>) -> Result<u64, Fault> {
    match kdf {
        Kdf::Pbkdf2(pbkdf2) => Ok(pbkdf2.iteration_count.into()),
        Kdf::Scrypt(scrypt) => {
            // N, r and p of RFC 7914.
            let n = scrypt.cost_parameter;
            let (r, p) = (u64::from(scrypt.block_size), u64::from(scrypt.parallelization));
            let memory = n.checked_add(p).and_then(|rows| rows.checked_mul(128 * r));
            match memory {
                Some(memory) if n.is_power_of_two() && memory <= MOST_MEMORY => Ok(n * r * p),
                _ => Err(Fault::Work),
            }
        }
        _ => Err(Fault::Algorithm),
    }
}

#[cfg(test)]
mod tests {
    use pkcs5::pbes2::{EncryptionScheme as Cipher, Parameters, Pbkdf2Params, ScryptParams};

    use super::*;

    fn scheme(kdf: Kdf<'static>) -> EncryptionScheme<'static> {
        let encryption = Cipher::Aes256Cbc { iv: &[7; 16] };
        EncryptionScheme::Pbes2(Parameters { kdf, encryption })
    }

    fn scrypt(cost_parameter: u64, block_size: u16, parallelization: u16) -> EncryptionScheme<'static> {
        scheme(Kdf::Scrypt(ScryptParams {
            salt: b"a salt",
            cost_parameter,
            block_size,
            parallelization,
            key_length: None,
        }))
    }

    fn pbkdf2(iterations: u32) -> EncryptionScheme<'static> {
        let mut parameters = Pbkdf2Params::hmac_with_sha256(1, b"a salt").unwrap();
        parameters.iteration_count = iterations;
        scheme(Kdf::Pbkdf2(parameters))
    }

    fn decrypt(
        password: &mut Password<'_>,
        scheme: &EncryptionScheme<'_>,
        data: &[u8],
    ) -> Result<Vec<u8>, Fault> {
        let der = scheme.to_der().unwrap();
        let how = AlgorithmIdentifier::from_der(&der).unwrap();
        password.decrypt(&how, data).map(|plain| plain.to_vec())
    }

    #[test]
    fn what_programs_write_is_decrypted() {
        // OpenSSL's own numbers are the first and the last.
        for scheme in [scrypt(16384, 8, 1), scrypt(2, 1, 16), pbkdf2(1), pbkdf2(2048)] {
            let sealed = scheme.encrypt("secret", b"a key").unwrap();
            let mut password = Password::new("secret");
            assert_eq!(decrypt(&mut password, &scheme, &sealed).unwrap(), b"a key");
            let wrong = decrypt(&mut Password::new("another"), &scheme, &sealed);
            assert_ne!(wrong.as_deref(), Ok(&b"a key"[..]));
        }
    }

    #[test]
    fn parameters_that_would_cost_the_node_its_memory_are_refused() {
        for (n, r, p) in [
            (0, 8, 1),
            (3, 8, 1),
            (1 << 17, 8, 1),
            (1 << 40, 8, 1),
            (1 << 63, 65535, 65535),
            (u64::MAX, 1, 1),
            (2, 65535, 65535),
            (1 << 14, 8, 65535),
        ] {
            let refused = decrypt(&mut Password::new("secret"), &scrypt(n, r, p), &[0; 32]);
            assert_eq!(refused, Err(Fault::Work), "{n} {r} {p}");
        }
        // Nothing that is wrong otherwise does harm.
        for scheme in [scrypt(1, 8, 1), scrypt(2, 0, 1), scrypt(2, 1, 0), pbkdf2(0)] {
            let _ = decrypt(&mut Password::new("secret"), &scheme, &[0; 32]);
        }
    }

    #[test]
    fn the_work_of_a_file_is_bounded_in_all() {
        let mut password = Password::new("secret");
        password.work = 10;
        assert_ne!(decrypt(&mut password, &pbkdf2(9), &[0; 32]), Err(Fault::Work));
        assert_eq!(decrypt(&mut password, &pbkdf2(2), &[0; 32]), Err(Fault::Work));
        let all = pbkdf2(u32::try_from(MOST_WORK + 1).unwrap());
        assert_eq!(
            decrypt(&mut Password::new("secret"), &all, &[0; 32]),
            Err(Fault::Work)
        );
    }
}
