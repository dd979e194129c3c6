//! Times for people. The page says UTC; its script says the reader's own time instead.

use askama::Template;

use crate::licence::Timestamp;

use super::markup::Markup;
use super::words::Language;

const ENGLISH: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const RUSSIAN: [&str; 12] = [
    "янв.",
    "февр.",
    "марта",
    "апр.",
    "мая",
    "июня",
    "июля",
    "авг.",
    "сент.",
    "окт.",
    "нояб.",
    "дек.",
];

#[derive(Template)]
#[template(source = r#"<time datetime="{{ iso }}">{{ said }}</time>"#, ext = "html")]
struct Time<'a> {
    iso: &'a str,
    said: &'a str,
}

/// An element that says a time of the API; the text itself where that is no time.
pub(super) fn time(language: Language, iso: &str) -> Markup {
    let parsed = Timestamp::parse(iso).ok().map(|time| time.to_string());
    Markup::of(&Time {
        iso: parsed.as_deref().unwrap_or_default(),
        said: &say(language, iso),
    })
}

/// `2026-11-22T14:46:00.000Z` as `22 Nov 2026, 14:46:00 UTC`; the text itself where that is no time.
pub(super) fn say(language: Language, text: &str) -> String {
    let Ok(time) = Timestamp::parse(text) else {
        return text.to_owned();
    };
    let iso = time.to_string();
    let part = |from: usize, to: usize| iso.get(from..to).unwrap_or_default();
    let month = part(5, 7).parse::<usize>().unwrap_or(1).clamp(1, 12) - 1;
    let (year, day, clock) = (part(0, 4), part(8, 10).trim_start_matches('0'), part(11, 19));
    match language {
        Language::English => format!("{day} {} {year}, {clock} UTC", ENGLISH[month]),
        Language::Russian => format!("{day} {} {year} г., {clock} UTC", RUSSIAN[month]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_said_in_the_language_and_for_programs() {
        let iso = "2026-03-02T14:46:09.120Z";
        assert_eq!(
            time(Language::English, iso).as_str(),
            format!(r#"<time datetime="{iso}">2 Mar 2026, 14:46:09 UTC</time>"#)
        );
        assert!(
            time(Language::Russian, iso)
                .as_str()
                .contains("2 марта 2026 г., 14:46:09 UTC")
        );
        let hostile = time(Language::English, "<script>");
        assert!(!hostile.as_str().contains("<script>"), "{hostile}");
    }
}
