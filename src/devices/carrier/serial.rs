//! The driver `serial`: a device is what its vendor, product and serial number say. Anybody can copy those.

use super::CarrierError;
use super::known::Known;
use super::prove::{Driver, Proof};
use crate::devices::device::Device;

pub(super) struct SerialDriver;

impl Driver for SerialDriver {
    fn prove(&self, device: &Device, _known: &mut Known) -> Result<Proof, CarrierError> {
        let serial = device.serial.as_deref().filter(|serial| !serial.is_empty());
        let serial = serial.ok_or(CarrierError::NoSerial)?;
        let serial = format!("{:04x}:{:04x}:{serial}", device.vendor_id, device.product_id);
        Ok(Proof::of(serial, None))
    }

    fn attest(
        &self,
        device: &Device,
        known: &mut Known,
        _challenge: &[u8; 32],
        _credential: Option<&[u8]>,
    ) -> Result<Vec<u8>, CarrierError> {
        // It has nothing to sign with: that it is there is all that can be said.
        self.prove(device, known).map(|_| Vec::new())
    }

    fn provision(
        &self,
        _device: &Device,
        _licence: &[u8],
        _progress: &mut dyn FnMut(usize, usize),
    ) -> Result<(), CarrierError> {
        Err(CarrierError::Memory(
            "it has none: carriers of the driver serial keep no licences; write a licence file bound to it"
                .into(),
        ))
    }
}
