//! The table of all options: the one source of flags, environment variables, checks and help.

use std::time::Duration;

use super::Kind;

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

const fn option(path: &'static str, kind: Kind, help: &'static str) -> OptionSpec {
    OptionSpec { path, kind, help }
}

const fn duration(min: Duration, max: Duration) -> Kind {
    Kind::Duration { min, max }
}

const TENTH: Duration = Duration::from_millis(100);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const MONTH: Duration = Duration::from_hours(30 * 24);

/// Every option, in the order of the sample.
pub const OPTIONS: &[OptionSpec] = &[
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
];
