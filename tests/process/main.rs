//! The real program as a process: what only shows when it is started, killed, signalled and called from a shell.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod activation_desk;
mod centre;
mod cli;
mod cli_activation;
mod cli_activation_again;
mod cli_backup;
mod cli_centre;
mod cli_certificates;
mod cli_codes;
mod cli_manual;
mod cli_node;
mod cli_restore;
mod cli_restore_places;
mod cli_signing;
mod cli_vendor;
mod cli_vendor_ends;
mod cli_words;
mod crash;
mod demo;
mod earlier_states;
mod harness;
mod http;
mod jose;
mod live;
mod living_centre;
#[path = "../common/machine.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod machine;
mod network;
#[path = "../common/random.rs"]
mod random;
mod signals;
#[path = "../tokens/softhsm.rs"]
mod softhsm;
mod start;
mod state;
mod tls;
