//! Stand-ins for the operators' services, on loopback only: for `keynode demo --gateway` and for tests. They judge as the real
//! ones do, with OpenSSL and not with this program's code, and can be told to fail. No node ever starts them by itself.

mod crpt;
mod ismp;
mod judge;
mod portal;
mod server;
mod taxcom;
mod world;

pub use crpt::REGISTRATION_KEY;
pub use judge::{Judge, Verdict};
pub use server::{Asked, Canned, Held, Sandbox, SandboxRules};
pub use taxcom::{Gate, HeldAt, Lost, Oddities};
