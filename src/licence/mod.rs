//! What a licence is: no input or output, no clock, no async.

pub mod binding;

pub use binding::{
    Binding, CarrierBinding, Comparison, Component, ComponentKind, ComputerBinding, Fingerprint,
};
