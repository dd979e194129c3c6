//! Distinguished names: read into clean text.

use std::fmt::Write;

use der::asn1::ObjectIdentifier;

use super::error::Malformed;
use super::oid;
use super::tlv::{OID, Reader, SEQUENCE, SET};

/// Longest value kept, in characters.
const LONGEST: usize = 256;
/// Most attributes read.
const MOST: usize = 64;

/// What a name consists of, in its own order: from the country down.
pub(super) struct Name(Vec<(ObjectIdentifier, String)>);

impl Name {
    /// Reads a `Name` (DER).
    pub(super) fn read(der: &[u8]) -> Result<Self, Malformed> {
        let mut attributes = Vec::new();
        for relative in Reader::only(der, SEQUENCE)?.inner().all(MOST)? {
            for pair in Reader::only(relative.raw, SET)?.inner().all(MOST)? {
                let mut pair = Reader::only(pair.raw, SEQUENCE)?.inner();
                let kind = pair.tagged(OID)?.oid()?;
                let value = pair.next()?;
                pair.end()?;
                attributes.push((kind, text(value.tag, value.value)));
            }
            if attributes.len() > MOST {
                return Err(Malformed("a name has too many parts"));
            }
        }
        Ok(Self(attributes))
    }

    /// The last attribute of this kind that says something; further down a name is more specific.
    pub(super) fn get(&self, kind: ObjectIdentifier) -> Option<&str> {
        let found = self
            .0
            .iter()
            .rev()
            .find(|(other, text)| *other == kind && !text.is_empty());
        found.map(|(_, text)| text.as_str())
    }

    /// The form of RFC 4514, with the names of attributes that are in use in Russia.
    pub(super) fn render(&self) -> String {
        let mut line = String::new();
        for (kind, value) in self.0.iter().rev() {
            if !line.is_empty() {
                line.push(',');
            }
            match short_name(*kind) {
                Some(name) => line.push_str(name),
                None => _ = write!(line, "{kind}"),
            }
            line.push('=');
            for (index, c) in value.chars().enumerate() {
                if matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';') || (c == '#' && index == 0) {
                    line.push('\\');
                }
                line.push(c);
            }
        }
        line
    }
}

fn short_name(kind: ObjectIdentifier) -> Option<&'static str> {
    const NAMES: [(&str, &str); 18] = [
        ("2.5.4.3", "CN"),
        ("2.5.4.4", "SN"),
        ("2.5.4.5", "serialNumber"),
        ("2.5.4.6", "C"),
        ("2.5.4.7", "L"),
        ("2.5.4.8", "ST"),
        ("2.5.4.9", "street"),
        ("2.5.4.10", "O"),
        ("2.5.4.11", "OU"),
        ("2.5.4.12", "title"),
        ("2.5.4.42", "GN"),
        ("1.2.840.113549.1.9.1", "E"),
        ("0.9.2342.19200300.100.1.25", "DC"),
        ("1.2.643.100.1", "OGRN"),
        ("1.2.643.100.3", "SNILS"),
        ("1.2.643.100.4", "INNLE"),
        ("1.2.643.100.5", "OGRNIP"),
        ("1.2.643.3.131.1.1", "INN"),
    ];
    let text = kind.to_string();
    NAMES
        .iter()
        .find(|(known, _)| *known == text)
        .map(|(_, name)| *name)
}

/// A string of any of ASN.1's types: bounded, without control characters and those that turn or hide text.
fn text(tag: u8, value: &[u8]) -> String {
    let wide = |value: &[u8]| -> String {
        let units = value
            .chunks_exact(2)
            .map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        char::decode_utf16(units).filter_map(Result::ok).collect()
    };
    let all = match tag {
        // UTF8String, and those that are ASCII: NumericString, PrintableString, IA5String, VisibleString.
        0x0c | 0x12 | 0x13 | 0x16 | 0x1a => value.utf8_chunks().map(|chunk| chunk.valid()).collect(),
        // TeletexString: Latin-1 is what everybody writes; UTF-8 is seen too.
        0x14 => match str::from_utf8(value) {
            Ok(text) => text.to_owned(),
            Err(_) => value.iter().map(|&byte| char::from(byte)).collect(),
        },
        // UniversalString and BMPString.
        0x1c => {
            let units = value
                .chunks_exact(4)
                .map(|four| u32::from_be_bytes([four[0], four[1], four[2], four[3]]));
            units.filter_map(char::from_u32).collect()
        }
        0x1e => wide(value),
        _ => String::new(),
    };
    let kept = all
        .chars()
        .filter(|&c| !c.is_control() && !deceives(c))
        .take(LONGEST);
    kept.collect::<String>().trim().to_owned()
}

/// Invisible characters, line separators, and those that change the direction of writing.
fn deceives(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The taxpayer's number: of the organisation where both are there; an organisation's ten digits are also written
/// into the person's attribute of twelve, behind two zeros.
pub(super) fn itn(name: &Name) -> Option<String> {
    let number = name.get(oid::INNLE).or_else(|| name.get(oid::INN))?;
    let number = match number.strip_prefix("00") {
        Some(short) if short.len() == 10 => short,
        _ => number,
    };
    digits(number, &[10, 12])
}

/// The text, if it is so many digits.
pub(super) fn digits(text: &str, lengths: &[usize]) -> Option<String> {
    let fits = lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_of_string_is_read_and_made_harmless() {
        assert_eq!(text(0x0c, "ООО \u{202e}«Ромашка»\n".as_bytes()), "ООО «Ромашка»");
        assert_eq!(text(0x1e, &[0x04, 0x1e, 0x00, 0x00, 0x04, 0x1e]), "ОО");
        assert_eq!(text(0x14, b"caf\xe9"), "café");
        assert_eq!(text(0x1c, &[0, 0, 4, 0x1e]), "О");
        assert_eq!(text(0x12, b"7707083893"), "7707083893");
        assert_eq!(text(0x13, &[b'A'; 1000]).len(), LONGEST);
        assert_eq!(text(0x04, b"secret"), "");
    }

    fn with(pairs: &[(ObjectIdentifier, &str)]) -> Name {
        Name(
            pairs
                .iter()
                .map(|(kind, text)| (*kind, (*text).to_owned()))
                .collect(),
        )
    }

    #[test]
    fn the_organisation_is_who_pays_the_tax() {
        assert_eq!(
            itn(&with(&[(oid::INN, "500100732259")])).as_deref(),
            Some("500100732259")
        );
        assert_eq!(
            itn(&with(&[(oid::INN, "007707083893")])).as_deref(),
            Some("7707083893")
        );
        let both = with(&[(oid::INN, "500100732259"), (oid::INNLE, "7707083893")]);
        assert_eq!(itn(&both).as_deref(), Some("7707083893"));
        assert_eq!(itn(&with(&[(oid::INN, "12345x")])), None);
    }

    #[test]
    fn a_name_is_written_from_the_person_up_and_its_signs_are_escaped() {
        let name = with(&[
            (oid::ORGANIZATION, "Ромашка, ООО"),
            (oid::COMMON_NAME, "#1 \"А\""),
        ]);
        assert_eq!(name.render(), "CN=\\#1 \\\"А\\\",O=Ромашка\\, ООО");
    }
}
