//! Sends an application: that it will be sent is kept before, and whenever it is not certain that it did not arrive, the
//! service is asked about it before anything else.

use std::collections::BTreeMap;

use crate::gateway::outcome::{Code, Trouble};

use super::client::Failure;
use super::dialogue::{Facts, Form};
use super::fields::{self, SUBSCRIBER};
use super::process::{Process, RequestStatus, Sending, Stage};
use super::registration::check_registration;
use super::session::Session;
use super::soap::Parameter;
use super::walk::{Rest, Walk};
use super::work::Work;

impl Work<'_> {
    /// Sends the application that is open, which [`permit`](super::permit) allows. None: the service did not take it, and its
    /// form is still open.
    pub(super) async fn send(&mut self, walk: &mut Walk<'_>) -> Result<Option<Rest>, Failure> {
        let data = data(&self.process, &walk.facts, &walk.dialogue.session);
        check(&data, &self.process.itn)?;
        let now = self.shared.now();
        let rejected = self.process.status == RequestStatus::Rejected;
        let before = self.process.sending.replace(Sending {
            replaces: rejected.then(|| self.process.number.clone()),
            at: now,
            seen: false,
            looks: 0,
            looked: now,
        });
        // Whoever wanted it gets one.
        let wish = self.wish.take();
        self.process.stage = Stage::Working;
        if let Err(failure) = self.keep(&walk.dialogue.session).await {
            self.unsent(before);
            return Err(failure);
        }
        walk.process = Some((self.id.to_owned(), self.process.clone()));
        walk.dialogue.leave();
        match walk.go(parameters(&data, &walk.facts)).await {
            Ok(rest) => {
                self.learn(walk);
                // It was opened again, and shows no application: that one was not taken.
                if matches!(rest, Rest::At(Form::Application)) && self.process.is_in_doubt() {
                    self.unsent(before);
                    return Err(refused(&walk.dialogue.message).into());
                }
                if let Some(sending) = &mut self.process.sending {
                    sending.seen = true;
                }
                Ok(Some(rest))
            }
            Err(failure) if !failure.sent => {
                self.unsent(before);
                self.wish = wish;
                Err(failure)
            }
            // It may have arrived: a new session tells.
            Err(failure) => {
                tracing::info!(
                    id = self.id,
                    why = failure.trouble.info,
                    "an application may not have arrived"
                );
                self.lost = Some(failure.trouble);
                walk.begin().await.map(Some)
            }
        }
    }

    /// The application has certainly not been sent; what was before it still is.
    fn unsent(&mut self, before: Option<Sending>) {
        self.process.sending = before;
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
pub(super) fn check(data: &BTreeMap<String, String>, itn: &str) -> Result<(), Trouble> {
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
    if data.get("ИНН").map(String::as_str) != Some(itn) {
        return bad(
            format!("ИНН заявки не совпадает с ИНН организации {itn}."),
            format!("ИНН: the process is that of {itn}, and its certificate speaks for no other"),
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
