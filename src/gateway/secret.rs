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
        // As JSON has it, too.
        let quoted = Zeroizing::new(serde_json::Value::from(*secret).to_string());
        for form in [quoted.trim_matches('"'), secret] {
            text = text.replace(form, "***");
        }
    }
    text
}
