//! Points of wall time in the API's form: UTC, ISO 8601, milliseconds, `Z`.

use std::fmt;

use jiff::tz::Offset;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Milliseconds in a day.
pub const DAY: i64 = 86_400_000;

/// The latest time that the API can write, 9999-12-31T00:00:00Z.
const LATEST: i64 = 253_402_214_400_000;

/// Milliseconds since 1970-01-01T00:00:00Z, between the years 1 and 9999.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The text is no ISO 8601 date and time.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("expected a date and time such as 2026-01-31T12:00:00Z")]
pub struct BadTimestamp;

impl Timestamp {
    /// From milliseconds since 1970; values that the API cannot write are brought to the nearest one it can.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(-LATEST / 5, LATEST))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// This time and `millis` more (or fewer, where negative).
    #[must_use]
    pub fn plus(self, millis: i64) -> Self {
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// Reads ISO 8601: with `Z`, with an offset, or without a zone, which means UTC (spec, row 23); a date
    /// alone is its midnight.
    ///
    /// # Errors
    /// [`BadTimestamp`] for anything else.
    pub fn parse(text: &str) -> Result<Self, BadTimestamp> {
        if let Ok(instant) = text.parse::<jiff::Timestamp>() {
            return Ok(Self::from_millis(instant.as_millisecond()));
        }
        let civil = text.parse::<jiff::civil::DateTime>().map_err(|_| BadTimestamp)?;
        let instant = Offset::UTC.to_timestamp(civil).map_err(|_| BadTimestamp)?;
        Ok(Self::from_millis(instant.as_millisecond()))
    }

    /// The 24 bytes of the API's form, such as `2018-04-02T20:41:13.272Z`.
    fn render(self) -> [u8; 24] {
        let instant = jiff::Timestamp::from_millisecond(self.0).unwrap_or_default();
        let civil = Offset::UTC.to_datetime(instant);
        let mut text = *b"0000-00-00T00:00:00.000Z";
        digits(&mut text[0..4], civil.year().unsigned_abs());
        digits(&mut text[5..7], civil.month().unsigned_abs().into());
        digits(&mut text[8..10], civil.day().unsigned_abs().into());
        digits(&mut text[11..13], civil.hour().unsigned_abs().into());
        digits(&mut text[14..16], civil.minute().unsigned_abs().into());
        digits(&mut text[17..19], civil.second().unsigned_abs().into());
        digits(&mut text[20..23], civil.millisecond().unsigned_abs());
        text
    }
}

fn digits(place: &mut [u8], mut number: u16) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.render()).unwrap_or_default())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(std::str::from_utf8(&self.render()).unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manuals_examples_survive_a_round_trip() {
        for text in [
            "2018-04-02T20:41:13.272Z",
            "2018-04-03T14:06:58.000Z",
            "1970-01-01T00:00:00.000Z",
        ] {
            assert_eq!(Timestamp::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_time_without_a_zone_is_utc_and_an_offset_is_applied() {
        let utc = Timestamp::parse("2020-01-01T12:52:20").unwrap();
        assert_eq!(utc.to_string(), "2020-01-01T12:52:20.000Z");
        assert_eq!(Timestamp::parse("2020-01-01T15:52:20+03:00"), Ok(utc));
        assert_eq!(
            Timestamp::parse("2020-01-01").unwrap().to_string(),
            "2020-01-01T00:00:00.000Z"
        );
    }

    #[test]
    fn nonsense_is_refused_and_extremes_are_held() {
        for text in ["", "yesterday", "2020-13-01T00:00:00Z", "20200101x"] {
            assert_eq!(Timestamp::parse(text), Err(BadTimestamp), "{text}");
        }
        assert_eq!(Timestamp::from_millis(i64::MAX).to_string().len(), 24);
        assert_eq!(Timestamp::from_millis(i64::MIN).to_string().len(), 24);
    }
}
