//! SoftHSM2 with a token directory of its own. Plain std, so that benchmarks can use it too.
#![allow(dead_code, reason = "tests and benchmarks each use a part of it")]

use std::fs;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use keynode::settings;
use tempfile::TempDir;

/// The module.
pub(crate) const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// The user PIN of every token.
pub(crate) const PIN: &str = "71305846";

/// The PIN that no token has.
pub(crate) const WRONG_PIN: &str = "80264917";

const SO_PIN: &str = "so-59382716";

/// SoftHSM2's tokens in a directory that goes with it.
pub(crate) struct SoftHsm {
    directory: TempDir,
}

impl SoftHsm {
    /// With one token for each label.
    pub(crate) fn new(labels: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let own = Self { directory };
        for part in ["tokens", "away"] {
            fs::create_dir(own.path().join(part)).unwrap();
        }
        let conf = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n",
            own.path().join("tokens").display()
        );
        fs::write(own.conf(), conf).unwrap();
        own.pin_file("pin", PIN);
        for label in labels {
            own.add(label);
        }
        own
    }

    /// Makes one more token.
    pub(crate) fn add(&self, label: &str) {
        self.run(
            "softhsm2-util",
            &[
                "--init-token",
                "--free",
                "--label",
                label,
                "--so-pin",
                SO_PIN,
                "--pin",
                PIN,
            ],
        );
    }

    /// Where all is kept.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// What `SOFTHSM2_CONF` names.
    pub(crate) fn conf(&self) -> PathBuf {
        self.path().join("softhsm2.conf")
    }

    /// Settings of the token with this label: right PIN, looked for often.
    pub(crate) fn settings(&self, label: &str) -> settings::Token {
        settings::Token {
            module: MODULE.into(),
            label: Some(label.into()),
            serial: None,
            pin_file: Some(self.path().join("pin")),
            pin_credential: None,
            environment: [(
                "SOFTHSM2_CONF".to_owned(),
                self.conf().to_str().unwrap().to_owned(),
            )]
            .into(),
            sessions: 4,
            timeout: Duration::from_secs(10),
            probe: Duration::from_millis(100),
        }
    }

    /// Writes a file that only its owner may read, as a PIN file has to be.
    pub(crate) fn pin_file(&self, name: &str, pin: &str) -> PathBuf {
        use std::io::Write;
        let path = self.path().join(name);
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .unwrap();
        writeln!(file, "{pin}").unwrap();
        path
    }

    /// Makes a key pair on a token: `rsa:2048`, `EC:prime256v1`, `EC:secp384r1`, `EC:edwards25519`. The private key is
    /// sensitive and not extractable.
    pub(crate) fn make_key(&self, label: &str, kind: &str, id: u8, name: &str) {
        let usage: &[&str] = if kind.starts_with("rsa") {
            &["--usage-sign", "--usage-decrypt"]
        } else {
            &["--usage-sign"]
        };
        let id = format!("{id:02x}");
        let mut arguments = vec!["--keypairgen", "--key-type", kind, "--id", &id, "--label", name];
        arguments.extend(usage);
        self.tool(label, &arguments);
    }

    /// Puts a private key (PEM, PKCS#8) on a token.
    pub(crate) fn import_key(&self, label: &str, pem: &Path, id: u8, name: &str) {
        let id = format!("{id:02x}");
        let path = pem.to_str().unwrap();
        let arguments = [
            "--import", path, "--token", label, "--label", name, "--id", &id, "--pin", PIN,
        ];
        self.run("softhsm2-util", &arguments);
    }

    /// Puts a certificate (DER file) on a token.
    pub(crate) fn import_certificate(&self, label: &str, der: &Path, id: u8, name: &str) {
        let id = format!("{id:02x}");
        let path = der.to_str().unwrap();
        let arguments = [
            "--write-object",
            path,
            "--type",
            "cert",
            "--id",
            &id,
            "--label",
            name,
        ];
        self.tool(label, &arguments);
    }

    /// Runs pkcs11-tool, logged in to a token.
    pub(crate) fn tool(&self, label: &str, arguments: &[&str]) -> String {
        let mut all = vec![
            "--module",
            MODULE,
            "--token-label",
            label,
            "--login",
            "--pin",
            PIN,
        ];
        all.extend(arguments);
        self.run("pkcs11-tool", &all)
    }

    /// What pkcs11-tool lists of the tokens that are there.
    pub(crate) fn slots(&self) -> String {
        self.run("pkcs11-tool", &["--module", MODULE, "--list-token-slots"])
    }

    /// Takes a token out, as pulling it does.
    pub(crate) fn remove(&self, label: &str) {
        let from = self.token_directory(label);
        fs::rename(&from, self.path().join("away").join(from.file_name().unwrap())).unwrap();
    }

    /// Puts it back.
    pub(crate) fn put_back(&self, label: &str) {
        let from = find(&self.path().join("away"), label).unwrap();
        fs::rename(&from, self.path().join("tokens").join(from.file_name().unwrap())).unwrap();
    }

    /// Has a token say that its PIN is locked: SoftHSM2 itself never locks one.
    pub(crate) fn lock_pin(&self, label: &str) {
        self.add_flags(label, 0x0004_0000);
    }

    /// Has a token say that one more wrong PIN locks it.
    pub(crate) fn leave_one_try(&self, label: &str) {
        self.add_flags(label, 0x0002_0000);
    }

    fn add_flags(&self, label: &str, flags: u64) {
        // An object file: its generation, then attributes, each a type, a kind and a value, all numbers of 8 bytes.
        const TOKEN_FLAGS: [u8; 8] = 0x8000_534b_u64.to_be_bytes();
        let path = self.token_directory(label).join("token.object");
        let mut bytes = fs::read(&path).unwrap();
        let at = bytes.windows(8).position(|window| window == TOKEN_FLAGS).unwrap();
        let value: &mut [u8; 8] = (&mut bytes[at + 16..at + 24]).try_into().unwrap();
        *value = (u64::from_be_bytes(*value) | flags).to_be_bytes();
        fs::write(&path, bytes).unwrap();
    }

    /// The directory of a token that is there.
    pub(crate) fn token_directory(&self, label: &str) -> PathBuf {
        find(&self.path().join("tokens"), label).unwrap()
    }

    /// The PIN file may be read by everybody, or only by its owner.
    pub(crate) fn open_pin_file(&self, mode: u32) {
        fs::set_permissions(self.path().join("pin"), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output = Command::new(program)
            .args(arguments)
            .env("SOFTHSM2_CONF", self.conf())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {text}{errors}");
        text
    }
}

/// The directory of the token with this label, which its file has padded to 32 bytes.
fn find(parent: &Path, label: &str) -> Option<PathBuf> {
    let padded = format!("{label:32}").into_bytes();
    let mut entries = fs::read_dir(parent).unwrap();
    entries.find_map(|entry| {
        let path = entry.unwrap().path();
        let bytes = fs::read(path.join("token.object")).ok()?;
        let found = bytes.windows(32).any(|window| window == padded);
        found.then_some(path)
    })
}
