//! keynode: a licence node.

pub mod cli;
pub mod computer;
pub mod licence;
