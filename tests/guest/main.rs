//! The installed service on a whole system: a stock Debian kernel under QEMU's software emulation, the real udev and
//! systemd, and keys that come and go. One boot for all.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod agent;
mod image;
mod machine;
mod qmp;

use image::{Image, Overlay};
use machine::Machine;

#[test]
fn keys_come_and_go_on_a_whole_system() {
    let start = std::time::Instant::now();
    let overlay = Overlay::installed();
    let image = Image::make(&overlay);
    println!("image {:?}", start.elapsed());
    let mut guest = Machine::boot(&image, &["-device", "usb-ccid,id=first,bus=xhci.0"]).unwrap();
    println!("agent {:?}", start.elapsed());
    for command in [
        "systemctl is-system-running --wait; systemctl --failed",
        "systemd-analyze; systemd-analyze blame | head -20",
        "lsusb",
        "ls -la /dev/bus/usb/*",
        "systemctl status keynode keynode-rescan --no-pager",
        "curl -s -u admin:admin http://127.0.0.1:9099/api/licences",
        "journalctl -b --no-pager -p notice | tail -40",
    ] {
        let t = std::time::Instant::now();
        let done = guest.run(command);
        println!("$ {command} [{:?}] {}\n{}", t.elapsed(), done.code, done.text);
    }
    guest.plug("usb-ccid", "second");
    println!("{}", guest.sh("udevadm settle; lsusb"));
    guest.pull("second");
    println!("{}", guest.sh("udevadm settle; lsusb"));
    println!("all {:?}", start.elapsed());
}
