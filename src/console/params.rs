//! Names and values of a query or a form, as browsers send them.

use std::fmt::Write;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};
use zeroize::Zeroizing;

/// What need not be written as %XX in a name of a path or a value of a query.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// The most pairs that count; a form with a thousand chosen rows has about as many.
const MOST: usize = 2048;

/// Pairs in their order. A form may hold a password: values are wiped, and so is all that they are read from.
#[derive(Clone, Default)]
pub(super) struct Params(Vec<(String, Zeroizing<String>)>);

impl Params {
    /// Reads `a=b&c=d`; what is no UTF-8 becomes question marks.
    pub(super) fn parse(text: &[u8]) -> Self {
        let pairs = text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
        let read = |pair: &[u8]| {
            let mut parts = pair.splitn(2, |byte| *byte == b'=');
            let mut next = || decode(parts.next().unwrap_or_default());
            (next(), next().into())
        };
        Self(pairs.take(MOST).map(read).collect())
    }

    /// The first value of this name; "" where there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        let own = self.0.iter().find(|(own, _)| own == name);
        own.map_or("", |(_, value)| value)
    }

    /// Takes the first value of this name out; "" where there is none.
    pub(super) fn take(&mut self, name: &str) -> Zeroizing<String> {
        let at = self.0.iter().position(|(own, _)| own == name);
        at.map(|at| self.0.remove(at).1).unwrap_or_default()
    }

    /// All values of this name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let own = self.0.iter().filter(move |(own, _)| own == name);
        own.map(|(_, value)| value.as_str())
    }

    /// The same with another value of this name, or without one where it is "".
    #[must_use]
    pub(super) fn with(&self, name: &str, value: &str) -> Self {
        let mut rest = self.clone();
        rest.0.retain(|(own, _)| own != name);
        if !value.is_empty() {
            rest.0.push((name.to_owned(), value.to_owned().into()));
        }
        rest
    }

    /// `?a=b&c=d`, or "" where there is nothing.
    pub(super) fn query(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.0 {
            let mark = if text.is_empty() { '?' } else { '&' };
            let _ = write!(text, "{mark}{}={}", encode(name), encode(value));
        }
        text
    }
}

/// A text as a name in a path or a value in a query.
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

fn decode(text: &[u8]) -> String {
    // Neither grows: what grows leaves a copy of itself behind.
    let [mut spaced, mut plain] = [(); 2].map(|()| Zeroizing::new(Vec::with_capacity(text.len())));
    spaced.extend(text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }));
    plain.extend(percent_decode(&spaced));
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_sends_is_read_and_written_again() {
        let params = Params::parse(b"q=a+b%26c&pick=1&pick=2&x");
        assert_eq!(
            (params.get("q"), params.get("x"), params.get("none")),
            ("a b&c", "", "")
        );
        assert_eq!(params.all("pick").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(
            params.with("pick", "").with("x", "<").query(),
            "?q=a%20b%26c&x=%3C"
        );
        assert_eq!(Params::parse(b"").query(), "");
    }
}
