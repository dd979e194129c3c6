//! A process with the service as it is kept: what for, how far, how its application fares.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cms::Thumbprint;
use crate::gateway::outcome::Trouble;
use crate::gateway::state::Kept;
use crate::licence::Timestamp;

use super::fields;
use super::permit::LOOKS;
use super::session::Session;

/// What a process is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProcessKind {
    /// `ПолучитьУникальныйИдентификаторАбонента`.
    #[serde(rename = "SubscriberID")]
    SubscriberId,
    /// `ЗарегистрироватьСертификатАбонента`.
    AddCertificate,
}

impl ProcessKind {
    /// Its name in the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::SubscriberId => "SubscriberID",
            Self::AddCertificate => "AddCertificate",
        }
    }
}

/// `СтатусЗаявки`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RequestStatus {
    /// There is no application.
    #[default]
    Absent,
    /// It waits.
    Waiting,
    /// It was rejected.
    Rejected,
    /// It was taken.
    Done,
}

impl RequestStatus {
    /// The seed's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Absent => "Отсутствует",
            Self::Waiting => "ОжиданиеОбработки",
            Self::Rejected => "Отклонена",
            Self::Done => "Обработана",
        }
    }

    /// The status of a word, and what kind of word that is; none: nothing was told.
    fn of(word: Option<&str>, clean: impl Fn(&str) -> String) -> (Self, Told) {
        let Some(word) = word.map(str::trim) else {
            return (Self::Absent, Told::Nothing);
        };
        match word.to_ascii_lowercase().as_str() {
            "obtained" => (Self::Done, Told::Known),
            "rejected" => (Self::Rejected, Told::Known),
            "notconsidered" => (Self::Waiting, Told::Known),
            "" | "none" => (Self::Absent, Told::None),
            _ => (
                Self::Absent,
                Told::Strange(clean(word).chars().take(40).collect()),
            ),
        }
    }
}

/// Who goes on where a 1C program would show a form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Callback {
    /// The node, by the standard processing.
    #[default]
    Standard,
    /// Whoever started the process, by an action.
    Wait,
    /// The same, and this address is told that it is time.
    Url(String),
}

/// How far a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// It speaks with the service, or will again: what was interrupted here begins anew.
    Working,
    /// The form that shows the status is open.
    Status,
    /// The form of the application is open.
    Application,
    /// It cannot go on without an action.
    Stopped,
    /// It is over.
    Ended,
}

/// The word of the service about an application.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// None at all.
    #[default]
    Nothing,
    /// There is none.
    None,
    /// One of the three that the seed has a status for.
    Known,
    /// Another one.
    Strange(String),
}

/// The last application that was, or may have been, sent for a certificate. It is kept under the certificate's thumbprint too,
/// and outlives its process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sending {
    /// The number of the rejected application that it replaces, where it does.
    pub replaces: Option<String>,
    /// When it was sent, or seen first.
    pub at: Timestamp,
    /// The service has taken or shown it.
    pub seen: bool,
    /// How often the service was asked since, at least a poll apart, and did not show it.
    pub looks: u32,
    /// When it was asked so last.
    pub looked: Timestamp,
}

impl Kept for Sending {
    const KIND: &'static str = "taxcom-application";
}

/// A process. Its name among the records is its ID; its secret part is the session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// What for.
    pub kind: ProcessKind,
    /// Whose.
    pub itn: String,
    /// Thumbprint of the certificate.
    pub certificate: String,
    /// Name of the 1C configuration that the service is told.
    pub configuration: String,
    /// The subscriber that the certificate is added to.
    pub add_to: Option<String>,
    /// `ОбработчикСтатусаЗаявки`.
    pub on_status: Callback,
    /// `ОбработчикСозданияЗаявки`.
    pub on_create: Callback,
    /// When it was started.
    pub created: Timestamp,
    /// How far it is.
    pub stage: Stage,
    /// `СтатусЗаявки`.
    pub status: RequestStatus,
    /// `НомерЗаявки`.
    pub number: String,
    /// The application's date as the service writes it.
    pub date: String,
    /// `КодОшибки` of the application.
    pub error_code: String,
    /// `ОписаниеОшибки` of the application.
    pub error_description: String,
    /// What the service wanted somebody to read last.
    pub message: String,
    /// `ДанныеЗаявки` as the service has told them.
    pub request_data: BTreeMap<String, String>,
    /// Data that a caller has sent in place of the organisation's.
    pub draft: Option<BTreeMap<String, String>>,
    /// The subscriber's number, once it is there.
    pub subscriber_id: String,
    /// The certificate is registered.
    pub registered: bool,
    /// The certificate in Base64, for as long as its token is away.
    pub der: String,
    /// The service's own word about the application.
    pub told: Told,
    /// The last application that was, or may have been, sent for the certificate.
    pub sending: Option<Sending>,
    /// How often in a row it was tried in vain.
    pub failures: u32,
    /// When it goes on by itself.
    pub next: Option<Timestamp>,
    /// What stands in its way.
    pub trouble: Option<Trouble>,
}

impl Kept for Process {
    const KIND: &'static str = "taxcom-process";
}

impl Process {
    /// The certificate's thumbprint.
    pub(super) fn thumbprint(&self) -> Option<Thumbprint> {
        self.certificate.parse().ok()
    }

    /// Takes over what the service has told, as `clean` lets people read it.
    pub(super) fn learn(
        &mut self,
        session: &Session,
        message: &str,
        now: Timestamp,
        clean: impl Fn(&str) -> String,
    ) {
        let told = |name: &str| clean(session.value(name));
        let words = ["applicationStatusED", "requestStatusED"];
        let words = words.map(|name| session.values().get(name).map(String::as_str));
        let full = words.into_iter().flatten().find(|word| !word.is_empty());
        (self.status, self.told) = RequestStatus::of(full.or(words[0]).or(words[1]), &clean);
        self.number = told("numberRequestED");
        self.date = told("dateRequestED");
        self.error_code = told("codeErrorED");
        self.error_description = told("textErrorED");
        if !message.is_empty() {
            message.clone_into(&mut self.message);
        }
        let data = fields::told(session.values()).into_iter();
        self.request_data = data.map(|(name, value)| (name, clean(&value))).collect();
        let done = self.status == RequestStatus::Done;
        match self.kind {
            ProcessKind::AddCertificate => self.registered = done,
            ProcessKind::SubscriberId if done => self.subscriber_id = told("identifierTaxcomED"),
            ProcessKind::SubscriberId => {}
        }
        if self.status != RequestStatus::Absent && !self.is_in_doubt() {
            let sending = self.sending.get_or_insert(Sending {
                replaces: None,
                at: now,
                seen: true,
                looks: 0,
                looked: now,
            });
            (sending.seen, sending.looks) = (true, 0);
        }
    }

    /// Whether an application was, or may have been, sent that the service does not show.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.sending.as_ref().is_some_and(|sending| match self.status {
            RequestStatus::Absent => true,
            RequestStatus::Waiting | RequestStatus::Done => false,
            RequestStatus::Rejected => sending.replaces.as_ref() == Some(&self.number),
        })
    }
}

/// `ОбработчикРезультата.Действие`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// What the node does by itself.
    Standard,
    /// To end.
    Close,
    /// A new application.
    New,
    /// To ask how the application fares.
    Check,
    /// To send the application.
    Send,
}

impl Action {
    /// All, in the seed's order.
    pub const ALL: [Self; 5] = [Self::Standard, Self::Close, Self::New, Self::Check, Self::Send];

    /// The seed's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Standard => "СтандартнаяОбработка",
            Self::Close => "Завершить",
            Self::New => "НоваяЗаявка",
            Self::Check => "ПроверитьСтатусЗаявки",
            Self::Send => "ОтправитьЗаявку",
        }
    }

    /// Whether a process may be told to do it now.
    pub fn is_allowed(self, process: &Process) -> bool {
        let at_status = process.stage == Stage::Status && !process.is_in_doubt();
        match self {
            Self::Standard | Self::Close => process.stage != Stage::Ended,
            // Where it is in doubt whether there is one, that was told, and the service has had time to show it.
            Self::New if process.is_in_doubt() => {
                let looks = process.sending.as_ref().map_or(0, |sending| sending.looks);
                let rests = !matches!(process.stage, Stage::Application | Stage::Ended);
                rests && looks >= LOOKS
            }
            Self::New => {
                at_status && matches!(process.status, RequestStatus::Absent | RequestStatus::Rejected)
            }
            Self::Check => at_status && process.status == RequestStatus::Waiting,
            Self::Send => process.stage == Stage::Application,
        }
    }
}
