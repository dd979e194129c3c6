//! What the error codes of CTAP 2 mean for a carrier, and what its owner can do.

use super::super::CarrierError;

/// Why a key did not do what it was asked.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It said so, by this code.
    Status(u8),
    /// The conversation failed.
    Carrier(CarrierError),
}

impl From<CarrierError> for Refusal {
    fn from(error: CarrierError) -> Self {
        Self::Carrier(error)
    }
}

/// A credential's id cannot be read.
pub(super) const INVALID_CREDENTIAL: u8 = 0x22;
/// It has none of the credentials.
pub(super) const NO_CREDENTIALS: u8 = 0x2e;

/// It wants to be touched: operation denied, user action pending or timed out, touch required; or it does not know that
/// it could do without: unsupported option, invalid option.
const WANTS_TOUCH: [u8; 7] = [0x23, 0x27, 0x2b, 0x2c, 0x2f, 0x3a, 0x3b];
/// It wants a PIN or a fingerprint: PIN wrong, blocked, not set, required; fingerprint blocked, wrong; unauthorized.
const WANTS_PIN: [u8; 9] = [0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x3c, 0x3f, 0x40];

/// What is said of a key that wants to be touched for each proof.
pub(super) const TOUCH: &str = "it answers only when somebody touches it, so it cannot vouch for a licence by itself: \
    use another model of security key (docs/fido2.md)";
const PIN: &str = "it answers only after its PIN or a fingerprint, so it cannot vouch for a licence by itself: switch \
    off that it always requires user verification (YubiKey: `ykman fido config toggle-always-uv`), or use another \
    security key (docs/fido2.md)";

impl Refusal {
    /// As the reason why a silent proof failed.
    pub(super) fn of_proof(self) -> CarrierError {
        match self {
            Self::Carrier(error) => error,
            Self::Status(status) if WANTS_TOUCH.contains(&status) => CarrierError::NotSilent(TOUCH.into()),
            Self::Status(status) if WANTS_PIN.contains(&status) => CarrierError::NotSilent(PIN.into()),
            Self::Status(status) => refused("an assertion", status),
        }
    }

    /// As the reason why no credential was made.
    pub(super) fn of_making(self) -> CarrierError {
        let why = match self {
            Self::Carrier(error) => return error,
            Self::Status(0x27) => "it was not allowed to: the request was declined on the key",
            Self::Status(0x23 | 0x2d | 0x2f | 0x3a) => "nobody touched it in time",
            Self::Status(status) if WANTS_PIN.contains(&status) => {
                "it makes credentials only after its PIN, and keynode asks for no PINs of security keys: provision it \
                 before a PIN is set, or use a key that makes credentials without one (docs/fido2.md)"
            }
            Self::Status(0x26) => "it knows neither of the algorithms ES256 and EdDSA",
            Self::Status(0x28) => {
                "its memory for resident credentials is full: provision it without --resident"
            }
            Self::Status(0x2b | 0x2c) => "it keeps no resident credentials: provision it without --resident",
            Self::Status(status) => return refused("a new credential", status),
        };
        CarrierError::Memory(why.into())
    }
}

fn refused(what: &str, status: u8) -> CarrierError {
    CarrierError::Protocol(format!("it refuses {what} with the CTAP error {status:#04x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_want_a_person_are_told_apart() {
        let text = |status| Refusal::Status(status).of_proof().to_string();
        for status in WANTS_TOUCH {
            assert!(text(status).contains("another model"), "{status:#x}");
        }
        for status in WANTS_PIN {
            assert!(
                text(status).contains("always requires user verification"),
                "{status:#x}"
            );
        }
        assert!(text(0x7f).contains("0x7f"));
    }
}
