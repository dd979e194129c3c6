//! The console in a real browser: Debian's Chromium, steered by the scripts in tests/browser. One test for each concern.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod browser;
#[path = "../common/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the tests of the API use the rest of it")]
mod common;
#[path = "../process/harness.rs"]
#[allow(dead_code, reason = "the tests of the process use the rest of it")]
mod harness;
#[path = "../process/http.rs"]
#[allow(dead_code, reason = "the tests of the process use the rest of it")]
mod http;
#[path = "../sandbox/keys.rs"]
#[allow(dead_code, reason = "the tests of the services use the rest of it")]
mod keys;
#[path = "../tokens/modules.rs"]
#[allow(dead_code, reason = "the tests of tokens use the rest of it")]
mod modules;
#[path = "../tokens/softhsm.rs"]
mod softhsm;
mod stage;
#[path = "../sandbox/world.rs"]
#[allow(dead_code, reason = "the tests of the services use the rest of it")]
mod world;

mod live;
mod look;
mod outage;
mod people;
mod program;
mod screenshots;
