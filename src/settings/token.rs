//! `[tokens.NAME]`, `[certificates.NAME]` and `[signing]`: keys that the node uses and does not hold itself.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::duration;

/// `[tokens.NAME]`: a PKCS#11 module, and which of its tokens is meant. NAME is the administrator's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// The module, a shared library.
    pub module: PathBuf,
    /// The token's label; none: any.
    #[serde(default)]
    pub label: Option<String>,
    /// The token's serial number; none: any.
    #[serde(default)]
    pub serial: Option<String>,
    /// File with the user PIN, mode 0600.
    #[serde(default)]
    pub pin_file: Option<PathBuf>,
    /// systemd credential with the user PIN, instead of the file.
    #[serde(default)]
    pub pin_credential: Option<String>,
    /// Environment of the module's process, which has no other.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Sessions kept open, 1 to 64: so many operations go on at once.
    #[serde(default = "sessions")]
    pub sessions: usize,
    /// An operation that takes longer costs the module's process.
    #[serde(default = "timeout", with = "duration")]
    pub timeout: Duration,
    /// A token that is absent or faulty is looked for no more often than this.
    #[serde(default = "probe", with = "duration")]
    pub probe: Duration,
}

fn sessions() -> usize {
    4
}

fn timeout() -> Duration {
    Duration::from_secs(10)
}

fn probe() -> Duration {
    Duration::from_secs(5)
}

/// `[certificates.NAME]`: a certificate with its private key in files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateFile {
    /// PEM (certificate, further ones of its chain, perhaps the key) or PKCS#12.
    pub file: PathBuf,
    /// PEM file with the private key, where `file` does not have it; mode 0600.
    #[serde(default)]
    pub key: Option<PathBuf>,
    /// File with the password of a PKCS#12 file, mode 0600.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// systemd credential with that password, instead of the file.
    #[serde(default)]
    pub password_credential: Option<String>,
}

/// `[signing]`: what signs the answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Signing {
    /// Where the private key is.
    pub provider: SigningProvider,
    /// For `pkcs11`: the NAME of the `[tokens.NAME]` that has it.
    pub token: Option<String>,
    /// For `pkcs11`: what happens while the token cannot sign.
    pub on_failure: OnSigningFailure,
}

/// Where the private key of the answers is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SigningProvider {
    /// In a file in the state directory.
    #[default]
    Software,
    /// On a PKCS#11 token.
    Pkcs11,
}

/// What happens while the token cannot sign.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnSigningFailure {
    /// 500, signed by nobody.
    #[default]
    Fail,
    /// The software key signs.
    Software,
}
