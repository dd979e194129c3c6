//! What is installed beside the program: the udev rules, the units of systemd, and both at work in a real systemd.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "the tests of packages use the rest of it")]
mod container;
#[path = "../hardware/described.rs"]
#[expect(dead_code, reason = "the hardware's tests use all of it")]
mod described;
mod rules;
mod service;
mod unit_files;
