//! Where a setting came from, and why the settings were refused.

use std::{fmt, io, path::PathBuf};

/// Where the value of an option came from. Displays as the place to look at: `FILE:LINE:COLUMN`, variable or flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The settings file.
    File {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
    },
    /// This environment variable.
    Env(String),
    /// This flag, with its dashes.
    Flag(String),
}

impl Origin {
    /// The layer in one word: default, file, env or flag.
    pub fn layer(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File { .. } => "file",
            Self::Env(_) => "env",
            Self::Flag(_) => "flag",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line, column } => write!(f, "{}:{line}:{column}", path.display()),
            Self::Env(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}

/// Why the settings were refused; the process exits with code 78.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The settings file is missing though it was named, may not be read, or is not UTF-8.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A key or value was not accepted.
    #[error("{origin}: {message}")]
    Refused {
        /// Where it stands.
        origin: Origin,
        /// What is wrong and what was expected.
        message: String,
    },
}

impl SettingsError {
    pub(super) fn refused(origin: Origin, message: impl Into<String>) -> Self {
        Self::Refused {
            origin,
            message: message.into(),
        }
    }
}
