//! What readers choose for themselves: language and colours, kept in cookies that say nothing about them.

use actix_web::cookie::{Cookie, SameSite, time::Duration};
use actix_web::http::header::ACCEPT_LANGUAGE;
use actix_web::{HttpRequest, HttpResponse};

use super::answer;
use super::params::Params;
use super::words::{Language, Words};

const LANGUAGE: &str = "keynode_language";
const COLOURS: &str = "keynode_colours";

/// A reader's choice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// Russian or English.
    pub(super) words: Words,
    /// `light`, `dark`, or `auto`: as the system has it.
    pub(super) colours: &'static str,
}

impl Look {
    /// As the cookies say; else as the browser prefers.
    pub(super) fn of(request: &HttpRequest) -> Self {
        let cookie = |name| request.cookie(name).map(|cookie| cookie.value().to_owned());
        let preferred = || {
            let header = request.headers().get(ACCEPT_LANGUAGE)?.to_str().ok()?;
            Some(Language::accepted(header))
        };
        let chosen = cookie(LANGUAGE).and_then(|code| Language::of(&code));
        let language = chosen.or_else(preferred).unwrap_or(Language::English);
        Self {
            words: Words { language },
            colours: colours(&cookie(COLOURS).unwrap_or_default()),
        }
    }

    /// The language that the switch offers.
    pub(super) fn other_language(self) -> Language {
        match self.words.language {
            Language::English => Language::Russian,
            Language::Russian => Language::English,
        }
    }
}

fn colours(name: &str) -> &'static str {
    ["light", "dark"]
        .into_iter()
        .find(|own| *own == name)
        .unwrap_or("auto")
}

/// Keeps what the form chose, and shows the page again from which it came.
pub(super) fn choose(form: &Params, secure: bool) -> HttpResponse {
    let mut response = answer::see_other(back(form.get("back")));
    let chosen = [
        (LANGUAGE, Language::of(form.get("language")).map(Language::code)),
        (
            COLOURS,
            Some(form.get("colours"))
                .filter(|name| !name.is_empty())
                .map(colours),
        ),
    ];
    for (name, value) in chosen {
        let Some(value) = value else { continue };
        let cookie = Cookie::build(name, value)
            .path("/console")
            .max_age(Duration::days(365))
            .same_site(SameSite::Lax)
            .http_only(true)
            .secure(secure)
            .finish();
        // Our own names and values are fit for a cookie.
        let _ = response.add_cookie(&cookie);
    }
    response
}

/// Only a path of the console, never another site.
pub(super) fn back(path: &str) -> &str {
    let fits = path.starts_with("/console/")
        && path.len() <= 2048
        && !path.starts_with("/console//")
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if fits { path } else { "/console/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_leads_to_no_other_site() {
        assert_eq!(back("/console/keys?sort=KeyNo"), "/console/keys?sort=KeyNo");
        for elsewhere in [
            "https://a.example/",
            "//a.example",
            "/console//a",
            "/console/\\a",
            "/console/\r\nX: y",
            "",
        ] {
            assert_eq!(back(elsewhere), "/console/", "{elsewhere}");
        }
    }
}
