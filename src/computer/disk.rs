//! Serial numbers of the built-in disks, from `/sys/block`.

use std::path::{Component as PathPart, Path};

use super::reader::{Reader, judge, names};
use super::{Finding, FindingState, text};
use crate::licence::binding::ComponentKind;

/// Block devices that are made of files, memory or other disks, or whose medium is taken out.
const NOT_DISKS: [&str; 7] = ["loop", "ram", "zram", "dm-", "md", "sr", "fd"];

/// Where drivers put the serial number, the best first: `NVMe` and virtio, MMC, SCSI.
const SOURCES: [&str; 4] = ["serial", "device/serial", "device/wwid", "wwid"];

/// The SCSI unit serial number page, for disks of older kernels (SPC-4, 7.8.15): text behind a header of 4 bytes.
const SERIAL_PAGE: &str = "device/vpd_pg80";
const SERIAL_PAGE_HEADER: usize = 4;

pub(super) fn findings(reader: &Reader<'_>) -> Vec<Finding> {
    let dir = reader.roots.sys.join("block");
    let names = match names(&dir) {
        Ok(names) => names,
        Err(state) => return vec![Finding::new(ComponentKind::Disk, "block", state)],
    };
    let disks: Vec<Finding> = (names.iter())
        .filter(|name| !NOT_DISKS.iter().any(|prefix| name.starts_with(prefix)))
        .filter(|name| is_built_in(reader, &dir.join(name)))
        .map(|name| {
            let source = format!("block/{}", text::clean(name.as_bytes()));
            Finding::new(ComponentKind::Disk, source, serial(reader, &dir.join(name)))
        })
        .collect();
    if disks.is_empty() {
        vec![Finding::new(ComponentKind::Disk, "block", FindingState::Absent)]
    } else {
        disks
    }
}

/// Has a device, which is not on USB, and no removable medium.
fn is_built_in(reader: &Reader<'_>, disk: &Path) -> bool {
    let Ok(device) = disk.join("device").canonicalize() else {
        return false;
    };
    let root = reader.roots.sys.canonicalize().unwrap_or_default();
    let on_usb = (device.strip_prefix(root).unwrap_or(&device).components())
        .any(|part| matches!(part, PathPart::Normal(name) if name.as_encoded_bytes().starts_with(b"usb")));
    let removable = reader
        .bytes(&disk.join("removable"))
        .is_ok_and(|bytes| bytes.starts_with(b"1"));
    !on_usb && !removable
}

/// The first source that has a serial number. One that may not be read ends the search: another user,
/// who may, would find another identity.
fn serial(reader: &Reader<'_>, disk: &Path) -> FindingState {
    let mut placeholder = FindingState::Absent;
    let values = SOURCES.iter().map(|source| reader.value(&disk.join(source)));
    for state in values.chain(std::iter::once_with(|| serial_page(reader, disk))) {
        match unique(state) {
            FindingState::Absent => {}
            FindingState::Placeholder(text) => placeholder = FindingState::Placeholder(text),
            decided => return decided,
        }
    }
    placeholder
}

/// A serial number has a digit. Hypervisors put names there instead (`rootfs`), the same on each of their machines.
fn unique(state: FindingState) -> FindingState {
    match state {
        FindingState::Found { text } if !text.bytes().any(|byte| byte.is_ascii_digit()) => {
            FindingState::Placeholder(format!("{text} (a name, the same on every copy)"))
        }
        state => state,
    }
}

fn serial_page(reader: &Reader<'_>, disk: &Path) -> FindingState {
    match reader.bytes(&disk.join(SERIAL_PAGE)) {
        Ok(page) => judge(page.get(SERIAL_PAGE_HEADER..).unwrap_or_default()),
        Err(state) => state,
    }
}
