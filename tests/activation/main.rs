//! Activation as a node does it: codes, renewals and returns against a centre that a test scripts, and the ways in which
//! the network, a man in the middle and crashes get between the two.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod beside;
mod carriers;
mod centre;
#[path = "../centre/client.rs"]
#[allow(dead_code, reason = "the tests of the centre use the rest of it")]
mod client;
#[path = "../common/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the tests of the API use the rest of it")]
mod common;
mod crash;
mod environment;
mod first;
mod forgery;
#[path = "../process/harness.rs"]
#[allow(dead_code, reason = "the tests of processes use the rest of it")]
mod harness;
mod hostile;
#[path = "../process/http.rs"]
#[allow(dead_code, reason = "the tests of processes use the rest of it")]
mod http;
mod keeping;
mod network;
mod proxy;
mod real;
#[path = "../centre/served.rs"]
#[allow(dead_code, reason = "the tests of the centre use the rest of it")]
mod served;
#[path = "../process/state.rs"]
#[allow(dead_code, reason = "the tests of processes use the rest of it")]
mod state;
