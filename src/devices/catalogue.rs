//! The catalogue: families of licence keys and tokens by USB ids, built in and extended by the settings.

use std::sync::Arc;

use super::carrier::DriverKind;

/// A family of devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// Its name for people: `Guardant Sign`.
    pub name: String,
    /// USB vendor.
    pub vendor_id: u16,
    /// USB product; none: every product of the vendor that no other entry names.
    pub product_id: Option<u16>,
    /// The driver that proves devices of this family as carriers; none: a foreign family, never opened for I/O.
    pub driver: Option<DriverKind>,
    /// Devices of this family do not survive being suspended: the udev rules keep them awake.
    pub stay_awake: bool,
}

/// All families.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    families: Vec<Arc<Family>>,
}

impl Catalogue {
    /// The families that every node knows, with those of the settings before them: an entry with the same ids
    /// overrides the built-in one.
    pub fn new(own: Vec<Family>) -> Self {
        Self {
            families: own.into_iter().chain(built_in()).map(Arc::new).collect(),
        }
    }

    /// All families, those of the settings first.
    pub fn families(&self) -> &[Arc<Family>] {
        &self.families
    }

    /// What a device is: exact ids win over an entry for the whole vendor.
    pub fn find(&self, vendor_id: u16, product_id: u16) -> Option<&Arc<Family>> {
        let of_vendor = || {
            self.families
                .iter()
                .filter(|family| family.vendor_id == vendor_id)
        };
        of_vendor()
            .find(|family| family.product_id == Some(product_id))
            .or_else(|| of_vendor().find(|family| family.product_id.is_none()))
    }
}

fn built_in() -> Vec<Family> {
    vec![Family {
        name: "keynode open carrier (pid.codes test id)".into(),
        vendor_id: 0x1209,
        product_id: Some(0x0001),
        driver: Some(DriverKind::Hid),
        stay_awake: false,
    }]
}
