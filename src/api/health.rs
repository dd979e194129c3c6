//! /health, /ready and /rescan on the second listener. Health tries what the node needs, rather than to say that
//! it runs.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{ALLOW, ORIGIN};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};

use crate::activation::ActivationHandle;
use crate::clock::{Millis, SharedClock};
use crate::devices::{Access, CarrierState};
use crate::events::Generations;
use crate::gateway::GatewayHandle;
use crate::keyring::{Ending, KeeperHandle, ending};
use crate::licence::{KeyId, KeyNo, Timestamp};
use crate::seats::DeskHandle;
use crate::signing::{Force, Message, NodeSigner, verify};

use super::rescan::Rescans;
use super::server::VERSION;
use super::watcher::looks;
use super::{Faults, host};

/// A desk that does not answer within this time is not healthy; likewise the gateway. Much less than monitoring systems
/// wait for an answer: a node that is sick is to say so.
const PATIENCE: Duration = Duration::from_secs(2);

/// A report is given out again for this long, so that questions cost nothing.
const FRESH: Millis = 1_000;

/// What /health says.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct HealthReport {
    /// Everything below is well.
    pub healthy: bool,
    /// Version of the program.
    pub version: String,
    /// Process.
    pub pid: u32,
    /// Start of the node.
    pub started: Timestamp,
    /// `ok`, or what is wrong with saving the state.
    pub store: String,
    /// `ok`, or what is wrong with signing.
    pub signer: String,
    /// `ok`, or where keys cannot be looked for.
    pub keyring: String,
    /// `ok`, `off`, or where devices cannot be looked for.
    pub devices: String,
    /// `ok`, `off`, or what is wrong with activations and revocations; the node is healthy all the same.
    #[serde(default)]
    pub activation: String,
    /// `ok`, `off`, or what is wrong with the operators' services; the node is healthy all the same.
    #[serde(default)]
    pub gateway: String,
    /// `ok`, `off`, or which webhooks are not reached for long; the node is healthy all the same.
    #[serde(default)]
    pub webhooks: String,
    /// What is known of hardware keys.
    pub usb: UsbReport,
    /// Keys, and those of them that are Enabled.
    pub keys: (usize, usize),
    /// Enabled keys whose period ends within 30 days, those that end first before the others.
    pub ending: Vec<EndingReport>,
    /// Seats of enabled keys, and seats taken.
    pub seats: (u64, u64),
    /// Live connections.
    pub connections: usize,
    /// Refusals since the start: series, reason, number.
    pub refusals: Vec<(String, String, u64)>,
}

impl HealthReport {
    /// The parts of the node by their fields' names, with `ok`, `off`, or what is wrong. Those that the node cannot be healthy
    /// without come first.
    pub fn parts(&self) -> [(&'static str, &str); 7] {
        [
            ("store", &self.store),
            ("signer", &self.signer),
            ("keyring", &self.keyring),
            ("devices", &self.devices),
            ("activation", &self.activation),
            ("gateway", &self.gateway),
            ("webhooks", &self.webhooks),
        ]
    }

    /// Those without which the node is not healthy.
    pub fn vital_parts(&self) -> [(&'static str, &str); 4] {
        let [store, signer, keyring, devices, ..] = self.parts();
        [store, signer, keyring, devices]
    }
}

/// What /health says of a key whose period ends soon.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "PascalCase")]
pub struct EndingReport {
    /// Serial number.
    pub key_no: KeyNo,
    /// Series.
    #[serde(rename = "KeyID")]
    pub key_id: KeyId,
    /// Days left, rounded up.
    pub days_left: i64,
}

impl From<Ending> for EndingReport {
    fn from(one: Ending) -> Self {
        Self {
            key_no: one.key_no,
            key_id: one.key_id,
            days_left: one.days_left,
        }
    }
}

/// What /health says of hardware keys.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct UsbReport {
    /// Devices that are plugged in.
    pub devices: usize,
    /// Devices of known families among them that this process may not use, or that do not work.
    pub inaccessible: usize,
    /// Devices among them that can carry licences.
    pub carriers: usize,
    /// Carriers that have proved themselves.
    pub proven: usize,
    /// Scans since the start.
    pub scans: u64,
    /// Times that the kernel dropped events, and everything was looked at anew.
    pub overflows: u64,
    /// Times that the connection to udev was made anew.
    pub reconnects: u64,
}

/// Asks the parts of the node how they are.
pub struct Health {
    /// Sessions.
    pub desk: DeskHandle,
    /// Keys.
    pub keys: KeeperHandle,
    /// Has everything looked at anew.
    pub rescans: Arc<Rescans>,
    /// Signatures.
    pub signer: Arc<NodeSigner>,
    /// Activations.
    pub activation: ActivationHandle,
    /// The operators' services.
    pub gateway: GatewayHandle,
    /// The webhooks.
    pub webhooks: Faults,
    /// The node's clock.
    pub clock: SharedClock,
    /// Start of the node.
    pub started: Timestamp,
    /// The last report.
    pub last: tokio::sync::Mutex<Option<LastReport>>,
}

/// A report that may be given out again.
pub struct LastReport {
    made: Millis,
    /// What had changed until then, where whoever had it made knew that.
    generations: Option<Generations>,
    report: HealthReport,
}

impl Health {
    /// Puts /health and /ready into an application.
    pub fn serve(self: &Arc<Self>, app: &mut ServiceConfig) {
        app.app_data(Data::from(self.clone()))
            .default_service(web::to(answer));
    }

    /// The node's state, at most a second old.
    pub async fn report(&self) -> HealthReport {
        self.give(None).await
    }

    /// The node's state, of no time before these changes: for who is told of changes, and asks once after each.
    pub async fn report_since(&self, generations: Generations) -> HealthReport {
        self.give(Some(generations)).await
    }

    async fn give(&self, generations: Option<Generations>) -> HealthReport {
        let mut last = self.last.lock().await;
        let now = self.clock.now().mono;
        if let Some(last) = &*last
            && now < last.made + FRESH
            && (generations.is_none() || generations == last.generations)
        {
            return last.report.clone();
        }
        let report = self.ask().await;
        *last = Some(LastReport {
            made: now,
            generations,
            report: report.clone(),
        });
        report
    }

    async fn ask(&self) -> HealthReport {
        let totals = self.desk.ask(|desk, _, time| {
            // Only a commit shows that the next seat could be saved.
            desk.ledger.rely_on_commit();
            desk.totals(time)
        });
        let (totals, gateway, signer) = tokio::join!(
            tokio::time::timeout(PATIENCE, totals),
            tokio::time::timeout(PATIENCE, self.gateway.health()),
            self.try_signer(),
        );
        let (store, totals) = match totals {
            Ok(Ok(totals)) => ("ok".to_owned(), totals),
            Ok(Err(error)) => {
                let told = self
                    .desk
                    .health()
                    .store_error
                    .unwrap_or_else(|| error.to_string());
                let totals = self.desk.ask(|desk, _, time| desk.totals(time));
                let totals = tokio::time::timeout(PATIENCE, totals).await;
                (told, totals.ok().and_then(Result::ok).unwrap_or_default())
            }
            Err(_) => ("does not answer".to_owned(), crate::seats::Totals::default()),
        };
        let keyring = self.keys.keyring();
        let errors = self.keys.health().errors;
        let lost: Vec<String> = errors.iter().map(ToString::to_string).collect();
        let keys = if lost.is_empty() {
            "ok".to_owned()
        } else {
            lost.join("; ")
        };
        let enabled = keyring.keys().iter().filter(|key| key.verdict.enabled).count();
        let ending = ending(&keyring, self.clock.now().wall);
        let refusals = totals
            .refusals
            .iter()
            .map(|(series, reason, count)| (series.to_string(), reason.name().to_owned(), *count));
        let (devices, usb) = self.ask_devices();
        let healthy = [&store, &signer, &keys].into_iter().all(|state| state == "ok")
            && (devices == "ok" || devices == "off");
        HealthReport {
            healthy,
            version: VERSION.into(),
            pid: std::process::id(),
            started: self.started,
            store,
            signer,
            keyring: keys,
            devices,
            activation: self.activation.health(),
            gateway: gateway.unwrap_or_else(|_| "does not answer".into()),
            webhooks: self.webhooks.words(self.clock.now().wall),
            usb,
            keys: (keyring.keys().len(), enabled),
            ending: ending.into_iter().map(Into::into).collect(),
            seats: (totals.seats, totals.used),
            connections: totals.connections,
            refusals: refusals.collect(),
        }
    }

    fn ask_devices(&self) -> (String, UsbReport) {
        let plugged = self.keys.devices();
        let (hardware, counters) = (plugged.hardware(), plugged.counters());
        if hardware.usb_off {
            return ("off".into(), UsbReport::default());
        }
        let (inventory, carriers) = (&hardware.inventory, &hardware.carriers);
        let errors: Vec<String> = inventory.errors.iter().map(ToString::to_string).collect();
        let state = if errors.is_empty() {
            "ok".into()
        } else {
            errors.join("; ")
        };
        // What belongs to no family, such as a keyboard, is not ours to use.
        let inaccessible = inventory
            .devices
            .iter()
            .filter(|device| device.family.is_some() && device.access != Access::Ok);
        let proven = carriers
            .iter()
            .filter(|carrier| carrier.state == CarrierState::Proven);
        let report = UsbReport {
            devices: inventory.devices.len(),
            inaccessible: inaccessible.count(),
            carriers: carriers.len(),
            proven: proven.count(),
            scans: counters.scans,
            overflows: counters.overflows,
            reconnects: counters.reconnects,
        };
        (state, report)
    }

    /// Signs, and checks the signature as a client would, with whichever key is in force. That the software key
    /// stands in for a token is no state to stay in.
    async fn try_signer(&self) -> String {
        let message = Message {
            query_id: b"health",
            body: b"{}",
        };
        let signature = match self.signer.sign(message).await {
            Ok(signature) => signature.to_base64(),
            Err(error) => return error.to_string(),
        };
        if let Force::Fallback(why) = self.signer.force() {
            return format!("{why}; the software key signs");
        }
        let public = self.signer.public_key();
        let checked = verify(&public.pem, message, &signature);
        checked.map_or_else(|error| error.to_string(), |()| "ok".to_owned())
    }
}

async fn answer(request: HttpRequest, health: Data<Health>) -> HttpResponse {
    let path = request.path();
    if matches!(path, "/health" | "/ready")
        && let Err(refusal) = looks(&request)
    {
        return refusal;
    }
    match path {
        "/health" => {
            let report = health.report().await;
            let mut response = if report.healthy {
                HttpResponse::Ok()
            } else {
                HttpResponse::ServiceUnavailable()
            };
            response.json(report)
        }
        // It listens only once everything is started.
        "/ready" => HttpResponse::Ok().json(serde_json::json!({ "ready": true })),
        "/rescan" => rescan(&request, &health.rescans).await,
        _ => told(
            HttpResponse::NotFound(),
            "there are /console/, /health, /ready, /rescan, /metrics and /events",
        ),
    }
}

/// Nobody logs in here, for `keynode rescan` runs unattended. Scans that nobody needs are harmless, for they are
/// coalesced; a web page that a browser on this computer shows must not cause any all the same.
async fn rescan(request: &HttpRequest, rescans: &Arc<Rescans>) -> HttpResponse {
    if request.method() != Method::POST {
        let mut refusal = HttpResponse::MethodNotAllowed();
        refusal.insert_header((ALLOW, "POST"));
        return told(refusal, "to rescan is a POST");
    }
    if request.headers().contains_key(ORIGIN) || !host::is_allowed(request, &[]) {
        return told(HttpResponse::Forbidden(), "no web page may ask for that");
    }
    HttpResponse::Ok().json(rescans.run().await)
}

fn told(mut status: actix_web::HttpResponseBuilder, error: &str) -> HttpResponse {
    status.json(serde_json::json!({ "error": error }))
}
