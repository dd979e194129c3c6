//! The settings: types, defaults, checks, and how file, environment and flags are laid over one another.
//!
//! Every option stands once in [`OPTIONS`]; flags, environment variables, checks and error texts are made from
//! that table, and tests hold the types and the commented [`SAMPLE`] against it. A later layer wins: default,
//! file, `KEYNODE_*` environment variable, flag.

mod activation;
mod args;
mod check;
mod duration;
mod error;
mod family;
mod file;
mod gateway;
mod gateway_options;
mod kind;
mod load;
mod options;
mod tables;
mod token;
mod types;
mod watching;
mod watching_options;

pub use activation::{Activation, Centre};
pub use args::{
    ActivationArgs, CentreArgs, DeviceArgs, KeyArgs, Override, PlaceArgs, SettingsArgs, SigningArgs,
};
pub use error::{Origin, SettingsError};
pub use family::{FamilyDriver, FamilyEntry};
pub use gateway::{Crpt, CrptRoute, Gateway, Ismp, Taxcom, TaxcomForm, Tickets};
pub use kind::Kind;
pub use load::Loaded;
pub use options::{OPTIONS, OptionSpec};
pub use tables::Field;
pub use token::{CertificateFile, OnSigningFailure, Signing, SigningProvider, Token};
pub use types::{Api, Audit, Connections, Devices, Log, LogFormat, Login, Sessions, Settings, Tls};
pub use watching::{Console, WEBHOOK_EVENTS, Webhook};

/// A settings file with every option and its default, all commented out.
pub const SAMPLE: &str = include_str!("sample.toml");

/// Where the settings file is looked for when none is named.
pub const DEFAULT_FILE: &str = "/etc/keynode/keynode.toml";

#[cfg(test)]
mod devices_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod token_tests;
