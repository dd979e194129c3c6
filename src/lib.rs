//! keynode: a licence node.

pub mod clock;
pub mod licence;
pub mod seats;
pub mod signing;
pub mod store;
