//! What the tests of a running node share: a node in this process, its clock, its licences, a plain client.

pub(crate) mod clock;
pub(crate) mod http;
pub(crate) mod keys;
pub(crate) mod machine;
pub(crate) mod node;
pub(crate) mod plug;
mod sick;
pub(crate) mod tokens;
pub(crate) mod users;

pub(crate) use http::{Answer, Wire};
pub(crate) use node::TestNode;
