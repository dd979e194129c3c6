//! A family of USB devices as the settings write it: `1209:4b4e hid Acme dongle`, `0a89:* - Guardant`.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// The longest name, in characters.
const LONGEST: usize = 80;

/// How devices of a family prove that they are the ones that licences belong on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FamilyDriver {
    /// By vendor, product and serial number alone.
    Serial,
    /// By challenge and response (docs/hid-carrier.md).
    Hid,
}

/// An entry of `devices.families`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FamilyEntry {
    /// USB vendor.
    pub vendor_id: u16,
    /// USB product; none: every product of the vendor that no other entry names.
    pub product_id: Option<u16>,
    /// The driver; none: devices are named in lists and never opened.
    pub driver: Option<FamilyDriver>,
    /// Its devices must not be suspended.
    pub awake: bool,
    /// Its name for people, 1 to 80 characters.
    pub name: String,
}

impl FamilyEntry {
    /// Reads an entry; none where it is not of this form.
    pub fn parse(text: &str) -> Option<Self> {
        let (ids, rest) = text.trim().split_once(char::is_whitespace)?;
        let (vendor, product) = ids.split_once(':')?;
        let (driver, rest) = rest.trim_start().split_once(char::is_whitespace)?;
        let driver = match driver {
            "hid" => Some(FamilyDriver::Hid),
            "serial" => Some(FamilyDriver::Serial),
            "-" => None,
            _ => return None,
        };
        let rest = rest.trim();
        let awake = rest
            .strip_prefix("awake")
            .filter(|rest| rest.starts_with(char::is_whitespace));
        let name = awake.map_or(rest, str::trim);
        let fits = (1..=LONGEST).contains(&name.chars().count());
        if !fits || name == "awake" || name.chars().any(|c| c.is_control() || c == ';') {
            return None;
        }
        Some(Self {
            vendor_id: id(vendor)?,
            product_id: if product == "*" { None } else { Some(id(product)?) },
            driver,
            awake: awake.is_some(),
            name: name.to_owned(),
        })
    }
}

/// Four hexadecimal digits, as lsusb prints them.
fn id(text: &str) -> Option<u16> {
    let four = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    u16::from_str_radix(text, 16).ok().filter(|_| four)
}

impl fmt::Display for FamilyEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}:", self.vendor_id)?;
        match self.product_id {
            Some(product) => write!(f, "{product:04x}")?,
            None => f.write_str("*")?,
        }
        let driver = match self.driver {
            Some(FamilyDriver::Hid) => "hid",
            Some(FamilyDriver::Serial) => "serial",
            None => "-",
        };
        let awake = if self.awake { " awake" } else { "" };
        write!(f, " {driver}{awake} {}", self.name)
    }
}

impl Serialize for FamilyEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FamilyEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom(format!("{text:?} is no family of devices")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_and_written() {
        for text in [
            "1209:4b4e hid Acme dongle",
            "0a89:* - Guardant",
            "0a89:000c - awake Guardant Sign",
            "1bc0:0051 serial Senselock",
        ] {
            assert_eq!(FamilyEntry::parse(text).unwrap().to_string(), text);
        }
        let loose = FamilyEntry::parse("  0A89:*   -\tawake   Guardant  ").unwrap();
        assert_eq!(loose.to_string(), "0a89:* - awake Guardant");
        let name = FamilyEntry::parse("1209:0001 hid awakening").unwrap();
        assert!(!name.awake && name.name == "awakening");
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        let long = format!("1209:0001 hid {}", "x".repeat(81));
        for text in [
            "",
            "1209:0001",
            "1209:0001 hid",
            "1209:0001 hid awake",
            "1209 hid A",
            "*:0001 hid A",
            "1209:1 hid A",
            "12090:001 hid A",
            "+209:0001 hid A",
            "1209:0001 fido2 A",
            "1209:0001 hid A;B",
            "1209:0001 hid A\nB",
            &long,
        ] {
            assert_eq!(FamilyEntry::parse(text), None, "{text:?}");
        }
    }
}
