//! The services of the operators through a node that runs, against stand-ins that judge as the real ones do: one test for
//! each function of the seeds, named after it, and one for each row of the error maps.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[macro_use]
mod both_keys;
#[path = "../common/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the tests of the API use the rest of it")]
mod common;
#[allow(dead_code, reason = "each service uses a part of it")]
mod keys;
#[path = "../tokens/modules.rs"]
mod modules;
#[path = "../tokens/softhsm.rs"]
mod softhsm;
#[allow(dead_code, reason = "each service uses a part of it")]
mod world;

mod frame;
mod judge;
mod organizations;
mod stand_ins;
mod support_account;
mod taxcom;
mod taxcom_crash;
mod taxcom_errors;
mod taxcom_hostile;
mod taxcom_states;
mod tickets;
mod tickets_issuer;
mod vault;
