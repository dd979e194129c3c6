//! The page of the centre where a customer brings the request of a computer that is not connected.

use std::fmt::Write;
use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, VARY};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::language::Language;

const STYLE: &str = "body{max-width:42rem;margin:2rem auto;padding:0 1rem;font:1rem/1.5 sans-serif;color:#222;\
    background:#fff}label{display:block;margin:1rem 0 .25rem}textarea{box-sizing:border-box;width:100%;height:9rem;\
    font:.85rem monospace}button{margin-top:1rem;padding:.5rem 1.25rem;font:inherit}.told{padding:.75rem 1rem;\
    border-left:.3rem solid #b00020;background:#fdecee}.well{border-color:#1b6e3c;background:#eaf6ee}";

/// No script, nothing from elsewhere, this one style, and the form goes back to where it came from.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
});

/// What stands above the form.
pub(super) enum Told<'a> {
    /// Nothing yet.
    Nothing,
    /// It went well.
    Well(&'a str),
    /// It did not.
    Failed(&'a str),
}

/// The page, with this status.
pub(super) fn page(language: Language, status: StatusCode, told: &Told<'_>) -> HttpResponse {
    HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header((CONTENT_SECURITY_POLICY, POLICY.as_str()))
        .insert_header((CONTENT_LANGUAGE, language.tag()))
        .insert_header((VARY, "Accept-Language"))
        .body(html(language, told))
}

fn html(language: Language, told: &Told<'_>) -> String {
    let words = language.words();
    let (title, lead) = (words.title, words.lead);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n\
         <body>\n<h1>{title}</h1>\n",
        language.tag()
    );
    let (class, head, text) = match told {
        Told::Nothing => ("", "", ""),
        Told::Well(text) => ("told well", words.done, *text),
        Told::Failed(text) => ("told", words.failed, *text),
    };
    let mut line = |text: std::fmt::Arguments<'_>| {
        // A string takes everything.
        let _ = page.write_fmt(text);
    };
    if !class.is_empty() {
        let text = escaped(text);
        line(format_args!(
            "<div class=\"{class}\" role=\"alert\"><strong>{head}.</strong> {text}</div>\n"
        ));
    }
    line(format_args!("<p>{lead}</p>\n<ol>\n"));
    for step in words.steps {
        line(format_args!("<li>{step}</li>\n"));
    }
    line(format_args!(
        "</ol>\n<form method=\"post\" action=\"/\" enctype=\"multipart/form-data\">\n\
         <label for=\"request\">{}</label>\n<input type=\"file\" id=\"request\" name=\"request\">\n\
         <label for=\"text\">{}</label>\n<textarea id=\"text\" name=\"text\" spellcheck=\"false\" autocomplete=\"off\">\
         </textarea>\n<p><button type=\"submit\">{}</button></p>\n</form>\n</body>\n</html>\n",
        words.file, words.text, words.button
    ));
    page
}

/// Text that is no HTML.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}
