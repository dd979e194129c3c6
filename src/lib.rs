//! keynode: a licence node.
pub mod cli;
pub mod settings;
