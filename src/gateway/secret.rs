//! A text that nobody is to see: a password, a token, a ticket.

use std::fmt;

use zeroize::Zeroizing;

/// A text that shows nothing of itself and is wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The text. Not to be logged, nor put into errors.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A text in which nobody reads these, should a service repeat what it was sent.
pub(super) fn without(text: &str, secrets: &[&str]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        for form in spelled(secret) {
            text = text.replace(form.as_str(), "***");
        }
    }
    text
}

/// A text as services spell it: as it is, and as JSON has it, with more or less of it escaped. The longest first.
fn spelled(secret: &str) -> Vec<Zeroizing<String>> {
    let quoted = Zeroizing::new(serde_json::Value::from(secret).to_string());
    let quoted = Zeroizing::new(quoted[1..quoted.len() - 1].to_owned());
    let mut forms = vec![
        escaped(&quoted, |unit| format!("\\u{unit:04x}")),
        escaped(&quoted, |unit| format!("\\u{unit:04X}")),
        quoted,
    ];
    // Some escape a slash, too.
    let slashes = forms.iter().map(|form| Zeroizing::new(form.replace('/', "\\/")));
    let slashes: Vec<_> = slashes.collect();
    forms.extend(slashes);
    forms.push(Zeroizing::new(secret.to_owned()));
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms.dedup();
    forms
}

/// A text of JSON in nothing but ASCII.
fn escaped(quoted: &str, unit: impl Fn(u16) -> String) -> Zeroizing<String> {
    let mut escaped = Zeroizing::new(String::new());
    for letter in quoted.chars() {
        if letter.is_ascii() {
            escaped.push(letter);
        } else {
            escaped.extend(letter.encode_utf16(&mut [0; 2]).iter().map(|own| unit(*own)));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_however_it_is_spelled() {
        let secret = "пароль/\"Ёж\" 🔑";
        let spelled = [
            secret.to_owned(),
            serde_json::Value::from(secret).to_string(),
            r#"пароль\/\"Ёж\" 🔑"#.to_owned(),
            r#"\u043f\u0430\u0440\u043e\u043b\u044c/\"\u0401\u0436\" \ud83d\udd11"#.to_owned(),
            r#"\u043F\u0430\u0440\u043E\u043B\u044C\/\"\u0401\u0436\" \uD83D\uDD11"#.to_owned(),
        ];
        for form in spelled {
            let said = without(&format!("it is <{form}>."), &[secret]);
            assert_eq!(said.replace('"', ""), "it is <***>.", "{form}");
        }
        assert_eq!(without("nothing", &["", secret]), "nothing");
    }
}
