//! Texts that devices and tokens tell, hostile until cleaned; bytes as text.

/// Longest text kept, in characters: a USB string descriptor holds no more.
const LONGEST: usize = 126;

/// Without control characters, bytes that are no UTF-8, and characters that turn or hide text on a terminal; ends
/// trimmed, at most 126 characters. None: nothing is left.
pub(crate) fn clean(raw: &[u8]) -> Option<String> {
    clean_up_to(LONGEST, raw)
}

/// As [`clean`], at most so many characters.
pub(crate) fn clean_up_to(longest: usize, raw: &[u8]) -> Option<String> {
    let text: String = raw
        .utf8_chunks()
        .flat_map(|chunk| chunk.valid().chars())
        .filter(|&c| !c.is_control() && !deceives(c))
        .collect();
    let text: String = text.trim().chars().take(longest).collect();
    let text = text.trim_end();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A text without white space and without the byte order mark that editors put before it: JWS have none of their own, but
/// scanners, mail and people who copy them do.
pub(crate) fn compact(text: &[u8]) -> Vec<u8> {
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    text.iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect()
}

/// Bytes in lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Invisible characters, line separators, and those that change the direction of writing.
fn deceives(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_harm_a_reader_is_dropped() {
        assert_eq!(clean(b"  LK-1\n").as_deref(), Some("LK-1"));
        assert_eq!(clean(b"\x1b[31mred\x00\xff\xfe").as_deref(), Some("[31mred"));
        assert_eq!(clean("ключ \u{202e}1".as_bytes()).as_deref(), Some("ключ 1"));
        assert_eq!(clean(b"\x07 \n"), None);
        assert_eq!(clean(&[b'A'; 5000]).map(|text| text.len()), Some(126));
        assert_eq!(hex(&[0, 255]), "00ff");
        assert_eq!(compact(b"\xEF\xBB\xBFa.b\r\n c\t"), b"a.bc");
        assert_eq!(clean_up_to(256, &[b'A'; 5000]).map(|text| text.len()), Some(256));
    }
}
