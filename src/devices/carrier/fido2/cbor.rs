//! CBOR as CTAP 2 wants it: canonical on the way out, maps with small numbers as keys on the way in.

use ciborium::Value;

use super::super::CarrierError;

/// A value in the canonical form of CTAP 2: keys of maps are sorted, shorter ones first; numbers and lengths are as
/// short as can be, which the encoder sees to.
pub(super) fn encode(value: Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing into a Vec cannot fail.
    let _ = ciborium::into_writer(&sorted(value), &mut bytes);
    bytes
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        Value::Map(entries) => {
            let mut entries: Vec<(Value, Value)> = (entries.into_iter())
                .map(|(key, value)| (sorted(key), sorted(value)))
                .collect();
            entries.sort_by_cached_key(|(key, _)| {
                let key = encode(key.clone());
                // The major type first, then the length, then the bytes.
                (key.first().map(|first| first >> 5), key.len(), key)
            });
            Value::Map(entries)
        }
        other => other,
    }
}

/// A map from numbers to values.
pub(super) fn map<const N: usize>(entries: [(i64, Value); N]) -> Value {
    Value::Map(
        entries
            .into_iter()
            .map(|(key, value)| (key.into(), value))
            .collect(),
    )
}

/// A map from texts to values.
pub(super) fn named<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Map(
        entries
            .into_iter()
            .map(|(key, value)| (key.into(), value))
            .collect(),
    )
}

/// A map as a key told it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Map(Vec<(Value, Value)>);

impl Map {
    /// Reads a map; nothing at all is an empty one.
    ///
    /// # Errors
    /// [`CarrierError::Protocol`].
    pub(super) fn read(bytes: &[u8]) -> Result<Self, CarrierError> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        match ciborium::from_reader(bytes) {
            Ok(Value::Map(entries)) => Ok(Self(entries)),
            Ok(_) => Err(CarrierError::Protocol("it does not answer with a map".into())),
            Err(_) => Err(CarrierError::Protocol("its answer is no CBOR".into())),
        }
    }

    fn value(&self, is_it: impl Fn(&Value) -> bool) -> Option<&Value> {
        self.0.iter().find(|(key, _)| is_it(key)).map(|(_, value)| value)
    }

    /// The value of a number.
    pub(super) fn get(&self, key: i64) -> Option<&Value> {
        self.value(|at| number(at) == Some(key))
    }

    /// The bytes that a number stands for.
    pub(super) fn bytes(&self, key: i64) -> Option<&[u8]> {
        self.get(key)?.as_bytes().map(Vec::as_slice)
    }

    /// The number that a number stands for.
    pub(super) fn number(&self, key: i64) -> Option<i64> {
        self.get(key).and_then(number)
    }

    /// The map that a number stands for.
    pub(super) fn map(&self, key: i64) -> Option<Self> {
        self.get(key)?.as_map().cloned().map(Self)
    }

    /// The bytes that a text stands for.
    pub(super) fn named_bytes(&self, name: &str) -> Option<&[u8]> {
        self.value(|at| at.as_text() == Some(name))?
            .as_bytes()
            .map(Vec::as_slice)
    }
}

fn number(value: &Value) -> Option<i64> {
    i64::try_from(value.as_integer()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_go_out_in_canonical_order_however_deep() {
        let inner = named([("type", Value::from("public-key")), ("id", Value::from(300))]);
        let value = Value::Map(vec![
            ("a".into(), true.into()),
            ((-1).into(), Value::Array(vec![inner])),
            (24.into(), 1.into()),
            (7.into(), 2.into()),
        ]);
        let expected = [
            &[0xa4, 0x07, 0x02, 0x18, 0x18, 0x01, 0x20, 0x81, 0xa2][..],
            b"\x62id\x19\x01\x2c\x64type\x6apublic-key",
            b"\x61a\xf5",
        ];
        assert_eq!(encode(value), expected.concat());
    }

    #[test]
    fn an_answer_is_a_map_or_nothing() {
        assert_eq!(Map::read(&[]).unwrap(), Map::default());
        assert_eq!(
            Map::read(&[0xa1, 0x02, 0x41, 0x07]).unwrap().bytes(2),
            Some(&[7][..])
        );
        for wrong in [
            &[0x01][..],
            &[0xa1],
            &[0xff],
            &[0x5b, 255, 255, 255, 255, 255, 255, 255, 255],
        ] {
            assert!(Map::read(wrong).is_err(), "{wrong:x?}");
        }
        let deep = [0x81; 5000];
        assert!(Map::read(&deep).is_err());
    }
}
