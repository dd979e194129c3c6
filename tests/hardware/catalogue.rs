//! Every family of the catalogue, plugged in.

use keynode::devices::{Access, Catalogue, Family, scan_once};

use super::described::{Described, root_hub};
use super::preload::mocked_test;

/// A product that only the entry for the whole vendor knows.
fn unnamed(catalogue: &Catalogue, vendor_id: u16) -> u16 {
    let named = |id: &u16| {
        (catalogue.families().iter())
            .any(|known| (known.vendor_id, known.product_id) == (vendor_id, Some(*id)))
    };
    (0xf000..=0xffff).find(|id| !named(id)).unwrap()
}

mocked_test!(fn every_family_is_enumerated_and_named(bed) {
    bed.add(&root_hub());
    let catalogue = Catalogue::new(vec![]);
    let families = catalogue.families();
    // All are on one bus, which has 127 addresses.
    assert!((100..=126).contains(&families.len()), "{}", families.len());
    let texts = families.iter().zip(2..).map(|(family, address): (_, u8)| {
        Described {
            vendor_id: family.vendor_id,
            product_id: family.product_id.unwrap_or_else(|| unnamed(&catalogue, family.vendor_id)),
            ports: address.to_string(),
            address,
            hid: None,
            ..Described::default()
        }
        .bare()
    });
    texts.for_each(|text| bed.add(&text));
    let inventory = scan_once(&catalogue);
    assert_eq!(inventory.devices.len(), families.len());
    for (device, family) in inventory.devices.iter().zip(families) {
        assert_eq!(device.family.as_ref(), Some(family));
        assert_eq!(device.access, Access::Ok, "{}", family.name);
    }
});

mocked_test!(fn a_family_of_the_settings_is_known(bed) {
    bed.add(&root_hub());
    let device = Described { vendor_id: 0xabcd, product_id: 0x1234, ..Described::default() };
    bed.add(&device.text());
    assert_eq!(scan_once(&Catalogue::new(vec![])).devices[0].family, None);
    let own = Family { name: "SLK key".into(), vendor_id: 0xabcd, product_id: Some(0x1234), driver: None, stay_awake: false };
    let known = scan_once(&Catalogue::new(vec![own.clone()]));
    assert_eq!(known.devices[0].family.as_deref(), Some(&own));
});
