//! The certificate authority of a demo: a directory of `openssl`'s, whose certificates the demo's services trust.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::failure::Failure;

const INSTALL: &str = "install OpenSSL: `apt install openssl` (Debian, Ubuntu, Astra) or `dnf install openssl` (RED OS, Fedora)";

/// What the authority's certificate and those that it issues are like.
const CONFIG: &str = "[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[signer]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature,nonRepudiation,keyEncipherment,dataEncipherment
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
";

/// How long its certificates are valid, in days.
const DAYS: &str = "3650";

/// An authority that can issue.
pub(super) struct Authority {
    directory: PathBuf,
}

impl Authority {
    /// Finds the authority of this directory, or makes it.
    pub(super) fn prepare(directory: &Path) -> Result<Self, Failure> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
        made.map_err(|error| Failure::of(format!("{}: {error}", directory.display())))?;
        let own = Self {
            directory: directory.to_owned(),
        };
        fs::write(own.path("openssl.cnf"), CONFIG)?;
        own.make(
            "authority.key",
            "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048",
            &[],
        )?;
        own.make(
            "authority.pem",
            "req -x509 -new -config openssl.cnf -extensions authority -key authority.key -sha256",
            &["-days", DAYS, "-subj", "/C=RU/O=keynode demo/CN=Demo authority"],
        )?;
        Ok(own)
    }

    /// Its certificate.
    pub(super) fn certificate(&self) -> PathBuf {
        self.path("authority.pem")
    }

    /// The certificate that it issued last (DER).
    pub(super) fn last_issued(&self) -> Option<Vec<u8>> {
        fs::read(self.path("certificate.der")).ok()
    }

    /// Issues a certificate of a public key (`SubjectPublicKeyInfo`, DER) to this subject, in `openssl`'s form.
    pub(super) fn issue(&self, public: &[u8], subject: &str) -> Result<Vec<u8>, Failure> {
        fs::write(self.path("public.der"), public)?;
        self.openssl("pkey -pubin -inform DER -in public.der -out public.pem", &[])?;
        // The request is signed with another key than the one that the certificate gets: that one is on a token, and openssl
        // need not speak to it.
        self.openssl(
            "req -new -config openssl.cnf -utf8 -key authority.key -sha256 -out request.pem -subj",
            &[subject],
        )?;
        let serial = format!("0x{}", uuid::Uuid::new_v4().simple());
        self.make_anew(
            "certificate.der",
            "x509 -req -in request.pem -force_pubkey public.pem -CA authority.pem -CAkey authority.key -sha256 -extfile \
             openssl.cnf -extensions signer -outform DER",
            &["-days", DAYS, "-set_serial", &serial],
        )?;
        Ok(fs::read(self.path("certificate.der"))?)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Makes a file, unless it is there.
    fn make(&self, name: &str, words: &str, more: &[&str]) -> Result<(), Failure> {
        if self.path(name).exists() {
            return Ok(());
        }
        self.make_anew(name, words, more)
    }

    /// Whole or not there: whoever interrupts a demo may start it again.
    fn make_anew(&self, name: &str, words: &str, more: &[&str]) -> Result<(), Failure> {
        let part = format!("{name}.part");
        self.openssl(words, &[more, &["-out", &part]].concat())?;
        Ok(fs::rename(self.path(&part), self.path(name))?)
    }

    /// Runs `openssl` with these words, and with more that may have blanks in them.
    fn openssl(&self, words: &str, more: &[&str]) -> Result<(), Failure> {
        let mut command = Command::new("openssl");
        command.args(words.split_whitespace()).args(more);
        let done = command.current_dir(&self.directory).output();
        let done = done.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Failure::Failed(format!("there is no openssl here: {INSTALL}")),
            _ => Failure::of(format!("openssl: {error}")),
        })?;
        if done.status.success() {
            return Ok(());
        }
        let said: String = String::from_utf8_lossy(&done.stderr).chars().take(400).collect();
        let said = said.lines().collect::<Vec<_>>().join("; ");
        let what = words.split_whitespace().next().unwrap_or_default();
        Err(Failure::Failed(format!("openssl {what} failed: {said}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_made_once_and_issues() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("authority");
        let authority = Authority::prepare(&directory).unwrap();
        assert_eq!(authority.last_issued(), None);
        let public = "pkey -in authority.key -pubout -outform DER -out k";
        authority.openssl(public, &[]).unwrap();
        let public = fs::read(authority.path("k")).unwrap();
        let der = authority.issue(&public, "/CN=Директор/INN=007707083893").unwrap();
        let certificate = crate::cms::Certificate::read(&der).unwrap();
        assert_eq!(certificate.itn.as_deref(), Some("7707083893"));
        let verify = "verify -CAfile authority.pem certificate.der";
        authority.openssl(verify, &[]).unwrap();

        let before = fs::read(authority.certificate()).unwrap();
        let again = Authority::prepare(&directory).unwrap();
        assert_eq!(fs::read(again.certificate()).unwrap(), before);
        assert_eq!(again.last_issued(), Some(der));
        let failure = again.openssl("x509 -in", &["no such file"]).unwrap_err();
        assert!(
            failure.to_string().starts_with("openssl x509 failed: "),
            "{failure}"
        );
    }
}
