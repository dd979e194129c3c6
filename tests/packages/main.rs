//! The packages in a fresh Debian with a real systemd: installed by one command, upgraded while sessions live, removed,
//! installed again, purged; and what else installs them, the Ansible role and the container image.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../units/container.rs"]
#[allow(dead_code, reason = "the units' tests use all of it")]
mod container;
mod deb;
mod guest;
mod image;

mod role;
mod rpm;
