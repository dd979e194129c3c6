//! `keynode status`: how a running node is, by its own account.

use std::io::Write;

use clap::Args;

use crate::api::HealthReport;
use crate::settings::{Settings, SettingsArgs};

use super::failure::Failure;
use super::http::Ask;

/// Which node, and how to print.
#[derive(Debug, Clone, Args)]
pub(super) struct StatusArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

pub(super) fn run(args: &StatusArgs, out: &mut impl Write) -> Result<(), Failure> {
    let address = Settings::load(&args.settings)?.settings.admin_listen;
    let ask = Ask::admin(address, "GET", "/health");
    let text = ask.send()?.body;
    let foreign = |_| Failure::of(format!("what answers at {address} is no keynode of this version"));
    let report: HealthReport = serde_json::from_str(&text).map_err(foreign)?;
    if args.json {
        writeln!(out, "{text}")?;
    } else {
        print(&report, out)?;
    }
    if report.healthy {
        Ok(())
    } else {
        Err(Failure::Quiet(1))
    }
}

fn print(report: &HealthReport, out: &mut impl Write) -> Result<(), Failure> {
    let (keys, enabled) = report.keys;
    let (seats, used) = report.seats;
    let state = if report.healthy { "healthy" } else { "NOT HEALTHY" };
    writeln!(
        out,
        "keynode {} is {state} (process {}, since {})",
        report.version, report.pid, report.started
    )?;
    writeln!(out, "keys         {keys}, {enabled} of them enabled")?;
    for one in &report.ending {
        writeln!(
            out,
            "ending       key {} of series {}: {} day(s) left",
            one.key_no, one.key_id, one.days_left
        )?;
    }
    writeln!(out, "seats        {used} in use, {seats} on offer")?;
    writeln!(out, "connections  {}", report.connections)?;
    for (name, state) in report.parts() {
        writeln!(out, "{name:<12} {state}")?;
    }
    let usb = &report.usb;
    if report.devices != "off" {
        writeln!(
            out,
            "usb          {} device(s), {} of known families cannot be used; {} carrier(s), {} proven",
            usb.devices, usb.inaccessible, usb.carriers, usb.proven
        )?;
    }
    for (series, reason, count) in &report.refusals {
        writeln!(out, "refused      {count} of series {series}: {reason}")?;
    }
    Ok(())
}
