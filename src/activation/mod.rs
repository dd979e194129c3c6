//! Activation: a code becomes a licence that is bound to this computer or to a carrier. The node's side here, the
//! vendor's centre in [`centre`].

mod activator;
mod answer;
pub mod centre;
mod client;
mod exchange;
mod flights;
mod handle;
mod identity;
mod install;
mod keeper;
mod nonce;
mod obtain;
mod order;
mod request;
mod requests;
mod rules;
mod schedule;
mod sealed;
mod trouble;
mod verify;
mod view;

pub use crate::outbound::ProxyRule;
pub use activator::{Activator, ActivatorParts, Host};
pub use answer::{LicenceAnswer, ReceiptAnswer, Refusal};
pub use handle::ActivationHandle;
pub use identity::{IdentityError, NodeIdentity};
pub use nonce::{BadNonce, Nonce};
pub use order::{Activated, ActivationError, Order, Place};
pub use request::{Action, BadRequest, CarrierClaim, REQUEST_VERSION, Request, carrier_challenge};
pub use rules::ActivationRules;
pub use sealed::{MAX_REQUEST, SealError, open_request, seal_request};
pub use view::ActivationView;
