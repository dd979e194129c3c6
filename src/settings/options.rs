//! The table of all options: the one source of flags, environment variables, checks and help.

use std::time::Duration;

use super::Kind;
use super::gateway_options::GATEWAY;
use super::tables::Field;
use super::watching_options::WATCHING;

/// One option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OptionSpec {
    /// Its place in the file: `listen`, `sessions.life`.
    pub path: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// One line of help.
    pub help: &'static str,
}

impl OptionSpec {
    /// Its flag without the dashes: `sessions-life`.
    pub fn flag(&self) -> String {
        self.path.replace(['.', '_'], "-")
    }

    /// Its environment variable: `KEYNODE_SESSIONS_LIFE`.
    pub fn env(&self) -> String {
        format!("KEYNODE_{}", self.path.replace('.', "_").to_uppercase())
    }

    /// Its section and its name there; options at the top have the section "".
    pub fn section_and_name(&self) -> (&'static str, &'static str) {
        self.path.split_once('.').unwrap_or(("", self.path))
    }

    /// The option at a path of the file.
    pub fn find(path: &str) -> Option<&'static Self> {
        OPTIONS.iter().find(|option| option.path == path)
    }
}

pub(super) const fn option(path: &'static str, kind: Kind, help: &'static str) -> OptionSpec {
    OptionSpec { path, kind, help }
}

pub(super) const fn duration(min: Duration, max: Duration) -> Kind {
    Kind::Duration { min, max }
}

pub(super) const TENTH: Duration = Duration::from_millis(100);
pub(super) const HOUR: Duration = Duration::from_hours(1);
pub(super) const DAY: Duration = Duration::from_hours(24);
const MONTH: Duration = Duration::from_hours(30 * 24);

pub(super) const fn field(name: &'static str, kind: Kind) -> Field {
    let required = false;
    Field { name, kind, required }
}

pub(super) const fn required(name: &'static str, kind: Kind) -> Field {
    let required = true;
    Field { name, kind, required }
}

/// The fields of `[tokens.NAME]`.
const TOKEN: &[Field] = &[
    required("module", Kind::Path),
    field("label", Kind::Text { max: 32 }),
    field("serial", Kind::Text { max: 16 }),
    field("pin_file", Kind::Path),
    field("pin_credential", Kind::FileName),
    field("environment", Kind::Variables),
    field("sessions", Kind::Number { min: 1, max: 64 }),
    field("timeout", duration(TENTH, Duration::from_mins(10))),
    field("probe", duration(TENTH, HOUR)),
];

/// The fields of `[certificates.NAME]`.
const CERTIFICATE: &[Field] = &[
    required("file", Kind::Path),
    field("key", Kind::Path),
    field("password_file", Kind::Path),
    field("password_credential", Kind::FileName),
];

/// Every option, in the order of the sample.
pub const OPTIONS: &[OptionSpec] = &ALL;

const ALL: [OptionSpec; NODE.len() + GATEWAY.len() + WATCHING.len()] = {
    let mut all = [NODE[0]; NODE.len() + GATEWAY.len() + WATCHING.len()];
    let mut at = 0;
    while at < all.len() {
        all[at] = if at < NODE.len() {
            NODE[at]
        } else if at < NODE.len() + GATEWAY.len() {
            GATEWAY[at - NODE.len()]
        } else {
            WATCHING[at - NODE.len() - GATEWAY.len()]
        };
        at += 1;
    }
    all
};

/// Those of the node itself, of activation and of the centre.
const NODE: &[OptionSpec] = &[
    option("listen", Kind::Address, "Address of the API"),
    option("admin_listen", Kind::Address, "Address of health and readiness"),
    option("state_dir", Kind::Path, "Directory of what the node keeps"),
    option(
        "licence_dir",
        Kind::Path,
        "Directory of licence files [default: STATE_DIR/licences]",
    ),
    option(
        "vendor_dir",
        Kind::Path,
        "Directory of trusted vendor keys [default: STATE_DIR/vendors]",
    ),
    option(
        "workers",
        Kind::Number { min: 0, max: 1024 },
        "HTTP workers; 0: one per core",
    ),
    option("api.enabled", Kind::Switch, "Whether the API answers; false: 503"),
    option(
        "api.allowed_hosts",
        Kind::Hosts,
        "More names accepted in the Host header",
    ),
    option(
        "api.body_timeout",
        duration(TENTH, HOUR),
        "Time a client has to send a body",
    ),
    option(
        "api.header_timeout",
        duration(TENTH, HOUR),
        "Time a client has to send a request's head",
    ),
    option(
        "api.keep_alive",
        duration(TENTH, DAY),
        "Time an idle HTTP connection stays open",
    ),
    option(
        "api.max_connections",
        Kind::Number {
            min: 1,
            max: 1_000_000,
        },
        "HTTP connections open at once, per worker",
    ),
    option(
        "tls.certificate",
        Kind::Path,
        "Certificate chain (PEM); turns TLS on",
    ),
    option(
        "tls.private_key",
        Kind::Path,
        "Private key of the certificate (PEM)",
    ),
    option(
        "sessions.life",
        duration(TENTH, MONTH),
        "Life of a session without renewal",
    ),
    option(
        "sessions.grace",
        duration(Duration::ZERO, MONTH),
        "Time the sessions of a key that has gone keep their seats",
    ),
    option(
        "connections.life",
        duration(TENTH, DAY),
        "Life of a connection without heartbeat",
    ),
    option(
        "devices.enabled",
        Kind::Switch,
        "Whether hardware keys are looked for on USB",
    ),
    option(
        "devices.revalidate",
        Kind::Interval {
            min: Duration::from_secs(10),
            max: DAY,
        },
        "Time after which hardware keys prove themselves anew; 0: only at changes",
    ),
    option(
        "devices.families",
        Kind::Families,
        "Families of devices beside the built-in ones, or instead of them",
    ),
    option(
        "signing.provider",
        Kind::Choice(&["software", "pkcs11"]),
        "Where the private key is that signs the answers",
    ),
    option(
        "signing.token",
        Kind::Text { max: 32 },
        "For pkcs11: the name of the token that has it",
    ),
    option(
        "signing.on_failure",
        Kind::Choice(&["fail", "software"]),
        "For pkcs11: what happens while the token cannot sign",
    ),
    option(
        "tokens",
        Kind::Tables(TOKEN),
        "PKCS#11 tokens and HSMs, by names of your own",
    ),
    option(
        "certificates",
        Kind::Tables(CERTIFICATE),
        "Certificates in files, by names of your own",
    ),
    option(
        "access_codes",
        Kind::AccessCodes,
        "Keys that give seats only to sessions with an access code",
    ),
    option(
        "log.format",
        Kind::Choice(&["auto", "text", "json", "journal"]),
        "Form of the log",
    ),
    option(
        "log.level",
        Kind::Filter,
        "Level of the log, or filter directives",
    ),
    option(
        "login.free_attempts",
        Kind::Number { min: 0, max: 1000 },
        "Failed logins answered without delay",
    ),
    option(
        "login.refuse_after",
        Kind::Number { min: 1, max: 1000 },
        "Failed logins after which a peer is refused",
    ),
    option(
        "login.refuse_for",
        duration(TENTH, DAY),
        "Time for which it is refused",
    ),
    option(
        "audit.keep_days",
        Kind::Number { min: 0, max: 36_500 },
        "Days that the audit log is kept; 0: for ever",
    ),
    option(
        "activation.centre",
        Kind::Url,
        "Address of the vendor's centre that activates codes",
    ),
    option(
        "activation.ca",
        Kind::Path,
        "Certificates (PEM) that vouch for the centre beside the system's",
    ),
    option(
        "activation.proxy",
        Kind::Proxy,
        "HTTP proxy to the centre, or none [default: as HTTPS_PROXY, HTTP_PROXY and NO_PROXY say]",
    ),
    option(
        "activation.timeout",
        duration(TENTH, Duration::from_mins(5)),
        "Time for an exchange with the centre",
    ),
    option(
        "activation.check",
        Kind::Interval {
            min: Duration::from_mins(1),
            max: MONTH,
        },
        "Time between looks for revocations and renewals; 0: never",
    ),
    option(
        "activation.renew_days",
        Kind::Number { min: 0, max: 365 },
        "Days before their end that licences are renewed; 0: never",
    ),
    option(
        "activation.reactivate",
        Kind::Switch,
        "Whether a licence whose computer changed is activated anew",
    ),
    option("centre.listen", Kind::Address, "Address of the vendor's centre"),
    option(
        "centre.dir",
        Kind::Path,
        "Directory of the centre: its database, the vendor's key [default: STATE_DIR/centre]",
    ),
    option(
        "centre.certificate",
        Kind::Path,
        "The centre's certificate chain (PEM); turns TLS on",
    ),
    option(
        "centre.private_key",
        Kind::Path,
        "Private key of the centre's certificate (PEM)",
    ),
    option(
        "centre.token",
        Kind::Text { max: 32 },
        "Name of the token that has the vendor key [default: a file has it]",
    ),
    option(
        "centre.token_key",
        Kind::Text { max: 255 },
        "Label, or ID in hexadecimal digits, of the vendor key on the token",
    ),
    option(
        "centre.proxies",
        Kind::Hosts,
        "Addresses of reverse proxies whose X-Forwarded-For is believed",
    ),
    option(
        "centre.failures_per_code",
        Kind::Number { min: 1, max: 10_000 },
        "Failed requests about one code in an hour",
    ),
    option(
        "centre.failures_per_address",
        Kind::Number {
            min: 1,
            max: 1_000_000,
        },
        "Failed requests from one address in an hour",
    ),
];
