//! Carriers: devices that hold or vouch for licences, and the drivers that make them prove it.

pub mod fido2;
mod hid;
mod hidraw;
mod known;
mod lock;
mod progress;
mod prove;
mod random;
mod serial;
mod weak_key;

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::device::Device;

pub(super) use hid::attests as hid_attests;
pub use known::Known;
pub use progress::Progress;
pub use prove::{Identity, Proof, attest, prove, provision};
pub(super) use weak_key::is_weak;

/// How carriers of a family are proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DriverKind {
    /// Presence of vendor, product and serial number; anybody can copy that.
    Serial,
    /// Challenge and response over HID feature reports (docs/hid-carrier.md).
    Hid,
    /// Silent assertions of a security key (docs/fido2.md).
    Fido2,
}

impl DriverKind {
    /// Its name in bindings and settings: `serial`, `hid`, `fido2`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Serial => "serial",
            Self::Hid => "hid",
            Self::Fido2 => "fido2",
        }
    }
}

/// Why a carrier is not proven: the end of its licences' OpenError.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum CarrierError {
    /// Nothing of its name is there.
    #[error("it is not connected")]
    Absent,
    /// No permission to open it.
    #[error("{0}")]
    NoPermission(String),
    /// Another program uses it.
    #[error("it is in use by {0}")]
    Busy(String),
    /// It was pulled while it was asked.
    #[error("it was unplugged while it was asked")]
    Gone,
    /// No answer in time.
    #[error("it does not answer within {0} ms")]
    Late(u64),
    /// The answer is cut off.
    #[error("its answer is too short")]
    Short,
    /// The answer does not follow the protocol.
    #[error("its answer does not follow the protocol: {0}")]
    Protocol(String),
    /// The signature is wrong.
    #[error("its proof is wrong: it does not have the private key of the public key that it shows")]
    Wrong,
    /// The signature is one that it gave before.
    #[error("it replayed an earlier proof: what answers is a recording, not the key")]
    Replayed,
    /// Its public key is another than at its last proof.
    #[error("it shows another public key than before: another device answers under its serial number")]
    OtherKey,
    /// Its memory cannot be read or written.
    #[error("its memory: {0}")]
    Memory(String),
    /// It has no serial number, so nothing can be bound to it.
    #[error("it has no serial number")]
    NoSerial,
    /// It wants somebody to touch it or to enter a PIN.
    #[error("{0}")]
    NotSilent(String),
    /// Its token cannot be used.
    #[error("{0}")]
    Token(String),
    /// Its private key can be read out of the token.
    #[error("its key can be copied off the token (CKA_EXTRACTABLE): a carrier needs one that cannot")]
    Copyable,
    /// Its key cannot prove anything.
    #[error("its key cannot be a carrier's: {0}")]
    Unfit(String),
    /// The transfer failed.
    #[error("the transfer failed: {0}")]
    Io(String),
}

impl CarrierError {
    /// A panic is a bug in a driver; it is contained.
    pub(super) fn panicked() -> Self {
        Self::Io("its driver panicked, see the log".into())
    }

    pub(super) fn no_thread(error: &std::io::Error) -> Self {
        Self::Io(format!("no thread to ask it in: {error}"))
    }

    pub(super) fn late(patience: Duration) -> Self {
        Self::Late(u64::try_from(patience.as_millis()).unwrap_or(u64::MAX))
    }
}

/// What was found out about a carrier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CarrierState {
    /// It is being asked for the first time.
    Pending,
    /// It answered rightly.
    Proven,
    /// It did not.
    Failed(CarrierError),
}

/// A device with a driver, and what it proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carrier {
    /// The device.
    pub device: Arc<Device>,
    /// How it is proven.
    pub driver: DriverKind,
    /// Its serial number as bindings name it: what the `hid` protocol tells (the USB serial number until then);
    /// for `serial` the text `vid:pid:serial`, ids in lower-case hex; for `fido2` the id of a credential. None where it
    /// has none, or nothing could be asked of it.
    pub serial: Option<String>,
    /// The public key that it proved to hold, as bindings write it.
    pub public_key: Option<String>,
    /// Whether it proved itself.
    pub state: CarrierState,
    /// The licence in its memory: what was read last, also while a later proof fails. `Some` and empty: a blank
    /// memory. None: it has no memory, or it has not been read.
    pub memory: Option<Arc<[u8]>>,
    /// Bytes that its memory holds; 0 without a memory.
    pub capacity: u32,
}

impl Carrier {
    /// The number of the carrier that a security key is by its credential of this id.
    pub fn number_of_credential(serial: &str) -> u64 {
        fido2::number(serial)
    }

    /// The number by which a licence's `BlankKeyNo` names it (external API, row 20): its serial number where that
    /// is a number from 1 to 2^53 - 1, else the first 48 bits of SHA-256 over the stable id; what that says of the port
    /// of one of several devices with the same serial number does not count, for whoever plugs such a one in is not to
    /// change the number of the first. Security keys are numbered by their credentials (docs/fido2.md).
    pub fn number(&self) -> u64 {
        if let (DriverKind::Fido2, Some(serial)) = (self.driver, &self.serial) {
            return fido2::number(serial);
        }
        let serial = self.device.serial.as_deref().unwrap_or_default();
        let plain = !serial.is_empty() && serial.bytes().all(|byte| byte.is_ascii_digit());
        plain
            .then(|| serial.parse().ok())
            .flatten()
            .filter(|number| (1..1 << 53).contains(number))
            .unwrap_or_else(|| {
                let id = match (self.device.id.split_once('@'), &self.device.serial) {
                    (Some((id, _port)), Some(_)) => id,
                    _ => &self.device.id,
                };
                let digest = Sha256::digest(id.as_bytes());
                digest[..6]
                    .iter()
                    .fold(0, |number, byte| number << 8 | u64::from(*byte))
            })
    }
}
