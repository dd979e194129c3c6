//! Keys and certificates of every kind, made by `openssl` in a directory, and what signs with them.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use der::asn1::{BitString, ObjectIdentifier};
use der::pem::LineEnding;
use der::{Any, Decode, Encode, EncodePem};
use keynode::cms::Algorithm;
use tempfile::TempDir;

use super::key::GostKey;

/// Runs a program, which must succeed unless `may_fail`.
pub(crate) fn run(program: &str, arguments: &[&dyn AsRef<OsStr>]) -> Output {
    let output = Command::new(program)
        .args(arguments.iter().map(AsRef::as_ref))
        .env("LC_ALL", "C")
        .output();
    output.unwrap_or_else(|error| panic!("{program}: {error}; see packaging/setup.sh test"))
}

/// The same, and it must succeed.
pub(crate) fn must(program: &str, arguments: &[&dyn AsRef<OsStr>]) -> Output {
    let output = run(program, arguments);
    let told = String::from_utf8_lossy(&output.stderr);
    let asked: Vec<_> = arguments.iter().map(AsRef::as_ref).collect();
    assert!(output.status.success(), "{program} {asked:?}: {told}");
    output
}

/// The kinds of keys: name, arguments of `genpkey`, digest of a certificate that it signs.
pub(crate) const KINDS: [(&str, &[&str], &str); 7] = [
    ("rsa", &[], "sha256"),
    (
        "p256",
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "sha256",
    ),
    (
        "p384",
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
        "sha384",
    ),
    (
        "gost256a",
        &["-algorithm", "gost2012_256", "-pkeyopt", "paramset:A"],
        "md_gost12_256",
    ),
    (
        "gost256tca",
        &["-algorithm", "gost2012_256", "-pkeyopt", "paramset:TCA"],
        "md_gost12_256",
    ),
    (
        "gost256tcb",
        &["-algorithm", "gost2012_256", "-pkeyopt", "paramset:TCB"],
        "md_gost12_256",
    ),
    (
        "gost512a",
        &["-algorithm", "gost2012_512", "-pkeyopt", "paramset:A"],
        "md_gost12_512",
    ),
];

/// A key with its certificate, issued by an authority.
pub(crate) struct Identity {
    directory: TempDir,
    pub(crate) kind: &'static str,
    /// DER.
    pub(crate) certificate: Vec<u8>,
    /// The authority's, DER.
    pub(crate) authority: Vec<u8>,
}

impl Identity {
    /// An authority, and a certificate of a key of this kind that it issued.
    pub(crate) fn new(kind: &'static str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let (_, genpkey, digest) = KINDS.into_iter().find(|(name, ..)| *name == kind).unwrap();
        let authority_key: &[&str] = if genpkey.is_empty() { KINDS[1].1 } else { genpkey };
        generate(authority_key, &at("authority.key"));
        let digest = format!("-{digest}");
        let settings = at("settings");
        fs::write(
            &settings,
            "oid_section = oids\n[oids]\nINNLE = 1.2.643.100.4\n[req]\ndistinguished_name = name\n[name]\n",
        )
        .unwrap();
        let engine: &[&dyn AsRef<OsStr>] = &[
            &"req", &"-engine", &"gost", &digest, &"-new", &"-batch", &"-config", &settings,
        ];
        let rest: &[&dyn AsRef<OsStr>] = &[
            &"-x509",
            &"-addext",
            &"basicConstraints=critical,CA:TRUE",
            &"-days",
            &"3650",
            &"-subj",
            &"/C=RU/O=Authority",
            &"-key",
            &at("authority.key"),
            &"-out",
            &at("authority.pem"),
        ];
        must("openssl", &[engine, rest].concat());
        if genpkey.is_empty() {
            fs::copy("tests/fixtures/node.key.pem", at("key.pem")).unwrap();
        } else {
            generate(genpkey, &at("key.pem"));
        }
        let subject = "/C=RU/O=Ромашка, ООО/CN=Подпись/INN=500100732259/INNLE=7707083893/OGRN=1027700132195";
        let rest: &[&dyn AsRef<OsStr>] = &[
            &"-utf8",
            &"-subj",
            &subject,
            &"-key",
            &at("key.pem"),
            &"-out",
            &at("request.pem"),
        ];
        must("openssl", &[engine, rest].concat());
        fs::write(
            at("extensions"),
            "keyUsage=digitalSignature,nonRepudiation,keyEncipherment,keyAgreement\nextendedKeyUsage=emailProtection\n\
             subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n",
        )
        .unwrap();
        must(
            "openssl",
            &[
                &"x509",
                &"-engine",
                &"gost",
                &digest,
                &"-req",
                &"-days",
                &"3650",
                &"-in",
                &at("request.pem"),
                &"-CA",
                &at("authority.pem"),
                &"-CAkey",
                &at("authority.key"),
                &"-CAcreateserial",
                &"-extfile",
                &at("extensions"),
                &"-out",
                &at("certificate.pem"),
            ],
        );
        let identity = Self {
            kind,
            certificate: pem(&at("certificate.pem")),
            authority: pem(&at("authority.pem")),
            directory,
        };
        if kind.starts_with("gost256tc") {
            identity.with_digest_parameter()
        } else {
            identity
        }
    }

    /// Names the digest in the parameters of the key, as Russian authorities do: OpenSSL's engine leaves it away for these
    /// curves, which RFC 9215 allows, and which BouncyCastle 1.72 cannot read.
    fn with_digest_parameter(mut self) -> Self {
        let mut certificate = x509_cert::Certificate::from_der(&self.certificate).unwrap();
        let fields = &mut certificate.tbs_certificate;
        let parameters = fields
            .subject_public_key_info
            .algorithm
            .parameters
            .as_mut()
            .unwrap();
        let [curve]: [ObjectIdentifier; 1] = parameters.decode_as().unwrap();
        let digest = ObjectIdentifier::new_unwrap("1.2.643.7.1.1.2.2");
        *parameters = Any::encode_from(&vec![curve, digest]).unwrap();
        let key = GostKey::read(&pem(&self.path("authority.key")));
        let signature = key.sign(&fields.to_der().unwrap());
        certificate.signature = BitString::from_bytes(&signature).unwrap();
        self.certificate = certificate.to_der().unwrap();
        let text = certificate.to_pem(LineEnding::LF).unwrap();
        self.write("certificate.pem", text.as_bytes());
        self
    }

    /// A file beside the keys.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file beside the keys.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// The private key, PKCS#8 DER.
    pub(crate) fn private_key(&self) -> Vec<u8> {
        pem(&self.path("key.pem"))
    }

    /// What a token would answer.
    pub(crate) fn sign(&self, algorithm: Algorithm, data: &[u8]) -> Vec<u8> {
        let key = self.private_key();
        let random = SystemRandom::new();
        match algorithm {
            Algorithm::RsaSha256 => {
                let key = RsaKeyPair::from_pkcs8(&key).unwrap();
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, data, &mut signature)
                    .unwrap();
                signature
            }
            Algorithm::EcdsaSha256 | Algorithm::EcdsaSha384 => {
                let how = match algorithm {
                    Algorithm::EcdsaSha256 => &ECDSA_P256_SHA256_FIXED_SIGNING,
                    _ => &ECDSA_P384_SHA384_FIXED_SIGNING,
                };
                let key = EcdsaKeyPair::from_pkcs8(how, &key).unwrap();
                key.sign(&random, data).unwrap().as_ref().to_vec()
            }
            Algorithm::Gost256 | Algorithm::Gost512 => GostKey::read(&key).sign(data),
        }
    }
}

fn generate(arguments: &[&str], to: &Path) {
    let arguments: Vec<&dyn AsRef<OsStr>> = arguments.iter().map(|text| text as &dyn AsRef<OsStr>).collect();
    let around: &[&dyn AsRef<OsStr>] = &[&"genpkey", &"-engine", &"gost", &"-out", &to];
    must("openssl", &[around, &arguments].concat());
}

fn pem(path: &Path) -> Vec<u8> {
    let text = fs::read_to_string(path).unwrap();
    let (_, bytes) = der::pem::decode_vec(text.as_bytes()).unwrap();
    bytes
}
