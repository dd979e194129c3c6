//! The udev rules of the catalogue: who may open which device, and that a running node hears of what comes and goes.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

use super::carrier::DriverKind;
use super::catalogue::{Catalogue, Family};
use super::device::Device;

/// The group that may open carriers; the service runs in it.
pub const GROUP: &str = "keynode";

/// Characters of a family's name that the rules repeat at most.
const LONGEST_NAME: usize = 100;

const HEAD: &str = "\
# Licence keys of keynode. Made from its catalogue by `keynode devices rules`. Families that the settings add are not in
# here: write that command's output to /etc/udev/rules.d/70-keynode.rules, which then stands in for this file.
#
# Carriers that keynode talks to get the group keynode. Keys of other makers it never opens (their ids and serial
# numbers are in /sys for everybody), so whoever may open them stays as it is: pcscd and the makers' own services have
# rules of their own, and another group here would lock them out. Of all of them a running node is told.
#
# To keep keynode away from a device, let a rule that sorts before this one (/etc/udev/rules.d/60-local.rules) say
#     ATTRS{idVendor}==\"1209\", ATTRS{serial}==\"LK-00000042\", ENV{KEYNODE_IGNORE}=\"1\"
# ATTRS, not ATTR: the same line is to match the device and its hidraw node.

# What was plugged out: of what the rules found out about it only the kernel's own PRODUCT is left.
ACTION!=\"remove\", GOTO=\"keynode_present\"
SUBSYSTEM!=\"usb\", GOTO=\"keynode_end\"
ENV{DEVTYPE}!=\"usb_device\", GOTO=\"keynode_end\"
";

const PRESENT: &str = "\
GOTO=\"keynode_end\"

LABEL=\"keynode_present\"
ENV{KEYNODE_IGNORE}==\"1\", GOTO=\"keynode_end\"
SUBSYSTEM==\"hidraw\", GOTO=\"keynode_hidraw\"
SUBSYSTEM!=\"usb\", GOTO=\"keynode_end\"
ENV{DEVTYPE}!=\"usb_device\", GOTO=\"keynode_end\"
";

/// What a rule does, by the kind of line. The path holds before and after /bin became a link to /usr/bin.
const TELL_OF_REMOVAL: &str = "RUN+=\"/bin/systemctl --no-block start keynode-rescan.service\"";
const TELL: &str = "TAG+=\"systemd\", ENV{SYSTEMD_WANTS}+=\"keynode-rescan.service\"";
// On a line of its own: TEST is a match, and a device without the attribute is to keep its permissions.
const STAY_AWAKE: &str = "TEST==\"power/control\", ATTR{power/control}=\"on\"";

/// The rule for the hidraw nodes of security keys, whatever their ids: systemd's 60-fido-id.rules finds them by their
/// report descriptors. The access of whoever sits at the computer, which it gives them, is an entry in their access
/// control list and stays.
pub(super) const SECURITY_KEYS: &str =
    "SUBSYSTEM==\"hidraw\", KERNEL==\"hidraw*\", ENV{ID_FIDO_TOKEN}==\"1\", GROUP=\"keynode\", MODE=\"0660\"";

/// Whether the node opens a device, and so needs the permission to.
pub fn is_opened(device: &Device) -> bool {
    device.driver().is_some_and(opens)
}

fn is_family_opened(family: &Family) -> bool {
    family.driver.is_some_and(opens)
}

/// The presence that `serial` asks for is read from /sys.
fn opens(driver: DriverKind) -> bool {
    driver != DriverKind::Serial
}

/// The text of the rules file. It must sort before 73-seat-late.rules.
pub fn rules(catalogue: &Catalogue) -> String {
    let families = catalogue.families();
    let permit = format!("GROUP=\"{GROUP}\", MODE=\"0660\"");
    let mut text = HEAD.to_owned();
    for vendor in vendors(families) {
        rule(&mut text, &vendor.product(), TELL_OF_REMOVAL);
    }
    text.push_str(PRESENT);
    for vendor in vendors(families) {
        rule(&mut text, &vendor.attributes(), TELL);
    }
    let mut hidraw = String::new();
    for family in families.iter().filter(|family| counts(family, families)) {
        let products = own_products(family, families);
        if is_family_opened(family) || family.stay_awake {
            let _ = writeln!(text, "# {}", name(family));
        }
        if is_family_opened(family) {
            rule(&mut text, &products.attributes(), &permit);
            rule(&mut hidraw, &products.hid(), &permit);
        }
        if family.stay_awake {
            rule(&mut text, &products.attributes(), STAY_AWAKE);
        }
    }
    let _ = write!(
        text,
        "GOTO=\"keynode_end\"\n\nLABEL=\"keynode_hidraw\"\n{hidraw}# Security keys (FIDO2) of all makers.\n\
         {SECURITY_KEYS}\n\nLABEL=\"keynode_end\"\n"
    );
    text
}

fn rule(text: &mut String, matches: &str, does: &str) {
    let _ = writeln!(text, "{matches}, {does}");
}

/// Its name, which may come from the settings: it must not become a rule.
fn name(family: &Family) -> String {
    let clean = family.name.chars().filter(|c| !c.is_control());
    clean.take(LONGEST_NAME).collect()
}

/// Whether the catalogue finds it: of several with the same ids the first counts.
fn counts(family: &Family, families: &[Arc<Family>]) -> bool {
    let ids = |family: &Family| (family.vendor_id, family.product_id);
    let first = families.iter().find(|other| ids(other) == ids(family));
    first.is_some_and(|first| std::ptr::eq(&raw const **first, family))
}

/// What all families of each vendor cover together: of all of them a node is told.
fn vendors(families: &[Arc<Family>]) -> Vec<Products> {
    let ids: BTreeSet<u16> = families.iter().map(|family| family.vendor_id).collect();
    ids.into_iter()
        .map(|vendor_id| {
            let of_vendor = || families.iter().filter(|family| family.vendor_id == vendor_id);
            let whole = of_vendor().any(|family| family.product_id.is_none());
            let named = of_vendor().filter_map(|family| family.product_id);
            let which = if whole {
                Which::AllBut(BTreeSet::new())
            } else {
                Which::Only(named.collect())
            };
            Products { vendor_id, which }
        })
        .collect()
}

/// What one family covers: for a whole vendor those products that no other family names.
fn own_products(family: &Family, families: &[Arc<Family>]) -> Products {
    let of_vendor = families
        .iter()
        .filter(|other| other.vendor_id == family.vendor_id);
    let which = match family.product_id {
        Some(product) => Which::Only(BTreeSet::from([product])),
        None => Which::AllBut(of_vendor.filter_map(|other| other.product_id).collect()),
    };
    Products {
        vendor_id: family.vendor_id,
        which,
    }
}

enum Which {
    Only(BTreeSet<u16>),
    AllBut(BTreeSet<u16>),
}

/// Products of a vendor, and the ways in which rules ask for them.
struct Products {
    vendor_id: u16,
    which: Which,
}

impl Products {
    /// Of a `usb_device`: lower-case hex, four digits.
    fn attributes(&self) -> String {
        let vendor = format!("ATTR{{idVendor}}==\"{:04x}\"", self.vendor_id);
        let (sign, products) = match &self.which {
            Which::Only(products) => ("==", products),
            Which::AllBut(none) if none.is_empty() => return vendor,
            Which::AllBut(products) => ("!=", products),
        };
        let products = joined(products, |product| format!("{product:04x}"));
        format!("{vendor}, ATTR{{idProduct}}{sign}{products}")
    }

    /// The kernel's PRODUCT: hex without leading zeros.
    fn product(&self) -> String {
        let vendor = self.vendor_id;
        self.matching("ENV{PRODUCT}", &format!("{vendor:x}/*"), |product| {
            format!("{vendor:x}/{product:x}/*")
        })
    }

    /// The HID device above a hidraw node: upper-case hex; 0003 is USB. It is there for devices of /dev/uhid too.
    fn hid(&self) -> String {
        let vendor = self.vendor_id;
        self.matching("KERNELS", &format!("0003:{vendor:04X}:*"), |product| {
            format!("0003:{vendor:04X}:{product:04X}.*")
        })
    }

    /// A key that holds vendor and product both.
    fn matching(&self, key: &str, all: &str, one: impl Fn(u16) -> String) -> String {
        match &self.which {
            Which::Only(products) => format!("{key}=={}", joined(products, one)),
            Which::AllBut(none) if none.is_empty() => format!("{key}==\"{all}\""),
            Which::AllBut(products) => format!("{key}==\"{all}\", {key}!={}", joined(products, one)),
        }
    }
}

/// `"a|b"`
fn joined(products: &BTreeSet<u16>, write: impl Fn(u16) -> String) -> String {
    let products: Vec<String> = products.iter().map(|product| write(*product)).collect();
    format!("\"{}\"", products.join("|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn family(name: &str, product_id: Option<u16>, driver: Option<DriverKind>) -> Family {
        Family {
            name: name.into(),
            vendor_id: 0x0abc,
            product_id,
            driver,
            stay_awake: false,
        }
    }

    fn lines(own: Vec<Family>) -> Vec<String> {
        let text = rules(&Catalogue::new(own));
        text.lines()
            .filter(|line| line.to_lowercase().contains("abc"))
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn a_carrier_is_opened_and_told_of() {
        let own = Family {
            stay_awake: true,
            ..family("Own", Some(0x0d), Some(DriverKind::Hid))
        };
        assert_eq!(
            lines(vec![own]),
            [
                "ENV{PRODUCT}==\"abc/d/*\", RUN+=\"/bin/systemctl --no-block start keynode-rescan.service\"",
                "ATTR{idVendor}==\"0abc\", ATTR{idProduct}==\"000d\", TAG+=\"systemd\", \
                 ENV{SYSTEMD_WANTS}+=\"keynode-rescan.service\"",
                "ATTR{idVendor}==\"0abc\", ATTR{idProduct}==\"000d\", GROUP=\"keynode\", MODE=\"0660\"",
                "ATTR{idVendor}==\"0abc\", ATTR{idProduct}==\"000d\", TEST==\"power/control\", \
                 ATTR{power/control}=\"on\"",
                "KERNELS==\"0003:0ABC:000D.*\", GROUP=\"keynode\", MODE=\"0660\"",
            ]
        );
    }

    #[test]
    fn what_is_never_opened_keeps_its_permissions() {
        for driver in [None, Some(DriverKind::Serial)] {
            let lines = lines(vec![family("Other", Some(1), driver)]);
            assert!(lines.iter().all(|line| !line.contains("GROUP")), "{lines:#?}");
            assert_eq!(lines.len(), 2, "{lines:#?}");
        }
    }

    #[test]
    fn a_whole_vendor_leaves_out_the_products_that_others_name() {
        let whole = family("All", None, Some(DriverKind::Hid));
        let (one, two) = (family("One", Some(0xd1), None), family("Two", Some(0xd2), None));
        let lines = lines(vec![whole, two, one]);
        for part in [
            // Of all of them the node is told.
            "ENV{PRODUCT}==\"abc/*\", RUN",
            "ATTR{idVendor}==\"0abc\", TAG",
            "ATTR{idVendor}==\"0abc\", ATTR{idProduct}!=\"00d1|00d2\", GROUP",
            "KERNELS==\"0003:0ABC:*\", KERNELS!=\"0003:0ABC:00D1.*|0003:0ABC:00D2.*\", GROUP",
        ] {
            assert!(
                lines.iter().any(|line| line.starts_with(part)),
                "{part}\n{lines:#?}"
            );
        }
    }

    #[test]
    fn products_of_a_vendor_share_their_lines() {
        let lines = lines(vec![
            family("One", Some(0xd1), None),
            family("Two", Some(0xd2), None),
        ]);
        assert_eq!(lines.len(), 2, "{lines:#?}");
        for part in [
            "ENV{PRODUCT}==\"abc/d1/*|abc/d2/*\", RUN",
            "ATTR{idVendor}==\"0abc\", ATTR{idProduct}==\"00d1|00d2\", TAG",
        ] {
            assert!(
                lines.iter().any(|line| line.starts_with(part)),
                "{part}\n{lines:#?}"
            );
        }
    }

    #[test]
    fn settings_override_and_a_name_is_never_a_rule() {
        let own = Family {
            stay_awake: true,
            ..family("Mine\nRUN+=\"x\"", Some(1), None)
        };
        let text = rules(&Catalogue::new(vec![
            own,
            family("Late", Some(1), Some(DriverKind::Hid)),
        ]));
        assert!(text.contains("# MineRUN+=\"x\"\n"), "{text}");
        assert!(!text.contains("Late"), "{text}");
    }
}
