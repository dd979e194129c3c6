//! /api/crpt/connections, and the address of 1C's gateway (seed 002).

mod list;
mod program;
mod register;

use super::drop_in::Knock;
use super::route::CrptCall;
use crate::api::error::ApiError;
use crate::api::reply::Reply;
use crate::api::{Actor, Api, Request};
use crate::gateway::{Answered, ConnectionOrder, SignAs};

pub(super) use program::answer as register_drop_in;

/// A connection in a listing.
pub(in crate::api) use crate::gateway::Connection as ConnectionRow;

/// Longest number or name of the operator's, in characters.
const LONGEST_NAME: usize = 256;

pub(super) async fn perform(api: &Api, call: &CrptCall, request: &Request) -> Result<Reply, ApiError> {
    match call {
        CrptCall::Register => register::answer(api, request).await,
        CrptCall::List => list::list(api, request).await,
        CrptCall::Delete => list::delete(api, request).await,
    }
}

/// Has a connection registered, and tells of it once the audit log has it on disk.
async fn obtain(api: &Api, actor: &Actor, mut order: ConnectionOrder) -> Result<Answered, ApiError> {
    complete(api, &mut order).await?;
    let (object, itn) = (shown(&order.oms_id), order.itn.clone());
    let itn = itn.map_or_else(String::new, |itn| format!(", ITN {}", shown(&itn)));
    let answered = api
        .gateway
        .have(|gateway| async move { Ok(gateway.crpt.register(order).await) })
        .await;
    let answered = answered.unwrap_or_else(|trouble| Answered {
        trouble: Some(trouble),
        ..Answered::default()
    });
    match (&answered.trouble, answered.registered()) {
        (None, Some(connection)) => {
            let detail = format!("{}{itn}", shown(connection));
            api.desk
                .record(actor.did(api.now(), "crpt-connection", object, detail))
                .await?;
        }
        (trouble, _) => {
            let why = trouble.as_ref().map_or_else(
                || "rejected".to_owned(),
                |trouble| {
                    let detail = trouble.detail.map_or("", crate::gateway::Detail::word);
                    format!("{} {detail}", trouble.code.word()).trim_end().to_owned()
                },
            );
            let detail = format!("{why}{itn}");
            api.desk
                .note(actor.did(api.now(), "crpt-connection-failure", object, detail));
        }
    }
    Ok(answered)
}

/// Finds out for whom an order is, about which station, and who signs it where nobody has.
async fn complete(api: &Api, order: &mut ConnectionOrder) -> Result<(), ApiError> {
    let (oms_id, itn) = (order.oms_id.clone(), order.itn.clone());
    let found = api
        .gateway
        .have(|gateway| async move { gateway.crpt.owner(itn.as_deref(), &oms_id) })
        .await
        .map_err(|trouble| ApiError::internal(&trouble.info))?;
    match (&order.itn, &found) {
        (Some(itn), None) => {
            let sentence = format!("There is no organisation with the ITN {}.", shown(itn));
            return Err(ApiError::organization_not_found(sentence));
        }
        (None, None) if !order.is_signed() && order.sign_as.is_none() => {
            return Err(ApiError::bad_request(
                "ITN and Certificate are missing, and no organisation has this OmsId: nobody can sign.",
            ));
        }
        _ => {}
    }
    if let Some((itn, organization)) = found {
        order.sign_as.get_or_insert(SignAs::Organization);
        order.itn = Some(itn);
        if order.oms_id.is_empty() {
            order.oms_id = organization.oms_id.unwrap_or_default();
        }
    }
    if order.oms_id.is_empty() {
        return Err(ApiError::bad_request(
            "OmsId is missing (in URLParameters, or in the short form), and the organisation has none.",
        ));
    }
    name_the_station(order)
}

/// Has the parameters of the address name the station, once. What is kept, who signs and what the operator gets are about the
/// same.
fn name_the_station(order: &mut ConnectionOrder) -> Result<(), ApiError> {
    let is_station = |name: &str| name.eq_ignore_ascii_case("omsId");
    let parameters = &mut order.parameters;
    parameters.retain(|(name, value)| !is_station(name) || !value.trim().is_empty());
    let mut named = parameters.iter().filter(|(name, _)| is_station(name));
    let (first, second) = (named.next(), named.next());
    match first {
        None => parameters.push(("omsId".into(), order.oms_id.clone())),
        Some((_, value)) if second.is_none() && value.trim().eq_ignore_ascii_case(&order.oms_id) => {}
        Some(_) => {
            return Err(ApiError::bad_request(
                "The request names more than one station: OmsId and the parameter omsId of the address differ.",
            ));
        }
    }
    Ok(())
}

/// A name as a log may show it.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(128).collect()
}
