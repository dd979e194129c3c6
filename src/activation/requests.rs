//! Requests as this node makes them: each is kept before it is sent, and repeated as it is until it was answered.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::licence::binding::Binding;
use crate::licence::{Licence, Timestamp};
use crate::store::{ActivationCarrier, ActivationRow, PendingRequest};

use super::activator::Activator;
use super::nonce::Nonce;
use super::order::{ActivationError, Order, Place};
use super::request::{Action, CarrierClaim, REQUEST_VERSION, Request, carrier_challenge};
use super::sealed::{open_request, seal_request};

impl Action {
    /// Its name in a request.
    pub fn name(self) -> &'static str {
        match self {
            Self::Activate => "activate",
            Self::Renew => "renew",
            Self::Return => "return",
        }
    }

    /// Where it is asked for, under the centre's address.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Activate => "/v1/activations",
            Self::Renew => "/v1/renewals",
            Self::Return => "/v1/returns",
        }
    }
}

impl Activator {
    /// What a request to activate begins with: its nonce, and what a carrier has to sign. None where the request that is
    /// kept already is just what this order makes on this computer.
    pub(super) fn begin(
        &self,
        order: &Order,
        row: Option<&ActivationRow>,
    ) -> Result<Option<(Nonce, [u8; 32])>, ActivationError> {
        if let Some(pending) = row.and_then(|row| row.pending.as_ref()) {
            let request = opened(pending)?;
            let here =
                || request.computer.is_none() || request.computer == Some(self.fingerprint().components);
            if is_for(&request, order) && here() {
                return Ok(None);
            }
        }
        let nonce = new_nonce()?;
        let challenge = carrier_challenge(&self.identity()?.public_key(), &nonce, &order.code);
        Ok(Some((nonce, challenge)))
    }

    /// Keeps a request to activate; false where there is one already.
    pub(super) async fn ask_to_activate(
        &self,
        order: &Order,
        row: Option<&ActivationRow>,
    ) -> Result<bool, ActivationError> {
        let Some((nonce, challenge)) = self.begin(order, row)? else {
            return Ok(false);
        };
        let proof = match order.place.clone() {
            Place::Computer => Ok(Vec::new()),
            Place::Carrier { id, .. } => {
                // A carrier takes its time: whoever runs this task has others.
                let host = self.parts.host.clone();
                let asked = tokio::task::spawn_blocking(move || host.attest(&id, &challenge)).await;
                asked.unwrap_or_else(|_| Err("it could not be asked".into()))
            }
        };
        self.keep(order, row, false, nonce, proof).map(|()| true)
    }

    /// As [`Activator::ask_to_activate`] for a request that goes other ways; carriers are waited for.
    pub(super) fn keep_offline(
        &self,
        order: &Order,
        row: Option<&ActivationRow>,
    ) -> Result<(), ActivationError> {
        let Some((nonce, challenge)) = self.begin(order, row)? else {
            return Ok(());
        };
        let proof = match &order.place {
            Place::Computer => Ok(Vec::new()),
            Place::Carrier { id, .. } => self.parts.host.attest(id, &challenge),
        };
        self.keep(order, row, true, nonce, proof)
    }

    fn keep(
        &self,
        order: &Order,
        row: Option<&ActivationRow>,
        offline: bool,
        nonce: Nonce,
        proof: Result<Vec<u8>, String>,
    ) -> Result<(), ActivationError> {
        let (computer, carrier, placed) = match &order.place {
            Place::Computer => (Some(self.fingerprint().components), None, None),
            Place::Carrier { id, binding, number } => {
                let proof = proof.map_err(|why| ActivationError::Carrier { id: id.clone(), why })?;
                let claim = CarrierClaim {
                    binding: binding.clone(),
                    number: *number,
                    proof: URL_SAFE_NO_PAD.encode(proof),
                };
                let placed = ActivationCarrier {
                    id: id.clone(),
                    binding: binding.clone(),
                    number: *number,
                };
                (None, Some(claim), Some(placed))
            }
        };
        let request = Request {
            version: REQUEST_VERSION,
            action: Action::Activate,
            code: order.code.clone(),
            itn: order.itn.clone(),
            iec: order.iec.clone(),
            nonce,
            last: row.and_then(|row| Nonce::parse(row.last.as_deref()?).ok()),
            time: self.now(),
            recovery: order.recovery.clone(),
            computer,
            carrier,
        };
        let checked = request.check();
        checked.map_err(|error| {
            ActivationError::Here(format!("this computer cannot be named to a centre: {error}"))
        })?;
        let (text, next) = (seal_request(&request, &*self.identity()?), self.lease());
        let centre = self.rules().centre.clone();
        self.store(|activations| {
            activations.change(&order.code, |row| {
                let mut row = row.unwrap_or_else(|| new_row(order));
                if !offline {
                    row.centre = centre;
                }
                row.pending = Some(PendingRequest {
                    action: Action::Activate.name().into(),
                    text,
                    offline,
                });
                row.next = Some(next);
                // The holder and place of a licence that is here stay until there is another.
                if row.key_no.is_none() {
                    (row.itn, row.iec) = (order.itn.clone(), order.iec.clone());
                    row.carrier = placed;
                }
                Some(row)
            })
        })
    }

    /// Until when whoever keeps a request is waiting for its answer: a node repeats what a command beside it has asked
    /// only after that.
    fn lease(&self) -> Timestamp {
        let timeout = i64::try_from(self.rules().timeout.as_millis()).unwrap_or(0);
        self.now().plus(timeout)
    }

    /// Keeps a request to renew or return.
    pub(super) fn ask(&self, row: &ActivationRow, action: Action) -> Result<(), ActivationError> {
        let request = Request {
            version: REQUEST_VERSION,
            action,
            code: row.code.clone(),
            itn: row.itn.clone(),
            iec: row.iec.clone(),
            nonce: new_nonce()?,
            last: row.last.as_deref().and_then(|last| Nonce::parse(last).ok()),
            time: self.now(),
            recovery: None,
            computer: None,
            carrier: None,
        };
        let text = seal_request(&request, &*self.identity()?);
        let pending = PendingRequest {
            action: action.name().into(),
            text,
            offline: false,
        };
        let kept = ActivationRow {
            pending: Some(pending),
            centre: self.rules().centre.clone(),
            next: Some(self.lease()),
            ..row.clone()
        };
        self.store(|activations| activations.change(&row.code, |_| Some(kept)))
    }
}

fn new_nonce() -> Result<Nonce, ActivationError> {
    Nonce::random().map_err(|error| ActivationError::NotSaved(error.to_string()))
}

fn is_for(request: &Request, order: &Order) -> bool {
    let place = match (&request.carrier, &order.place) {
        (None, Place::Computer) => true,
        (Some(claim), Place::Carrier { binding, number, .. }) => {
            claim.binding == *binding && claim.number == *number
        }
        _ => false,
    };
    let holder = request.itn == order.itn && request.iec == order.iec;
    request.action == Action::Activate && place && holder && request.recovery == order.recovery
}

/// Reads a request of this node's own.
pub(super) fn opened(pending: &PendingRequest) -> Result<Request, ActivationError> {
    let opened = open_request(pending.text.as_bytes());
    let damaged =
        |error| ActivationError::NotSaved(format!("the request in the state file is damaged: {error}"));
    opened.map(|(request, _)| request).map_err(damaged)
}

/// What a request that was kept was made for.
pub(super) fn order_of(row: &ActivationRow, pending: &PendingRequest) -> Result<Order, ActivationError> {
    let request = opened(pending)?;
    let place = match request.carrier {
        None => Place::Computer,
        Some(claim) => Place::Carrier {
            id: row
                .carrier
                .as_ref()
                .map(|carrier| carrier.id.clone())
                .unwrap_or_default(),
            binding: claim.binding,
            number: claim.number,
        },
    };
    Ok(Order {
        code: request.code,
        itn: request.itn,
        iec: request.iec,
        place,
        recovery: request.recovery,
    })
}

/// Where a request wants the licence.
pub(super) fn carrier_of(row: &ActivationRow, request: &Request) -> Option<ActivationCarrier> {
    let claim = request.carrier.as_ref()?;
    let known = row
        .carrier
        .as_ref()
        .filter(|known| known.binding == claim.binding);
    Some(ActivationCarrier {
        id: known.map(|known| known.id.clone()).unwrap_or_default(),
        binding: claim.binding.clone(),
        number: claim.number,
    })
}

fn new_row(order: &Order) -> ActivationRow {
    ActivationRow {
        code: order.code.clone(),
        itn: order.itn.clone(),
        iec: order.iec.clone(),
        carrier: None,
        centre: None,
        key_no: None,
        kid: None,
        last: None,
        pending: None,
        contact: None,
        trouble: None,
        failures: 0,
        next: None,
        refused_for: None,
    }
}

/// The record of a licence that there is none of.
pub(super) fn row_of(licence: &Licence) -> Option<ActivationRow> {
    let order = Order {
        code: licence.activation_code.clone()?,
        itn: licence.itn.clone()?,
        iec: licence.iec.clone(),
        place: Place::Computer,
        recovery: None,
    };
    let carrier = match (&licence.binding, licence.blank_key_no) {
        (Binding::Carrier(binding), Some(number)) => Some(ActivationCarrier {
            id: String::new(),
            binding: binding.clone(),
            number,
        }),
        _ => None,
    };
    Some(ActivationRow {
        carrier,
        key_no: Some(licence.key_no),
        last: licence.nonce.clone(),
        ..new_row(&order)
    })
}
