//! A security key comes and goes: the firmware of open ones, as a USB device of the guest's kernel.

use keynode::licence::KeyNo;

use crate::image::Overlay;
use crate::machine::Machine;
use crate::scenario::Guest;
use crate::truth::Truth;
use crate::truth::Verdict::{Not, Workable};

/// Beginning of its stable name: it has no serial number.
const DEVICE: &str = "usb-20a0-42b2@";
const KEY_NO: KeyNo = 3001;
/// The vendor's directory.
const VENDOR: &str = "/opt/vendor";

/// Puts the vendor's private key into the guest, who issues a licence there.
pub(crate) fn lay(overlay: &Overlay) {
    overlay.write(
        &format!("{}/vendor.key", &VENDOR[1..]),
        include_str!("../fixtures/vendor.key.pem"),
    );
}

/// It is plugged in, made a carrier, pulled, and plugged in again.
pub(crate) fn comes_and_goes(guest: &mut Guest, truth: &mut Truth) {
    truth.plugged(DEVICE);
    guest.scenario("a security key", truth, plug);
    truth.licence(KEY_NO, Workable);
    guest.scenario("a licence is bound to it", truth, |machine| {
        machine.sh(&format!(
            "keynode devices provision --driver fido2 --request /root/key.json && chmod 600 {VENDOR}/vendor.key && \
             keynode vendor issue --dir {VENDOR} --key-id 672B --key-no {KEY_NO} --carrier-request /root/key.json \
             --out /var/lib/keynode/licences"
        ));
    });
    truth.licence(KEY_NO, Not("is not connected")).pulled(DEVICE);
    guest.scenario("it is pulled", truth, |machine| {
        machine.sh("/opt/dongles/dongles.sh pull key");
    });
    truth.licence(KEY_NO, Workable).plugged(DEVICE);
    guest.scenario("it comes back", truth, plug);
    truth.licence(KEY_NO, Not("is not connected")).pulled(DEVICE);
    guest.scenario("it goes for good", truth, |machine| {
        machine.sh("/opt/dongles/dongles.sh pull key");
    });
}

fn plug(machine: &mut Machine) {
    machine.sh("/opt/dongles/dongles.sh plug key");
}
