//! The activation centre as nodes and its vendor see it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
#[expect(dead_code, unused_imports, reason = "most of it is for a running node")]
mod common;

mod books;
mod child;
mod client;
mod crash;
mod hostile;
mod life;
mod limits;
mod nodes;
mod page;
#[path = "../common/pki.rs"]
mod pki;
mod race;
#[path = "../common/random.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod random;
mod restored;
mod served;
mod tls;
mod vendor;
mod world;
