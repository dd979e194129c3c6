//! The driver `hid`: challenge and response over HID feature reports (docs/hid-carrier.md).

use super::CarrierError;
use super::prove::{Driver, Proof};
use crate::devices::device::Device;

/// What is remembered of one carrier from proof to proof. Belongs to one plug: begin with a new one when the device
/// comes back.
#[derive(Debug, Default)]
pub struct Known {}

pub(super) struct HidDriver;

impl Driver for HidDriver {
    fn prove(&self, _device: &Device, _known: &mut Known) -> Result<Proof, CarrierError> {
        Err(CarrierError::Io("the driver hid is not there yet".into()))
    }

    fn provision(
        &self,
        _device: &Device,
        _licence: &[u8],
        _progress: &mut dyn FnMut(usize, usize),
    ) -> Result<(), CarrierError> {
        Err(CarrierError::Io("the driver hid is not there yet".into()))
    }
}
