//! USB: whether devices are seen, heard of when they come and go, and open to the service.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::devices::rules::{GROUP, is_opened};
use crate::devices::{Access, Device, DriverKind, Inventory};

use super::line::Line;

/// What udev does once rules have changed.
const RELOAD: &str = "udevadm control --reload && udevadm trigger";

/// Group and permissions of a device's node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owned {
    pub(super) group: u32,
    pub(super) mode: u32,
}

/// Whether all that is plugged in can be seen, and what is wrong with the keys among it.
pub(super) fn devices(inventory: &Inventory) -> Vec<Line> {
    let check = "USB";
    let mut lines: Vec<Line> = inventory
        .errors
        .iter()
        .map(|error| {
            let todo = "look at it as root; in a container, let it see the host's /sys and /dev/bus/usb";
            Line::failure(check, format!("devices cannot be looked for: {error}"), todo)
        })
        .collect();
    if lines.is_empty() {
        let all = inventory.devices.len();
        let carriers = opened(inventory).count();
        let security = keys(inventory).filter(|device| is_security_key(device)).count();
        let (carriers, others) = (carriers - security, keys(inventory).count() - carriers);
        let mut text =
            format!("devices plugged in: {all}; keys of keynode: {carriers}, of other makers: {others}");
        if security > 0 {
            text = format!("{text}, security keys: {security}");
        }
        lines.push(Line::ok(check, text));
    }
    for device in keys(inventory) {
        let told = |reason: &str| format!("{}: {reason}", device.id);
        let opened = is_opened(device);
        match &device.access {
            Access::Faulty { reason } => {
                let todo = "plug it in anew, at another port and without a hub; then try another key";
                lines.push(Line::failure(check, told(reason), todo));
            }
            // Whatever its own maker's service does with a foreign key is no business of this node.
            Access::Busy { by } if opened => {
                lines.push(Line::warning(
                    check,
                    told(&format!("in use by {by}")),
                    "end that program",
                ));
            }
            Access::Busy { .. } | Access::NoPermission { .. } | Access::Ok => {}
        }
    }
    lines
}

/// Whether a key that is plugged in or out is noticed at once.
pub(super) fn hot_plug(libusb: bool, udev: bool) -> Line {
    let check = "hot-plug";
    if !libusb {
        let todo = "install a libusb-1.0 with udev support (Debian: libusb-1.0-0)";
        return Line::failure(
            check,
            "this libusb does not tell of devices that come and go",
            todo,
        );
    }
    if !udev {
        let text = "udev does not run here: devices that come and go are noticed late";
        let todo = "run the node on the host; or start systemd-udevd";
        return Line::warning(check, text, todo);
    }
    Line::ok(check, "libusb and udev tell of devices that come and go")
}

/// Whether the udev rules are those that the catalogue and the settings need. `installed`: the file that counts and
/// its text.
pub(super) fn rules(installed: Option<(PathBuf, String)>, expected: &str, inventory: &Inventory) -> Line {
    let check = "udev rules";
    let write = format!("keynode devices rules >/etc/udev/rules.d/70-keynode.rules && {RELOAD}");
    match installed {
        None if opened(inventory).next().is_none() => {
            let text = "none are installed: a key that is plugged in will not be open to the service";
            Line::warning(check, text, write)
        }
        None => Line::failure(
            check,
            "none are installed: keys are not open to the service",
            write,
        ),
        Some((path, text)) if text == expected => Line::ok(check, path.display().to_string()),
        Some((path, _)) => {
            let text = format!(
                "{} is not what this version and its settings need",
                path.display()
            );
            Line::warning(check, text, write)
        }
    }
}

/// Whether the service may open each key that it has to. `group` is the service's, none where there is no such
/// group; `look` tells whose a node is.
pub(super) fn permissions(
    inventory: &Inventory,
    group: Option<u32>,
    look: impl Fn(&Path) -> io::Result<Owned>,
) -> Vec<Line> {
    let check = "permissions";
    if opened(inventory).next().is_none() {
        return vec![Line::ok(check, "no key is plugged in that the service must open")];
    }
    let Some(group) = group else {
        let text = format!("there is no group {GROUP}");
        return vec![Line::failure(
            check,
            text,
            format!("systemd-sysusers && {RELOAD}"),
        )];
    };
    let mut lines = Vec::new();
    for device in opened(inventory) {
        let nodes = device.nodes().into_iter();
        let wrong: Vec<String> = nodes.filter_map(|node| closed(node, group, &look)).collect();
        let text = format!("{}: {}", device.id, wrong.join("; "));
        lines.push(if wrong.is_empty() {
            Line::ok(check, format!("{} is open to the group {GROUP}", device.id))
        } else if is_security_key(device) {
            Line::warning(check, format!("{text}; no licence can be bound to it"), RELOAD)
        } else {
            Line::failure(check, text, RELOAD)
        });
    }
    lines
}

/// Why a node is closed to the service.
fn closed(node: &Path, group: u32, look: impl Fn(&Path) -> io::Result<Owned>) -> Option<String> {
    let node_name = node.display();
    match look(node) {
        Err(error) => Some(format!("{node_name}: {error}")),
        Ok(Owned { group: of, mode }) => {
            let open = (of == group && mode & 0o060 == 0o060) || mode & 0o006 == 0o006;
            (!open).then(|| {
                format!(
                    "{node_name} is closed to the group {GROUP} (mode {:o})",
                    mode & 0o777
                )
            })
        }
    }
}

fn keys(inventory: &Inventory) -> impl Iterator<Item = &Arc<Device>> {
    inventory.devices.iter().filter(|device| device.family.is_some())
}

fn opened(inventory: &Inventory) -> impl Iterator<Item = &Arc<Device>> {
    inventory
        .devices
        .iter()
        .filter(|device| device.family.is_some() && is_opened(device))
}

/// Whatever its owner uses it for: it is opened only where a licence is bound to it.
fn is_security_key(device: &Device) -> bool {
    device.driver() == Some(DriverKind::Fido2)
}

#[cfg(test)]
#[path = "usb_tests.rs"]
mod tests;
