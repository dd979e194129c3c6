//! What the service makes of a dialogue that cannot go on, in the seeds' words (spec, services, section 4).

use crate::gateway::outcome::{Code, Trouble};

/// A text of the service that a person may see.
pub(super) fn clean(text: &str) -> String {
    crate::text::clean_up_to(500, text.as_bytes()).unwrap_or_default()
}

/// Why a dialogue does not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stuck {
    pub(super) trouble: Trouble,
    /// Only a person could go on: asking again brings the same.
    pub(super) person: bool,
}

/// The service may do better another time.
impl From<Trouble> for Stuck {
    fn from(trouble: Trouble) -> Self {
        Self {
            trouble,
            person: false,
        }
    }
}

fn for_a_person(trouble: Trouble) -> Stuck {
    Stuck {
        trouble,
        person: true,
    }
}

/// The service does what makes no sense.
pub(super) fn nonsense(what: &str) -> Trouble {
    let message = "Сервис 1С-Такском ответил непонятно.";
    Trouble::new(Code::Service, message, format!("1C-Taxcom: {what}"))
}

pub(super) fn unknown(what: &str) -> Trouble {
    let message = "Сервис 1С-Такском требует действия, которое узлу лицензирования неизвестно.";
    Trouble::new(
        Code::Unknown,
        message,
        format!("1C-Taxcom: {}, which is unknown here", clean(what)),
    )
}

pub(super) fn question(text: &str) -> Stuck {
    let message = format!("Сервис 1С-Такском задает вопрос, на который отвечает человек: {text}");
    for_a_person(Trouble::new(
        Code::Service,
        message,
        "1C-Taxcom asks what only a person can answer",
    ))
}

pub(super) fn wants_a_person(form: &str, text: &str) -> Stuck {
    let message = match text {
        "" => "Сервис 1С-Такском открыл форму, которую заполняет человек.".to_owned(),
        text => format!("Сервис 1С-Такском: {text}"),
    };
    for_a_person(Trouble::new(
        Code::Service,
        message,
        format!("1C-Taxcom opened the form {form}, which a person fills in"),
    ))
}

pub(super) fn refused_login(text: &str) -> Stuck {
    let info = format!("1C-Taxcom asks for the login and password of the support portal again. {text}");
    for_a_person(Trouble::new(
        Code::BadLogin,
        "Сервис 1С-Такском не принял логин и пароль портала поддержки.",
        info.trim(),
    ))
}

pub(super) fn no_account() -> Stuck {
    for_a_person(Trouble::new(
        Code::BadLogin,
        "На узле лицензирования не заданы логин и пароль портала поддержки.",
        "no support account is set: PUT /api/support-account",
    ))
}

/// `system.halt` with an error.
pub(super) fn stopped(code: &str, text: &str) -> Trouble {
    let message = match text {
        "" => format!("Сервис 1С-Такском прервал работу, код ошибки: {code}."),
        told => format!("Сервис 1С-Такском: {told}"),
    };
    let info = format!("1C-Taxcom stopped with the error {code}. {text}");
    Trouble::new(Code::Service, message, info.trim())
}
