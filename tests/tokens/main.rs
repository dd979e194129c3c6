//! PKCS#11 tokens over SoftHSM2 and test modules that misbehave: what a node does with them, and what it does
//! without them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod attestation;
mod carriers;
#[path = "../common/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the tests of the API use the rest of it")]
mod common;
mod faults;
mod faulty;
mod fixture;
mod gost;
mod lives;
mod log;
mod modules;
mod operations;
mod pins;
mod provision;
mod signing;
mod signing_loss;
mod silence;
mod softhsm;
mod states;
mod vendor;
mod world;
