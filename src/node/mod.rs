//! Builds the node from its settings and owns its life: start, reload, stop. The only place that knows every
//! concrete type.

mod activation;
mod audit;
mod error;
mod gateway;
mod logging;
mod offers;
mod parts;
mod plug;
mod restoring;
mod rules;
mod run;
mod servers;
mod signals;
mod signer;
mod sites;
mod state_dir;
mod telling;
mod watchdog;
mod webhooks;

pub use crate::signing::SIGNING_KEY;
pub use error::StartError;
pub use logging::start_logging;
pub use plug::{OnPlug, attest, host_devices, host_tokens, look, look_at_tokens, look_with, watch};
pub use restoring::{UNPACKING, is_of_restoring, may_begin, put_in_place};
pub use rules::{certificate_rules, device_rules, token_rules};
pub use run::run;
pub use signals::{Signals, tell_systemd};
pub use state_dir::StateDir;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use actix_server::{Server, ServerHandle};
use arc_swap::ArcSwap;

use crate::activation::{ActivationHandle, ActivationRules};
use crate::api::Api;
use crate::clock::SharedClock;
use crate::cms::Thumbprint;
use crate::computer::Roots;
use crate::console::Console;
use crate::devices::DeviceRules;
use crate::events::Feed;
use crate::gateway::{GatewayHandle, GatewayRules};
use crate::keyring::{Keeper, KeeperHandle, Mailbox, Plugged};
use crate::licence::Timestamp;
use crate::monitoring::webhooks::{WebhookRules, WebhooksHandle};
use crate::seats::DeskHandle;
use crate::settings::{Loaded, Settings};
use crate::store::{AuditEntry, ChangeWatch, SqliteSeats, Users, load_highest_time};
use crate::tokens::{CertificatesHandle, TokensHandle, Workers as TokenWorkers};

use audit::AuditKeeper;
use offers::{AccessCodes, offers};
use parts::{check_passwords, sources, tokens};
use plug::Devices;
use servers::{Sockets, servers};
use signer::{Signers, Watched};
use sites::Parts;
use telling::{Changed, Teller, follow_keys};
use watchdog::{Threads, Workers};

/// What is running finishes within this time when the node stops; then it is cut off. A request takes
/// milliseconds; the server itself looks only once a second whether all of them have ended.
const FAREWELL: Duration = Duration::from_millis(500);

/// A node that runs.
pub struct Node {
    /// Where the API is served.
    pub address: SocketAddr,
    /// Where /health and /ready are served.
    pub admin_address: SocketAddr,
    /// The keys.
    pub keys: KeeperHandle,
    /// Sessions and connections.
    pub desk: DeskHandle,
    api: Arc<Api>,
    codes: Arc<ArcSwap<AccessCodes>>,
    servers: Vec<ServerHandle>,
    workers: Workers,
    threads: Vec<JoinHandle<()>>,
    /// Ends the thread that tells of keys and devices.
    changed: Sender<Changed>,
    audit: AuditKeeper,
    devices: Devices,
    tokens: TokensHandle,
    signer: Watched,
    certificates: CertificatesHandle,
    activation: ActivationHandle,
    /// The operators' services.
    pub gateway: GatewayHandle,
    /// Addresses that are told of trouble.
    pub webhooks: WebhooksHandle,
    /// What happens.
    pub feed: Feed,
    console: Option<Arc<Console>>,
    /// systemd's directory of credentials.
    credentials: Option<PathBuf>,
    /// Holds the lock as long as the node runs.
    _state_dir: StateDir,
}

impl Node {
    /// Starts a node. Must be called on a thread of an actix system, which then serves.
    ///
    /// # Errors
    /// [`StartError`] says what it needs and does not have; nothing is left running.
    pub fn start(settings: &Settings, clock: SharedClock, roots: Roots) -> Result<Self, StartError> {
        let worker = TokenWorkers::this_program(None).program;
        Self::start_with(settings, clock, roots, &worker, host_devices)
    }

    /// As [`Node::start`], with the devices that `plug` starts, which is not called where the settings switch devices
    /// off, and with another program for the tokens' processes.
    ///
    /// # Errors
    /// As [`Node::start`].
    pub fn start_with(
        settings: &Settings,
        clock: SharedClock,
        roots: Roots,
        worker: &Path,
        plug: impl FnOnce(DeviceRules, OnPlug) -> Arc<dyn Plugged>,
    ) -> Result<Self, StartError> {
        let state_dir = StateDir::open(&settings.state_dir)?;
        let database = state_dir.database()?;
        check_passwords(settings, &Users::open(&database)?)?;
        let sockets = Sockets::open(settings)?;
        let (address, admin_address) = sockets.addresses()?;
        let started = clock.now().wall;

        let credentials = roots.credentials.clone();
        let (tokens, certificates) = tokens(settings, credentials.as_deref(), worker);
        let signers = Signers::open(&settings.state_dir, &settings.signing, &tokens)?;
        let signer = signers.signer.clone();
        let mailbox = Mailbox::default();
        let rules = device_rules(&settings.devices);
        let revalidate = rules.revalidate;
        let teller = Teller::default();
        let on_plug = |what| teller.after(mailbox.on_plug(), what);
        let usb = (settings.devices.enabled).then(|| plug(rules, Box::new(on_plug(|| Changed::Devices))));
        let devices = Devices::start(usb, tokens.clone(), revalidate, on_plug(|| Changed::Tokens));
        let sources = sources(settings, roots.clone(), devices.0.clone())?;
        let keeper = Keeper::new(sources, clock.clone(), ChangeWatch::new(&database)?)?;
        let codes = Arc::new(ArcSwap::from_pointee(AccessCodes::new(&settings.access_codes)));
        let first = offers(&keeper.keyring(), &codes.load());
        let seats = Box::new(SqliteSeats::new(&database)?);
        // A clock that was set back since the last run gives no number of that one again.
        let last = load_highest_time(&database.connect()?)?.map(|last| last.plus(1));
        let feed = Feed::new(last.map_or(started, |last| last.max(started)));
        let (desk, desk_thread) =
            DeskHandle::start(seats, clock.clone(), rules::seats(settings), first, feed.clone())?;
        let follow = follow_keys(desk.clone(), codes.clone(), teller.sender());
        let (keys, keeper_thread) = keeper.start(mailbox, follow);
        teller.follow_tokens(&tokens, &certificates);
        let changed = teller.sender();
        let telling = teller.start(keys.clone(), feed.clone(), clock.clone());

        let host = (keys.clone(), desk.clone());
        let (activation, activation_thread) =
            activation::start(settings, &database, clock.clone(), roots, host)?;
        let (gateway, gateway_thread) = gateway::start(
            settings,
            &database,
            clock.clone(),
            (tokens.clone(), certificates.clone()),
            desk.clone(),
        )?;
        let audit = AuditKeeper::start(
            &database,
            clock.clone(),
            signer.clone(),
            settings.audit.keep_days,
            feed.clone(),
        )?;
        desk.note(entry(started, "start", crate::api::VERSION, ""));
        let signer_watch = signers.watch(desk.clone(), feed.clone());
        let parts = Parts {
            signer,
            keys: keys.clone(),
            tokens: tokens.clone(),
            certificates: certificates.clone(),
            activation: activation.clone(),
            gateway: gateway.clone(),
            desk: desk.clone(),
            feed: feed.clone(),
        };
        let sites = parts.sites(settings, &database, clock, started)?;
        let to_tell = (&*sites.api, &*sites.health);
        let (webhooks, webhooks_thread) =
            webhooks::start(settings, &database, to_tell, feed.clone(), credentials.as_deref())?;
        let workers = Workers::default();
        let servers = servers(settings, sockets, &sites, &workers)?;
        let handles = servers.iter().map(Server::handle).collect();
        for server in servers {
            actix_rt::spawn(server);
        }
        Ok(Self {
            address,
            admin_address,
            keys,
            desk,
            api: sites.api,
            codes,
            servers: handles,
            workers,
            audit,
            devices,
            tokens,
            signer: signer_watch,
            certificates,
            activation,
            gateway,
            webhooks,
            feed,
            console: sites.console,
            credentials,
            threads: vec![
                activation_thread,
                gateway_thread,
                desk_thread,
                keeper_thread,
                telling,
                webhooks_thread,
            ],
            changed,
            _state_dir: state_dir,
        })
    }

    /// Follows changed settings, as far as that is possible without a restart, and looks at the keys anew.
    pub fn reload(&self, settings: &Settings) {
        let now = self.desk.clock().now().wall;
        self.desk.note(entry(now, "settings", "reload", ""));
        self.api.settings.store(Arc::new(rules::api(settings)));
        self.codes
            .store(Arc::new(AccessCodes::new(&settings.access_codes)));
        self.desk.set_rules(rules::seats(settings));
        self.devices.0.set_rules(device_rules(&settings.devices));
        self.tokens
            .set_rules(rules::token_rules(&settings.tokens, self.credentials.as_deref()));
        self.signer.reload(settings);
        self.certificates.set_rules(rules::certificate_rules(
            &settings.certificates,
            self.credentials.as_deref(),
        ));
        self.activation
            .set_rules(ActivationRules::from(&settings.activation));
        self.gateway.set_rules(GatewayRules::from(settings));
        self.webhooks
            .set_rules(WebhookRules::new(settings, self.credentials.as_deref()));
        self.rescan();
        self.desk
            .offer(offers(&self.keys.keyring(), &self.codes.load()), || ());
    }

    /// Tells the console where the settings come from.
    pub fn show_settings(&self, loaded: &Loaded) {
        if let Some(console) = &self.console {
            console.show_settings(loaded.clone());
        }
    }

    /// Looks at the keys anew.
    pub fn rescan(&self) {
        self.keys.rescan();
        self.certificates.rescan();
    }

    /// Whether this certificate can be signed with now.
    pub fn can_sign_with(&self, thumbprint: Thumbprint) -> bool {
        let now = self.desk.clock().now().wall;
        let inventory = self.certificates.inventory();
        let listed = inventory.find(thumbprint, now);
        listed.is_some_and(|listed| listed.obstacle(now).is_none())
    }

    /// Asks the threads that serve clients whether they do; names those that do not answer within `patience`.
    pub async fn silent_threads(&self, patience: Duration) -> Vec<&'static str> {
        self.served_by().silent(patience).await
    }

    fn served_by(&self) -> Threads {
        Threads {
            desk: self.desk.clone(),
            keys: self.keys.clone(),
            workers: self.workers.clone(),
        }
    }

    /// Stops: no new connections, what runs is finished, everything is saved.
    pub async fn stop(self) {
        // Streams never end by themselves.
        self.feed.end();
        let stopping = self.servers.iter().map(|server| server.stop(true));
        if tokio::time::timeout(FAREWELL, futures_util::future::join_all(stopping))
            .await
            .is_err()
        {
            tracing::debug!("what is open still is closed now");
            for server in &self.servers {
                drop(server.stop(false));
            }
        }
        self.activation.stop();
        self.gateway.stop();
        self.webhooks.stop();
        drop(self.devices);
        self.keys.stop();
        self.desk.stop();
        let _ = self.changed.send(Changed::Stop);
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a thread ended in a panic");
            }
        }
        // The last rows are signed by a token that still can; one that hangs is not waited for.
        let last = [self.audit.stop(), self.signer.stop()];
        let ended = Instant::now() + FAREWELL;
        while Instant::now() < ended && !last.iter().all(JoinHandle::is_finished) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.tokens.stop();
        for thread in last {
            let _ = thread.join();
        }
    }
}

/// Something the node itself did or saw.
fn entry(time: Timestamp, event: &str, object: &str, detail: &str) -> AuditEntry {
    AuditEntry {
        time,
        actor: "node".into(),
        event: event.into(),
        object: object.into(),
        detail: detail.into(),
    }
}
