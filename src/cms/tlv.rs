//! Reads DER element by element and keeps the bytes of each: what somebody signed, or compares byte by byte, must
//! not be encoded anew. (The types of `x509-cert` sort what they read, and refuse what certificate authorities write.)

use der::asn1::ObjectIdentifier;

use super::error::Malformed;

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// The tag of a context-specific element that has others in it.
pub(super) const fn context(number: u8) -> u8 {
    0xa0 | number
}

/// One element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tlv<'a> {
    /// Its first byte; tags of several bytes are refused.
    pub(super) tag: u8,
    /// What is in it.
    pub(super) value: &'a [u8],
    /// All of it.
    pub(super) raw: &'a [u8],
}

impl<'a> Tlv<'a> {
    /// The elements in it.
    pub(super) fn inner(self) -> Reader<'a> {
        Reader(self.value)
    }

    /// It as an object identifier.
    pub(super) fn oid(self) -> Result<ObjectIdentifier, Malformed> {
        if self.tag != OID {
            return Err(Malformed("an object identifier is missing"));
        }
        ObjectIdentifier::from_bytes(self.value).map_err(|_| Malformed("an object identifier is broken"))
    }
}

/// Elements, one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The only element of these bytes.
    pub(super) fn only(bytes: &'a [u8], tag: u8) -> Result<Tlv<'a>, Malformed> {
        let mut reader = Self(bytes);
        let element = reader.tagged(tag)?;
        reader.end()?;
        Ok(element)
    }

    /// The tag of the next element.
    pub(super) fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The next element.
    pub(super) fn next(&mut self) -> Result<Tlv<'a>, Malformed> {
        let cut = || Malformed("it is cut short");
        let (&tag, rest) = self.0.split_first().ok_or_else(cut)?;
        if tag & 0x1f == 0x1f {
            return Err(Malformed("it has a tag of several bytes"));
        }
        let (&first, rest) = rest.split_first().ok_or_else(cut)?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x84 => {
                let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f)).ok_or_else(cut)?;
                let length = octets.iter().fold(0, |sum, &octet| sum << 8 | usize::from(octet));
                (length, rest)
            }
            _ => return Err(Malformed("a length is indefinite or too large")),
        };
        let (value, rest) = rest.split_at_checked(length).ok_or_else(cut)?;
        let raw = &self.0[..self.0.len() - rest.len()];
        self.0 = rest;
        Ok(Tlv { tag, value, raw })
    }

    /// The next element, which must have this tag.
    pub(super) fn tagged(&mut self, tag: u8) -> Result<Tlv<'a>, Malformed> {
        match self.optional(tag)? {
            Some(element) => Ok(element),
            None => Err(Malformed("it has not the structure that it should have")),
        }
    }

    /// The next element, if it has this tag.
    pub(super) fn optional(&mut self, tag: u8) -> Result<Option<Tlv<'a>>, Malformed> {
        if self.peek() == Some(tag) {
            self.next().map(Some)
        } else {
            Ok(None)
        }
    }

    /// Nothing may be left.
    pub(super) fn end(&self) -> Result<(), Malformed> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Malformed("something follows its end"))
        }
    }

    /// All that are left, at most `most`.
    pub(super) fn all(mut self, most: usize) -> Result<Vec<Tlv<'a>>, Malformed> {
        let mut found = Vec::new();
        while self.peek().is_some() {
            if found.len() == most {
                return Err(Malformed("it has too many parts"));
            }
            found.push(self.next()?);
        }
        Ok(found)
    }
}
