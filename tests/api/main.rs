//! The API of a node that runs, over real sockets: one test for each row of the spec's section 8, named after
//! its number, and what the rows do not say by themselves.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;
#[path = "../tokens/modules.rs"]
mod modules;
#[path = "../common/pki.rs"]
mod pki;
#[path = "../tokens/softhsm.rs"]
mod softhsm;

mod access;
mod access_codes;
mod certificates;
mod certificates_access;
mod certificates_files;
mod certificates_gost;
mod certificates_tokens;
mod connections;
mod devices;
mod events;
mod examples;
mod hostile;
mod licences;
mod lists;
mod loss;
mod manual;
mod office;
mod openapi;
mod race;
mod responses;
mod revocations;
mod roles;
mod security_keys;
mod sessions;
mod token_carriers;
mod usage;
mod usb_keys;
mod verifier;
mod watchdog;
mod webhooks;
