//! How a registration goes: kept, sent, and settled; see [`super::attempt`] for what is kept of it and why.

use crate::cms::Thumbprint;

use super::super::gateway::Shared;
use super::super::outcome::{Code, Trouble};
use super::super::secret::Secret;
use super::super::state::Changes;
use super::super::upstream::Ask;
use super::answer::{self, Answered, Fate};
use super::attempt::{Attempt, Stage, UNKNOWN};
use super::connection::Connection;
use super::order::{self, ConnectionOrder, SignAs};
use super::{REPEAT, not_kept, send};

/// Puts a record of this stage among changes, and the job that ends it.
fn enter(changes: Changes, name: &str, attempt: &Attempt) -> Changes {
    let due = attempt.since.plus(attempt.life());
    changes.update(name, attempt).plan(REPEAT, name, due)
}

/// Forgets a registration.
pub(super) fn leave(changes: Changes, name: &str) -> Changes {
    changes.remove::<Attempt>(name).done(REPEAT, name)
}

/// Registers, unless the same is settled or under way already.
pub(super) async fn begin(shared: &Shared, mut order: ConnectionOrder) -> Result<Answered, Trouble> {
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
        Some(SignAs::Certificate(thumbprint)) => {
            let owner = shared
                .owner_of(thumbprint, order.itn.as_deref())
                .map_err(not_kept)?;
            order.itn = Some(owner.ok_or_else(|| nobodys(thumbprint))?);
            thumbprint
        }
        Some(SignAs::Organization) | None => {
            let organization = shared.organization(&itn).map_err(not_kept)?;
            shared
                .signer
                .thumbprint_of(&itn, &organization.unwrap_or_default())?
        }
    };
    let signed = shared
        .signer
        .sign(thumbprint, order.body.as_bytes(), true)
        .await?;
    order
        .headers
        .retain(|(name, _)| !name.eq_ignore_ascii_case(order::SIGNATURE));
    order.headers.push((order::SIGNATURE.into(), signed.base64));
    order.certificate = Some(signed.thumbprint.to_string());
    Ok(())
}

/// Whoever may use the services may not say with which key: that is the administrator's, who sets up organisations.
fn nobodys(thumbprint: Thumbprint) -> Trouble {
    Trouble::new(
        Code::BadRequest,
        "Этот сертификат не принадлежит организации, заданной на узле лицензирования.",
        format!(
            "the certificate {thumbprint} is that of no organisation here (or not of the one that is named): see /api/organizations"
        ),
    )
}

/// Sends an order that is kept as asked, and keeps what came of it.
async fn exchange(shared: &Shared, order: &ConnectionOrder, request: Ask, first: bool) -> Answered {
    let name = &order.name();
    let (mut answered, fate) = answer::read(order.route, &send::exchange(shared, request).await);
    let since = shared.now();
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
            let stage = if first { Stage::Told } else { Stage::Done };
            let stage = stage(answered.clone());
            enter(changes, name, &Attempt { since, stage })
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
            let trouble = answered.trouble.as_mut();
            if let Some(trouble) = trouble.filter(|trouble| !trouble.message.contains(UNKNOWN)) {
                trouble.message = format!("{} {UNKNOWN}", trouble.message);
            }
            let stage = Stage::Unknown(answered.clone());
            enter(Changes::new(), name, &Attempt { since, stage })
        }
    };
    if let Err(error) = shared.state.commit(changes) {
        // The caller gets what the operator said; the record still says that it was asked.
        answered.trouble = Some(Trouble::not_saved(&error));
    }
    shared.wake.notify_one();
    answered
}

/// What the job does about an attempt whose time has come.
pub(super) async fn repeat(shared: &Shared, name: &str) -> Result<Answered, Trouble> {
    let state = &shared.state;
    let (attempt, now) = (state.find::<Attempt>(name).map_err(not_kept)?, shared.now());
    let order = match attempt {
        // What was switched off meanwhile is not asked any more.
        Some(attempt) if attempt.is_to_be_repeated(now) => {
            let secret = state.secret::<Attempt>(name).await.map_err(not_kept)?;
            secret.filter(|_| shared.rules().crpt.enabled)
        }
        Some(attempt) if !attempt.is_over(now) => {
            let kept_on = enter(Changes::new(), name, &attempt.kept_on(now));
            state.commit(kept_on).map_err(not_kept)?;
            return Ok(Answered::default());
        }
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
