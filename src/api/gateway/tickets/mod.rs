//! POST /api/tickets and its check (seed 003).

mod portal;
mod service_manager;

use serde_json::{Map, Value};

use super::drop_in::Knock;
use super::outcome::outcome;
use super::route::TicketsCall;
use crate::api::body::Fields;
use crate::api::error::ApiError;
use crate::api::reply::Reply;
use crate::api::{Actor, Api, Request};
use crate::gateway::{Domain, Secret, TicketOrder, Trouble};

pub(super) use portal::{auth as portal_auth, check as portal_check, get as portal_get};
pub(super) use service_manager::{answer as service_manager, refused};

/// Longest name of a service that tickets are for, in characters.
const LONGEST_OWNER: usize = 1024;

/// Longest ticket, in characters.
const LONGEST_TICKET: usize = 8 * 1024;

pub(super) async fn perform(api: &Api, call: &TicketsCall, request: &Request) -> Result<Reply, ApiError> {
    match call {
        TicketsCall::Get => get(api, request).await,
        TicketsCall::Check => check(api, request).await,
    }
}

async fn get(api: &Api, request: &Request) -> Result<Reply, ApiError> {
    let fields = request.fields()?;
    let order = TicketOrder {
        owner: owner(&fields, "TicketOwner")?,
        area: fields
            .value("DataArea")
            .map(|value| area("DataArea", value))
            .transpose()?,
        domain: domain(&fields)?,
        user: request.caller.name.to_string(),
    };
    let got = obtain(api, &request.actor(), order).await?;
    let ticket = got.as_ref().map_or("", Secret::expose);
    let fields = Map::from_iter([("Ticket".into(), Value::from(ticket))]);
    Ok(outcome(fields, got.as_ref().err(), &request.query))
}

async fn check(api: &Api, request: &Request) -> Result<Reply, ApiError> {
    let fields = request.fields()?;
    let ticket = Secret::from(&*fields.required("Ticket", LONGEST_TICKET)?);
    let (owner, domain) = (owner(&fields, "TicketOwner")?, domain(&fields)?);
    let asked = owner.clone();
    let checked = api
        .gateway
        .have(|gateway| async move { gateway.tickets.check(&ticket, &asked, domain).await })
        .await;
    let login = checked.as_ref().ok().and_then(Option::as_deref);
    let told = match (&checked, login) {
        (Ok(_), Some(login)) => format!("it holds, of {login}"),
        (Ok(_), None) => "it does not hold".into(),
        (Err(trouble), _) => in_words(trouble),
    };
    api.desk.note(
        request
            .actor()
            .did(api.now(), "ticket-check", shown(&owner), told),
    );
    let fields = Map::from_iter([
        ("Valid".into(), Value::from(login.is_some())),
        ("Login".into(), Value::from(login.unwrap_or_default())),
    ]);
    Ok(outcome(fields, checked.as_ref().err(), &request.query))
}

/// Has a ticket got, and lets it out once the audit log has it on disk.
async fn obtain(api: &Api, actor: &Actor, order: TicketOrder) -> Result<Result<Secret, Trouble>, ApiError> {
    let object = shown(&order.owner);
    let area = order.area.map_or_else(String::new, |area| format!("area {area}"));
    let got = api
        .gateway
        .have(|gateway| async move { gateway.tickets.get(&order).await })
        .await;
    match &got {
        Ok(_) => {
            api.desk
                .record(actor.did(api.now(), "ticket", object, area))
                .await?;
        }
        Err(trouble) => {
            let detail = format!("{area} {}", in_words(trouble));
            let detail = detail.trim_start().to_owned();
            api.desk
                .note(actor.did(api.now(), "ticket-failure", object, detail));
        }
    }
    Ok(got)
}

/// A trouble as the audit log tells it.
fn in_words(trouble: &Trouble) -> String {
    let detail = trouble.detail.map_or("", crate::gateway::Detail::word);
    format!("{} {detail}", trouble.code.word()).trim_end().to_owned()
}

fn owner(fields: &Fields, name: &str) -> Result<String, ApiError> {
    let owner = fields.required(name, LONGEST_OWNER)?;
    match owner.trim() {
        "" => Err(ApiError::bad_request(format!("{name} is empty."))),
        owner => Ok(owner.to_owned()),
    }
}

pub(super) fn domain(fields: &Fields) -> Result<Domain, ApiError> {
    let Some(value) = fields.value("Domain") else {
        return Ok(Domain::default());
    };
    let domain = value.as_i64().and_then(Domain::from_number);
    domain.ok_or_else(|| ApiError::bad_request("Domain: expected 0 (login.1c.ru) or 1 (login.1c.eu)."))
}

/// Number of an area of data: a whole number, or its digits, in which some programs group thousands.
fn area(name: &str, value: &Value) -> Result<i64, ApiError> {
    let number = match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => {
            let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
            digits.parse().ok()
        }
        _ => None,
    };
    let number = number.filter(|number| *number >= 0);
    number.ok_or_else(|| ApiError::bad_request(format!("{name}: expected the number of an area of data.")))
}

/// A name as a log may show it.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(128).collect()
}
