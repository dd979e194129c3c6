//! Where a centre is, as every command about it is told.

use std::path::{Path, PathBuf};

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
    /// The options that name this centre to another command, for people to type.
    pub(super) fn options(&self, dir: &Path) -> String {
        let config = self.settings.0.config.as_ref();
        let config = config.map(|path| format!("--config {}", path.display()));
        // The settings name the directory, if nothing else did.
        let said = self.dir.is_some() || config.is_none();
        let dir = said.then(|| format!("--dir {}", dir.display()));
        dir.into_iter().chain(config).collect::<Vec<_>>().join(" ")
    }

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
