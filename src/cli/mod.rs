//! The command line: one file per noun.

pub mod computer;
pub mod config;
