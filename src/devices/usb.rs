//! What libusb lists on the buses. Nothing is opened: it reads descriptors that the kernel has cached.

use rusb::UsbContext;

use super::device::ScanError;

/// A device as its descriptor and libusb tell it.
pub(super) struct Listed {
    /// Bus and chain of ports, as sysfs names the device: `1-1.4`.
    pub(super) port: String,
    /// Address on the bus.
    pub(super) address: u8,
    pub(super) bus: u8,
    pub(super) vendor_id: u16,
    pub(super) product_id: u16,
}

/// All devices but root hubs. A context for each look: libusb's own list in a context that lives on depends on
/// events, which get lost.
pub(super) fn list() -> Result<Vec<Listed>, ScanError> {
    let failed = |error: rusb::Error| ScanError {
        place: "libusb".into(),
        reason: error.to_string(),
    };
    let context = rusb::Context::new().map_err(failed)?;
    let devices = context.devices().map_err(failed)?;
    Ok(devices.iter().filter_map(|device| listed(&device)).collect())
}

fn listed(device: &rusb::Device<rusb::Context>) -> Option<Listed> {
    let ports = device.port_numbers().ok().filter(|ports| !ports.is_empty())?;
    let descriptor = device.device_descriptor().ok()?;
    let chain: Vec<String> = ports.iter().map(u8::to_string).collect();
    Some(Listed {
        port: format!("{}-{}", device.bus_number(), chain.join(".")),
        address: device.address(),
        bus: device.bus_number(),
        vendor_id: descriptor.vendor_id(),
        product_id: descriptor.product_id(),
    })
}
