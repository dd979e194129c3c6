//! What a key's trouble is in the words that hardware adds to the seeds' codes.

use std::fmt::Display;
use std::sync::Arc;

use crate::tokens::{CertificateError, Obstacle, PinWanted, Token, TokenError, TokenState};

use super::outcome::{Code, Detail, Trouble};

/// What modules say of a token that was pulled.
const PULLED: [&str; 5] = [
    "CKR_DEVICE_REMOVED",
    "CKR_TOKEN_NOT_PRESENT",
    "CKR_TOKEN_NOT_RECOGNIZED",
    "CKR_SLOT_ID_INVALID",
    "CKR_SESSION_HANDLE_INVALID",
];

/// What hardware has a word for, of why a certificate did not do its work. `valid`: the certificate is within its time;
/// `token`: NAME of the one that has its key.
pub(super) fn cause(
    error: &CertificateError,
    valid: bool,
    token: Option<&str>,
    tokens: &[Arc<Token>],
) -> Option<Detail> {
    match error {
        CertificateError::Unknown(_) => Some(unseen(tokens)),
        CertificateError::NotUsable {
            obstacle: Obstacle::Own(_),
            ..
        } => (!valid).then_some(Detail::CertificateExpired),
        CertificateError::NotUsable {
            obstacle: Obstacle::Token(_),
            ..
        } => of_state(state(token?, tokens)),
        CertificateError::Token(error) => of_token(error, tokens),
        CertificateError::BadSignature(_)
        | CertificateError::Cms(_)
        | CertificateError::NotForIt(_)
        | CertificateError::Transport(_) => None,
    }
}

/// The same of why a token did not do what was asked of it.
pub(super) fn of_token(error: &TokenError, tokens: &[Arc<Token>]) -> Option<Detail> {
    match error {
        // What it says now, where that is not that it can be used again: then it was away.
        TokenError::NotUsable { name, .. } => match state(name, tokens) {
            Some(TokenState::Usable) => Some(Detail::KeyNotConnected),
            state => of_state(state),
        },
        TokenError::Refused { name, code } if !PULLED.contains(&code.as_str()) => {
            of_code(code).or_else(|| of_state(state(name, tokens)))
        }
        TokenError::Refused { .. } | TokenError::Unknown(_) => Some(Detail::KeyNotConnected),
        TokenError::Crashed(name) | TokenError::Late(name) | TokenError::NoKey(name) => {
            of_state(state(name, tokens))
        }
        TokenError::Busy(_) | TokenError::NoRoom(_) | TokenError::Nonsense { .. } => None,
    }
}

/// Of a key that was never seen here. Where a token is here whose contents nobody has seen, and none is away, it is most
/// likely on that.
pub(super) fn unseen(tokens: &[Arc<Token>]) -> Detail {
    let mut unread = tokens.iter().filter(|token| token.certificates.is_empty());
    let away = tokens.iter().any(|token| token.state == TokenState::Absent);
    let closed = unread.find_map(|token| match &token.state {
        TokenState::NeedsPin(_) | TokenState::Locked => of_state(Some(&token.state)),
        _ => None,
    });
    closed.filter(|_| !away).unwrap_or(Detail::KeyNotConnected)
}

fn state<'t>(name: &str, tokens: &'t [Arc<Token>]) -> Option<&'t TokenState> {
    let token = tokens.iter().find(|known| known.name == name)?;
    Some(&token.state)
}

fn of_state(state: Option<&TokenState>) -> Option<Detail> {
    match state {
        None | Some(TokenState::Absent) => Some(Detail::KeyNotConnected),
        Some(TokenState::NeedsPin(PinWanted::Missing(_))) => Some(Detail::PinRequired),
        Some(TokenState::NeedsPin(PinWanted::Refused(_)) | TokenState::Locked) => Some(Detail::PinWrong),
        Some(TokenState::Usable | TokenState::Faulty(_)) => None,
    }
}

fn of_code(code: &str) -> Option<Detail> {
    match code {
        "CKR_PIN_INCORRECT" | "CKR_PIN_INVALID" | "CKR_PIN_LOCKED" => Some(Detail::PinWrong),
        "CKR_USER_NOT_LOGGED_IN" => Some(Detail::PinRequired),
        _ => None,
    }
}

/// The outcome of a function whose key did not do its work.
pub(super) fn of_a_key(detail: Option<Detail>, why: &dyn Display) -> Trouble {
    let message = match detail {
        Some(Detail::KeyNotConnected) => "Ключ электронной подписи не подключен к узлу лицензирования.",
        Some(Detail::PinRequired) => "Для ключа электронной подписи на узле лицензирования не задан ПИН-код.",
        Some(Detail::PinWrong) => {
            "ПИН-код ключа электронной подписи на узле лицензирования не принят; повторно он не вводится."
        }
        Some(Detail::CertificateExpired) => {
            "Срок действия сертификата электронной подписи истек или не наступил."
        }
        Some(Detail::Finer(_)) | None => {
            "Ключ электронной подписи на узле лицензирования не выполнил операцию."
        }
    };
    let mut trouble = Trouble::new(Code::Service, message, why.to_string());
    trouble.detail = detail;
    trouble
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use crate::cms::Thumbprint;
    use crate::tokens::TokenCertificate;

    use super::*;

    fn token(name: &str, state: TokenState) -> Arc<Token> {
        Arc::new(Token {
            name: name.into(),
            module: PathBuf::new(),
            state,
            label: String::new(),
            serial: String::new(),
            manufacturer: String::new(),
            model: String::new(),
            slot: None,
            free_memory: None,
            keys: Vec::new(),
            certificates: Vec::new(),
            data: Vec::new(),
        })
    }

    fn seen(name: &str, state: TokenState) -> Arc<Token> {
        let mut token = (*token(name, state)).clone();
        token.certificates.push(TokenCertificate {
            id: vec![1],
            label: String::new(),
            der: Arc::from([]),
        });
        Arc::new(token)
    }

    /// Every state with the word for it.
    fn states() -> Vec<(TokenState, Option<Detail>)> {
        vec![
            (TokenState::Absent, Some(Detail::KeyNotConnected)),
            (
                TokenState::NeedsPin(PinWanted::Missing("none is set".into())),
                Some(Detail::PinRequired),
            ),
            (
                TokenState::NeedsPin(PinWanted::Refused("a word".into())),
                Some(Detail::PinWrong),
            ),
            (TokenState::Locked, Some(Detail::PinWrong)),
            (TokenState::Faulty("it crashed".into()), None),
        ]
    }

    fn not_usable(obstacle: Obstacle) -> CertificateError {
        CertificateError::NotUsable {
            thumbprint: Thumbprint::of(b""),
            obstacle,
        }
    }

    #[test]
    fn a_key_on_a_token_has_the_word_of_its_state() {
        let listed = not_usable(Obstacle::Token("told".into()));
        let asked = CertificateError::Token(TokenError::NotUsable {
            name: "a".into(),
            state: "told".into(),
        });
        for (state, expected) in states() {
            // Another token is no matter.
            let tokens = [token("b", TokenState::Usable), seen("a", state.clone())];
            assert_eq!(cause(&listed, true, Some("a"), &tokens), expected, "{state:?}");
            assert_eq!(cause(&asked, true, Some("a"), &tokens), expected, "{state:?}");
        }
        // It was away while it was asked, and is back.
        let back = [seen("a", TokenState::Usable)];
        assert_eq!(
            cause(&asked, true, Some("a"), &back),
            Some(Detail::KeyNotConnected)
        );
        // The settings have lost it.
        assert_eq!(cause(&asked, true, Some("a"), &[]), Some(Detail::KeyNotConnected));
        let unknown = CertificateError::Token(TokenError::Unknown("a".into()));
        assert_eq!(
            cause(&unknown, true, Some("a"), &[]),
            Some(Detail::KeyNotConnected)
        );
    }

    #[test]
    fn a_key_that_was_pulled_in_between_is_not_connected() {
        let tokens = [seen("a", TokenState::Usable)];
        for code in PULLED {
            let (name, code) = ("a".into(), code.into());
            let error = CertificateError::Token(TokenError::Refused { name, code });
            assert_eq!(
                cause(&error, true, Some("a"), &tokens),
                Some(Detail::KeyNotConnected)
            );
        }
        let failed = |code: &str| {
            let (name, code) = ("a".into(), code.into());
            cause(
                &CertificateError::Token(TokenError::Refused { name, code }),
                true,
                Some("a"),
                &tokens,
            )
        };
        assert_eq!(failed("CKR_FUNCTION_FAILED"), None);
        assert_eq!(failed("CKR_PIN_LOCKED"), Some(Detail::PinWrong));
        let crashed = CertificateError::Token(TokenError::Crashed("a".into()));
        assert_eq!(cause(&crashed, true, Some("a"), &tokens), None);
        let away = [seen("a", TokenState::Absent)];
        assert_eq!(
            cause(&crashed, true, Some("a"), &away),
            Some(Detail::KeyNotConnected)
        );
    }

    #[test]
    fn a_key_that_was_never_seen_is_not_connected_unless_a_token_here_is_closed() {
        let unknown = CertificateError::Unknown(Thumbprint::of(b""));
        assert_eq!(cause(&unknown, true, None, &[]), Some(Detail::KeyNotConnected));
        for (state, expected) in states() {
            let expected = expected.unwrap_or(Detail::KeyNotConnected);
            assert_eq!(
                cause(&unknown, true, None, &[token("a", state.clone())]),
                Some(expected),
                "{state:?}"
            );
            // It may as well be on one that is away.
            let two = [token("a", state.clone()), token("b", TokenState::Absent)];
            assert_eq!(cause(&unknown, true, None, &two), Some(Detail::KeyNotConnected));
            // What is on this one has been seen: the key is not.
            let read = [seen("a", state)];
            assert_eq!(cause(&unknown, true, None, &read), Some(Detail::KeyNotConnected));
        }
    }

    #[test]
    fn a_certificate_out_of_its_time_is_so_whatever_its_token_does() {
        let own = not_usable(Obstacle::Own("told".into()));
        let tokens = [seen("a", TokenState::Absent)];
        assert_eq!(
            cause(&own, false, Some("a"), &tokens),
            Some(Detail::CertificateExpired)
        );
        assert_eq!(cause(&own, true, None, &tokens), None);
    }
}
