//! The words of the console, Russian and English side by side: `words/PAGE.toml`, each entry `name = ["English",
//! "Русский"]`.

use std::collections::HashMap;
use std::sync::OnceLock;

use toml::Value;

use super::markup::Markup;
use super::{dates, pages};

/// Words that belong to no page.
const COMMON: (&str, &str) = ("common", include_str!("common.toml"));

/// A language of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Language {
    English,
    Russian,
}

impl Language {
    /// As HTML names it.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Russian => "ru",
        }
    }

    /// The one of this code.
    pub(super) fn of(code: &str) -> Option<Self> {
        [Self::English, Self::Russian]
            .into_iter()
            .find(|own| own.code() == code)
    }

    /// The one that a browser prefers (RFC 9110, section 12.5.4); English where it wants neither.
    pub(super) fn accepted(header: &str) -> Self {
        let weighed = header.split(',').take(32).filter_map(|entry| {
            let (tag, rest) = entry.split_once(';').unwrap_or((entry, ""));
            let language = Self::of(tag.trim().split('-').next()?.to_ascii_lowercase().as_str())?;
            let weight = rest
                .trim()
                .strip_prefix("q=")
                .map_or(Some(1.0), |q| q.parse::<f32>().ok())?;
            (weight > 0.0).then_some((language, weight))
        });
        // Of equal ones the first counts.
        let best = weighed.reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.map_or(Self::English, |(language, _)| language)
    }
}

type Table = HashMap<String, [String; 2]>;

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = Table::new();
        for (section, text) in sources() {
            let entries = text.parse::<toml::Table>().unwrap_or_default();
            for (name, value) in entries {
                if let Some(both) = both(&value) {
                    table.insert(format!("{section}.{name}"), both);
                }
            }
        }
        table
    })
}

/// Each file of words with its section.
fn sources() -> impl Iterator<Item = (&'static str, &'static str)> {
    let of_pages = pages::PAGES.iter().map(|page| (page.section(), page.words));
    std::iter::once(COMMON).chain(of_pages)
}

fn both(value: &Value) -> Option<[String; 2]> {
    let [english, russian] = value.as_array()?.as_slice() else {
        return None;
    };
    Some([english.as_str()?.to_owned(), russian.as_str()?.to_owned()])
}

/// Says everything in one language.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    /// The language.
    pub(super) language: Language,
}

impl Words {
    /// The words for `section.name`; the name itself where nobody has written them.
    pub(super) fn t(self, name: &str) -> &str {
        self.known(name).unwrap_or(name)
    }

    /// The words for a name that comes from elsewhere, such as a state in an answer of the API.
    pub(super) fn known(self, name: &str) -> Option<&'static str> {
        let both = table().get(name)?;
        Some(match self.language {
            Language::English => &both[0],
            Language::Russian => &both[1],
        })
    }

    /// The words for `section.name`, or the text itself where there are none for it.
    pub(super) fn or_same<'a>(self, section: &str, name: &'a str) -> &'a str {
        self.known(&format!("{section}.{name}")).unwrap_or(name)
    }

    /// As [`Words::t`], with `{}` in them replaced.
    pub(super) fn with(self, name: &str, value: impl std::fmt::Display) -> String {
        self.t(name).replacen("{}", &value.to_string(), 1)
    }

    /// A time of the API (ISO 8601, UTC) for people, in an element that says it for programs too.
    pub(super) fn time(self, iso: &str) -> Markup {
        dates::time(self.language, iso)
    }

    /// Yes or no.
    pub(super) fn truth(self, truth: bool) -> &'static str {
        self.known(if truth { "common.yes" } else { "common.no" })
            .unwrap_or_default()
    }

    /// HTML's code of the language.
    pub(super) fn code(self) -> &'static str {
        self.language.code()
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
