//! The catalogue: families of licence keys and tokens by USB ids, built in and extended by the settings.

use std::sync::Arc;

use super::carrier::DriverKind;
use super::families::built_in;

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

#[cfg(test)]
mod tests {
    use super::*;

    fn own(product_id: Option<u16>, name: &str) -> Family {
        Family {
            name: name.into(),
            vendor_id: 0x0a89,
            product_id,
            driver: Some(DriverKind::Serial),
            stay_awake: false,
        }
    }

    fn name(catalogue: &Catalogue, vendor_id: u16, product_id: u16) -> Option<&str> {
        catalogue
            .find(vendor_id, product_id)
            .map(|family| family.name.as_str())
    }

    #[test]
    fn exact_ids_win_over_the_vendor_and_the_settings_over_what_is_built_in() {
        let plain = Catalogue::new(vec![]);
        assert_eq!(name(&plain, 0x0a89, 0x0009), Some("Guardant Code"));
        assert_eq!(name(&plain, 0x0a89, 0xbeef), Some("Guardant or Rutoken (Aktiv)"));
        assert_eq!(name(&plain, 0x096e, 0x0608), None, "a card reader is no key");
        let extended = Catalogue::new(vec![own(Some(9), "ours"), own(None, "all of ours")]);
        assert_eq!(name(&extended, 0x0a89, 0x0009), Some("ours"));
        assert_eq!(name(&extended, 0x0a89, 0xbeef), Some("all of ours"));
        assert_eq!(name(&extended, 0x0a89, 0x000a), Some("Guardant Sign Pro"));
    }

    #[test]
    fn no_ids_are_listed_twice_and_only_the_open_carrier_has_a_driver() {
        let catalogue = Catalogue::new(vec![]);
        let mut seen = std::collections::HashSet::new();
        for family in catalogue.families() {
            let ids = (family.vendor_id, family.product_id);
            assert!(seen.insert(ids), "{ids:04x?} is listed twice");
            assert_eq!(
                family.driver.is_some(),
                ids == (0x1209, Some(1)),
                "{}",
                family.name
            );
        }
    }
}
