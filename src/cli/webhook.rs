//! `keynode webhook`: tries out an address that is told of trouble.

use std::io::Write;

use clap::{Args, Subcommand};
use sysinfo::System;

use crate::clock::SystemClock;
use crate::computer::Roots;
use crate::monitoring::webhooks::{WebhookRules, try_out};
use crate::settings::{Settings, SettingsArgs};

use super::failure::Failure;

/// What can be done with webhooks.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum WebhookCommand {
    /// Send a message of the kind "test" to a webhook of the settings; a running node is not needed
    Test(TestArgs),
}

/// Which webhook.
#[derive(Debug, Clone, Args)]
pub(super) struct TestArgs {
    /// NAME of [webhooks.NAME] in the settings
    name: String,
    #[command(flatten)]
    settings: SettingsArgs,
}

pub(super) fn run(command: &WebhookCommand, out: &mut impl Write) -> Result<(), Failure> {
    let WebhookCommand::Test(args) = command;
    let settings = Settings::load(&args.settings)?.settings;
    let rules = WebhookRules::new(&settings, Roots::host().credentials.as_deref());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()?;
    let node = System::host_name().unwrap_or_default();
    let time = SystemClock::shared().now().wall;
    match runtime.block_on(try_out(&rules, &args.name, &node, time)) {
        Ok(()) => writeln!(out, "the webhook {} took the message", args.name)?,
        Err(Some(why)) => {
            return Err(Failure::of(format!(
                "the webhook {} did not take the message: {why}",
                args.name
            )));
        }
        Err(None) => {
            return Err(Failure::NotFound(format!(
                "there is no [webhooks.{}] in the settings",
                args.name
            )));
        }
    }
    Ok(())
}
