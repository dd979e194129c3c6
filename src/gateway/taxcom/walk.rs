//! Leads a dialogue with the service up to where it rests: asks, decrypts, asks again.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::cms::Certificate;
use crate::gateway::gateway::Shared;
use crate::gateway::organization::Organization;
use crate::gateway::outcome::{Code, Detail, Trouble};
use crate::gateway::secret::Secret;
use crate::gateway::state::{Changes, State, StateError};

use super::client::{Client, Failure};
use super::dialogue::{Dialogue, Entry, Facts, Form, Step};
use super::process::Process;
use super::session::Session;
use super::soap::Parameter;

/// The most requests until a form is open: the service cannot lead on for ever.
const MOST_ROUNDS: usize = 30;

/// The longest message that is decrypted for the service, in bytes: its marker is a word, and nothing else is opened for it.
const LONGEST_MARKER: usize = 8 * 1024;

/// Where a dialogue rests.
#[derive(Debug)]
pub(super) enum Rest {
    /// At a form.
    At(Form),
    /// The service has ended the process well.
    Over,
}

/// A dialogue that is led.
pub(super) struct Walk<'a> {
    pub(super) shared: &'a Shared,
    pub(super) client: &'a Client,
    pub(super) facts: Facts,
    pub(super) dialogue: Dialogue,
    /// The process that it belongs to: its session is kept after each exchange.
    pub(super) process: Option<(String, Process)>,
    /// A new session was begun and has not reached a form.
    pub(super) beginning: bool,
    /// The session was begun just now: the service cannot have forgotten it.
    pub(super) fresh: bool,
}

impl Walk<'_> {
    /// Begins a new session and goes to the first form.
    pub(super) async fn begin(&mut self) -> Result<Rest, Failure> {
        if !self.facts.valid {
            return Err(expired(self.facts.thumbprint).into());
        }
        if let Some(missing) = &self.facts.missing {
            return Err(Failure::of_key(missing.clone()));
        }
        let (dialogue, first) = Dialogue::begin(&self.facts);
        self.dialogue = dialogue;
        (self.beginning, self.fresh) = (true, true);
        let rest = self.go(first).await?;
        self.beginning = false;
        Ok(rest)
    }

    /// Forgets a session that is lost, or that has not reached a form: it leads nowhere.
    pub(super) fn forget(&mut self, lost: bool) {
        if lost || self.beginning {
            self.dialogue.session = Session::default();
        }
    }

    /// Does what pressing a button of a form does.
    pub(super) async fn press(&mut self, button: &str) -> Result<Rest, Failure> {
        self.go(vec![Parameter::new(button, "true")]).await
    }

    /// Asks, and does what is answered, until the dialogue rests. A failure tells whether the first of these requests was
    /// seen.
    pub(super) async fn go(&mut self, parameters: Vec<Parameter>) -> Result<Rest, Failure> {
        let first = self.dialogue.session.request(parameters);
        let mut next = self.round(first).await?;
        let seen = |failure: Failure| Failure {
            sent: true,
            ..failure
        };
        for _ in 0..MOST_ROUNDS {
            next = match next {
                Next::Ask(parameters) => self.round(parameters).await.map_err(seen)?,
                Next::Rest(rest) => return Ok(rest),
            };
        }
        Err(Failure::nonsense("it leads on without end"))
    }

    /// One exchange, and what it leads to.
    async fn round(&mut self, parameters: Vec<Parameter>) -> Result<Next, Failure> {
        let process = self.dialogue.session.process();
        let secrets = self.dialogue.secrets(&self.facts);
        let commands = self
            .client
            .process(self.shared, process, &parameters, &secrets)
            .await?;
        let mut step = self.dialogue.hear(commands, &self.facts)?;
        self.keep().await?;
        loop {
            step = match step {
                Step::Ask(parameters) => return Ok(Next::Ask(parameters)),
                Step::Rest(Some(form)) => return Ok(Next::Rest(Rest::At(form))),
                Step::Succeeded => return Ok(Next::Rest(Rest::Over)),
                Step::Rest(None) => return Err(Failure::nonsense("it ended without a form")),
                Step::Decrypt(marker, thumbprint) => {
                    let marker: String = marker.split_ascii_whitespace().collect();
                    let marker = STANDARD.decode(marker);
                    let marker = marker.map_err(|_| Failure::nonsense("its marker is no Base64"))?;
                    if marker.len() > LONGEST_MARKER {
                        return Err(Failure::nonsense(
                            "what it wants decrypted is no marker: too long",
                        ));
                    }
                    let opened = self.shared.signer.decrypt(thumbprint, &marker).await;
                    let opened = opened.map_err(|trouble| Failure {
                        sent: true,
                        ..Failure::of_key(trouble)
                    })?;
                    self.dialogue.decrypted(&opened, &self.facts)?
                }
            };
        }
    }

    /// Tells the service that the session is over; whether it heard that does not matter.
    pub(super) async fn close(&mut self) {
        let session = std::mem::take(&mut self.dialogue.session);
        close(self.shared, self.client, &session).await;
    }

    async fn keep(&self) -> Result<(), Failure> {
        let Some((id, process)) = &self.process else {
            return Ok(());
        };
        let mut changes = Changes::new();
        let state = &self.shared.state;
        let put = put(state, &mut changes, id, process, &self.dialogue.session).await;
        let kept = put.and_then(|()| state.commit(changes));
        kept.map_err(|error| Failure {
            sent: true,
            ..Failure::not_saved(error)
        })
    }
}

/// Tells the service that a session is over, where one is open.
pub(super) async fn close(shared: &Shared, client: &Client, session: &Session) {
    if session.is_open() {
        let parameters = session.request(vec![Parameter::new("CloseBP", "true")]);
        let secrets = [session.value("session_id"), session.value("openMarkerED")];
        let told = client.process(shared, session.process(), &parameters, &secrets);
        if let Err(failure) = told.await {
            let why = failure.trouble.info;
            tracing::debug!(why, "1C-Taxcom did not hear the end of a session");
        }
    }
}

/// A key decrypts whatever the time; who shows it with a certificate that is over shows nothing.
fn expired(thumbprint: crate::cms::Thumbprint) -> Trouble {
    let message = "Срок действия сертификата электронной подписи истек или не наступил.";
    let info = format!("the certificate {thumbprint} is not valid now: 1C-Taxcom is not asked");
    Trouble::new(Code::Service, message, info).with(Detail::CertificateExpired)
}

/// What an exchange leads to.
enum Next {
    Ask(Vec<Parameter>),
    Rest(Rest),
}

/// Puts a process with its session among changes.
pub(super) async fn put(
    state: &State,
    changes: &mut Changes,
    id: &str,
    process: &Process,
    session: &Session,
) -> Result<(), StateError> {
    let session = serde_json::to_string(session).expect("a map of texts has a JSON form");
    state
        .put_sealed(changes, id, process, &Secret::from(session))
        .await
}

/// The session of a process, where it has one.
pub(super) async fn session(shared: &Shared, id: &str) -> Result<Session, StateError> {
    let sealed = shared.state.secret::<Process>(id).await?;
    let session = sealed.and_then(|sealed| serde_json::from_str(sealed.expose()).ok());
    Ok(session.unwrap_or_default())
}

/// What a dialogue may tell the service. `der` is Base64 of the certificate for where its token is away, or empty.
pub(super) async fn facts(
    shared: &Shared,
    entry: Entry,
    thumbprint: crate::cms::Thumbprint,
    (itn, der): (&str, &str),
    configuration: &str,
    add_to: Option<&str>,
) -> Result<Facts, Failure> {
    let here = shared.signer.certificate(thumbprint);
    let missing = here.is_none().then(|| shared.signer.unknown(thumbprint));
    let kept = || Certificate::read(&STANDARD.decode(der).ok()?).ok().map(Arc::new);
    let certificate = match (here.or_else(kept), &missing) {
        (Some(certificate), _) => certificate,
        (None, missing) => {
            let missing = missing
                .clone()
                .unwrap_or_else(|| shared.signer.unknown(thumbprint));
            return Err(Failure::of_key(missing));
        }
    };
    let read = |error| Failure::not_saved(error);
    let organization: Organization = shared.organization(itn).map_err(read)?.unwrap_or_default();
    let mut registration = organization.registration_data;
    registration.retain(|_, value| !value.trim().is_empty());
    registration.entry("ИНН".into()).or_insert_with(|| itn.to_owned());
    Ok(Facts {
        entry,
        configuration: configuration.to_owned(),
        certificate: STANDARD.encode(&certificate.der),
        valid: (certificate.not_before..=certificate.not_after).contains(&shared.now()),
        missing,
        thumbprint,
        itn: itn.to_owned(),
        add_to: add_to.map(str::to_owned),
        registration,
        account: shared.state.account(None).await.map_err(read)?,
        certificates: shared.signer.certificates_of(itn),
    })
}
