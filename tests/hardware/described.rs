//! USB devices described for umockdev: what the kernel would show of them in /sys and /dev.

use std::fmt::Write;

/// The controller that all described devices sit on.
pub(crate) const ROOT_HUB: &str = "/sys/devices/pci0000:00/0000:00:14.0/usb1";

/// A USB device to describe. `Described::default()` is a HID carrier on port 1-1.
#[derive(Clone, Debug)]
pub(crate) struct Described {
    pub(crate) vendor_id: u16,
    pub(crate) product_id: u16,
    pub(crate) manufacturer: Option<String>,
    pub(crate) product: Option<String>,
    pub(crate) serial: Option<String>,
    /// Chain of ports on bus 1: "1", "1.4".
    pub(crate) ports: String,
    pub(crate) address: u8,
    /// Its HID interface: number of the hidraw node, and the report descriptor. None: a vendor-class interface.
    pub(crate) hid: Option<(u32, Vec<u8>)>,
}

/// A report descriptor of one vendor-defined feature report of 64 bytes without a report ID.
pub(crate) fn report_descriptor(usage_page: u16, usage: u8) -> Vec<u8> {
    let [low, high] = usage_page.to_le_bytes();
    vec![
        0x06, low, high, 0x09, usage, 0xa1, 0x01, 0x09, 0x02, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08, 0x95,
        0x40, 0xb1, 0x02, 0xc0,
    ]
}

impl Default for Described {
    fn default() -> Self {
        Self {
            vendor_id: 0x1209,
            product_id: 0x0001,
            manufacturer: Some("Example Vendor".into()),
            product: Some("Licence Dongle".into()),
            serial: Some("LK-00000042".into()),
            ports: "1".into(),
            address: 5,
            hid: Some((0, report_descriptor(0xff4b, 1))),
        }
    }
}

impl Described {
    /// Its directory in /sys.
    pub(crate) fn syspath(&self) -> String {
        let mut path = ROOT_HUB.to_owned();
        let mut chain = "1-".to_owned();
        for (depth, port) in self.ports.split('.').enumerate() {
            chain.push_str(if depth == 0 { "" } else { "." });
            chain.push_str(port);
            let _ = write!(path, "/{chain}");
        }
        path
    }

    /// Directories in /sys of the device and of all that the kernel makes below it, the innermost first: the order in
    /// which they go.
    pub(crate) fn syspaths(&self) -> Vec<String> {
        let device = self.syspath();
        let interface = format!("{device}/1-{}:1.0", self.ports);
        let mut paths = Vec::new();
        if let Some((number, _)) = &self.hid {
            let hid = format!(
                "{interface}/0003:{:04X}:{:04X}.{number:04}",
                self.vendor_id, self.product_id
            );
            paths.extend([format!("{hid}/hidraw/hidraw{number}"), hid]);
        }
        paths.extend([interface, device]);
        paths
    }

    /// Its usbfs node.
    pub(crate) fn node(&self) -> String {
        format!("/dev/bus/usb/001/{:03}", self.address)
    }

    /// Its hidraw node.
    pub(crate) fn hidraw(&self) -> String {
        format!("/dev/hidraw{}", self.hid.as_ref().unwrap().0)
    }

    /// The text of the device alone, before the kernel has found its interfaces.
    pub(crate) fn bare(&self) -> String {
        let text = self.text();
        let (device, _) = text.split_once("\n\n").unwrap();
        format!("{device}\n\n")
    }

    /// The text that `Testbed::add` takes.
    pub(crate) fn text(&self) -> String {
        let path = self.syspath();
        let path = path.strip_prefix("/sys").unwrap();
        let class = if self.hid.is_some() { 3 } else { 0xff };
        let mut text = usb_device(path, self, &descriptors(self, class), 0);
        let interface = format!("{path}/1-{}:1.0", self.ports);
        let driver = if self.hid.is_some() { "usbhid" } else { "" };
        let _ = write!(
            text,
            "P: {interface}\nE: DEVTYPE=usb_interface\n{}E: PRODUCT={:x}/{:x}/100\nE: TYPE=0/0/0\n\
             E: INTERFACE={class}/0/0\nE: SUBSYSTEM=usb\nA: bAlternateSetting= 0\\n\nA: bInterfaceClass={class:02x}\\n\n\
             A: bInterfaceNumber=00\\n\nA: bInterfaceProtocol=00\\n\nA: bInterfaceSubClass=00\\n\nA: bNumEndpoints=01\\n\n{}\n",
            if driver.is_empty() {
                String::new()
            } else {
                format!("E: DRIVER={driver}\n")
            },
            self.vendor_id,
            self.product_id,
            if driver.is_empty() {
                String::new()
            } else {
                format!("L: driver=../../../../../../bus/usb/drivers/{driver}\n")
            },
        );
        if let Some((number, descriptor)) = &self.hid {
            let ids = format!("{:04X}:{:04X}", self.vendor_id, self.product_id);
            let hid = format!("{interface}/0003:{ids}.{number:04}");
            let name = [&self.manufacturer, &self.product]
                .map(|text| text.as_deref().unwrap_or_default())
                .join(" ");
            let _ = write!(
                text,
                "P: {hid}\nE: DRIVER=hid-generic\nE: HID_ID=0003:{:08X}:{:08X}\nE: HID_NAME={}\n\
                 E: HID_PHYS=usb-0000:00:14.0-{}/input0\nE: HID_UNIQ={}\nE: SUBSYSTEM=hid\nA: country=00\\n\n\
                 H: report_descriptor={}\n\n\
                 P: {hid}/hidraw/hidraw{number}\nN: hidraw{number}=00\nE: DEVNAME=/dev/hidraw{number}\nE: MAJOR=240\n\
                 E: MINOR={number}\nE: SUBSYSTEM=hidraw\nA: dev=240:{number}\\n\nL: device=../../../0003:{ids}.{number:04}\n\n",
                self.vendor_id,
                self.product_id,
                escaped(name.trim()),
                self.ports,
                escaped(self.serial.as_deref().unwrap_or_default()),
                hex(descriptor),
            );
        }
        text
    }
}

/// The text of the root hub, which must be added first.
pub(crate) fn root_hub() -> String {
    let hub = Described {
        vendor_id: 0x1d6b,
        product_id: 2,
        manufacturer: Some("Linux".into()),
        product: Some("xHCI".into()),
        serial: Some("0000:00:14.0".into()),
        ports: "0".into(),
        address: 1,
        hid: None,
    };
    let path = ROOT_HUB.strip_prefix("/sys").unwrap();
    usb_device(path, &hub, &descriptors(&hub, 9), 9)
}

fn usb_device(path: &str, device: &Described, descriptors: &[u8], class: u8) -> String {
    let Described {
        vendor_id,
        product_id,
        address,
        ..
    } = device;
    let minor = address - 1;
    let mut text = format!(
        "P: {path}\nN: bus/usb/001/{address:03}={}\nE: DEVNAME=/dev/bus/usb/001/{address:03}\nE: DEVTYPE=usb_device\n\
         E: DRIVER=usb\nE: PRODUCT={vendor_id:x}/{product_id:x}/100\nE: TYPE=0/0/0\nE: BUSNUM=001\nE: DEVNUM={address:03}\n\
         E: MAJOR=189\nE: MINOR={minor}\nE: SUBSYSTEM=usb\nE: ID_VENDOR_ID={vendor_id:04x}\nE: ID_MODEL_ID={product_id:04x}\n\
         E: ID_BUS=usb\nA: authorized=1\\n\nA: bConfigurationValue=1\\n\nA: bDeviceClass={class:02x}\\n\n\
         A: bNumConfigurations=1\\n\nA: bNumInterfaces= 1\\n\nA: bcdDevice=0100\\n\nA: busnum=1\\n\nA: dev=189:{minor}\\n\n\
         A: devnum={address}\\n\nA: devpath={}\\n\nA: idProduct={product_id:04x}\\n\nA: idVendor={vendor_id:04x}\\n\n\
         A: speed=12\\n\nA: version= 2.00\\n\nH: descriptors={}\n",
        hex(descriptors),
        device.ports,
        hex(descriptors),
    );
    let strings = [
        ("manufacturer", &device.manufacturer),
        ("product", &device.product),
        ("serial", &device.serial),
    ];
    for (name, value) in strings {
        if let Some(value) = value {
            let _ = writeln!(text, "A: {name}={}\\n", escaped(value));
        }
    }
    text.push('\n');
    text
}

/// Device and configuration descriptors as the usbfs node gives them.
fn descriptors(device: &Described, interface_class: u8) -> Vec<u8> {
    let device_class = if interface_class == 9 { 9 } else { 0 };
    let index = |text: &Option<String>, index| if text.is_some() { index } else { 0 };
    let mut bytes = vec![18, 1, 0, 2, device_class, 0, 0, 64];
    bytes.extend(device.vendor_id.to_le_bytes());
    bytes.extend(device.product_id.to_le_bytes());
    bytes.extend([
        0,
        1,
        index(&device.manufacturer, 1),
        index(&device.product, 2),
        index(&device.serial, 3),
        1,
    ]);
    let mut tail = vec![9, 4, 0, 0, 1, interface_class, 0, 0, 0];
    if let Some((_, report)) = &device.hid {
        let [low, high] = u16::try_from(report.len()).unwrap().to_le_bytes();
        tail.extend([9, 0x21, 0x11, 1, 0, 1, 0x22, low, high]);
    }
    tail.extend([7, 5, 0x81, 3, 64, 0, 10]);
    let [low, high] = u16::try_from(9 + tail.len()).unwrap().to_le_bytes();
    bytes.extend([9, 2, low, high, 1, 1, 0, 0x80, 50]);
    bytes.extend(tail);
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}

/// As umockdev's text form wants attribute values: backslashes and line ends escaped.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n")
}
