//! The HTTP layer: from accepted sockets up to the resources of the External API.

pub mod listener;
pub mod spelling;
pub mod tls;
mod turns;
mod wire;
