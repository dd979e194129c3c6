//! `[activation]`: where this node gets licences for codes; `[centre]`: the vendor's centre that gives them.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Settings, duration};

/// `[activation]`: the node's side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Activation {
    /// Base address of the vendor's centre; none: codes cannot be activated online.
    pub centre: Option<String>,
    /// PEM file with certificates that vouch for the centre beside those of the system.
    pub ca: Option<PathBuf>,
    /// HTTP proxy; `none`: directly. Unset: as `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` say.
    pub proxy: Option<String>,
    /// For a whole exchange with the centre.
    #[serde(with = "duration")]
    pub timeout: Duration,
    /// How often the centre is asked for revocations and told that this node lives; 0: never.
    #[serde(with = "duration")]
    pub check: Duration,
    /// Licences with a Period are renewed so many days before their end; 0: never.
    pub renew_days: u32,
    /// Whether a licence whose computer changed is activated again with its own code.
    pub reactivate: bool,
}

impl Default for Activation {
    fn default() -> Self {
        Self {
            centre: None,
            ca: None,
            proxy: None,
            timeout: Duration::from_secs(10),
            check: Duration::from_hours(24),
            renew_days: 14,
            reactivate: true,
        }
    }
}

/// `[centre]`: the vendor's side, `keynode centre`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Centre {
    /// Where it listens. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Its database and the vendor's key; see [`Settings::centre_dir`] for the default.
    pub dir: Option<PathBuf>,
    /// Its certificate chain, PEM; turns TLS on.
    pub certificate: Option<PathBuf>,
    /// Private key of the certificate, PEM.
    pub private_key: Option<PathBuf>,
    /// The NAME of the `[tokens.NAME]` that holds the vendor key; none: it is in a file of the directory.
    pub token: Option<String>,
    /// `CKA_LABEL`, or `CKA_ID` in hexadecimal digits, of that key.
    pub token_key: Option<String>,
    /// Addresses of reverse proxies whose `X-Forwarded-For` is believed.
    pub proxies: Vec<String>,
    /// Failed requests about one code in an hour; more are refused.
    pub failures_per_code: u32,
    /// Failed requests from one address in an hour; more are refused.
    pub failures_per_address: u32,
}

impl Default for Centre {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9097)),
            dir: None,
            certificate: None,
            private_key: None,
            token: None,
            token_key: None,
            proxies: Vec::new(),
            failures_per_code: 10,
            failures_per_address: 60,
        }
    }
}

impl Settings {
    /// The directory of revocation lists.
    pub fn revocation_dir(&self) -> PathBuf {
        self.state_dir.join("revocations")
    }

    /// The centre's directory: as set, or `centre` in the state directory.
    pub fn centre_dir(&self) -> PathBuf {
        self.centre
            .dir
            .clone()
            .unwrap_or_else(|| self.state_dir.join("centre"))
    }
}
