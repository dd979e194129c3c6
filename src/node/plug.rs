//! Starts the devices' thread and sees that it ends.

use std::sync::Arc;

use crate::devices::{DeviceRules, DevicesHandle};
use crate::keyring::Plugged;

/// To be called when what is plugged in has changed; never blocks.
pub type OnPlug = Box<dyn FnMut() + Send>;

/// The computer's own USB devices.
pub fn host_devices(rules: DeviceRules, on_plug: OnPlug) -> Arc<dyn Plugged> {
    Arc::new(DevicesHandle::start(rules, on_plug))
}

/// Devices that are stopped when this is dropped.
pub(super) struct Devices(pub(super) Option<Arc<dyn Plugged>>);

impl Drop for Devices {
    fn drop(&mut self) {
        if let Some(devices) = &self.0 {
            devices.stop();
        }
    }
}
