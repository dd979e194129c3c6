//! Why a key gives no seats, in the reader's language where the words for it are known, and else in the node's.

use crate::console::dates;
use crate::console::words::{Language, Words};

/// Words whose English is what the node says, but for what stands in the place of `{}`.
const KNOWN: [&str; 8] = [
    "keys.cause-off",
    "keys.cause-ended",
    "keys.cause-starts",
    "keys.cause-blank",
    "keys.cause-unplugged",
    "keys.cause-file-gone",
    "keys.cause-unseen",
    "keys.cause-clock",
];

/// A cause, and HTML's code of the language that it is in.
pub(super) fn said(w: Words, cause: &str) -> (String, &'static str) {
    let english = Words {
        language: Language::English,
    };
    for name in KNOWN {
        let (before, after) = english.t(name).split_once("{}").unwrap_or((english.t(name), ""));
        let rest = cause
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after));
        let Some(rest) = rest else { continue };
        // Without a hole nothing may be left over.
        if english.t(name).contains("{}") || rest.is_empty() {
            return (w.with(name, dates::say(w.language, rest)), w.code());
        }
    }
    (cause.to_owned(), english.code())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_causes_are_translated_and_others_told_as_they_are() {
        let w = Words {
            language: Language::Russian,
        };
        let ended = said(w, "its period ended on 2026-01-15T12:00:00.000Z");
        assert_eq!(
            ended,
            ("срок закончился 15 янв. 2026 г., 12:00:00 UTC".into(), "ru")
        );
        assert_eq!(
            said(w, "the key is not plugged in"),
            ("ключ не подключён".into(), "ru")
        );
        let other = "the key is not plugged in anywhere";
        assert_eq!(said(w, other), (other.into(), "en"));
    }
}
