//! What a licence is bound to, and whether a computer is still the one it was bound to.
//! Knows no hardware: what the computer shows comes in as a [`Fingerprint`] (made by `computer`).

mod carrier;
#[cfg(test)]
mod carrier_tests;
mod compare;
mod component;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use carrier::{CarrierBinding, CarrierMiss, Carriers, SeenCarrier};
pub use compare::Comparison;
pub use component::{Component, ComponentError, ComponentKind, Fingerprint};

/// What a licence is bound to: in its file `"none"`, `{"computer": {...}}` or `{"carrier": {...}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Binding {
    /// Works anywhere.
    None,
    /// Works on one computer.
    Computer(ComputerBinding),
    /// Works while one hardware carrier is plugged in.
    Carrier(CarrierBinding),
}

/// A binding to a computer: the components it had, and how many of them may be gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComputerBinding {
    /// The components bound to; their order and repetitions do not matter. Empty fits no computer.
    pub components: Vec<Component>,
    /// How many components may be gone, 0 or more; the weight rule of [`ComputerBinding::compare`] holds besides.
    pub tolerance: u32,
}

impl ComputerBinding {
    /// Compares the bound components with those that the computer shows now.
    ///
    /// What was added never counts and RAM may grow. It is the same computer when no more than `tolerance`
    /// components are gone and what is still there weighs more than what is gone (strong 2, weak 1).
    pub fn compare(&self, current: &Fingerprint) -> Comparison {
        Comparison::new(self, current)
    }
}
