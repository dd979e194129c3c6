//! What the certificates on the keys are used for: tickets of the support portal, session keys of IS MP, connections of CRPT,
//! 1C-Taxcom. Does these jobs for every program of the network, unattended; knows no HTTP server.

mod account;
mod crpt;
mod figures;
mod flights;
#[expect(clippy::module_inception, reason = "the gateway itself")]
mod gateway;
mod handle;
mod health;
mod ismp;
mod jobs;
mod key_trouble;
mod organization;
mod outcome;
mod rules;
mod secret;
mod signer;
mod state;
mod taxcom;
mod tickets;
mod upstream;
mod vault;

pub use account::{Account, SupportAccount};
pub use crpt::{Answered, Connection, ConnectionOrder, Crpt, SignAs};
pub use figures::SessionKeyFigures;
pub use gateway::{Gateway, GatewayHost, GatewayParts, Shared};
pub use handle::{GatewayError, GatewayHandle};
pub use ismp::{
    Had, Ismp, Live, MOST_RULES, Place, REFRESH, REMINDERS_NAME, RETAIL_SALE, RequestParameters, Rule,
    SETTINGS_NAME, SessionKey, Standing, TokenRow, TokenType, Watcher, next_check,
};
pub use organization::{Facility, Organization, uuid};
pub use outcome::{Code, Detail, Trouble};
pub use rules::GatewayRules;
pub use secret::Secret;
pub use signer::SignerNow;
pub use state::{Changes, Kept, State, StateError};
pub use taxcom::{
    Action, Cabinet, Callback, Order, Process, ProcessKind, Refusal, RequestStatus, Sending, Stage, Started,
    Taxcom, Told, WrongField, check_registration,
};
pub use tickets::{Domain, Issued, TicketOrder, Tickets};
pub use vault::{SEAL_FILES, VaultError};
