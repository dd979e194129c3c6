//! Objects of the API as rows of named values: one description serves JSON, filters, sorting and selection.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::licence::{Itn, Timestamp};
use crate::store::Id;

/// A value of a field, in the type that the manual's examples show.
#[derive(Clone, Debug)]
pub(super) enum Scalar<'a> {
    Null,
    Bool(bool),
    Number(i64),
    Text(Cow<'a, str>),
    Id(Id),
    Time(Timestamp),
    Itn(&'a Itn),
}

impl<'a> Scalar<'a> {
    pub(super) fn number(number: u64) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }

    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    /// Null where there is nothing.
    pub(super) fn maybe<T>(value: Option<T>, scalar: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Null, scalar)
    }

    /// `"True"` or `"False"`, as connections and sessions say it.
    pub(super) fn word(truth: bool) -> Self {
        Self::text(if truth { "True" } else { "False" })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let written = match self {
            Self::Null => serde_json::to_writer(out, &()),
            Self::Bool(value) => serde_json::to_writer(out, value),
            Self::Number(value) => serde_json::to_writer(out, value),
            Self::Text(value) => serde_json::to_writer(out, value),
            Self::Id(value) => {
                serde_json::to_writer(out, std::str::from_utf8(&value.hex()).unwrap_or_default())
            }
            Self::Time(value) => serde_json::to_writer(out, value),
            Self::Itn(value) => serde_json::to_writer(out, value),
        };
        written.expect("scalars have a JSON form and memory takes any bytes");
    }

    /// The JSON form without the quotes of a string: what filters compare with.
    pub(super) fn plain(&self) -> Cow<'_, str> {
        match self {
            Self::Null => "null".into(),
            Self::Bool(value) => value.to_string().into(),
            Self::Number(value) => value.to_string().into(),
            Self::Text(value) => Cow::Borrowed(value),
            Self::Id(value) => value.to_string().into(),
            Self::Time(value) => value.to_string().into(),
            Self::Itn(value) => value.to_string().into(),
        }
    }

    /// Order of `_sort`: numbers as numbers, everything else as text, null first.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Null, Self::Null) => Ordering::Equal,
            (Self::Null, _) => Ordering::Less,
            (_, Self::Null) => Ordering::Greater,
            (Self::Number(a), Self::Number(b)) => a.cmp(b),
            _ => self.plain().cmp(&other.plain()),
        }
    }
}

/// What the values of a field are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Number,
    Text,
    Id,
    Time,
    Itn,
    /// `"True"` or `"False"`.
    Word,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Holds {
    pub(super) kind: Kind,
    /// It may be null.
    pub(super) or_null: bool,
}

/// An object with fields in the manual's order.
pub(super) trait Record {
    /// Names of all fields.
    const FIELDS: &'static [&'static str];

    /// What they hold, in the same order.
    const HOLD: &'static [Holds];

    /// Calls `visit` with each name and value, in order.
    fn visit<'a>(&'a self, visit: &mut dyn FnMut(&'static str, Scalar<'a>));

    /// The value of the field in this place of [`Record::FIELDS`].
    fn value(&self, place: usize) -> Scalar<'_> {
        let (mut at, mut found) = (0, Scalar::Null);
        self.visit(&mut |_, value| {
            if at == place {
                found = value;
            }
            at += 1;
        });
        found
    }

    /// Writes the object as compact JSON: all fields, or those in the places given.
    fn write(&self, places: Option<&[usize]>, out: &mut Vec<u8>) {
        let (mut at, mut mark) = (0, b'{');
        self.visit(&mut |name, value| {
            if places.is_none_or(|places| places.contains(&at)) {
                out.push(mark);
                mark = b',';
                out.push(b'"');
                out.extend_from_slice(name.as_bytes());
                out.extend_from_slice(b"\":");
                value.write(out);
            }
            at += 1;
        });
        if mark == b'{' {
            out.push(mark);
        }
        out.push(b'}');
    }
}

/// Implements [`Record`] from one list of names, kinds and values: `"Name": Kind => value`, or `Kind or null`.
macro_rules! record {
    ($type:ty, $this:ident, { $($name:literal: $kind:ident $(or $null:ident)? => $value:expr,)* }) => {
        impl $crate::api::record::Record for $type {
            const FIELDS: &'static [&'static str] = &[$($name),*];

            const HOLD: &'static [$crate::api::record::Holds] = &[$($crate::api::record::Holds {
                kind: $crate::api::record::Kind::$kind,
                or_null: $crate::api::record::or_null!($($null)?),
            }),*];

            fn visit<'a>(
                &'a self,
                visit: &mut dyn FnMut(&'static str, $crate::api::record::Scalar<'a>),
            ) {
                let $this = self;
                $(visit($name, $value);)*
            }
        }
    };
}

/// Whether a field is said to be null at times.
macro_rules! or_null {
    () => {
        false
    };
    (null) => {
        true
    };
}

pub(super) use {or_null, record};
