//! Sends an application, never twice: that it will be sent is kept before, and whenever it is not certain that it did not
//! arrive, the service is asked about it before anything else.

use std::collections::BTreeMap;

use crate::gateway::outcome::{Code, Trouble};

use super::client::Failure;
use super::dialogue::{Facts, Form, Session};
use super::fields::{self, SUBSCRIBER};
use super::process::{Process, Sending, Stage};
use super::registration::check_registration;
use super::soap::Parameter;
use super::walk::{Rest, Walk};
use super::work::Work;

impl Work<'_> {
    /// Sends the application that is open. None: the service did not take it, and its form is still open.
    pub(super) async fn send(&mut self, walk: &mut Walk<'_>) -> Result<Option<Rest>, Failure> {
        let data = data(&self.process, &walk.facts, &walk.dialogue.session);
        check(&data)?;
        self.process.sending = Some(Sending {
            previous: self.process.number.clone(),
            doubts: 0,
        });
        self.process.stage = Stage::Working;
        self.keep(&walk.dialogue.session)
            .await
            .inspect_err(|_| self.unsent())?;
        walk.process = Some((self.id.to_owned(), self.process.clone()));
        walk.dialogue.message.clear();
        match walk.go(parameters(&data, &walk.facts)).await {
            Ok(Rest::At(Form::Application)) => {
                self.unsent();
                Err(refused(&walk.dialogue.message).into())
            }
            Ok(rest) => Ok(Some(rest)),
            Err(failure) if !failure.sent => {
                self.unsent();
                Err(failure)
            }
            // It may have arrived: a new session tells.
            Err(failure) => {
                tracing::info!(
                    id = self.id,
                    why = failure.trouble.info,
                    "an application may not have arrived"
                );
                let rest = walk.begin().await?;
                self.process.trouble = Some(failure.trouble);
                Ok(Some(rest))
            }
        }
    }

    /// The application has certainly not been sent.
    fn unsent(&mut self) {
        self.process.sending = None;
        self.process.stage = Stage::Application;
    }
}

/// What is sent: what the caller gave, or what the organisation has; what neither has, the service told.
pub(super) fn data(process: &Process, facts: &Facts, session: &Session) -> BTreeMap<String, String> {
    let mut data = fields::told(session.values());
    data.remove(fields::FINGERPRINT);
    let own = process.draft.as_ref().unwrap_or(&facts.registration);
    data.extend(
        own.iter()
            .map(|(name, value)| (name.clone(), value.trim().to_owned())),
    );
    if let Some(subscriber) = &process.add_to {
        data.insert(SUBSCRIBER.into(), subscriber.clone());
    }
    data
}

/// Whether data may be sent.
///
/// # Errors
/// `НеверныйФорматЗапроса` with the field.
pub(super) fn check(data: &BTreeMap<String, String>) -> Result<(), Trouble> {
    let bad = |message: String, info: String| Err(Trouble::new(Code::BadRequest, message, info));
    if let Err(wrong) = check_registration(data) {
        return bad(wrong.message, wrong.info);
    }
    if let Some(name) = fields::missing(data) {
        return bad(
            format!("Не заполнено поле заявки: {name}."),
            format!("{name}: an application without it is not sent"),
        );
    }
    Ok(())
}

fn parameters(data: &BTreeMap<String, String>, facts: &Facts) -> Vec<Parameter> {
    let mut parameters = vec![Parameter::new("endForm", "send")];
    for (name, wire) in fields::WIRE {
        let value = data.get(name).map_or("", String::as_str);
        parameters.push(Parameter::new(wire, value));
    }
    let name = data.get("НаименованиеОрганизации").cloned().unwrap_or_default();
    parameters.push(Parameter::new("nameCertificateED", name));
    parameters.push(Parameter::new("certificateED", facts.certificate.as_str()));
    parameters
}

fn refused(words: &str) -> Trouble {
    let message = match words {
        "" => "Сервис 1С-Такском не принял заявку.".to_owned(),
        words => format!("Сервис 1С-Такском не принял заявку: {words}"),
    };
    Trouble::new(
        Code::Service,
        message,
        "1C-Taxcom left the form of the application open",
    )
}
