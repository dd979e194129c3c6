//! Whether this process may use a device, found out without opening it.

use std::path::Path;

use rustix::fs::Access as Mode;
use rustix::io::Errno;

use super::carrier::DriverKind;
use super::device::{Access, Device};
use super::holders;
use super::rules::{SECURITY_KEYS, is_opened};

/// The kernel driver that an interface has while a program has claimed it through the device's usbfs node.
const CLAIMED: &str = "usbfs";

/// Judges a device by its nodes and by what sysfs told: `authorized`, and what could not be read of it.
pub(super) fn judge(device: &Device, authorized: bool, trouble: Option<String>) -> Access {
    if let Some(reason) = trouble {
        return Access::Faulty { reason };
    }
    if !authorized {
        return Access::Faulty {
            reason: "the kernel is told not to use it: not authorized (USBGuard or the administrator wrote 0 into \
                     its `authorized` in /sys); allow it there"
                .into(),
        };
    }
    // What is never opened needs no permission, and the rules give it none.
    let opened = device.family.is_none() || is_opened(device);
    let forbidden = |node| Some((node, forbidden(node)?));
    if opened && let Some((node, error)) = device.nodes().into_iter().find_map(forbidden) {
        return Access::NoPermission {
            mend: mend(device, node, error),
        };
    }
    busy(device).unwrap_or(Access::Ok)
}

fn forbidden(node: &Path) -> Option<Errno> {
    rustix::fs::access(node, Mode::READ_OK | Mode::WRITE_OK).err()
}

/// Ordinary kernel drivers are no obstacle: HID devices are asked through usbhid's own nodes. A program that has
/// claimed an interface is, and so is a driver that keeps a carrier's HID interface from usbhid.
fn busy(device: &Device) -> Option<Access> {
    if device.drivers.iter().any(|driver| driver == CLAIMED) {
        return Some(Access::Busy {
            by: holders::of(&device.node).unwrap_or_else(|| {
                "a program that has claimed it through usbfs (it is not visible to this user in /proc)".into()
            }),
        });
    }
    let asked_by_hid = device.driver() == Some(DriverKind::Hid);
    if asked_by_hid && device.hid.is_empty() {
        let other = device.drivers.iter().find(|driver| *driver != "usbhid")?;
        return Some(Access::Busy {
            by: format!("the kernel driver {other}"),
        });
    }
    None
}

/// What to do about a node that may not be used.
pub(super) fn mend(device: &Device, node: &Path, error: Errno) -> String {
    let node = node.display();
    match error {
        Errno::NOENT => {
            return format!(
                "{node} is missing: udev has not made it yet, or this is a container without it (bind-mount \
                 /dev/bus/usb and the hidraw nodes into it, and allow their device numbers)"
            );
        }
        Errno::ACCESS | Errno::PERM | Errno::ROFS => {}
        other => return format!("{node}: {other}"),
    }
    let lines = rules(device).join("\n");
    if device.family.is_some() || device.driver().is_some() {
        format!(
            "no permission for {node}: install 70-keynode.rules into /etc/udev/rules.d, then run `udevadm control \
             --reload && udevadm trigger`\nIts rule for this device:\n{lines}"
        )
    } else {
        format!(
            "no permission for {node}: put this into /etc/udev/rules.d/71-keynode-local.rules, then run `udevadm \
             control --reload && udevadm trigger`:\n{lines}"
        )
    }
}

/// The udev lines that open a device's nodes to the group of the service.
fn rules(device: &Device) -> Vec<String> {
    if device.driver() == Some(DriverKind::Fido2) {
        return vec![SECURITY_KEYS.to_owned()];
    }
    let (vendor, product) = (device.vendor_id, device.product_id);
    let mut lines = vec![format!(
        r#"SUBSYSTEM=="usb", ENV{{DEVTYPE}}=="usb_device", ATTR{{idVendor}}=="{vendor:04x}", ATTR{{idProduct}}=="{product:04x}", GROUP="keynode", MODE="0660""#
    )];
    if !device.hid.is_empty() {
        lines.push(format!(
            r#"SUBSYSTEM=="hidraw", KERNEL=="hidraw*", ATTRS{{idVendor}}=="{vendor:04x}", ATTRS{{idProduct}}=="{product:04x}", GROUP="keynode", MODE="0660""#
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::HidNode;
    use crate::devices::testing::device;

    #[test]
    fn the_mending_lines_are_exact_and_name_both_kinds_of_nodes() {
        let mut device = device("1-1", 5, None);
        device.hid.push(HidNode {
            path: "/dev/hidraw0".into(),
            interface: 0,
            usage_page: None,
            usage: None,
        });
        let usb = r#"SUBSYSTEM=="usb", ENV{DEVTYPE}=="usb_device", ATTR{idVendor}=="1209", ATTR{idProduct}=="0001", GROUP="keynode", MODE="0660""#;
        let hidraw = r#"SUBSYSTEM=="hidraw", KERNEL=="hidraw*", ATTRS{idVendor}=="1209", ATTRS{idProduct}=="0001", GROUP="keynode", MODE="0660""#;
        assert_eq!(rules(&device), [usb, hidraw]);
        let known = mend(&device, &device.node, Errno::ACCESS);
        assert!(
            known.contains("70-keynode.rules") && known.contains(usb),
            "{known}"
        );
        device.family = None;
        let unknown = mend(&device, &device.node, Errno::ACCESS);
        assert!(
            unknown.contains("71-keynode-local.rules") && unknown.contains(hidraw),
            "{unknown}"
        );
        let missing = mend(&device, &device.node, Errno::NOENT);
        assert!(missing.contains("container"), "{missing}");
    }
}
