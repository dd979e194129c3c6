//! The gateway: its services, and what they share.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use tokio::sync::Notify;

use crate::clock::SharedClock;
use crate::licence::Timestamp;
use crate::store::{Database, GatewayJob, GatewayRecords, StoreError};
use crate::tokens::{CertificatesHandle, TokensHandle};

use super::crpt::Crpt;
use super::ismp::Ismp;
use super::jobs::Next;
use super::organization::Organization;
use super::rules::GatewayRules;
use super::signer::{KeySigner, SignerNow};
use super::state::{State, StateError};
use super::taxcom::Taxcom;
use super::tickets::Tickets;
use super::upstream::Upstream;
use super::vault::{Place, Vault};

/// A day, in milliseconds.
const DAY: i64 = 24 * 60 * 60_000;

/// What the gateway tells the rest of the node.
pub trait GatewayHost: Send + Sync {
    /// Something that the gateway did by itself, for the audit log. No secrets.
    fn note(&self, event: &str, object: &str, detail: &str);
}

/// What a gateway is made of.
pub struct GatewayParts {
    /// The settings.
    pub rules: GatewayRules,
    /// Where its key is.
    pub state_dir: PathBuf,
    /// What it keeps.
    pub database: Database,
    /// The time.
    pub clock: SharedClock,
    /// The tokens, one of which may guard what is kept.
    pub tokens: TokensHandle,
    /// The certificates.
    pub certificates: CertificatesHandle,
    /// The rest of the node.
    pub host: Arc<dyn GatewayHost>,
}

/// What the services share.
pub struct Shared {
    pub(super) rules: ArcSwap<GatewayRules>,
    /// What is kept.
    pub state: State,
    state_dir: PathBuf,
    pub(super) upstream: Upstream,
    pub(super) signer: KeySigner,
    pub(super) clock: SharedClock,
    pub(super) host: Arc<dyn GatewayHost>,
    /// Jobs have changed, or the time.
    pub(super) wake: Notify,
    /// Counts changes of what jobs may wait for: keys, organisations, settings.
    stirred: AtomicU64,
}

impl Shared {
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now().wall
    }

    /// Something that jobs may wait for has changed: they are looked at now.
    pub(super) fn stir(&self) {
        self.stirred.fetch_add(1, Ordering::AcqRel);
        self.wake.notify_one();
    }

    /// Another number after each change of that kind.
    pub(super) fn stirred(&self) -> u64 {
        self.stirred.load(Ordering::Acquire)
    }

    /// Follows other settings.
    pub(super) fn set_rules(&self, rules: GatewayRules) {
        self.upstream.set_rules(&rules);
        self.state.set_place(Place::new(&self.state_dir, &rules.common));
        self.rules.store(Arc::new(rules));
        self.stir();
    }

    /// The settings.
    pub fn rules(&self) -> Arc<GatewayRules> {
        self.rules.load_full()
    }

    /// An organisation, where it is known.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn organization(&self, itn: &str) -> Result<Option<Organization>, StateError> {
        self.state.find(itn)
    }

    /// The certificate that would sign for an organisation now.
    pub fn signer_of(&self, itn: &str, organization: &Organization) -> SignerNow {
        self.signer.now_of(itn, organization)
    }
}

/// All services.
pub struct Gateway {
    /// What they share.
    pub shared: Arc<Shared>,
    /// Tickets of the support portal.
    pub tickets: Tickets,
    /// Session keys of IS MP.
    pub ismp: Ismp,
    /// Connections of CRPT.
    pub crpt: Crpt,
    /// 1C-Taxcom.
    pub taxcom: Taxcom,
}

impl Gateway {
    pub(super) fn new(parts: GatewayParts) -> Result<Self, StoreError> {
        let place = Place::new(&parts.state_dir, &parts.rules.common);
        let records = GatewayRecords::open(&parts.database)?;
        let shared = Arc::new(Shared {
            state: State::new(records, Vault::new(place, parts.tokens)),
            state_dir: parts.state_dir,
            upstream: Upstream::new(&parts.rules),
            rules: ArcSwap::from_pointee(parts.rules),
            signer: KeySigner::new(parts.certificates, parts.clock.clone()),
            clock: parts.clock,
            host: parts.host,
            wake: Notify::new(),
            stirred: AtomicU64::new(0),
        });
        Ok(Self {
            tickets: Tickets::new(shared.clone()),
            ismp: Ismp::new(shared.clone()),
            crpt: Crpt::new(shared.clone()),
            taxcom: Taxcom::new(shared.clone()),
            shared,
        })
    }

    /// Reads what is to be at hand at once.
    pub(super) async fn begin(&self) {
        if let Err(trouble) = self.ismp.begin().await {
            tracing::error!(error = trouble.info, "session keys of IS MP cannot be read");
        }
    }

    /// Does what waits for keys, and can be done now.
    pub(super) async fn keys_changed(&self) {
        // The token that opens what is kept may have been away when this was begun.
        if !self.ismp.is_read() {
            self.begin().await;
        }
        for done in [self.ismp.keys_changed(), self.taxcom.keys_changed().await] {
            if let Err(trouble) = done {
                tracing::error!(error = trouble.info, "what waits for a key cannot be read");
            }
        }
    }

    /// What is known of an organisation is other now: what waits for that may go on.
    pub(super) fn organization_changed(&self, itn: &str) {
        if let Err(trouble) = self.ismp.organization_changed(itn) {
            tracing::error!(
                error = trouble.info,
                "what waits for an organisation cannot be read"
            );
        }
    }

    /// Does a job that is due. It may have been begun before, and must not be done twice.
    pub(super) async fn work(&self, job: &GatewayJob) -> Next {
        match job.kind.as_str() {
            super::ismp::RENEWAL => self.ismp.renew_job(&job.name).await,
            super::crpt::REPEAT => self.crpt.repeat_job(&job.name).await,
            super::taxcom::POLL => self.taxcom.poll_job(&job.name).await,
            super::tickets::CLEANING => self.tickets.clean_job(),
            other => {
                tracing::warn!(kind = other, "a job of a later program is left alone");
                Next::At(self.shared.now().plus(DAY))
            }
        }
    }
}
