//! keynode: a licence node.

pub mod clock;
pub mod licence;
pub mod signing;
