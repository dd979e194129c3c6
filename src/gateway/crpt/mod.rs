//! Connections of CRPT (spec, services, sections 3 and 5; seed 002): registered by either way, none of them twice.

mod answer;
mod attempt;
mod connection;
mod operator;
mod order;
mod send;

use std::sync::Arc;

pub use answer::Answered;
pub use connection::Connection;
pub use order::{ConnectionOrder, SignAs};

use super::flights::Flights;
use super::gateway::Shared;
use super::jobs::Next;
use super::organization::Organization;
use super::outcome::Trouble;
use super::secret::Secret;
use super::state::{Changes, StateError};
use super::upstream::Ask;
use answer::Fate;
use attempt::{Attempt, Stage};

/// The job that repeats a registration once, and forgets what is settled.
pub(super) const REPEAT: &str = "crpt-repeat";

/// Registers connections, lists and removes them.
pub struct Crpt {
    shared: Arc<Shared>,
    flights: Flights<String, Answered>,
}

impl Crpt {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            flights: Flights::default(),
        }
    }

    /// The organisation whose order management station this is.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn owner(&self, oms_id: &str) -> Result<Option<String>, StateError> {
        let all = self.shared.state.all::<Organization>()?;
        let mut owners = all.into_iter().filter(|(_, organization)| {
            let own = organization.oms_id.as_deref();
            own.is_some_and(|own| own.eq_ignore_ascii_case(oms_id))
        });
        Ok(owners.next().map(|(itn, _)| itn))
    }

    /// Registers a connection. Those who want the same at once get the same answer.
    pub async fn register(&self, order: ConnectionOrder) -> Answered {
        let (name, shared) = (order.name(), self.shared.clone());
        let work = move || async move {
            let registered = register(&shared, order).await;
            registered.unwrap_or_else(Answered::failed)
        };
        self.flights.join(name, work).await
    }

    /// Repeats what is to be repeated, and forgets what is settled for long enough.
    pub(super) async fn repeat_job(&self, name: &str) -> Next {
        let (shared, own) = (self.shared.clone(), name.to_owned());
        let work = move || async move {
            let repeated = repeat(&shared, &own).await;
            repeated.unwrap_or_else(Answered::failed)
        };
        let answered = self.flights.join(name.to_owned(), work).await;
        if let Some(trouble) = answered.trouble {
            tracing::warn!(why = trouble.info, "a registration with CRPT");
        }
        Next::Planned
    }
}

fn not_kept(error: StateError) -> Trouble {
    Trouble::not_saved(&error)
}

/// Puts a record of this stage among changes, and the job that ends it.
fn enter(changes: Changes, name: &str, attempt: &Attempt) -> Changes {
    let due = attempt.since.plus(attempt.life());
    changes.update(name, attempt).plan(REPEAT, name, due)
}

/// Forgets a registration.
fn leave(changes: Changes, name: &str) -> Changes {
    changes.remove::<Attempt>(name).done(REPEAT, name)
}

async fn register(shared: &Shared, mut order: ConnectionOrder) -> Result<Answered, Trouble> {
    let (name, state) = (order.name(), &shared.state);
    let known = state.find::<Attempt>(&name).map_err(not_kept)?;
    if let Some(told) = known.and_then(|attempt| attempt.told(order.again, shared.now())) {
        return Ok(told);
    }
    sign(shared, &mut order).await?;
    let asked = Attempt {
        since: shared.now(),
        stage: Stage::Asked,
    };
    // What cannot be sent is not begun.
    let request = send::request(shared, &order).await?;
    let words = Secret::from(serde_json::to_string(&order).map_err(|error| Trouble::not_saved(&error))?);
    let mut changes = Changes::new();
    state
        .put_sealed(&mut changes, &name, &asked, &words)
        .await
        .map_err(not_kept)?;
    state.commit(enter(changes, &name, &asked)).map_err(not_kept)?;
    Ok(exchange(shared, &order, request, true).await)
}

/// Signs an order that is not signed: detached, over the exact bytes.
async fn sign(shared: &Shared, order: &mut ConnectionOrder) -> Result<(), Trouble> {
    if order.is_signed() {
        return Ok(());
    }
    let itn = order.itn.clone().unwrap_or_default();
    let thumbprint = match order.sign_as {
        Some(SignAs::Certificate(thumbprint)) => thumbprint,
        Some(SignAs::Organization) | None => {
            let organization = shared.organization(&itn).map_err(not_kept)?;
            shared
                .signer
                .thumbprint_of(&itn, &organization.unwrap_or_default())?
        }
    };
    if order.itn.is_none() {
        order.itn = shared
            .signer
            .certificate(thumbprint)
            .and_then(|own| own.itn.clone());
    }
    let signed = shared
        .signer
        .sign(thumbprint, order.body.as_bytes(), true)
        .await?;
    order.headers.push((order::SIGNATURE.into(), signed.base64));
    order.certificate = Some(signed.thumbprint.to_string());
    Ok(())
}

/// Sends an order that is kept as asked, and keeps what came of it.
async fn exchange(shared: &Shared, order: &ConnectionOrder, request: Ask, first: bool) -> Answered {
    let name = &order.name();
    let (mut answered, fate) = answer::read(order.route, &shared.upstream.ask(request).await);
    let (since, state) = (shared.now(), &shared.state);
    let changes = match fate {
        Fate::Registered(oms_connection) => {
            let connection = Connection {
                oms_id: order.oms_id.clone(),
                name: order.field("name"),
                address: order.field("address"),
                itn: order.itn.clone(),
                created: since,
                certificate: order.certificate.clone(),
                oms_connection,
            };
            let changes = Changes::new().put(&connection.oms_connection, &connection);
            if first {
                leave(changes, name)
            } else {
                let stage = Stage::Done(answered.clone());
                enter(changes, name, &Attempt { since, stage })
            }
        }
        Fate::Repeatable if first => {
            if let Some(trouble) = &mut answered.trouble {
                trouble.message += " Узел лицензирования повторит запрос через 30 секунд.";
            }
            let stage = Stage::Repeating(answered.clone());
            enter(Changes::new(), name, &Attempt { since, stage })
        }
        Fate::Nothing | Fate::Repeatable => leave(Changes::new(), name),
        Fate::Unknown => {
            let stage = Stage::Unknown(answered.clone());
            enter(Changes::new(), name, &Attempt { since, stage })
        }
    };
    if let Err(error) = state.commit(changes) {
        // The caller gets what the operator said; the record still says that it was asked.
        answered.trouble = Some(Trouble::not_saved(&error));
    }
    shared.wake.notify_one();
    answered
}

/// What the job does about an attempt whose time has come.
async fn repeat(shared: &Shared, name: &str) -> Result<Answered, Trouble> {
    let state = &shared.state;
    let attempt = state.find::<Attempt>(name).map_err(not_kept)?;
    let order = match attempt.map(|attempt| attempt.stage) {
        Some(Stage::Repeating(_)) => state.secret::<Attempt>(name).await.map_err(not_kept)?,
        _ => None,
    };
    let Some(order) = order else {
        state.commit(leave(Changes::new(), name)).map_err(not_kept)?;
        return Ok(Answered::default());
    };
    let order: ConnectionOrder =
        serde_json::from_str(order.expose()).map_err(|error| Trouble::not_saved(&error))?;
    let request = match send::request(shared, &order).await {
        Ok(request) => request,
        Err(trouble) => {
            state.commit(leave(Changes::new(), name)).map_err(not_kept)?;
            return Err(trouble);
        }
    };
    let asked = Attempt {
        since: shared.now(),
        stage: Stage::Asked,
    };
    state
        .commit(enter(Changes::new(), name, &asked))
        .map_err(not_kept)?;
    let answered = exchange(shared, &order, request, false).await;
    note(shared, &order, &answered);
    Ok(answered)
}

/// Tells the audit log what the node did by itself.
fn note(shared: &Shared, order: &ConnectionOrder, answered: &Answered) {
    let (event, detail) = match (&answered.trouble, answered.registered()) {
        (None, Some(connection)) => ("crpt-connection", format!("{connection}, when it was repeated")),
        (None, None) => (
            "crpt-connection-failure",
            "rejected when it was repeated".to_owned(),
        ),
        (Some(trouble), _) => (
            "crpt-connection-failure",
            format!("{} when it was repeated", trouble.code.word()),
        ),
    };
    shared.host.note(event, &order.oms_id, &detail);
}
