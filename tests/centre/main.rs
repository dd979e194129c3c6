//! The activation centre as nodes and its vendor see it.

#[path = "../common/mod.rs"]
mod common;
