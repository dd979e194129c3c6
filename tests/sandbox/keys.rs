//! The key of the organisation: in a file, in SoftHSM2, in the GOST test token. All are fixtures; none is made in a test.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use keynode::cms::Thumbprint;
use keynode::settings::{self, CertificateFile, Settings};
use tempfile::TempDir;

use crate::modules::module;
use crate::softhsm::{SoftHsm, WRONG_PIN};

/// PIN of the GOST test token.
pub(crate) const GOST_PIN: &str = "12345678";

/// NAME of the token, or of the file, in the settings.
pub(crate) const NAME: &str = "robot";

/// Where the key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// RSA, in a file. The quickest.
    File,
    /// RSA, in SoftHSM2.
    SoftHsm,
    /// GOST R 34.10-2012 of 256 bits, in the test token.
    Gost,
}

impl Key {
    /// Name of its files among the fixtures.
    fn fixture(self) -> &'static str {
        match self {
            Self::File | Self::SoftHsm => "rsa",
            Self::Gost => "gost",
        }
    }
}

/// A file of the fixtures.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/sandbox")
        .join(name)
}

/// A certificate of the fixtures: DER.
pub(crate) fn certificate(name: &str) -> Vec<u8> {
    let pem = fs::read(fixture(&format!("{name}.pem"))).unwrap();
    der::pem::decode_vec(&pem).unwrap().1
}

/// The key as it is plugged in.
pub(crate) struct Plugged {
    directory: TempDir,
    place: Place,
    pub(crate) thumbprint: String,
}

enum Place {
    File,
    SoftHsm(SoftHsm),
    Gost,
}

impl Plugged {
    pub(crate) fn new(key: Key) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let der = certificate(key.fixture());
        let thumbprint = Thumbprint::of(&der).to_string();
        let (private, public) = (
            fixture(&format!("{}.key", key.fixture())),
            fixture(&format!("{}.pem", key.fixture())),
        );
        let place = match key {
            Key::File => {
                let both = [fs::read(&public).unwrap(), fs::read(&private).unwrap()].concat();
                write(&directory.path().join("robot.pem"), &both);
                Place::File
            }
            Key::SoftHsm => {
                let softhsm = SoftHsm::new(&[NAME]);
                let file = directory.path().join("robot.der");
                write(&file, &der);
                softhsm.import_key(NAME, &private, 1, NAME);
                softhsm.import_certificate(NAME, &file, 1, NAME);
                Place::SoftHsm(softhsm)
            }
            Key::Gost => {
                let token = directory.path().join("token");
                fs::create_dir(&token).unwrap();
                for (file, content) in [("label", "GOST"), ("serial", "4711"), ("pin", GOST_PIN)] {
                    fs::write(token.join(file), content).unwrap();
                }
                fs::copy(private, token.join("robot.key")).unwrap();
                fs::copy(public, token.join("robot.crt")).unwrap();
                write(&directory.path().join("pin"), GOST_PIN.as_bytes());
                Place::Gost
            }
        };
        Self {
            directory,
            place,
            thumbprint,
        }
    }

    /// Has a node know it.
    pub(crate) fn apply(&self, all: &mut Settings) {
        match &self.place {
            Place::File => {
                let entry = CertificateFile {
                    file: self.directory.path().join("robot.pem"),
                    key: None,
                    password_file: None,
                    password_credential: None,
                };
                all.certificates.insert(NAME.into(), entry);
            }
            Place::SoftHsm(softhsm) => {
                all.tokens.insert(NAME.into(), softhsm.settings(NAME));
            }
            Place::Gost => {
                let token = self.directory.path().join("token");
                let environment = [("GOST_TOKEN_DIR".to_owned(), token.to_str().unwrap().to_owned())];
                let token = settings::Token {
                    module: module("gost_token"),
                    label: Some("GOST".into()),
                    serial: None,
                    pin_file: Some(self.directory.path().join("pin")),
                    pin_credential: None,
                    environment: environment.into(),
                    sessions: 2,
                    timeout: Duration::from_secs(20),
                    probe: Duration::from_millis(100),
                };
                all.tokens.insert(NAME.into(), token);
            }
        }
    }

    /// A PIN file with a PIN that is not the token's.
    pub(crate) fn wrong_pin(&self) -> PathBuf {
        let path = self.directory.path().join("wrong-pin");
        write(&path, WRONG_PIN.as_bytes());
        path
    }

    /// How many wrong PINs the GOST test token was given since the last right one.
    pub(crate) fn failures(&self) -> u32 {
        let told = fs::read_to_string(self.directory.path().join("token/failures"));
        told.map_or(0, |told| told.trim().parse().unwrap())
    }

    /// Pulls the token; the node notices by itself.
    pub(crate) fn pull(&self) {
        match &self.place {
            Place::File => self.rename("robot.pem", "pulled"),
            Place::SoftHsm(softhsm) => softhsm.remove(NAME),
            Place::Gost => self.rename("token", "pulled"),
        }
    }

    /// Plugs it in again.
    pub(crate) fn plug(&self) {
        match &self.place {
            Place::File => self.rename("pulled", "robot.pem"),
            Place::SoftHsm(softhsm) => softhsm.put_back(NAME),
            Place::Gost => self.rename("pulled", "token"),
        }
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.directory.path().join(from), self.directory.path().join(to)).unwrap();
    }
}

/// Writes a file that only its owner may read.
pub(crate) fn write(path: &Path, content: &[u8]) {
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}
