//! The settings as typed values with their defaults.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{
    activation::{Activation, Centre},
    duration,
    family::FamilyEntry,
    gateway::{Crpt, Gateway, Ismp, Taxcom, Tickets},
    token::{CertificateFile, Signing, Token},
    watching::{Console, Webhook},
};

/// Everything that can be set. Ranges are in [`OPTIONS`](super::OPTIONS), meanings at length in the
/// [`SAMPLE`](super::SAMPLE).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where the API listens. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where health, readiness and what else is for the administrator listen.
    pub admin_listen: SocketAddr,
    /// What the node keeps: its key, its database.
    pub state_dir: PathBuf,
    /// Licence files; see [`Settings::licence_dir`] for the default.
    pub licence_dir: Option<PathBuf>,
    /// Trusted vendor keys; see [`Settings::vendor_dir`] for the default.
    pub vendor_dir: Option<PathBuf>,
    /// HTTP workers; 0 means one per core.
    pub workers: usize,
    /// What signs the answers.
    pub signing: Signing,
    /// PKCS#11 tokens by the administrator's names for them.
    pub tokens: BTreeMap<String, Token>,
    /// Certificates in files, by the administrator's names for them.
    pub certificates: BTreeMap<String, CertificateFile>,
    /// The HTTP API.
    pub api: Api,
    /// TLS on `listen`.
    pub tls: Tls,
    /// Sessions.
    pub sessions: Sessions,
    /// Connections.
    pub connections: Connections,
    /// Hardware keys.
    pub devices: Devices,
    /// Access code to the numbers of the keys that it guards.
    pub access_codes: BTreeMap<String, Vec<u64>>,
    /// The log.
    pub log: Log,
    /// Protection against guessed passwords.
    pub login: Login,
    /// The audit log.
    pub audit: Audit,
    /// Licences for activation codes.
    pub activation: Activation,
    /// The vendor's centre.
    pub centre: Centre,
    /// What the operators' services have in common.
    pub gateway: Gateway,
    /// Tickets of the support portal.
    pub tickets: Tickets,
    /// Session keys of IS MP.
    pub ismp: Ismp,
    /// Connections of CRPT.
    pub crpt: Crpt,
    /// 1C-Taxcom.
    pub taxcom: Taxcom,
    /// The web page.
    pub console: Console,
    /// Who is told of trouble over HTTP, by the administrator's names for them.
    pub webhooks: BTreeMap<String, Webhook>,
}

/// `[api]`: the HTTP API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Api {
    /// When false, everything under `/api` answers 503.
    pub enabled: bool,
    /// Names accepted in the `Host` header beside localhost, 127.0.0.1 and `[::1]`, which always count on
    /// loopback.
    pub allowed_hosts: Vec<String>,
    /// How long a client may take to send a request's body.
    #[serde(with = "duration")]
    pub body_timeout: Duration,
    /// How long a client may take to send a request's head.
    #[serde(with = "duration")]
    pub header_timeout: Duration,
    /// How long an idle HTTP connection stays open.
    #[serde(with = "duration")]
    pub keep_alive: Duration,
    /// HTTP connections open at once, per worker.
    pub max_connections: usize,
}

/// `[tls]`: both files or none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// The certificate chain, PEM.
    pub certificate: Option<PathBuf>,
    /// The private key, PEM.
    pub private_key: Option<PathBuf>,
}

/// `[sessions]`: external API, section 8, rows 26 and 33.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sessions {
    /// How long a session lives without renewal.
    #[serde(with = "duration")]
    pub life: Duration,
    /// How long the sessions of a key that has gone keep their seats.
    #[serde(with = "duration")]
    pub grace: Duration,
}

/// `[connections]`: external API, section 8, row 29.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Connections {
    /// How long a connection lives without a heartbeat.
    #[serde(with = "duration")]
    pub life: Duration,
}

/// `[devices]`: hardware keys on USB.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Devices {
    /// When false, the node looks for no USB devices at all.
    pub enabled: bool,
    /// Carriers prove themselves anew this often even if nothing happens; 0: only when something does.
    #[serde(with = "duration")]
    pub revalidate: Duration,
    /// Families of devices that the built-in catalogue lacks or has otherwise.
    pub families: Vec<FamilyEntry>,
}

impl Default for Devices {
    fn default() -> Self {
        Self {
            enabled: true,
            revalidate: Duration::from_mins(5),
            families: Vec::new(),
        }
    }
}

/// `[log]`: form and detail of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// Form of the log.
    pub format: LogFormat,
    /// A `tracing` filter: a level, or directives such as `info,keynode::seats=debug`.
    pub level: String,
}

/// Form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, the journal under systemd, JSON otherwise.
    Auto,
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
    /// The systemd journal with its fields.
    Journal,
}

/// `[audit]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Audit {
    /// Days after which rows are removed, 0 to 36500; 0: never.
    pub keep_days: u32,
}

impl Default for Audit {
    fn default() -> Self {
        Self { keep_days: 400 }
    }
}

/// `[login]`: external API, section 8, row 39.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Login {
    /// Failures of a peer and user that are answered without delay.
    pub free_attempts: u32,
    /// Failures after which unverified credentials are refused for a while.
    pub refuse_after: u32,
    /// How long that while is.
    #[serde(with = "duration")]
    pub refuse_for: Duration,
}

impl Settings {
    /// The directory of licence files: as set, or `licences` in the state directory.
    pub fn licence_dir(&self) -> PathBuf {
        self.licence_dir
            .clone()
            .unwrap_or_else(|| self.state_dir.join("licences"))
    }

    /// The directory of trusted vendor keys: as set, or `vendors` in the state directory.
    pub fn vendor_dir(&self) -> PathBuf {
        self.vendor_dir
            .clone()
            .unwrap_or_else(|| self.state_dir.join("vendors"))
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9099)),
            admin_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9098)),
            state_dir: default_state_dir(rustix::process::geteuid().is_root(), |name| {
                std::env::var_os(name)
            }),
            licence_dir: None,
            vendor_dir: None,
            workers: 0,
            signing: Signing::default(),
            tokens: BTreeMap::new(),
            certificates: BTreeMap::new(),
            api: Api::default(),
            tls: Tls::default(),
            sessions: Sessions::default(),
            connections: Connections::default(),
            devices: Devices::default(),
            access_codes: BTreeMap::new(),
            log: Log::default(),
            login: Login::default(),
            audit: Audit::default(),
            activation: Activation::default(),
            centre: Centre::default(),
            gateway: Gateway::default(),
            tickets: Tickets::default(),
            ismp: Ismp::default(),
            crpt: Crpt::default(),
            taxcom: Taxcom::default(),
            console: Console::default(),
            webhooks: BTreeMap::new(),
        }
    }
}

impl Default for Api {
    fn default() -> Self {
        Self {
            enabled: true,
            allowed_hosts: Vec::new(),
            body_timeout: Duration::from_secs(10),
            header_timeout: Duration::from_secs(5),
            keep_alive: Duration::from_secs(75),
            max_connections: 25_000,
        }
    }
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            life: Duration::from_mins(15),
            grace: Duration::from_mins(10),
        }
    }
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            life: Duration::from_secs(20),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: LogFormat::Auto,
            level: "info".to_owned(),
        }
    }
}

impl Default for Login {
    fn default() -> Self {
        Self {
            free_attempts: 3,
            refuse_after: 10,
            refuse_for: Duration::from_mins(1),
        }
    }
}

/// What systemd made for the service, the system's place for root, else the user's state home; never the
/// working directory, so relative paths in the environment are passed over.
pub(super) fn default_state_dir(root: bool, variable: impl Fn(&str) -> Option<OsString>) -> PathBuf {
    // systemd lists several directories with colons between them; the first is the service's own.
    let from_systemd = variable("STATE_DIRECTORY")
        .and_then(|list| std::env::split_paths(&list).next())
        .filter(|path| path.is_absolute());
    let system = || Path::new("/var/lib/keynode").to_path_buf();
    if let Some(directory) = from_systemd {
        directory
    } else if root {
        system()
    } else {
        state_home(variable).map_or_else(system, |home| home.join("keynode"))
    }
}

/// Where programs of this user keep what they need to go on, by the environment's account; none where it names
/// none (XDG base directory specification 0.8).
pub(super) fn state_home(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |name| {
        variable(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))
}
