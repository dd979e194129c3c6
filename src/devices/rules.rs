//! The udev rules of the catalogue: who may open which device, and that a running node hears of what comes and goes.

use std::fmt::Write;
use std::sync::Arc;

use super::carrier::DriverKind;
use super::catalogue::{Catalogue, Family};

/// The group that may open carriers; the service runs in it.
pub const GROUP: &str = "keynode";

/// Characters of a family's name that the rules repeat at most.
const LONGEST_NAME: usize = 100;

const HEAD: &str = "\
# Licence keys of keynode. Made from its catalogue by `keynode devices rules`: after changing [[devices]] in the settings,
# write that to /etc/udev/rules.d/70-keynode.rules, which then stands in for this file.
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

/// What a rule does, by the kind of line.
const TELL_OF_REMOVAL: &str = "RUN+=\"/usr/bin/systemctl --no-block start keynode-rescan.service\"";
const TELL: &str = "TAG+=\"systemd\", ENV{SYSTEMD_WANTS}+=\"keynode-rescan.service\"";
// On a line of its own: TEST is a match, and a device without the attribute is to keep its permissions.
const STAY_AWAKE: &str = "ACTION==\"add\", TEST==\"power/control\", ATTR{power/control}=\"on\"";

/// Whether the node opens devices of a family, and so needs the permission to.
pub fn is_opened(family: &Family) -> bool {
    // The presence that `serial` asks for is read from /sys.
    family.driver.is_some_and(|driver| driver != DriverKind::Serial)
}

/// The text of the rules file. It must sort before 73-seat-late.rules.
pub fn rules(catalogue: &Catalogue) -> String {
    let families: Vec<Entry<'_>> = entries(catalogue);
    let permit = format!("GROUP=\"{GROUP}\", MODE=\"0660\"");
    let mut text = HEAD.to_owned();
    for entry in &families {
        entry.line(&mut text, &entry.product(), TELL_OF_REMOVAL);
    }
    text.push_str(PRESENT);
    for entry in &families {
        let _ = writeln!(text, "# {}", entry.name());
        entry.line(&mut text, &entry.attributes(), TELL);
        if is_opened(entry.family) {
            entry.line(&mut text, &entry.attributes(), &permit);
        }
        if entry.family.stay_awake {
            entry.line(&mut text, &entry.attributes(), STAY_AWAKE);
        }
    }
    text.push_str("GOTO=\"keynode_end\"\n\nLABEL=\"keynode_hidraw\"\n");
    for entry in families.iter().filter(|entry| is_opened(entry.family)) {
        entry.line(&mut text, &entry.hid(), &permit);
    }
    text.push_str("\nLABEL=\"keynode_end\"\n");
    text
}

/// A family, and for one of a whole vendor the products that others name.
struct Entry<'a> {
    family: &'a Family,
    except: Vec<u16>,
}

/// The families that the catalogue finds: an entry that is overridden by another is none of them.
fn entries(catalogue: &Catalogue) -> Vec<Entry<'_>> {
    let families = catalogue.families();
    let same_ids =
        |one: &Family, other: &Family| (one.vendor_id, one.product_id) == (other.vendor_id, other.product_id);
    let first = |family: &&Arc<Family>| {
        families
            .iter()
            .find(|other| same_ids(other, family))
            .is_some_and(|found| Arc::ptr_eq(found, family))
    };
    let entry = |family| Entry {
        family,
        except: exceptions(family, families),
    };
    families
        .iter()
        .filter(first)
        .map(Arc::as_ref)
        .map(entry)
        .collect()
}

fn exceptions(family: &Family, families: &[Arc<Family>]) -> Vec<u16> {
    if family.product_id.is_some() {
        return Vec::new();
    }
    let of_vendor = families
        .iter()
        .filter(|other| other.vendor_id == family.vendor_id);
    let mut named: Vec<u16> = of_vendor.filter_map(|other| other.product_id).collect();
    named.sort_unstable();
    named.dedup();
    named
}

impl Entry<'_> {
    fn line(&self, text: &mut String, matches: &str, does: &str) {
        let _ = writeln!(text, "{matches}, {does}");
    }

    /// Its name, which may come from the settings: it must not become a rule.
    fn name(&self) -> String {
        let clean = self.family.name.chars().filter(|c| !c.is_control());
        clean.take(LONGEST_NAME).collect()
    }

    /// Of a `usb_device`: lower-case hex, four digits.
    fn attributes(&self) -> String {
        let vendor = format!("ATTR{{idVendor}}==\"{:04x}\"", self.family.vendor_id);
        match self.family.product_id {
            Some(product) => format!("{vendor}, ATTR{{idProduct}}==\"{product:04x}\""),
            None => vendor + &self.but(|product| format!("{product:04x}"), ", ATTR{idProduct}"),
        }
    }

    /// The kernel's PRODUCT: hex without leading zeros.
    fn product(&self) -> String {
        let vendor = self.family.vendor_id;
        match self.family.product_id {
            Some(product) => format!("ENV{{PRODUCT}}==\"{vendor:x}/{product:x}/*\""),
            None => {
                let but = self.but(|product| format!("{vendor:x}/{product:x}/*"), ", ENV{PRODUCT}");
                format!("ENV{{PRODUCT}}==\"{vendor:x}/*\"{but}")
            }
        }
    }

    /// The HID device above a hidraw node: upper-case hex; 0003 is USB. It is there for devices of /dev/uhid too.
    fn hid(&self) -> String {
        let vendor = self.family.vendor_id;
        match self.family.product_id {
            Some(product) => format!("KERNELS==\"0003:{vendor:04X}:{product:04X}.*\""),
            None => {
                let but = self.but(
                    |product| format!("0003:{vendor:04X}:{product:04X}.*"),
                    ", KERNELS",
                );
                format!("KERNELS==\"0003:{vendor:04X}:*\"{but}")
            }
        }
    }

    /// `key!="a|b"`, nothing where there are no exceptions.
    fn but(&self, write: impl Fn(u16) -> String, key: &str) -> String {
        if self.except.is_empty() {
            return String::new();
        }
        let products: Vec<String> = self.except.iter().map(|product| write(*product)).collect();
        format!("{key}!=\"{}\"", products.join("|"))
    }
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
                "ENV{PRODUCT}==\"abc/d/*\", RUN+=\"/usr/bin/systemctl --no-block start keynode-rescan.service\"",
                "ATTR{idVendor}==\"0abc\", ATTR{idProduct}==\"000d\", TAG+=\"systemd\", \
                 ENV{SYSTEMD_WANTS}+=\"keynode-rescan.service\"",
                "ATTR{idVendor}==\"0abc\", ATTR{idProduct}==\"000d\", GROUP=\"keynode\", MODE=\"0660\"",
                "ATTR{idVendor}==\"0abc\", ATTR{idProduct}==\"000d\", ACTION==\"add\", TEST==\"power/control\", \
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
            "ENV{PRODUCT}==\"abc/*\", ENV{PRODUCT}!=\"abc/d1/*|abc/d2/*\", RUN",
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
    fn settings_override_and_a_name_is_never_a_rule() {
        let own = family("Mine\nRUN+=\"x\"", Some(1), None);
        let text = rules(&Catalogue::new(vec![
            own,
            family("Late", Some(1), Some(DriverKind::Hid)),
        ]));
        assert!(text.contains("# MineRUN+=\"x\"\n"), "{text}");
        assert!(!text.contains("Late"), "{text}");
    }
}
