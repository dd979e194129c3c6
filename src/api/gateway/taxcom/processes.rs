//! /api/taxcom/processes: starting, looking at and leading processes with 1C-Taxcom.

use actix_web::http::StatusCode;
use serde_json::Map;

use crate::gateway::{Action, Callback, Process, Refusal, Stage, Started, Trouble};

use super::order;
use super::{note_failure, record, refused, shown};
use crate::api::error::ApiError;
use crate::api::gateway::outcome::outcome;
use crate::api::record::{Scalar, record as columns};
use crate::api::reply::Reply;
use crate::api::{Api, Request};
use crate::store::Id;

/// A process in a listing.
pub(in crate::api) struct ProcessRow(String, Process);

columns!(ProcessRow, this, {
    "ID": Text => Scalar::text(this.0.as_str()),
    "Kind": Text => Scalar::text(this.1.kind.word()),
    "ITN": Text => Scalar::text(this.1.itn.as_str()),
    "Certificate": Text => Scalar::text(this.1.certificate.as_str()),
    "Created": Time => Scalar::Time(this.1.created),
    "Stage": Text => Scalar::text(this.1.stage.word()),
    "RequestStatus": Text => Scalar::text(this.1.status.word()),
    "RequestNumber": Text => Scalar::text(this.1.number.as_str()),
    "RequestDate": Text => Scalar::text(this.1.date.as_str()),
    "SubscriberID": Text => Scalar::text(this.1.subscriber_id.as_str()),
    "Registered": Bool => Scalar::Bool(this.1.registered),
    "ErrorCode": Text => Scalar::text(match &this.1.trouble {
        Some(trouble) => trouble.code.word(),
        None => this.1.error_code.as_str(),
    }),
    "NextAttempt": Time or null => Scalar::maybe(this.1.next, Scalar::Time),
});

pub(super) async fn start(api: &Api, request: &Request) -> Result<Reply, ApiError> {
    let order = request.fields().and_then(|fields| order::order(&fields));
    let order = order.inspect_err(|error| note_failure(api, request, "", error.sentence()))?;
    let about = order.itn.clone().unwrap_or_default();
    let kind = order.kind.word();
    let started = api
        .gateway
        .have(|gateway| async move { Ok(gateway.taxcom.start(order).await) });
    let started = started.await.unwrap_or_else(|trouble| Err(trouble.into()));
    let Started { id, process, new } = match started {
        Ok(started) => started,
        Err(refusal) => return ended(api, request, &about, refusal),
    };
    let detail = format!("{kind} of {}: {}", process.itn, told(&process));
    record(api, request, &id, detail).await?;
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(shown(request, &id, &process).status(status))
}

pub(super) async fn list(api: &Api, request: &Request) -> Result<Reply, ApiError> {
    let all = api
        .gateway
        .have(|gateway| async move { gateway.taxcom.processes() });
    let all = all.await.map_err(|trouble| unread(&trouble))?;
    let rows = all.into_iter().map(|(id, process)| ProcessRow(id, process));
    Reply::list("Processes", rows, &request.query)
}

pub(super) async fn get(api: &Api, request: &Request, id: &str) -> Result<Reply, ApiError> {
    let id = named(id)?;
    let name = id.clone();
    let found = api
        .gateway
        .have(|gateway| async move { gateway.taxcom.process(&name) });
    let found = found.await.map_err(|trouble| unread(&trouble))?;
    let process = found.ok_or_else(|| unknown(&id))?;
    Ok(shown(request, &id, &process))
}

pub(super) async fn act(api: &Api, request: &Request, id: &str) -> Result<Reply, ApiError> {
    let asked = named(id).and_then(|id| Ok((id, order::action(&request.fields()?)?)));
    let (id, (action, data)) = asked.inspect_err(|error| note_failure(api, request, id, error.sentence()))?;
    perform(api, request, id, action, data).await
}

pub(super) async fn close(api: &Api, request: &Request, id: &str) -> Result<Reply, ApiError> {
    let id = named(id).inspect_err(|error| note_failure(api, request, id, error.sentence()))?;
    perform(api, request, id, Action::Close, None).await
}

async fn perform(
    api: &Api,
    request: &Request,
    id: String,
    action: Action,
    data: Option<std::collections::BTreeMap<String, String>>,
) -> Result<Reply, ApiError> {
    let name = id.clone();
    let done = api
        .gateway
        .have(|gateway| async move { Ok(gateway.taxcom.act(&name, action, data).await) });
    match done.await.unwrap_or_else(|trouble| Err(trouble.into())) {
        Ok(process) => {
            let detail = format!("{}: {}", action.word(), told(&process));
            record(api, request, &id, detail).await?;
            Ok(shown(request, &id, &process))
        }
        Err(refusal) => ended(api, request, &id, refusal),
    }
}

/// The answer to what was not done.
fn ended(api: &Api, request: &Request, object: &str, refusal: Refusal) -> Result<Reply, ApiError> {
    match refused(refusal) {
        Ok(trouble) => {
            note_failure(api, request, object, &trouble.info);
            Ok(outcome(Map::new(), Some(&trouble), &request.query))
        }
        Err(error) => {
            note_failure(api, request, object, error.sentence());
            Err(error)
        }
    }
}

/// How far a process is, for the audit log.
fn told(process: &Process) -> String {
    let mut told = vec![process.stage.word().to_owned(), process.status.word().to_owned()];
    if process.stage == Stage::Status && process.on_status != Callback::Standard {
        told.push("waits for an action".into());
    }
    if let Some(trouble) = &process.trouble {
        told.push(format!("{}: {}", trouble.code.word(), trouble.info));
    }
    told.join(", ")
}

/// An ID as it is written.
fn named(id: &str) -> Result<String, ApiError> {
    let read = Id::parse(id).map(|id| id.to_string());
    read.map_err(|_| unknown(id))
}

fn unknown(id: &str) -> ApiError {
    let id: String = id.chars().filter(|c| !c.is_control()).take(64).collect();
    ApiError::process_not_found(format!("There is no process {id}."))
}

fn unread(trouble: &Trouble) -> ApiError {
    tracing::error!(why = trouble.info, "processes of 1C-Taxcom cannot be read");
    ApiError::internal("The node could not read its data; its log says more.")
}
