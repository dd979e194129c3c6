//! Gives elements of indefinite length, which programs that stream write, the definite length that DER wants.
//! Everything else stays as it is, byte for byte: somebody may have signed it.

use std::borrow::Cow;

use super::error::Malformed;
use super::tlv::{OCTET_STRING, Reader, Tlv};

/// Longest message read, in bytes.
pub const MAX_MESSAGE: usize = 64 << 20;

/// Deepest nesting read.
const DEEPEST: usize = 32;
/// The bit in a tag that says that there are elements inside.
const CONSTRUCTED: u8 = 0x20;
const INDEFINITE: u8 = 0x80;

/// The one element of these bytes, definite.
pub(super) fn definite(bytes: &[u8]) -> Result<Cow<'_, [u8]>, Malformed> {
    if bytes.len() > MAX_MESSAGE {
        return Err(Malformed("it is longer than 64 MiB"));
    }
    let mut rest = bytes;
    let mut made = Vec::new();
    let changed = convert(&mut rest, DEEPEST, &mut made)?;
    if !rest.is_empty() {
        return Err(Malformed("something follows its end"));
    }
    Ok(if changed {
        Cow::Owned(made)
    } else {
        Cow::Borrowed(bytes)
    })
}

/// Writes the next element of `rest` to `out`, and tells whether it had to be changed.
fn convert(rest: &mut &[u8], deeper: usize, out: &mut Vec<u8>) -> Result<bool, Malformed> {
    let deeper = deeper.checked_sub(1).ok_or(Malformed("it is nested too deep"))?;
    let constructed = rest.first().is_some_and(|tag| tag & CONSTRUCTED != 0);
    if let [tag, INDEFINITE, inside @ ..] = *rest
        && constructed
        && tag & 0x1f != 0x1f
    {
        let mut parts = inside;
        let mut made = Vec::new();
        while !parts.starts_with(&[0, 0]) {
            convert(&mut parts, deeper, &mut made)?;
        }
        *rest = &parts[2..];
        write(*tag, &made, out);
        return Ok(true);
    }
    let mut reader = Reader::new(rest);
    let element = reader.next()?;
    *rest = &rest[element.raw.len()..];
    let mut made = Vec::new();
    let mut changed = false;
    if constructed {
        let mut parts = element.value;
        while !parts.is_empty() {
            changed |= convert(&mut parts, deeper, &mut made)?;
        }
    }
    if changed {
        write(element.tag, &made, out);
    } else {
        out.extend_from_slice(element.raw);
    }
    Ok(changed)
}

/// Writes an element.
fn write(tag: u8, value: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    let octets = value.len().to_be_bytes();
    let octets = &octets[octets.iter().take_while(|&&octet| octet == 0).count()..];
    match octets {
        [] => out.push(0),
        [short @ 0..=0x7f] => out.push(*short),
        long => {
            // Eight at most, for so many has a usize.
            out.push(0x80 | u8::try_from(long.len()).unwrap_or(8));
            out.extend_from_slice(long);
        }
    }
    out.extend_from_slice(value);
}

/// The bytes of an octet string; one that was streamed consists of several, under a tag of its own or another's.
pub(super) fn octets(element: Tlv<'_>) -> Result<Vec<u8>, Malformed> {
    if element.tag & CONSTRUCTED == 0 {
        return Ok(element.value.to_vec());
    }
    let mut joined = Vec::new();
    let mut parts = element.inner();
    while parts.peek().is_some() {
        joined.extend_from_slice(parts.tagged(OCTET_STRING)?.value);
    }
    Ok(joined)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn indefinite_lengths_become_definite_and_all_else_stays() {
        let streamed = [
            0x30, 0x80, 0x24, 0x80, 4, 1, b'a', 4, 1, b'b', 0, 0, 2, 0x81, 1, 5, 0, 0,
        ];
        let expected = [0x30, 12, 0x24, 6, 4, 1, b'a', 4, 1, b'b', 2, 0x81, 1, 5];
        assert_eq!(*definite(&streamed).unwrap(), expected);
        assert!(matches!(definite(&expected), Ok(Cow::Borrowed(_))));
        let joined = octets(Reader::new(&expected[2..]).next().unwrap());
        assert_eq!(joined.unwrap(), b"ab");
        let long = [&[0x30, 0x80, 4, 0x82, 1, 0][..], &[7; 256], &[0, 0]].concat();
        assert_eq!(definite(&long).unwrap()[..8], [0x30, 0x82, 1, 4, 4, 0x82, 1, 0]);
    }

    #[test]
    fn what_never_ends_is_refused() {
        assert!(definite(&[0x30, 0x80, 4, 1, 1]).is_err());
        assert!(definite(&[0x04, 0x80, 0, 0]).is_err());
        assert!(definite(&[0x30, 0x80].repeat(100_000)).is_err());
        assert!(definite(&[0x30, 0, 0]).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes in proptest::collection::vec(prop_oneof![Just(0x30), Just(0x80), Just(0), any::<u8>()], 0..200)) {
            if let Ok(made) = definite(&bytes) {
                // What was made is definite, all the way down.
                prop_assert!(matches!(definite(&made), Ok(Cow::Borrowed(_))));
            }
        }
    }
}
