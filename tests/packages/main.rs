//! The packages in a fresh Debian with a real systemd: installed by one command, upgraded while sessions live, removed,
//! installed again, purged; and what else installs them, the Ansible role and the container image.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../console/browser.rs"]
#[allow(dead_code, reason = "the console's tests use all of it")]
mod browser;
mod console;
#[path = "../units/container.rs"]
#[allow(dead_code, reason = "the units' tests use the rest of it")]
mod container;
mod content;
mod deb;
mod guest;
mod image;
mod made;
mod role;
mod rpm;
