//! keynode: a licence node.

pub mod api;
pub mod cli;
pub mod clock;
pub mod computer;
pub mod keyring;
pub mod licence;
pub mod node;
pub mod seats;
pub mod settings;
pub mod signing;
pub mod store;
