//! `keynode doctor`: the checks that an administrator would make, each with what to do about it. What a check asks of
//! the system is handed to it, so that each can fail in a test.

mod gateway;
mod licences;
mod line;
mod service;
mod state;
mod tokens;
mod usb;
mod webhooks;

use std::fs;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use crate::api::HealthReport;
use crate::clock::SystemClock;
use crate::computer::{Roots, inspect};
use crate::devices::rules::{GROUP, rules};
use crate::devices::{has_hot_plug, scan_once};
use crate::keyring::ending;
use crate::licence::Timestamp;
use crate::node::device_rules;
use crate::settings::{KeyArgs, Settings, SettingsArgs, SettingsError};
use crate::store::{Users, load_highest_time};

use super::failure::Failure;
use super::http::Ask;
use super::offline::{Offline, existing_database};

use licences::Judged;
use line::{Line, State};
use service::Heard;
use state::Directory;
use usb::Owned;

/// Where udev reads rules; a file in an earlier one stands in for those of the same name in later ones.
const RULES_DIRS: [&str; 4] = [
    "/etc/udev/rules.d",
    "/run/udev/rules.d",
    "/usr/local/lib/udev/rules.d",
    "/usr/lib/udev/rules.d",
];

/// The socket of a udev that runs.
const UDEV: &str = "/run/udev/control";

/// Which node, and how to print.
#[derive(Debug, Clone, Args)]
pub(super) struct DoctorArgs {
    /// Print JSON: a list of {check, state, text, todo}
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

pub(super) fn run(args: &DoctorArgs, out: &mut impl Write) -> Result<(), Failure> {
    let lines = match Settings::load(&args.settings) {
        Ok(loaded) => check(&loaded.settings, &args.settings),
        Err(error) => {
            let forbidden = matches!(&error, SettingsError::Unreadable { source, .. }
                if source.kind() == io::ErrorKind::PermissionDenied);
            let todo = if forbidden {
                "run `keynode doctor` as root; nothing else was checked"
            } else {
                "mend the settings, then `keynode config check`; nothing else was checked"
            };
            vec![Line::failure("settings", error.to_string(), todo)]
        }
    };
    line::print(&lines, args.json, out)?;
    if lines.iter().any(|line| line.state == State::Failure) {
        return Err(Failure::Quiet(1));
    }
    Ok(())
}

fn check(settings: &Settings, args: &SettingsArgs) -> Vec<Line> {
    let mut lines = Vec::new();
    if settings.devices.enabled {
        lines.extend(check_usb(settings));
    } else {
        lines.push(Line::ok("USB", "switched off in the settings"));
    }
    lines.extend(tokens::tokens(&settings.tokens));
    lines.extend(gateway::services(settings));
    let heard = hear(settings.admin_listen);
    lines.extend(webhooks::webhooks(settings, &heard));
    let unit = systemd_says("systemctl", &["is-active", "keynode"]);
    lines.push(service::node(&heard, settings.admin_listen, unit.as_deref()));
    lines.push(service::port(
        settings.listen,
        matches!(heard, Heard::Node { .. }),
        take(settings.listen),
        service::listener(settings.listen.port()),
    ));
    let synchronised = systemd_says("timedatectl", &["show", "--property=NTPSynchronized", "--value"]);
    let synchronised = synchronised.and_then(|answer| match answer.as_str() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    });
    let now = SystemClock::shared().now().wall;
    lines.push(state::clock(synchronised, now, highest_time(settings)));
    let looked = Directory::look(&settings.state_dir);
    lines.push(state::directory(&settings.state_dir, looked));
    lines.push(state::password(
        initial_password(settings),
        settings.listen.ip().is_loopback() && settings.admin_listen.ip().is_loopback(),
    ));
    let computer = inspect(&Roots::host());
    lines.push(licences::fingerprint(
        &computer.fingerprint.computer_id(),
        computer.warning(),
    ));
    lines.extend(check_licences(args));
    lines
}

fn check_usb(settings: &Settings) -> Vec<Line> {
    let catalogue = device_rules(&settings.devices).catalogue;
    let inventory = scan_once(&catalogue);
    let mut lines = usb::devices(&inventory);
    let hot_plug = |libusb| usb::hot_plug(libusb, Path::new(UDEV).exists());
    lines.extend(has_hot_plug().map(hot_plug));
    lines.push(usb::rules(installed_rules(), &rules(&catalogue), &inventory));
    let group = fs::read_to_string("/etc/group")
        .ok()
        .and_then(|groups| group_number(&groups));
    lines.extend(usb::permissions(&inventory, group, owned));
    lines
}

fn check_licences(args: &SettingsArgs) -> Vec<Line> {
    match Offline::look(&KeyArgs(args.clone())) {
        Ok(offline) => {
            let judged = |key: &std::sync::Arc<crate::keyring::Key>| Judged {
                key_no: key.key_no,
                file: key.file_name.clone(),
                cause: key.verdict.cause.clone(),
            };
            let licensed = offline.keyring.keys().iter().filter(|key| !key.blank);
            let mut lines = licences::licences(&licensed.map(judged).collect::<Vec<_>>());
            lines.extend(licences::ending(&ending(&offline.keyring, offline.now)));
            lines
        }
        Err(failure) => {
            let todo = "run `keynode doctor` as root";
            vec![Line::warning(
                "licences",
                format!("cannot be looked for: {failure}"),
                todo,
            )]
        }
    }
}

/// Asks the node at its second address how it is.
fn hear(address: SocketAddr) -> Heard {
    let ask = Ask::admin(address, "GET", "/health");
    let stranger = || Heard::Stranger(format!("what answers at {address} is no keynode of this version"));
    match ask.send() {
        Err(Failure::NotReachable(_)) => Heard::Nothing,
        Err(_) => stranger(),
        Ok(answer) => serde_json::from_str::<HealthReport>(&answer.body).map_or_else(
            |_| stranger(),
            |report| {
                let told = |(name, state): (&str, &str)| format!("{name}: {state}");
                let well = |state: &str| ["ok", "off"].contains(&state);
                let parts = report.vital_parts().into_iter();
                let wrong = parts.filter(|(_, state)| !well(state)).map(told);
                Heard::Node {
                    wrong: wrong.collect(),
                    webhooks: report.webhooks,
                    version: report.version,
                    pid: report.pid,
                }
            },
        ),
    }
}

/// Takes an address for a moment.
fn take(address: SocketAddr) -> io::Result<()> {
    TcpListener::bind(address).map(drop)
}

/// What a program of systemd prints, in one word; none where it is not there or says nothing.
fn systemd_says(program: &str, words: &[&str]) -> Option<String> {
    let output = Command::new(program).args(words).output().ok()?;
    let word = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (!word.is_empty()).then_some(word)
}

fn highest_time(settings: &Settings) -> Option<Timestamp> {
    let connection = existing_database(&settings.state_dir).ok()?.connect().ok()?;
    load_highest_time(&connection).ok()?
}

/// Who has the initial password, or why that cannot be told.
fn initial_password(settings: &Settings) -> Result<Option<String>, String> {
    let told = |failure: &dyn std::fmt::Display| format!("the users cannot be looked at: {failure}");
    let database = existing_database(&settings.state_dir).map_err(|failure| told(&failure))?;
    let users = Users::open(&database).and_then(|users| users.list());
    let users = users.map_err(|error| told(&error))?;
    Ok(users.into_iter().find(|user| user.initial).map(|user| user.name))
}

/// The file of rules that counts, and its text.
fn installed_rules() -> Option<(PathBuf, String)> {
    RULES_DIRS.iter().find_map(|directory| {
        let path = Path::new(directory).join("70-keynode.rules");
        let text = fs::read_to_string(&path).ok()?;
        Some((path, text))
    })
}

/// The number of the service's group in the text of /etc/group.
fn group_number(groups: &str) -> Option<u32> {
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == GROUP)
            .then(|| fields.nth(1)?.parse().ok())
            .flatten()
    })
}

fn owned(node: &Path) -> io::Result<Owned> {
    let about = fs::metadata(node)?;
    Ok(Owned {
        group: about.gid(),
        mode: about.mode(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_the_group_is_the_third_field() {
        let groups = "root:x:0:\nkeynodes:x:7:\nkeynode:x:993:ann,bob\n";
        assert_eq!(group_number(groups), Some(993));
        assert_eq!(group_number("root:x:0:\nkeynode:x:many:\n"), None);
    }
}
