//! The External API over HTTP: one file per resource; login, roles, filters, errors and header spelling beside
//! them.

mod activate;
mod auth;
mod body;
mod certificates;
mod connections;
mod devices;
mod entry;
mod error;
mod faults;
mod gateway;
mod health;
mod host;
mod inside;
mod licences;
pub mod listener;
mod openapi;
mod operations;
mod public_key;
mod query;
mod record;
mod reply;
mod requests;
mod rescan;
mod route;
mod search;
mod server;
mod sessions;
mod spelling;
pub mod tls;
mod turns;
mod usage;
mod watcher;
mod wire;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{self, Data, ServiceConfig};
use arc_swap::ArcSwap;

use crate::activation::ActivationHandle;
use crate::clock::Millis;
use crate::gateway::GatewayHandle;
use crate::keyring::KeeperHandle;
use crate::licence::Timestamp;
use crate::seats::DeskHandle;
use crate::signing::NodeSigner;
use crate::store::{AuditEntry, Database};
use crate::tokens::{CertificatesHandle, TokensHandle};

pub use auth::{Auth, Caller, LoginRules, Standing};
pub use certificates::certificate_rows;
pub use devices::{device_rows, key_on_device};
pub use faults::Faults;
pub use health::{Health, HealthReport, LastReport};
pub use host::is_allowed as host_is_allowed;
pub use inside::Answer;
pub use requests::RequestCounts;
pub use rescan::{Rescanned, Rescans};
pub use search::{Found, Wish};
pub use server::{Facts, VERSION};
pub use watcher::looks;

use body::Fields;
use error::ApiError;
use query::Query;

/// The settings that requests follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiRules {
    /// False: 503 for everything (row 11).
    pub enabled: bool,
    /// Further names for the Host header on loopback.
    pub allowed_hosts: Vec<String>,
    /// For a whole request body.
    pub body_timeout: Duration,
}

/// All that requests need.
pub struct Api {
    /// May change while the node runs.
    pub settings: ArcSwap<ApiRules>,
    /// Signs the answers.
    pub signer: Arc<NodeSigner>,
    /// The keys.
    pub keys: KeeperHandle,
    /// The tokens.
    pub tokens: TokensHandle,
    /// The certificates on tokens and in files.
    pub certificates: CertificatesHandle,
    /// Has everything looked at anew.
    pub rescans: Arc<Rescans>,
    /// Turns codes into licences.
    pub activation: ActivationHandle,
    /// The operators' services.
    pub gateway: GatewayHandle,
    /// Sessions and connections.
    pub desk: DeskHandle,
    /// The state file, for what is read on threads that may wait.
    pub database: Database,
    /// The users.
    pub auth: Auth,
    /// What the node is.
    pub facts: Facts,
    /// How many requests were answered over HTTP.
    pub requests: RequestCounts,
}

impl Api {
    /// Puts the API behind every path of an application.
    pub fn serve(self: &Arc<Self>, app: &mut ServiceConfig) {
        app.app_data(Data::from(self.clone()))
            .default_service(web::to(entry::answer));
    }

    fn now(&self) -> Timestamp {
        self.desk.clock().now().wall
    }

    /// Wall time and the ledger's time.
    fn times(&self) -> (Timestamp, Millis) {
        let now = self.desk.clock().now();
        (now.wall, self.desk.time(now))
    }
}

/// A request of a caller who may make it.
struct Request {
    caller: Caller,
    peer: IpAddr,
    query: Query,
    body: Vec<u8>,
}

/// Who did something, for the audit log.
struct Actor {
    name: Arc<str>,
    peer: IpAddr,
}

impl Actor {
    fn did(&self, time: Timestamp, event: &str, object: String, detail: String) -> AuditEntry {
        AuditEntry {
            time,
            actor: format!("{}@{}", self.name, self.peer),
            event: event.into(),
            object,
            detail,
        }
    }
}

impl Request {
    fn actor(&self) -> Actor {
        Actor {
            name: self.caller.name.clone(),
            peer: self.peer,
        }
    }

    fn fields(&self) -> Result<Fields, ApiError> {
        Fields::parse(&self.body)
    }
}
