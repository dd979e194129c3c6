//! keynode: a licence node.

#![forbid(unsafe_code)]

pub mod api;
pub mod cli;
pub mod clock;
pub mod cms;
pub mod computer;
pub mod devices;
pub mod keyring;
pub mod licence;
pub mod node;
pub mod seats;
pub mod settings;
pub mod signing;
pub mod store;
mod text;
pub mod tokens;
