//! How a function of the seeds ends when it does not end well: their own literal codes, and what hardware adds to them.

use serde::{Deserialize, Serialize};

/// `КодОшибки`: the words that 1C programs compare with (spec, services).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Code {
    /// The service was not reached.
    Connection,
    /// The service, or the node's key, failed.
    Service,
    /// Something that has no code of its own.
    Unknown,
    /// The request is wrong.
    BadRequest,
    /// The login, the certificate or the organisation is refused.
    BadLogin,
    /// Too many tries.
    TooMany,
}

impl Code {
    /// The literal word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Connection => "ОшибкаПодключения",
            Self::Service => "ОшибкаСервиса",
            Self::Unknown => "НеизвестнаяОшибка",
            Self::BadRequest => "НеверныйФорматЗапроса",
            Self::BadLogin => "НеверныйЛогинИлиПароль",
            Self::TooMany => "ПревышеноКоличествоПопыток",
        }
    }
}

/// What stands beside a code, for those who want to know more than the seeds tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Detail {
    /// The key is unplugged.
    KeyNotConnected,
    /// The key wants a PIN that the node does not have.
    PinRequired,
    /// The key refused the PIN; it is not tried again by itself.
    PinWrong,
    /// The certificate is not valid now.
    CertificateExpired,
    /// A finer code of the service, where the seed's function has fewer.
    Finer(Code),
}

impl Detail {
    /// The literal word.
    pub fn word(self) -> &'static str {
        match self {
            Self::KeyNotConnected => "КлючНеПодключен",
            Self::PinRequired => "ТребуетсяПИН",
            Self::PinWrong => "НеверныйПИН",
            Self::CertificateExpired => "СертификатПросрочен",
            Self::Finer(code) => code.word(),
        }
    }
}

/// What a caller gets instead of a result. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// `ErrorCode`.
    pub code: Code,
    /// `Detail`.
    pub detail: Option<Detail>,
    /// `ErrorMessage`: short, in Russian, for the user of a 1C program.
    pub message: String,
    /// `ErrorInfo`: for a log.
    pub info: String,
}

/// Longest information about an error, in characters (1C cuts there too).
const LONGEST_INFO: usize = 5120;

impl Trouble {
    /// With a message for the user and information for the log.
    pub fn new(code: Code, message: impl Into<String>, info: impl AsRef<str>) -> Self {
        let info = info.as_ref().chars().filter(|c| !c.is_control() || *c == '\n');
        Self {
            code,
            detail: None,
            message: message.into(),
            info: info.take(LONGEST_INFO).collect(),
        }
    }

    /// The same with a detail.
    #[must_use]
    pub fn with(mut self, detail: Detail) -> Self {
        self.detail = Some(detail);
        self
    }

    /// The node could not save or read what it keeps.
    pub fn not_saved(error: &dyn std::fmt::Display) -> Self {
        let message = "Узел лицензирования не смог сохранить данные. Обратитесь к его администратору.";
        Self::new(Code::Service, message, error.to_string())
    }
}
