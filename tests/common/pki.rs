//! A certificate authority for tests: certificates of every kind that files may hold, and `openssl` as the judge of
//! what is signed with them.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use keynode::cms::Thumbprint;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, date_time_ymd,
};
use tempfile::TempDir;

/// An RSA key; making one takes long.
pub(crate) const RSA_KEY: &str = include_str!("../fixtures/stranger.key.pem");

/// A root, an authority below it, and a directory for what they issue.
pub(crate) struct Pki {
    dir: TempDir,
    authority: Issuer<'static, KeyPair>,
}

/// A certificate with its private key.
pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) der: Vec<u8>,
    pub(crate) key: String,
    pub(crate) thumbprint: String,
}

/// The key of a certificate.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Rsa,
    P256,
    P384,
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2045, 1, 1));
    params.use_authority_key_identifier_extension = true;
    params
}

fn authority(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

impl Pki {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root_key = KeyPair::generate().unwrap();
        let root = authority("Test root").self_signed(&root_key).unwrap();
        let root_issuer = Issuer::new(authority("Test root"), root_key);
        let key = KeyPair::generate().unwrap();
        let middle = authority("Test authority").signed_by(&key, &root_issuer).unwrap();
        let own = Self {
            dir,
            authority: Issuer::new(authority("Test authority"), key),
        };
        own.write("root.pem", root.pem().as_bytes());
        own.write("authority.pem", middle.pem().as_bytes());
        own.write("both.pem", [root.pem(), middle.pem()].concat().as_bytes());
        own
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file that only its owner may read.
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    pub(crate) fn issue(&self, name: &str, kind: Kind) -> Identity {
        self.issue_with(name, kind, |_| ())
    }

    /// A certificate of a key; for a company with an ITN and an OGRN.
    pub(crate) fn issue_with(
        &self,
        name: &str,
        kind: Kind,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Identity {
        let key = match kind {
            Kind::Rsa => KeyPair::from_pem(RSA_KEY),
            Kind::P256 => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
            Kind::P384 => KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384),
        };
        let key = key.unwrap();
        let mut params = params(name);
        for (oid, text) in [
            ([1, 2, 643, 3, 131, 1, 1].as_slice(), "007707083893"),
            (&[1, 2, 643, 100, 1], "1027700132195"),
        ] {
            params.distinguished_name.push(DnType::from_oid(oid), text);
        }
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
        ];
        params.is_ca = IsCa::ExplicitNoCa;
        change(&mut params);
        let certificate = params.signed_by(&key, &self.authority).unwrap();
        Identity {
            certificate: certificate.pem(),
            thumbprint: Thumbprint::of(certificate.der()).to_string(),
            der: certificate.der().to_vec(),
            key: key.serialize_pem(),
        }
    }

    /// A PEM file with certificate, key and the authority's certificate; returns its path.
    pub(crate) fn pem(&self, name: &str, identity: &Identity) -> PathBuf {
        let authority = fs::read_to_string(self.path("authority.pem")).unwrap();
        let text = [&identity.certificate, &identity.key, &authority]
            .map(String::as_str)
            .concat();
        self.write(&format!("{name}.pem"), text.as_bytes())
    }

    /// A PKCS#12 file of what [`Pki::pem`] wrote, as `openssl pkcs12 -export` makes it with these further arguments.
    pub(crate) fn pkcs12(
        &self,
        name: &str,
        identity: &Identity,
        password: &str,
        further: &[&str],
    ) -> PathBuf {
        let pem = self.pem(&format!("{name}-source"), identity);
        let out = self.write(&format!("{name}.p12"), b"");
        let password = format!("pass:{password}");
        let mut arguments = vec![
            "pkcs12",
            "-export",
            "-in",
            text(&pem),
            "-out",
            text(&out),
            "-passout",
            &password,
        ];
        arguments.extend(further);
        Self::openssl(&arguments);
        out
    }

    /// Runs `openssl`, which must succeed.
    pub(crate) fn openssl(arguments: &[&str]) {
        let output = openssl(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {arguments:?}: {said}");
    }

    /// What `openssl cms -verify` finds signed, where it accepts a message. With `root.pem` trusted the authority has to
    /// be in the message; `both.pem` has it.
    pub(crate) fn verify(
        &self,
        trusted: &str,
        message: &[u8],
        content: Option<&[u8]>,
        further: &[&str],
    ) -> Option<Vec<u8>> {
        let message = self.write("message.der", message);
        let (root, out) = (self.path(trusted), self.path("content.out"));
        let mut arguments = vec![
            "cms",
            "-verify",
            "-binary",
            "-inform",
            "DER",
            "-in",
            text(&message),
            "-CAfile",
            text(&root),
            "-out",
            text(&out),
        ];
        let detached = content.map(|content| self.write("content.in", content));
        if let Some(content) = &detached {
            arguments.extend(["-content", text(content)]);
        }
        arguments.extend(further);
        openssl(&arguments)
            .status
            .success()
            .then(|| fs::read(&out).unwrap())
    }

    /// A message that `openssl cms -encrypt` makes for a certificate.
    pub(crate) fn encrypt(&self, identity: &Identity, content: &[u8], further: &[&str]) -> Vec<u8> {
        let recipient = self.write("recipient.pem", identity.certificate.as_bytes());
        let (input, out) = (self.write("plain.in", content), self.path("encrypted.der"));
        let mut arguments = vec![
            "cms",
            "-encrypt",
            "-binary",
            "-outform",
            "DER",
            "-in",
            text(&input),
            "-out",
            text(&out),
            "-recip",
            text(&recipient),
        ];
        arguments.extend(further);
        Self::openssl(&arguments);
        fs::read(&out).unwrap()
    }
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn openssl(arguments: &[&str]) -> Output {
    let output = Command::new("openssl")
        .args(arguments)
        .env("LC_ALL", "C")
        .output();
    output.unwrap_or_else(|error| panic!("openssl: {error}; see packaging/setup.sh test"))
}
