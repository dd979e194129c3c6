//! Texts from firmware and devices: made harmless, normalised, and told from placeholders.

/// Longest text kept, in characters; SMBIOS and SCSI serial numbers are far shorter.
const MAX_LEN: usize = 256;

/// What makers leave where an identity should be, upper-case.
const PLACEHOLDERS: &[&str] = &[
    "TO BE FILLED BY O.E.M.",
    "TO BE FILLED BY OEM",
    "O.E.M.",
    "OEM",
    "DEFAULT",
    "DEFAULT STRING",
    "SYSTEM MANUFACTURER",
    "SYSTEM PRODUCT NAME",
    "SYSTEM SERIAL NUMBER",
    "CHASSIS SERIAL NUMBER",
    "BASE BOARD SERIAL NUMBER",
    "BASE BOARD MANUFACTURER",
    "BASE BOARD PRODUCT NAME",
    "NOT SPECIFIED",
    "NOT APPLICABLE",
    "NOT AVAILABLE",
    "NONE",
    "NULL",
    "N/A",
    "UNKNOWN",
    "INVALID",
    "EMPTY",
    "UNINITIALIZED",
    "SERIAL",
    "0123456789",
    "123456789",
    "1234567890",
    // UUIDs that a firmware maker forgot to change, in both byte orders.
    "03000200-0400-0500-0006-000700080009",
    "00020003-0004-0005-0006-000700080009",
];

/// Disks that QEMU names by their slot when nobody gave them a serial number: the same on every machine.
const QEMU_SLOTS: &[&str] = &["DRIVE-SCSI", "DRIVE-VIRTIO", "DRIVE-IDE", "DRIVE-SATA"];

/// Printable ASCII only, blanks collapsed, ends trimmed, bounded: strings from devices are hostile.
pub(super) fn clean(raw: &[u8]) -> String {
    let spaced: String = (raw.iter())
        .filter(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
        .map(|byte| {
            if byte.is_ascii_whitespace() {
                ' '
            } else {
                char::from(*byte)
            }
        })
        .collect();
    let words: Vec<&str> = spaced.split(' ').filter(|word| !word.is_empty()).collect();
    let mut text = words.join(" ");
    text.truncate(MAX_LEN);
    text.truncate(text.trim_end().len());
    text
}

/// The form that is compared and hashed: clean and upper-case.
pub(super) fn normalise(text: &str) -> String {
    clean(text.as_bytes()).to_ascii_uppercase()
}

/// True for a text that many computers share instead of an identity.
pub(super) fn is_placeholder(text: &str) -> bool {
    let text = normalise(text);
    PLACEHOLDERS.contains(&text.as_str()) || is_one_character(&text) || is_qemu_default(&text)
}

/// `0000`, `xxxx`, `....`, and zero or F UUIDs: one character, repeated, dashes and the like aside.
fn is_one_character(text: &str) -> bool {
    let mut significant = text.bytes().filter(u8::is_ascii_alphanumeric);
    match significant.next() {
        Some(first) => text.len() > 1 && significant.all(|byte| byte == first) || text == "0",
        None => true,
    }
}

/// `QM00001` and `drive-scsi0`, by themselves or at the end of a world-wide id.
fn is_qemu_default(text: &str) -> bool {
    let last = text.rsplit(' ').next().unwrap_or(text);
    let numbered = last
        .strip_prefix("QM")
        .is_some_and(|n| n.len() == 5 && n.bytes().all(|b| b.is_ascii_digit()));
    numbered || QEMU_SLOTS.iter().any(|slot| last.starts_with(slot))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_made_harmless() {
        assert_eq!(clean(b"  WD\x1b[31m-1\t 2\n\0"), "WD[31m-1 2");
        assert_eq!(clean(&[0xFF, 0xFE, b'a']), "a");
        assert_eq!(clean(&[b'x'; 5000]).len(), MAX_LEN);
        assert_eq!(normalise(" a  b "), "A B");
    }

    #[test]
    fn placeholders_are_known() {
        for text in [
            "To Be Filled By O.E.M.",
            " default string ",
            "System Serial Number",
            "Not Specified",
            "none",
            "N/A",
            "0123456789",
            "Unknown",
            "INVALID",
            "Not Applicable",
            "Chassis Serial Number",
            "Base Board Serial Number",
            "0",
            "00000000",
            "xxxxxxx",
            ".....",
            "",
            "00000000-0000-0000-0000-000000000000",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
            "03000200-0400-0500-0006-000700080009",
            "QM00001",
            "t10.ATA     QEMU HARDDISK                           QM00013",
            "0QEMU QEMU HARDDISK drive-scsi0",
        ] {
            assert!(is_placeholder(text), "{text:?}");
        }
        for text in [
            "S4EWNX0R123456",
            "7",
            "QM000012",
            "AAB",
            "4c4c4544-0042-3510-8052-b4c04f313233",
            "Dell Inc.",
        ] {
            assert!(!is_placeholder(text), "{text:?}");
        }
    }
}
