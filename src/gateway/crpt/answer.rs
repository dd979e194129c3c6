//! What came of a registration: read from an answer of either way (spec, services, section 3), with the seed's codes.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::settings::CrptRoute;
use crate::text::clean_up_to;

use super::super::outcome::{Code, Trouble};
use super::super::upstream::{Told, Unreached};

/// Longest name of a connection that is believed, in characters.
const LONGEST_NAME: usize = 256;

/// A longer answer, in bytes, is none of the operator's.
const LONGEST_ANSWER: usize = 256 * 1024;

/// Headers of the operator that say nothing about its answer.
const NOT_TOLD: [&str; 6] = [
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "set-cookie",
    "transfer-encoding",
];

/// What a caller is told. Holds no secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// The operator's words (`ДанныеОтвета`), also where they are an error's.
    pub data: Option<Value>,
    /// The operator's headers (`ЗаголовкиОтвета`).
    pub headers: Option<Value>,
    /// Why it did not end well.
    pub trouble: Option<Trouble>,
    /// The gateway's word for that (`type`), as it came.
    pub kind: Option<String>,
}

/// What is certain after an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// There is a connection of this name.
    Registered(String),
    /// There is none.
    Nothing,
    /// There is none, and it is to be tried once more: HTTP 500.
    Repeatable,
    /// There may be one.
    Unknown,
}

impl Answered {
    /// The connection, where one was registered.
    pub fn registered(&self) -> Option<&str> {
        let data = self.data.as_ref()?;
        (data["status"] == "SUCCESS")
            .then(|| data["omsConnection"].as_str())
            .flatten()
    }

    pub(super) fn failed(trouble: Trouble) -> Self {
        Self {
            trouble: Some(trouble),
            ..Self::default()
        }
    }
}

/// Reads what came of an exchange.
pub(super) fn read(route: CrptRoute, exchange: &Result<Told, Unreached>) -> (Answered, Fate) {
    match exchange {
        Err(unreached) => unreachable(unreached),
        Ok(told) => {
            let answer = match told.body.len() {
                ..=LONGEST_ANSWER => told.json().filter(Value::is_object),
                _ => None,
            };
            let answer = answer.unwrap_or_default();
            match told.status {
                200 => accepted(route, told, &answer),
                status => refused(route, status, told, &answer),
            }
        }
    }
}

fn unreachable(unreached: &Unreached) -> (Answered, Fate) {
    let trouble = |message: &str| {
        let info = format!("CRPT was not reached: {}", unreached.why);
        Answered::failed(Trouble::new(Code::Connection, message, info))
    };
    if unreached.sent {
        (trouble(super::attempt::UNKNOWN), Fate::Unknown)
    } else {
        (
            trouble("Сервис ЦРПТ недоступен. Повторите попытку позже."),
            Fate::Nothing,
        )
    }
}

fn accepted(route: CrptRoute, told: &Told, answer: &Value) -> (Answered, Fate) {
    let (data, headers) = match route {
        CrptRoute::Direct => (answer.clone(), Some(headers(told))),
        CrptRoute::Gateway => (
            decoded(&answer["crptResponse"]),
            some(&answer["crptResponseHeaders"]),
        ),
    };
    let status = data["status"].as_str().map(str::to_owned);
    let connection = data["omsConnection"].as_str();
    let connection = connection.and_then(|name| clean_up_to(LONGEST_NAME, name.as_bytes()));
    let mut answered = Answered {
        data: some(&data),
        headers,
        ..Answered::default()
    };
    match (status.as_deref(), connection) {
        (Some("SUCCESS"), Some(connection)) => (answered, Fate::Registered(connection)),
        // A refusal is an answer, not an error.
        (Some("REJECTED"), _) => (answered, Fate::Nothing),
        (status, _) => {
            let info = match status.filter(|status| *status != "SUCCESS") {
                Some(other) => format!("CRPT: HTTP 200 with the status {other}"),
                None => "CRPT: HTTP 200 without a usable status and omsConnection".to_owned(),
            };
            answered.trouble = Some(Trouble::new(Code::Service, super::attempt::UNKNOWN, info));
            (answered, Fate::Unknown)
        }
    }
}

fn refused(route: CrptRoute, status: u16, told: &Told, answer: &Value) -> (Answered, Fate) {
    let code = match status {
        401 => Code::BadLogin,
        400 | 413 | 422 => Code::BadRequest,
        429 => Code::TooMany,
        500 => Code::Service,
        503 => Code::Connection,
        _ => Code::Unknown,
    };
    let (kind, data, headers) = match route {
        CrptRoute::Direct => (None, some(answer), Some(headers(told))),
        CrptRoute::Gateway => (
            answer["type"]
                .as_str()
                .and_then(|kind| clean_up_to(256, kind.as_bytes())),
            some(&decoded(&answer["backendErrorResponse"])),
            some(&answer["backendErrorResponseHeaders"]),
        ),
    };
    let said = clean_up_to(4000, &told.body).unwrap_or_default();
    let word = kind.as_deref().map_or("", word);
    let info = format!("CRPT: HTTP {status} {word}. {said}");
    let mut message = message(code, word).to_owned();
    if let Some(theirs) = data.as_ref().and_then(their_words) {
        message = format!("{message} {theirs}");
    }
    let fate = fate(status, word);
    let answered = Answered {
        data,
        headers,
        trouble: Some(Trouble::new(code, message, info)),
        kind,
    };
    (answered, fate)
}

/// What is certain after an answer that is not 200.
fn fate(status: u16, word: &str) -> Fate {
    // 1C's gateway has asked the operator, and did not get an answer, or not one that it can read.
    let passed_on = matches!(word, "BACKEND_CALL_ERROR" | "BACKEND_UNDECODEABLE_RESPONSE");
    match status {
        500 if !passed_on => Fate::Repeatable,
        // Between the operator and this node stands somebody who did not get its answer.
        408 | 500 | 502 | 504 | 520.. => Fate::Unknown,
        _ => Fate::Nothing,
    }
}

/// The last part of a `type`, which may be an address.
fn word(kind: &str) -> &str {
    kind.rsplit(['/', ':', '#']).next().unwrap_or(kind)
}

/// What the user is told; the gateway's own word says it more exactly than the status.
fn message(code: Code, word: &str) -> &'static str {
    match (word, code) {
        ("BAD_REQUEST", _) => "Запрос на регистрацию соединения составлен неверно.",
        ("REGISTRATION_KEY_NOT_FOUND", _) => "Для этой программы у сервиса нет регистрационного ключа ЦРПТ.",
        ("UNKNOWN_PROGRAM", _) => "Сервис не знает этой программы.",
        ("BACKEND_CALL_ERROR", _) => "Сервису не удалось обратиться к ЦРПТ.",
        ("BACKEND_UNDECODEABLE_RESPONSE", _) => "Сервису не удалось разобрать ответ ЦРПТ.",
        ("BACKEND_API_ERROR", Code::Service) => "На стороне ЦРПТ произошла ошибка.",
        ("BACKEND_API_ERROR", _) => "ЦРПТ отклонил запрос на регистрацию соединения.",
        (_, Code::BadLogin) => "Сервис не принял логин и пароль узла лицензирования.",
        (_, Code::BadRequest) => "ЦРПТ не принял запрос.",
        (_, Code::TooMany) => "Превышено количество попыток обращения к сервису. Повторите попытку позже.",
        (_, Code::Service) => "В сервисе ЦРПТ произошла ошибка.",
        (_, Code::Connection) => "Сервис ЦРПТ недоступен. Повторите попытку позже.",
        (_, Code::Unknown) => "Сервис ЦРПТ ответил неожиданно.",
    }
}

/// The operator's first sentence about an error.
fn their_words(data: &Value) -> Option<String> {
    let of = |list: &str, name: &str| Some(data[list].get(0)?[name].as_str()?.to_owned());
    let text = of("globalErrors", "error").or_else(|| of("fieldErrors", "fieldError"))?;
    clean_up_to(300, text.as_bytes())
}

/// JSON that may have come as text.
fn decoded(value: &Value) -> Value {
    match value {
        Value::String(text) => serde_json::from_str(text).unwrap_or_else(|_| value.clone()),
        other => other.clone(),
    }
}

fn some(value: &Value) -> Option<Value> {
    (!value.is_null()).then(|| value.clone())
}

/// An operator's headers, spelled as they are by most: 1C looks them up by exact name.
fn headers(told: &Told) -> Value {
    let told = told.headers.iter();
    let told = told.filter(|(name, _)| !NOT_TOLD.contains(&name.as_str()));
    let spelled = told.map(|(name, value)| {
        let parts = name.split('-').map(|part| {
            let mut part = part.to_owned();
            if let Some(first) = part.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            part
        });
        (parts.collect::<Vec<_>>().join("-"), Value::from(value.as_str()))
    });
    Value::Object(spelled.collect::<Map<_, _>>())
}
