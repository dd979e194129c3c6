//! The services of the operators through a node that runs, against stand-ins that judge as the real ones do: one test for
//! each function of the seeds, named after it, and one for each row of the error maps.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[macro_use]
mod both_keys;
#[path = "../common/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the tests of the API use the rest of it")]
mod common;
mod daemon;
#[allow(dead_code, reason = "each service uses a part of it")]
mod keys;
#[path = "../tokens/modules.rs"]
mod modules;
#[path = "../api/office.rs"]
#[allow(dead_code, reason = "the tests of the API use the rest of it")]
mod office;
#[path = "../common/pki.rs"]
mod pki;
#[path = "../common/random.rs"]
mod random;
#[path = "../tokens/softhsm.rs"]
mod softhsm;
#[allow(dead_code, reason = "each service uses a part of it")]
mod world;

mod access;
mod crash;
mod crash_crpt;
mod crash_taxcom;
mod crpt;
mod crpt_again;
mod crpt_bearer;
mod crpt_errors;
mod crpt_list;
mod crpt_program;
mod crpt_stand_in;
mod crpt_twice;
mod crpt_words;
mod frame;
mod health;
mod ismp;
mod ismp_access;
mod ismp_crowd;
mod ismp_faults;
mod ismp_renewal;
mod ismp_responsible;
mod ismp_stand_in;
mod ismp_vault;
mod judge;
mod organizations;
mod pins;
mod pulled;
mod secrets;
mod stand_ins;
mod support_account;
mod taxcom;
mod taxcom_crash;
mod taxcom_errors;
mod taxcom_hostile;
mod taxcom_lost;
mod taxcom_states;
mod taxcom_twice;
mod tickets;
mod tickets_issuer;
mod tickets_program;
mod upstream;
mod vault;
mod webhooks;
