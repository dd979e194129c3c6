//! A process as its caller sees it.

use serde_json::{Map, Value, json};

use super::fields::REGION;
use super::process::{Action, Process, Stage};
use super::registration::REGISTRATION_FIELDS;

impl Process {
    /// Its fields in the API, without the outcome's.
    pub fn view(&self, id: &str) -> Map<String, Value> {
        let actions: Vec<&str> = Action::ALL
            .into_iter()
            .filter(|action| action.is_allowed(self))
            .map(Action::word)
            .collect();
        let fields = json!({
            "ID": id,
            "Kind": self.kind.word(),
            "ITN": self.itn,
            "Certificate": self.certificate,
            "Configuration": self.configuration,
            "Created": self.created,
            "Stage": self.stage.word(),
            "RequestStatus": self.status.word(),
            "RequestNumber": self.number,
            "RequestDate": self.date,
            "RequestErrorCode": self.error_code,
            "ErrorDescription": self.error_description,
            "Message": self.message,
            "RequestData": self.shown_data(),
            "SubscriberID": self.subscriber_id,
            "Registered": self.registered,
            "AllowedActions": actions,
            "NextAttempt": self.next,
        });
        match fields {
            Value::Object(fields) => fields,
            _ => Map::new(),
        }
    }

    /// The fields of the application, all of them: what the service told, or what would be sent.
    fn shown_data(&self) -> Map<String, Value> {
        let draft = self.draft.as_ref().filter(|_| self.stage == Stage::Application);
        let value = |name: &str| {
            let own = draft.and_then(|draft| draft.get(name));
            own.or_else(|| self.request_data.get(name))
                .cloned()
                .unwrap_or_default()
        };
        let fields = REGISTRATION_FIELDS.iter().filter(|name| **name != REGION);
        fields
            .map(|name| ((*name).to_owned(), value(name).into()))
            .collect()
    }
}

impl Stage {
    /// Its name in the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Working => "Working",
            Self::Status => "Status",
            Self::Application => "Application",
            Self::Stopped => "Stopped",
            Self::Ended => "Ended",
        }
    }
}
