//! How a command fails: a sentence for people, an exit code for scripts (DESIGN, section 6).

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use crate::node::StartError;
use crate::settings::{DEFAULT_FILE, SettingsError};
use crate::store::{StoreError, UserError};

use super::config::ConfigError;

/// What the exit codes mean, for the manual.
pub(super) const EXIT_CODES: [(u8, &str); 7] = [
    (0, "Done."),
    (
        1,
        "It did not work; what is printed to standard error says why. status: the node is not healthy.",
    ),
    (
        2,
        "The command line is not understood, or its parts do not fit together.",
    ),
    (3, "No node, or no activation centre, answers."),
    (4, "What was named does not exist."),
    (
        5,
        "Not allowed: the user or the password is wrong, or the role is not enough.",
    ),
    (78, "The settings will not do; the file and the line are named."),
];

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// 1: it did not work.
    #[error("{0}")]
    Failed(String),
    /// 2: the words of the command do not fit together.
    #[error("{0}")]
    Usage(String),
    /// 3: no node answers.
    #[error("{0}")]
    NotReachable(String),
    /// 3: the vendor's centre does not answer, or cannot.
    #[error("{0}")]
    NoCentre(String),
    /// 4: what was named does not exist.
    #[error("{0}")]
    NotFound(String),
    /// 5: the node refuses this user, or the centre this request.
    #[error("{0}")]
    NotAllowed(String),
    /// 78: the settings will not do.
    #[error("{0}")]
    Settings(String),
    /// Everything has been said already.
    #[error("")]
    Quiet(u8),
}

impl Failure {
    pub(super) fn code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::NotReachable(_) | Self::NoCentre(_) => 3,
            Self::NotFound(_) => 4,
            Self::NotAllowed(_) => 5,
            Self::Settings(_) => 78,
            Self::Quiet(code) => *code,
        }
    }

    /// Nothing answers at an address, which an option of the settings names.
    pub(super) fn not_reachable(address: SocketAddr, option: &str, error: &io::Error) -> Self {
        let flag = option.replace('_', "-");
        let why = match error.kind() {
            // Nobody listens there: that the question says already.
            io::ErrorKind::ConnectionRefused => String::new(),
            _ => format!(" ({error})"),
        };
        Self::NotReachable(format!(
            "no node at {address}{why}: is keynode.service running? Where it listens, {option} in {DEFAULT_FILE} or --{flag} \
             tells"
        ))
    }

    /// A state directory that no node has used: perhaps it is misspelt.
    pub(super) fn no_state(directory: &Path) -> Self {
        Self::NotFound(format!(
            "{}: no node has kept its state here; --state-dir names another place",
            directory.display()
        ))
    }

    /// A file or directory that cannot be used.
    pub(super) fn of_file(path: &Path, error: &io::Error) -> Self {
        let hint = match error.kind() {
            io::ErrorKind::PermissionDenied => ": run this as root or as the user keynode",
            _ => "",
        };
        Self::Failed(format!("{}: {error}{hint}", path.display()))
    }

    /// A failure of exit code 1.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "errors come by value from `map_err`"
    )]
    pub(super) fn of(error: impl ToString) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // A reader that goes away, such as `head`, ends the output: that is no failure of ours to report.
            io::ErrorKind::BrokenPipe => Self::Quiet(0),
            _ => Self::of(error),
        }
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::Settings(error.to_string())
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::Settings(error) => error.into(),
            ConfigError::Output(error) => error.into(),
        }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        if error.is_about_settings() {
            Self::Settings(error.to_string())
        } else {
            Self::of(error)
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::of(error)
    }
}

impl From<UserError> for Failure {
    fn from(error: UserError) -> Self {
        match error {
            UserError::Unknown(_) => Self::NotFound(error.to_string()),
            UserError::Role(_) | UserError::Name | UserError::NotSigner(_) => Self::Usage(error.to_string()),
            _ => Self::of(error),
        }
    }
}
