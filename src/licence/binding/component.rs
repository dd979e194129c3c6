//! One identifying part of a computer, and all of them together: the fingerprint.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Length of a hashed component value: 128 bits in lower-case hex.
const HASH_DIGITS: usize = 32;
/// Length of a `ComputerID`: 160 bits in hex, as in the manual's example.
const COMPUTER_ID_DIGITS: usize = 40;

/// What part of the computer a component tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ComponentKind {
    /// The installation's id, `/etc/machine-id`.
    MachineId,
    /// SMBIOS system UUID.
    ProductUuid,
    /// SMBIOS system serial number.
    ProductSerial,
    /// SMBIOS baseboard serial number.
    BoardSerial,
    /// SMBIOS system manufacturer and product name.
    ProductModel,
    /// SMBIOS baseboard manufacturer and product name.
    BoardModel,
    /// CPU model.
    Cpu,
    /// Permanent address of a physical network card.
    Mac,
    /// Serial number of a built-in disk.
    Disk,
    /// Size of the RAM.
    Ram,
}

impl ComponentKind {
    /// True for what one computer alone has; false for what all computers of a model share.
    pub fn is_strong(self) -> bool {
        match self {
            Self::MachineId
            | Self::ProductUuid
            | Self::ProductSerial
            | Self::BoardSerial
            | Self::Mac
            | Self::Disk => true,
            Self::ProductModel | Self::BoardModel | Self::Cpu | Self::Ram => false,
        }
    }

    /// Weight in a comparison: strong 2, weak 1.
    pub(super) fn weight(self) -> usize {
        if self.is_strong() { 2 } else { 1 }
    }

    /// The name for people, in the singular.
    pub fn label(self) -> &'static str {
        match self {
            Self::MachineId => "machine-id",
            Self::ProductUuid => "product UUID",
            Self::ProductSerial => "product serial number",
            Self::BoardSerial => "board serial number",
            Self::ProductModel => "product model",
            Self::BoardModel => "board model",
            Self::Cpu => "processor",
            Self::Mac => "network card",
            Self::Disk => "disk",
            Self::Ram => "RAM",
        }
    }

    /// The name in files and hashes, kebab-case.
    pub fn name(self) -> &'static str {
        match self {
            Self::MachineId => "machine-id",
            Self::ProductUuid => "product-uuid",
            Self::ProductSerial => "product-serial",
            Self::BoardSerial => "board-serial",
            Self::ProductModel => "product-model",
            Self::BoardModel => "board-model",
            Self::Cpu => "cpu",
            Self::Mac => "mac",
            Self::Disk => "disk",
            Self::Ram => "ram",
        }
    }
}

impl fmt::Display for ComponentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One component: its kind, and what tells it from others of the kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// What part of the computer.
    pub kind: ComponentKind,
    /// 32 lower-case hex digits (a keyed hash, made in `computer`); for RAM whole GiB in decimal, because RAM
    /// may grow and a hash cannot be compared for more.
    pub value: String,
}

/// A component whose value has the wrong form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComponentError {
    /// Not 128 bits of lower-case hex.
    #[error("the value of {0} is not {HASH_DIGITS} lower-case hex digits")]
    Hash(ComponentKind),
    /// Not a number of GiB.
    #[error("the value of ram is not a whole number of GiB above 0")]
    Ram,
}

impl Component {
    /// Checks the form of the value.
    ///
    /// # Errors
    /// Says which form was expected.
    pub fn validate(&self) -> Result<(), ComponentError> {
        if self.kind == ComponentKind::Ram {
            return self
                .gib()
                .filter(|gib| *gib > 0)
                .map(|_| ())
                .ok_or(ComponentError::Ram);
        }
        let is_hash = self.value.len() == HASH_DIGITS
            && self.value.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if is_hash {
            Ok(())
        } else {
            Err(ComponentError::Hash(self.kind))
        }
    }

    /// GiB of RAM; none for other kinds and for a value that is not a plain number.
    pub(super) fn gib(&self) -> Option<u64> {
        let plain = self.kind == ComponentKind::Ram && self.value.bytes().all(|b| b.is_ascii_digit());
        if plain { self.value.parse().ok() } else { None }
    }
}

/// What a computer shows of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fingerprint {
    /// The components found, sorted, each once.
    pub components: Vec<Component>,
    /// Kinds of which something is there but could not be read (no permission, read error), sorted, each once.
    pub unreadable: Vec<ComponentKind>,
}

impl Fingerprint {
    /// Sorts the components and kinds and drops repetitions.
    pub fn new(mut components: Vec<Component>, mut unreadable: Vec<ComponentKind>) -> Self {
        components.sort();
        components.dedup();
        unreadable.sort();
        unreadable.dedup();
        Self {
            components,
            unreadable,
        }
    }

    /// The `ComputerID` of the External API: 40 upper-case hex digits, the first 160 bits of SHA-256 over the
    /// lines `kind value`, sorted as text and joined by newlines.
    pub fn computer_id(&self) -> String {
        let mut lines: Vec<String> = self
            .components
            .iter()
            .map(|part| format!("{} {}", part.kind, part.value))
            .collect();
        lines.sort();
        lines.dedup();
        let mut id = format!("{:X}", Sha256::digest(lines.join("\n")));
        id.truncate(COMPUTER_ID_DIGITS);
        id
    }

    /// How many strong components there are.
    pub fn strong_count(&self) -> usize {
        self.components
            .iter()
            .filter(|part| part.kind.is_strong())
            .count()
    }
}
