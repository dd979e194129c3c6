//! One look at one component: how it went, and the component it gives.

use aws_lc_rs::hmac;

use super::text;
use crate::licence::binding::{Component, ComponentKind};

/// Makes component hashes differ from anybody else's hash of the same text (machine-id(5) asks for that).
/// A constant, so it hides nothing that can be guessed.
const HASH_KEY: &[u8] = b"keynode component v1";
/// 128 bits of the hash are kept.
const HASH_BYTES: usize = 16;

/// One look at one component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked for.
    pub kind: ComponentKind,
    /// Where, in short: `machine-id`, `dmi/product_uuid`, `net/eth0`, `credentials/dmi-product_uuid`.
    pub source: String,
    /// How it went.
    pub state: FindingState,
}

/// How a look at a component went. All texts are printable ASCII of bounded length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FindingState {
    /// Found, and it identifies the computer.
    Found {
        /// The value for the administrator's eyes, serial numbers in clear.
        text: String,
    },
    /// Not there.
    Absent,
    /// There, but no permission to read it.
    Denied,
    /// Found, but it identifies nothing, as the text says: a maker's placeholder, a random address...
    Placeholder(String),
    /// There, but reading failed with this error.
    Unreadable(String),
}

impl FindingState {
    /// True when the component may be there: "could not look" is not "absent".
    pub fn could_not_look(&self) -> bool {
        matches!(self, Self::Denied | Self::Unreadable(_))
    }
}

impl Finding {
    pub(super) fn new(kind: ComponentKind, source: impl Into<String>, state: FindingState) -> Self {
        Self {
            kind,
            source: source.into(),
            state,
        }
    }

    /// The component, if something was found.
    pub(super) fn component(&self) -> Option<Component> {
        let FindingState::Found { text } = &self.state else {
            return None;
        };
        let value = match self.kind {
            ComponentKind::Ram => text.trim_end_matches(" GiB").to_owned(),
            kind => hash(kind, &text::normalise(text)),
        };
        Some(Component {
            kind: self.kind,
            value,
        })
    }
}

fn hash(kind: ComponentKind, normalised: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, HASH_KEY);
    let mut context = hmac::Context::with_key(&key);
    for piece in [kind.name(), "\0", normalised] {
        context.update(piece.as_bytes());
    }
    let tag = context.sign();
    let kept = tag
        .as_ref()
        .iter()
        .take(HASH_BYTES)
        .fold(0_u128, |kept, byte| kept << 8 | u128::from(*byte));
    format!("{kept:032x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_hmac_sha256_of_kind_nul_text() {
        // printf 'product-uuid\0ABC' | openssl dgst -sha256 -hmac 'keynode component v1' | cut -c-32
        assert_eq!(
            hash(ComponentKind::ProductUuid, "ABC"),
            "ce7e7361167356205b527ee8544a69e9"
        );
    }

    #[test]
    fn case_and_blanks_do_not_change_a_component() {
        let found = |text: &str| {
            let state = FindingState::Found { text: text.into() };
            Finding::new(ComponentKind::Disk, "block/sda", state)
                .component()
                .unwrap()
        };
        assert_eq!(found("wd-abc  1"), found(" WD-ABC 1 "));
        assert_ne!(found("wd-abc 1"), found("wd-abc 2"));
    }
}
