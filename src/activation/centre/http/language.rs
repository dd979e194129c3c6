//! Which of the two languages of the page a browser asks for.

use actix_web::http::header::{ACCEPT_LANGUAGE, HeaderMap};

/// More languages than anybody lists.
const MOST: usize = 32;

/// A language of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    English,
    Russian,
}

impl Language {
    /// The one that is wanted more; of two that are wanted alike, the one that is named first; English for whoever
    /// wants neither.
    pub(super) fn asked(headers: &HeaderMap) -> Self {
        let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let mut best = (Self::English, 0.0);
        for entry in accepted.unwrap_or("").split(',').take(MOST) {
            let (name, weight) = entry.split_once(';').unwrap_or((entry, ""));
            let language = match name.trim().get(..2).map(str::to_ascii_lowercase).as_deref() {
                Some("ru") => Self::Russian,
                Some("en") => Self::English,
                _ => continue,
            };
            let weight = match weight.trim().strip_prefix("q=") {
                Some(weight) => weight.parse().unwrap_or(0.0),
                None => 1.0,
            };
            if weight > best.1 {
                best = (language, weight);
            }
        }
        best.0
    }

    /// Its name as HTML and HTTP have it.
    pub(super) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Russian => "ru",
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn the_language_that_is_wanted_more_is_chosen() {
        for (accepted, language) in [
            ("ru", Language::Russian),
            ("ru-RU,ru;q=0.9,en-US;q=0.8,en;q=0.7", Language::Russian),
            ("en-GB,en;q=0.9,ru;q=0.8", Language::English),
            ("en;q=0.1, RU;q=0.2", Language::Russian),
            ("de, ru;q=0.3", Language::Russian),
            ("de", Language::English),
            ("*", Language::English),
            ("ru;q=0", Language::English),
            ("ru;q=nonsense", Language::English),
            ("я", Language::English),
            ("", Language::English),
        ] {
            let mut headers = HeaderMap::new();
            if let Ok(value) = HeaderValue::from_str(accepted) {
                headers.insert(ACCEPT_LANGUAGE, value);
            }
            assert_eq!(Language::asked(&headers), language, "{accepted}");
        }
    }
}
