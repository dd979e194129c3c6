//! keynode: a licence node.
pub mod api;
