//! How the operator's answers end a sign-in (spec, services, section 5): the seed's codes, the operator's own words.

use serde_json::Value;

use super::super::outcome::{Code, Trouble};
use super::super::upstream::{Told, Unreached};

/// The longest words of the operator that are passed on, in characters.
const LONGEST_WORDS: usize = 500;

/// The operator is left alone after "too many", unless it says for how long, in milliseconds.
const PAUSE: i64 = 60_000;

/// The longest pause that the operator can ask for, in milliseconds.
pub(super) const LONGEST_PAUSE: i64 = 60 * 60 * 1000;

/// How a sign-in failed.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) trouble: Trouble,
    /// The operator is not to be asked for so long, in milliseconds.
    pub(super) pause: Option<i64>,
    /// The challenge was no longer known: the signature was not looked at.
    pub(super) late: bool,
    /// The operator may have made a token that nobody has.
    pub(super) lost: bool,
}

impl Fault {
    /// The same where only a challenge was asked for: no token was made.
    pub(super) fn of_a_challenge(self) -> Self {
        Self { lost: false, ..self }
    }
}

impl From<Trouble> for Fault {
    fn from(trouble: Trouble) -> Self {
        Self {
            trouble,
            pause: None,
            late: false,
            lost: false,
        }
    }
}

impl From<Unreached> for Fault {
    fn from(unreached: Unreached) -> Self {
        let message = "Не удалось подключиться к ИС МП. Проверьте подключение узла лицензирования к сети.";
        let trouble = Trouble::new(Code::Connection, message, format!("IS MP: {}", unreached.why));
        Self {
            lost: unreached.sent,
            ..trouble.into()
        }
    }
}

/// An answer of 200 that is not what was asked for.
pub(super) fn nonsense(step: &str) -> Fault {
    let message = "ИС МП вернула ответ, который не удалось разобрать.";
    let info = format!("IS MP, {step}: 200, but the answer does not hold what was asked for");
    Fault {
        lost: true,
        ..Trouble::new(Code::Service, message, info).into()
    }
}

/// An answer of another status than 200.
pub(super) fn refusal(step: &str, told: &Told) -> Fault {
    let words = words(told);
    let (code, general) = match told.status {
        400 | 406 | 415 | 422 => (Code::BadRequest, "ИС МП отклонила запрос как неверный."),
        401 | 403 => (
            Code::BadLogin,
            "ИС МП отказала в авторизации: проверьте сертификат и регистрацию организации.",
        ),
        429 => (
            Code::TooMany,
            "Слишком много запросов к ИС МП. Повторите попытку позже.",
        ),
        500.. => (Code::Service, "Сервис ИС МП временно недоступен."),
        _ => (Code::Unknown, "ИС МП вернула непредусмотренный ответ."),
    };
    let info = format!(
        "IS MP, {step}: {} {}",
        told.status,
        words.as_deref().unwrap_or("")
    );
    let late = told.status == 400
        && words
            .as_deref()
            .is_some_and(|words| words.contains("UUID не найден"));
    Fault {
        trouble: Trouble::new(code, words.unwrap_or_else(|| general.into()), info.trim_end()),
        pause: (told.status == 429).then(|| pause(told)),
        late,
        lost: told.status >= 500,
    }
}

/// What the operator says in words, where it does.
fn words(told: &Told) -> Option<String> {
    let answer = told.json()?;
    let words = answer.get("error_message").and_then(Value::as_str)?;
    let words: String = words
        .chars()
        .filter(|c| !c.is_control())
        .take(LONGEST_WORDS)
        .collect();
    (!words.trim().is_empty()).then_some(words)
}

fn pause(told: &Told) -> i64 {
    let mut headers = told.headers.iter();
    let asked = headers.find(|(name, _)| name == "retry-after");
    let seconds = asked.and_then(|(_, value)| value.trim().parse::<i64>().ok());
    seconds.map_or(PAUSE, |seconds| {
        seconds.saturating_mul(1000).clamp(1000, LONGEST_PAUSE)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_the_operators_within_bounds() {
        let cases = [
            (None, Some(60_000)),
            (Some("5"), Some(5_000)),
            (Some("0"), Some(1_000)),
            (Some("-9"), Some(1_000)),
            (Some("9223372036854775807"), Some(3_600_000)),
            (Some("Fri, 31 Dec 1999 23:59:59 GMT"), Some(60_000)),
        ];
        for (asked, pause) in cases {
            let headers = asked.map(|value| ("retry-after".to_owned(), value.to_owned()));
            let told = Told {
                status: 429,
                headers: headers.into_iter().collect(),
                body: Vec::new(),
            };
            assert_eq!(refusal("auth/key", &told).pause, pause, "{asked:?}");
        }
    }
}
