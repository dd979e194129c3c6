//! What sort of value an option takes: read from text, checked, and described to whoever got it wrong.

use std::{net::SocketAddr, time::Duration};

use toml::{Table, Value};
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use super::family::FamilyEntry;
use super::tables::{self, Field};

/// The largest key number that a client's double-precision JSON numbers keep (external API, section 8, row 20).
const MAX_KEY_NO: i64 = (1 << 53) - 1;

/// What an option takes, with its range where it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An IP address with port.
    Address,
    /// A path; one from the file is relative to the file's directory.
    Path,
    /// True or false.
    Switch,
    /// A whole number, both ends included.
    Number {
        /// Least value.
        min: i64,
        /// Greatest value.
        max: i64,
    },
    /// A duration in words, both ends included.
    Duration {
        /// Shortest.
        min: Duration,
        /// Longest.
        max: Duration,
    },
    /// A duration in words, both ends included, or 0 for never.
    Interval {
        /// Shortest but 0.
        min: Duration,
        /// Longest.
        max: Duration,
    },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// An address such as `https://host/path`, http or https, without user or password in it.
    Url,
    /// As [`Kind::Url`], or the word `none`.
    Proxy,
    /// Host names; as text, with commas between them.
    Hosts,
    /// A `tracing` filter.
    Filter,
    /// Families of devices; as text, with semicolons between them.
    Families,
    /// A text of 1 to `max` characters, none of them a control character.
    Text {
        /// Most characters.
        max: usize,
    },
    /// The name of a file in a directory that is known.
    FileName,
    /// Environment variables; as text `A=1 B=2`.
    Variables,
    /// Names, each with a day; as text `A=2025-03-01 B=2026-01-01`.
    Days,
    /// Tables with names that the administrator gives; as text `NAME:field=value,field=value;NAME2:...`.
    Tables(&'static [Field]),
    /// Access codes with the key numbers that they guard; as text `CODE=1,2;CODE2=3`.
    AccessCodes,
}

impl Kind {
    /// Reads the text of a flag or environment variable; `None` when it is not of this kind.
    pub fn parse(self, text: &str) -> Option<Value> {
        let text = text.trim();
        let value = match self {
            Self::Switch => Value::Boolean(text.parse().ok()?),
            Self::Number { .. } => Value::Integer(text.parse().ok()?),
            Self::Hosts => Value::Array(split(text, ',').map(Value::from).collect()),
            Self::Families => Value::Array(split(text, ';').map(Value::from).collect()),
            Self::AccessCodes => Value::Table(parse_codes(text)?),
            Self::Variables | Self::Days => Value::Table(tables::parse_variables(text)?),
            Self::Tables(fields) => Value::Table(tables::parse(text, fields)?),
            _ => Value::from(text),
        };
        self.accepts(&value).then_some(value)
    }

    /// Whether a value is of this kind and in its range.
    pub fn accepts(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Switch, Value::Boolean(_)) => true,
            (Self::Number { min, max }, Value::Integer(number)) => (min..=max).contains(number),
            (Self::Hosts, Value::Array(hosts)) => hosts.iter().all(|host| host.as_str().is_some_and(is_host)),
            (Self::Families, Value::Array(families)) => families.iter().all(is_family),
            (Self::AccessCodes, Value::Table(codes)) => codes.iter().all(|(code, keys)| is_code(code, keys)),
            (Self::Variables, Value::Table(variables)) => tables::are_variables(variables),
            (Self::Days, Value::Table(days)) => days.values().all(|day| day.as_str().is_some_and(is_day)),
            (Self::Tables(fields), Value::Table(entries)) => tables::accepts(entries, fields),
            (_, Value::String(text)) => self.accepts_text(text),
            _ => false,
        }
    }

    fn accepts_text(self, text: &str) -> bool {
        match self {
            Self::Address => text.parse::<SocketAddr>().is_ok(),
            Self::Path => !text.is_empty() && !text.contains('\0'),
            Self::Duration { min, max } => {
                humantime::parse_duration(text).is_ok_and(|duration| (min..=max).contains(&duration))
            }
            Self::Interval { min, max } => humantime::parse_duration(text)
                .is_ok_and(|duration| duration.is_zero() || (min..=max).contains(&duration)),
            Self::Choice(words) => words.contains(&text),
            Self::Url => is_url(text),
            Self::Proxy => text == "none" || is_url(text),
            Self::Filter => is_filter(text),
            Self::Text { max } => {
                (1..=max).contains(&text.chars().count()) && !text.chars().any(char::is_control)
            }
            Self::FileName => {
                (1..=255).contains(&text.len()) && !text.contains(['/', '\0']) && !matches!(text, "." | "..")
            }
            _ => false,
        }
    }

    /// What to say was expected.
    pub fn expected(self) -> String {
        match self {
            Self::Address => "an address with port such as 127.0.0.1:9099".to_owned(),
            Self::Path => "a path".to_owned(),
            Self::Switch => "true or false".to_owned(),
            Self::Number { min, max } => format!("a whole number from {min} to {max}"),
            Self::Duration { min, max } => format!(
                "a duration such as 15m, from {} to {}",
                humantime::format_duration(min),
                humantime::format_duration(max)
            ),
            Self::Interval { min, max } => format!(
                "0s, or a duration such as 5m, from {} to {}",
                humantime::format_duration(min),
                humantime::format_duration(max)
            ),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::Url => "an address such as https://centre.example.com, without user or password".to_owned(),
            Self::Proxy => "none, or an address such as http://proxy.example.com:3128, without user or password".to_owned(),
            Self::Hosts => "host names without port".to_owned(),
            Self::Filter => {
                "a level (off, error, warn, info, debug, trace) or directives such as info,keynode::seats=debug".to_owned()
            }
            Self::Families => {
                "families such as \"1209:4b4e hid Acme dongle\" or \"0a89:* - Guardant\": vendor and product in four hex \
                 digits each (* for all products), the driver hid, serial or - for none, \"awake\" for devices that must \
                 not be suspended, a name of 1 to 80 characters"
                    .to_owned()
            }
            Self::Text { max } => format!("a text of 1 to {max} characters"),
            Self::FileName => "the name of a file, without its directory".to_owned(),
            Self::Variables => "environment variables with their values, all texts, such as {A = \"1\"}".to_owned(),
            Self::Days => "names with days, such as {tobacco = \"2025-03-01\"}".to_owned(),
            Self::Tables(fields) => tables::expected(fields),
            Self::AccessCodes => {
                "access codes of 1 to 128 characters, each with its key numbers, such as CODE=7131766,7131767".to_owned()
            }
        }
    }

    /// The placeholder in the help of the flag.
    pub fn value_name(self) -> &'static str {
        match self {
            Self::Address => "ADDRESS:PORT",
            Self::Path => "PATH",
            Self::Switch => "true|false",
            Self::Number { .. } => "N",
            Self::Duration { .. } | Self::Interval { .. } => "DURATION",
            Self::Choice(_) => "WORD",
            Self::Url | Self::Proxy => "URL",
            Self::Hosts => "NAME,...",
            Self::Filter => "FILTER",
            Self::Text { .. } => "TEXT",
            Self::FileName => "NAME",
            Self::Variables => "A=1 B=2",
            Self::Days => "NAME=YYYY-MM-DD ...",
            Self::Tables(_) => "NAME:FIELD=VALUE,...;...",
            Self::Families => "VID:PID DRIVER NAME;...",
            Self::AccessCodes => "CODE=N,...;...",
        }
    }
}

pub(super) fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    text.split(separator)
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

/// `CODE=1,2;CODE2=3`; a code given twice is refused, as TOML refuses it.
fn parse_codes(text: &str) -> Option<Table> {
    let mut codes = Table::new();
    for entry in split(text, ';') {
        let (code, keys) = entry.split_once('=')?;
        let keys = split(keys, ',')
            .map(|key| key.parse().ok().map(Value::Integer))
            .collect::<Option<_>>()?;
        if codes.insert(code.trim().to_owned(), Value::Array(keys)).is_some() {
            return None;
        }
    }
    Some(codes)
}

fn is_family(entry: &Value) -> bool {
    entry
        .as_str()
        .is_some_and(|text| FamilyEntry::parse(text).is_some())
}

fn is_code(code: &str, keys: &Value) -> bool {
    let length_fits = (1..=128).contains(&code.chars().count());
    length_fits
        && !code.chars().any(char::is_control)
        && code.trim() == code
        && keys.as_array().is_some_and(|keys| {
            !keys.is_empty()
                && keys.iter().all(|key| {
                    key.as_integer()
                        .is_some_and(|key| (1..=MAX_KEY_NO).contains(&key))
                })
        })
}

/// A day as `YYYY-MM-DD`.
fn is_day(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

/// Passwords have no place in settings, and a query or fragment none in a base.
fn is_url(text: &str) -> bool {
    reqwest::Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    })
}

/// A name, an IPv4 address or an IPv6 address in brackets, as the `Host` header has it before the port.
fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    (1..=253).contains(&host.len())
        && host
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

/// `EnvFilter` takes a bare word that is no level for the name of a module, so "inof" would log everything of a
/// module "inof" and nothing else: only levels may stand alone.
fn is_filter(text: &str) -> bool {
    let is_level = |part: &str| part.parse::<LevelFilter>().is_ok();
    !text.is_empty()
        && EnvFilter::try_new(text).is_ok()
        && text
            .split(',')
            .all(|part| is_level(part.trim()) || part.contains(['=', '[', ']']))
}
