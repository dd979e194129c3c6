//! The keys of this node, whatever they lie on: providers find them, the keeper judges them and publishes one
//! snapshot of all, each with its verdict.

mod assemble;
mod credentials;
mod ending;
mod files;
mod handle;
mod keeper;
mod key;
mod plugged;
mod revocations;
mod stamp;
mod usb;
#[cfg(test)]
mod usb_tests;
mod vendors;
mod watch;

pub use assemble::{Situation, assemble};
pub use credentials::credentials;
#[cfg(test)]
pub(crate) use ending::tests::ring;
pub use ending::{Ending, ending};
pub use files::LicenceFiles;
pub use handle::{KeeperHandle, KeeperHealth, Mailbox};
pub use keeper::{Keeper, Sources};
pub use key::{Change, Found, Key, KeyKind, Keyring};
pub use plugged::{Plugged, carriers, seen};
pub use revocations::{ListError, Revoked, accept_list};
pub use usb::UsbKeys;
pub use vendors::{TrustError, read_vendor_keys, trust_vendor};

use crate::licence::VendorKeys;

/// The provider could not look; what it found before still counts, for that is not "nothing there".
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{place}: {reason}")]
pub struct ScanError {
    /// Where it looked.
    pub place: String,
    /// What the system said.
    pub reason: String,
}

/// Finds keys of one kind: licence files, USB keys.
pub trait KeyProvider: Send {
    /// Looks at everything anew. A key that fails is one entry with its failure; it never hides the others.
    ///
    /// # Errors
    /// [`ScanError`] where it could not look at all.
    fn scan(&mut self, vendors: &VendorKeys) -> Result<Vec<Found>, ScanError>;
}
