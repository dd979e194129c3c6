//! What the kernel shows of USB devices in /sys: identity, strings, drivers, hidraw nodes. Nothing is opened but these
//! small text files, so it works without any permission on the devices.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::device::HidNode;
use super::report_descriptor::top_level_usage;
use crate::text::clean;

/// Where the kernel lists the devices of all buses.
const DEVICES: &str = "/sys/bus/usb/devices";

/// No attribute and no report descriptor is longer.
const LONGEST: u64 = 4096;

/// One device as sysfs tells it.
#[derive(Default)]
pub(super) struct Facts {
    pub(super) port: String,
    pub(super) syspath: PathBuf,
    pub(super) bus: u8,
    pub(super) address: u8,
    pub(super) vendor_id: u16,
    pub(super) product_id: u16,
    pub(super) release: u16,
    pub(super) class: u8,
    pub(super) manufacturer: Option<String>,
    pub(super) product: Option<String>,
    pub(super) serial: Option<String>,
    pub(super) speed: Option<String>,
    pub(super) drivers: Vec<String>,
    pub(super) hid: Vec<HidNode>,
    /// The administrator (or `USBGuard`) lets the kernel use it.
    pub(super) authorized: bool,
    /// What could not be read of it.
    pub(super) trouble: Option<String>,
}

/// The ports that have a device: `1-1`, `1-1.4`. Root hubs and interfaces are left out. A machine without USB has none.
pub(super) fn ports() -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(DEVICES) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound && Path::new("/sys/bus").is_dir() => {
            return Ok(vec![]);
        }
        Err(error) => return Err(error),
    };
    let mut ports = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.starts_with(|first: char| first.is_ascii_digit()) && !name.contains(':') {
            ports.push(name);
        }
    }
    Ok(ports)
}

/// What changes whenever a device comes or goes, and is cheap to read: the ports with the addresses on them.
pub(super) fn stamp() -> Vec<(String, Vec<u8>)> {
    let mut stamp: Vec<_> = ports()
        .unwrap_or_default()
        .into_iter()
        .map(|port| {
            let address = bytes(&Path::new(DEVICES).join(&port).join("devnum")).unwrap_or_default();
            (port, address)
        })
        .collect();
    stamp.sort();
    stamp
}

/// The device on a port; none: it has gone.
pub(super) fn read(port: &str) -> Option<Facts> {
    let syspath = fs::canonicalize(Path::new(DEVICES).join(port)).ok()?;
    let mut trouble = None;
    let mut number = |name: &str, radix| {
        text(&syspath, name)
            .and_then(|text| u16::from_str_radix(&text, radix).map_err(io::Error::other))
            .unwrap_or_else(|error| {
                trouble.get_or_insert_with(|| {
                    format!("its {name} cannot be read from {}: {error}", syspath.display())
                });
                0
            })
    };
    let small = |number: u16| u8::try_from(number).unwrap_or(0);
    let mut facts = Facts {
        port: port.to_owned(),
        vendor_id: number("idVendor", 16),
        product_id: number("idProduct", 16),
        release: number("bcdDevice", 16),
        class: small(number("bDeviceClass", 16)),
        bus: small(number("busnum", 10)),
        address: small(number("devnum", 10)),
        manufacturer: string(&syspath, "manufacturer"),
        product: string(&syspath, "product"),
        serial: string(&syspath, "serial"),
        speed: string(&syspath, "speed"),
        authorized: text(&syspath, "authorized").map_or(true, |value| value != "0"),
        ..Facts::default()
    };
    // Pulled while it was read: whatever failed is no fault of it.
    if !syspath.join("devnum").exists() && !syspath.exists() {
        return None;
    }
    for interface in interfaces(&syspath, port) {
        if let Some(driver) = driver(&interface)
            && !facts.drivers.contains(&driver)
        {
            facts.drivers.push(driver);
        }
        facts.hid.extend(hid_nodes(&interface));
    }
    facts.trouble = trouble;
    facts.syspath = syspath;
    Some(facts)
}

/// The directories of a device's interfaces, in order of their numbers.
fn interfaces(syspath: &Path, port: &str) -> Vec<PathBuf> {
    let mut interfaces: Vec<PathBuf> = children(syspath)
        .into_iter()
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.strip_prefix(port).is_some_and(|rest| rest.starts_with(':'))
        })
        .collect();
    interfaces.sort_by_key(|path| (interface_number(path), path.clone()));
    interfaces
}

fn interface_number(interface: &Path) -> u8 {
    text(interface, "bInterfaceNumber")
        .ok()
        .and_then(|text| u8::from_str_radix(&text, 16).ok())
        .unwrap_or(0)
}

fn driver(interface: &Path) -> Option<String> {
    let link = fs::read_link(interface.join("driver")).ok()?;
    clean(link.file_name()?.as_encoded_bytes())
}

/// The hidraw nodes below an interface: `<interface>/0003:1209:0001.0001/hidraw/hidraw0`.
fn hid_nodes(interface: &Path) -> Vec<HidNode> {
    let mut nodes = Vec::new();
    for hid in children(interface) {
        for raw in children(&hid.join("hidraw")) {
            let Some(name) = raw.file_name() else { continue };
            let descriptor = bytes(&hid.join("report_descriptor")).unwrap_or_default();
            let (usage_page, usage) = top_level_usage(&descriptor);
            nodes.push(HidNode {
                path: Path::new("/dev").join(name),
                interface: interface_number(interface),
                usage_page,
                usage,
            });
        }
    }
    nodes.sort_by(|one, other| one.path.cmp(&other.path));
    nodes
}

fn children(directory: &Path) -> Vec<PathBuf> {
    fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect()
}

fn string(syspath: &Path, name: &str) -> Option<String> {
    clean(&bytes(&syspath.join(name)).ok()?)
}

fn text(syspath: &Path, name: &str) -> io::Result<String> {
    let bytes = bytes(&syspath.join(name))?;
    Ok(clean(&bytes).unwrap_or_default())
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}
