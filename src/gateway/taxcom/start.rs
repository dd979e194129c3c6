//! Starts processes, at most one for a certificate: two would send two applications.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::cms::Thumbprint;
use crate::gateway::outcome::Trouble;
use crate::gateway::state::Changes;
use crate::store::Id;

use super::process::{Callback, Process, ProcessKind, RequestStatus, Sending, Stage, Told};
use super::work::Task;
use super::{POLL, Refusal, Taxcom};

/// Processes that are over and still shown.
const MOST_ENDED: usize = 200;

/// What a caller wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// What for.
    pub kind: ProcessKind,
    /// The organisation; none: the certificate's.
    pub itn: Option<String>,
    /// The certificate; none: the organisation's.
    pub certificate: Option<Thumbprint>,
    /// The subscriber that a certificate is added to.
    pub subscriber_id: Option<String>,
    /// Name of the 1C configuration; none: that of the settings.
    pub configuration: Option<String>,
    /// `ОбработчикСтатусаЗаявки`.
    pub on_status: Callback,
    /// `ОбработчикСозданияЗаявки`.
    pub on_create: Callback,
}

/// A process that was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// Its ID.
    pub id: String,
    /// How far it got.
    pub process: Process,
    /// False: it was there already.
    pub new: bool,
}

impl Taxcom {
    /// Starts a process and goes as far as that goes; one that is under way for the same is told in its place.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn start(&self, order: Order) -> Result<Started, Refusal> {
        let (itn, thumbprint) = self.parties(order.itn.as_deref(), order.certificate)?;
        let certificate = thumbprint.to_string();
        let all = self.processes()?;
        let live = all
            .iter()
            .find(|(_, process)| process.certificate == certificate && process.stage != Stage::Ended);
        if let Some((id, process)) = live {
            if process.kind == order.kind && process.add_to == order.subscriber_id {
                return Ok(Started {
                    id: id.clone(),
                    process: process.clone(),
                    new: false,
                });
            }
            let why = format!("the process {id} is under way for this certificate");
            return Err(Refusal::Conflict(why));
        }
        let id = Id::random().to_string();
        // What may have been sent for the certificate is not forgotten with the process that sent it.
        let sending = self.shared.state.find::<Sending>(&certificate);
        let mut sending = sending.map_err(|error| Trouble::not_saved(&error))?;
        if let Some(sending) = &mut sending {
            sending.looks = 0;
        }
        let here = self.shared.signer.certificate(thumbprint);
        let der = here.map_or_else(String::new, |certificate| STANDARD.encode(&certificate.der));
        let process = Process {
            kind: order.kind,
            itn,
            certificate,
            configuration: self.configuration(order.configuration),
            add_to: order.subscriber_id,
            on_status: order.on_status,
            on_create: order.on_create,
            created: self.shared.now(),
            stage: Stage::Working,
            status: RequestStatus::Absent,
            number: String::new(),
            date: String::new(),
            error_code: String::new(),
            error_description: String::new(),
            message: String::new(),
            request_data: std::collections::BTreeMap::new(),
            draft: None,
            subscriber_id: String::new(),
            registered: false,
            der,
            told: Told::default(),
            sending,
            failures: 0,
            next: Some(self.shared.now()),
            trouble: None,
        };
        // Nothing is awaited since the others were looked at: no second one can have come between.
        let mut changes = Changes::new()
            .put(&id, &process)
            .plan(POLL, &id, self.shared.now());
        for (old, _) in ended(&all) {
            changes = changes.remove::<Process>(old);
        }
        let kept = self.shared.state.commit(changes);
        kept.map_err(|error| Trouble::not_saved(&error))?;
        let turn = self.turn(&id);
        let _turn = turn.lock().await;
        let process = self.work(&id, process, Task::GoOn).await?;
        Ok(Started {
            id,
            process,
            new: true,
        })
    }

    /// The name of a 1C configuration that the service is told.
    pub(super) fn configuration(&self, named: Option<String>) -> String {
        named.unwrap_or_else(|| self.shared.rules().taxcom.configuration.clone())
    }

    /// The organisation and the certificate that a request is about.
    pub(super) fn parties(
        &self,
        itn: Option<&str>,
        certificate: Option<Thumbprint>,
    ) -> Result<(String, Thumbprint), Refusal> {
        let bearer = certificate.and_then(|own| self.shared.signer.certificate(own));
        let bearer = bearer.and_then(|certificate| certificate.itn.clone());
        let Some(itn) = itn.map(str::to_owned).or_else(|| bearer.clone()) else {
            return Err(Refusal::Bad(
                "ITN is missing, and no certificate that is here tells it".into(),
            ));
        };
        let organization = self.shared.organization(&itn);
        let organization = organization.map_err(|error| Trouble::not_saved(&error))?;
        let organization = organization.ok_or_else(|| Refusal::UnknownOrganization(itn.clone()))?;
        let thumbprint = match certificate {
            Some(thumbprint) => thumbprint,
            None => self.shared.signer.thumbprint_of(&itn, &organization)?,
        };
        let set = organization.thumbprint() == Some(thumbprint);
        if !set && bearer.is_some_and(|bearer| bearer != itn) {
            let why = format!("the certificate {thumbprint} is not that of the organisation {itn}");
            return Err(Refusal::Bad(why));
        }
        Ok((itn, thumbprint))
    }
}

/// The oldest of those that are over, beyond what is still shown.
fn ended(all: &[(String, Process)]) -> impl Iterator<Item = &(String, Process)> {
    let mut over: Vec<_> = all
        .iter()
        .filter(|(_, process)| process.stage == Stage::Ended)
        .collect();
    over.sort_by_key(|(_, process)| std::cmp::Reverse(process.created));
    over.into_iter().skip(MOST_ENDED)
}
