//! Asks the service: reads how it wants to be asked once, and again when it is not reached.

use std::collections::VecDeque;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use reqwest::{Method, Url};

use crate::gateway::gateway::Shared;
use crate::gateway::outcome::{Code, Detail, Trouble};
use crate::gateway::secret::without;
use crate::gateway::state::StateError;
use crate::gateway::upstream::{Ask, Told, Unreached};
use crate::settings::TaxcomForm;

use super::soap::{self, BadAnswer, Command, Parameter};
use super::trouble::{Stuck, clean, nonsense};
use super::wsdl::Service;

/// The first exchange with the service, the reading of its description included.
const FIRST: Duration = Duration::from_secs(10);

/// Every other exchange.
const LATER: Duration = Duration::from_secs(30);

/// The most documents that the description may import.
const MOST_IMPORTED: usize = 4;

/// Why an exchange brought nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) trouble: Trouble,
    /// False: the service has certainly not seen the request.
    pub(super) sent: bool,
    /// The service answered, and does not go on: it may have lost the session.
    pub(super) refused: bool,
    /// It may be tried again by itself, later.
    pub(super) again: bool,
}

/// What is wrong here is not tried again.
impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Self {
            trouble,
            sent: false,
            refused: false,
            again: false,
        }
    }
}

/// What the dialogue stuck at is tried again, unless only a person could go on.
impl From<Stuck> for Failure {
    fn from(stuck: Stuck) -> Self {
        Self {
            trouble: stuck.trouble,
            sent: true,
            refused: true,
            again: !stuck.person,
        }
    }
}

impl Failure {
    /// The service answered what makes no sense.
    pub(super) fn nonsense(what: &str) -> Self {
        Self {
            trouble: nonsense(what),
            sent: true,
            refused: true,
            again: true,
        }
    }

    /// A key did not do its work. It may come back, be opened or be less busy; but no PIN is tried twice, and no certificate
    /// becomes valid again.
    pub(super) fn of_key(trouble: Trouble) -> Self {
        let lasts = [Detail::PinWrong, Detail::CertificateExpired].map(Some);
        Self {
            again: !lasts.contains(&trouble.detail),
            ..trouble.into()
        }
    }

    /// The node could not keep or read what it must before it goes on.
    pub(super) fn not_saved(error: StateError) -> Self {
        Self::of_key(error.into())
    }
}

/// The service's description, and for which address it was read.
struct Known {
    url: String,
    service: Service,
}

/// The way to the service.
#[derive(Default)]
pub(super) struct Client {
    known: ArcSwapOption<Known>,
}

impl Client {
    /// The operation `process`. What goes wrong is told without these secrets.
    pub(super) async fn process(
        &self,
        shared: &Shared,
        process: Option<&str>,
        parameters: &[Parameter],
        secrets: &[&str],
    ) -> Result<Vec<Command>, Failure> {
        let request = |service: &Service| soap::process(service, process, parameters);
        let told = self.post(shared, request).await?;
        soap::commands(&told.body).map_err(|error| self.bad(&told, error, secrets))
    }

    /// The operation `isConfigurationSupported`.
    pub(super) async fn is_supported(&self, shared: &Shared, configuration: &str) -> Result<bool, Failure> {
        let told = self
            .post(shared, |service| soap::is_supported(service, configuration))
            .await?;
        soap::supported(&told.body).map_err(|error| self.bad(&told, error, &[]))
    }

    async fn post(&self, shared: &Shared, request: impl FnOnce(&Service) -> String) -> Result<Told, Failure> {
        let first = self.known.load().is_none();
        let (service, timeout) = if first {
            let begun = std::time::Instant::now();
            let service = self.service(shared).await?;
            (
                service,
                FIRST.saturating_sub(begun.elapsed()).max(Duration::from_secs(1)),
            )
        } else {
            (self.service(shared).await?, LATER)
        };
        let mut ask = Ask::new(
            Method::POST,
            service.address.clone(),
            request(&service).into_bytes(),
        )
        .header("Content-Type", "text/xml;charset=UTF-8")
        .header("SOAPAction", "\"\"");
        ask.timeout = Some(timeout.min(shared.rules().common.timeout));
        let told = shared.upstream.ask(ask).await;
        told.map_err(|unreached| {
            self.known.store(None);
            unreachable(&unreached)
        })
    }

    /// The service's description.
    async fn service(&self, shared: &Shared) -> Result<Service, Failure> {
        let rules = shared.rules();
        let url = rules.taxcom.url.as_str();
        let known = self.known.load_full().filter(|known| known.url == url);
        let mut service = match known {
            Some(known) => known.service.clone(),
            None => self.read(shared, url).await?,
        };
        match rules.taxcom.form {
            TaxcomForm::Wsdl => {}
            TaxcomForm::Elements => service.form.attributes = false,
            TaxcomForm::Attributes => service.form.attributes = true,
        }
        Ok(service)
    }

    /// Reads the description, and what it imports.
    async fn read(&self, shared: &Shared, url: &str) -> Result<Service, Failure> {
        let unread = |why: String| Failure {
            again: true,
            ..bad_wsdl(&why).into()
        };
        let at = Url::parse(&format!("{url}?wsdl")).map_err(|error| unread(error.to_string()))?;
        let wsdl = document(shared, &at).await?;
        let mut waiting = VecDeque::from(Service::imports(&wsdl, &at).map_err(unread)?);
        let (mut known, mut imported) = (vec![at], Vec::new());
        while let Some(next) = waiting.pop_front() {
            if known.contains(&next) {
                continue;
            }
            if imported.len() == MOST_IMPORTED {
                return Err(unread(format!("it imports more than {MOST_IMPORTED} documents")));
            }
            let document = document(shared, &next).await?;
            waiting.extend(Service::imports(&document, &next).map_err(unread)?);
            imported.push(document);
            known.push(next);
        }
        let service = Service::read(&wsdl, &imported, url).map_err(unread)?;
        self.known.store(Some(std::sync::Arc::new(Known {
            url: url.to_owned(),
            service: service.clone(),
        })));
        Ok(service)
    }

    /// Why an answer is no success.
    fn bad(&self, told: &Told, error: BadAnswer, secrets: &[&str]) -> Failure {
        let status = told.status;
        match error {
            BadAnswer::Fault(words) => Failure {
                trouble: Trouble::new(
                    Code::Service,
                    "Сервис 1С-Такском сообщил об ошибке.",
                    format!("1C-Taxcom: SOAP Fault: {}", clean(&without(&words, secrets))),
                ),
                sent: true,
                refused: true,
                again: true,
            },
            // Whatever stands before the service says that it is not there.
            BadAnswer::Nonsense(_) if matches!(status, 404 | 502..=504) => {
                self.known.store(None);
                let why = format!("HTTP {status}");
                unreachable(&Unreached { why, sent: true })
            }
            BadAnswer::Nonsense(why) => {
                self.known.store(None);
                Failure::nonsense(&format!("HTTP {status}, {}", clean(&without(&why, secrets))))
            }
        }
    }
}

/// A document of the description.
async fn document(shared: &Shared, url: &Url) -> Result<Vec<u8>, Failure> {
    let mut ask = Ask::get(url.to_string());
    ask.timeout = Some(FIRST.min(shared.rules().common.timeout));
    let told = shared.upstream.ask(ask).await;
    let told = told.map_err(|unreached| Failure {
        sent: false,
        ..unreachable(&unreached)
    })?;
    if told.status != 200 {
        let why = format!("its WSDL was answered with HTTP {}", told.status);
        return Err(unreachable(&Unreached { why, sent: false }));
    }
    Ok(told.body.clone())
}

fn unreachable(unreached: &Unreached) -> Failure {
    Failure {
        trouble: Trouble::new(
            Code::Connection,
            "Сервис 1С-Такском недоступен.",
            format!("1C-Taxcom: {}", unreached.why),
        ),
        sent: unreached.sent,
        refused: false,
        again: true,
    }
}

fn bad_wsdl(why: &str) -> Trouble {
    Trouble::new(
        Code::Service,
        "Описание сервиса 1С-Такском непонятно.",
        format!("the WSDL of 1C-Taxcom: {why}"),
    )
}
