//! Where a centre is, as every command about it is told.

use std::path::PathBuf;

use clap::Args;

use crate::activation::centre::Books;
use crate::settings::{CentreArgs, Settings, SettingsArgs};

use super::super::failure::Failure;

/// Which centre.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct Place {
    /// The centre's directory [default: centre.dir of the settings]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    #[command(flatten)]
    settings: CentreArgs,
}

impl Place {
    /// The settings, with the directory as it was said.
    pub(super) fn settings(&self) -> Result<Settings, Failure> {
        settings(self.dir.as_ref(), &self.settings.0)
    }

    /// The books, beside a centre that may be running.
    pub(super) fn books(&self) -> Result<Books, Failure> {
        Ok(Books::open(&self.settings()?.centre_dir())?)
    }
}

/// The settings, with the centre's directory as `--dir` says it.
pub(super) fn settings(dir: Option<&PathBuf>, args: &SettingsArgs) -> Result<Settings, Failure> {
    let mut settings = Settings::load(args)?.settings;
    if let Some(dir) = dir {
        settings.centre.dir = Some(dir.clone());
    }
    Ok(settings)
}
