//! /api/taxcom (seed 000): who asks for what, and how it ended.

mod cabinet;
mod order;
mod processes;

pub(in crate::api) use processes::ProcessRow;

use serde_json::Value;

use crate::gateway::{Process, Refusal, Trouble};

use super::outcome::ended;
use super::route::TaxcomCall;
use crate::api::error::ApiError;
use crate::api::reply::Reply;
use crate::api::{Api, Request};

/// The most characters of an object in an audit row.
const LONGEST_OBJECT: usize = 64;

pub(super) async fn perform(api: &Api, call: &TaxcomCall, request: &Request) -> Result<Reply, ApiError> {
    match call {
        TaxcomCall::Start => processes::start(api, request).await,
        TaxcomCall::List => processes::list(api, request).await,
        TaxcomCall::Get(id) => processes::get(api, request, id).await,
        TaxcomCall::Act(id) => processes::act(api, request, id).await,
        TaxcomCall::Close(id) => processes::close(api, request, id).await,
        TaxcomCall::Cabinet => cabinet::open(api, request).await,
        TaxcomCall::Registered => cabinet::registered(api, request).await,
    }
}

/// What an answer tells of a refusal: trouble that the seeds have a code for, or a fault of HTTP.
fn refused(refusal: Refusal) -> Result<Trouble, ApiError> {
    let sentence = |text: &str| format!("{}.", text.trim_end_matches('.'));
    Err(match refusal {
        Refusal::Trouble(trouble) => return Ok(trouble),
        Refusal::UnknownProcess => ApiError::process_not_found("There is no such process."),
        Refusal::UnknownOrganization(itn) => {
            ApiError::organization_not_found(format!("There is no organization {itn}."))
        }
        Refusal::Bad(why) => ApiError::bad_request(sentence(&why)),
        Refusal::Conflict(why) => ApiError::process_conflict(sentence(&why)),
    })
}

/// A process in an answer: its fields, and how it ended; the error of a rejected application is `ErrorCode` where nothing
/// else went wrong.
fn shown(request: &Request, id: &str, process: &Process) -> Reply {
    let mut fields = process.view(id);
    ended(&mut fields, process.trouble.as_ref());
    if process.trouble.is_none() {
        fields.insert("ErrorCode".into(), process.error_code.as_str().into());
    }
    Reply::json(Value::Object(fields).to_string().into_bytes(), &request.query)
}

/// Notes what was done.
async fn record(api: &Api, request: &Request, object: &str, detail: String) -> Result<(), ApiError> {
    let entry = request.actor().did(api.now(), "taxcom", fit(object), detail);
    Ok(api.desk.record(entry).await?)
}

/// Notes what was not done, and why.
fn note_failure(api: &Api, request: &Request, object: &str, why: &str) {
    let entry = request
        .actor()
        .did(api.now(), "taxcom-failure", fit(object), why.to_owned());
    api.desk.note(entry);
}

fn fit(object: &str) -> String {
    object
        .chars()
        .filter(|c| !c.is_control())
        .take(LONGEST_OBJECT)
        .collect()
}
