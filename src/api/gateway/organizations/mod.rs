//! /api/organizations: for whom the services work, with which certificate and which data.

mod fields;

use actix_web::http::StatusCode;
use serde_json::{Map, Value};

use crate::gateway::{Changes, Gateway, Organization, SignerNow, StateError, Trouble};

use crate::api::error::ApiError;
use crate::api::record::{Scalar, record};
use crate::api::reply::Reply;
use crate::api::{Api, Request};

use fields::{named, names_subscriber, read};

/// The most characters of an address that an audit row shows.
const LONGEST_ITN: usize = 64;

/// An organisation in a listing.
pub(in crate::api) struct OrganizationRow {
    itn: String,
    organization: Organization,
    signer: SignerNow,
}

fn maybe(text: Option<&String>) -> Scalar<'_> {
    Scalar::maybe(text, |text| Scalar::text(text.as_str()))
}

record!(OrganizationRow, this, {
    "ITN": Text => Scalar::text(this.itn.as_str()),
    "Name": Text or null => maybe(this.organization.name.as_ref()),
    "Certificate": Text or null => maybe(this.organization.certificate.as_ref()),
    "PowerOfAttorneyITN": Text or null => maybe(this.organization.power_of_attorney_itn.as_ref()),
    "OmsId": Text or null => maybe(this.organization.oms_id.as_ref()),
    "OmsConnection": Text or null => maybe(this.organization.oms_connection.as_ref()),
    "SubscriberID": Text or null => maybe(this.organization.subscriber_id.as_ref()),
    "Signer": Text or null => Scalar::maybe(this.signer.thumbprint, |print| Scalar::text(print.to_string())),
    "Usable": Bool => Scalar::Bool(this.signer.reason.is_none()),
    "Reason": Text or null => maybe(this.signer.reason.as_ref()),
});

pub(super) async fn list(api: &Api, request: &Request) -> Result<Reply, ApiError> {
    let kept = api
        .gateway
        .have(|gateway| async move { Ok(gateway.shared.state.all::<Organization>()) });
    let kept = stored(kept.await)?;
    let shared = &api.gateway.now().shared;
    let rows = kept.into_iter().map(|(itn, organization)| OrganizationRow {
        signer: shared.signer_of(&itn, &organization),
        itn,
        organization,
    });
    Reply::list("Organizations", rows, &request.query)
}

pub(super) async fn get(api: &Api, request: &Request, itn: &str) -> Result<Reply, ApiError> {
    let itn = named(itn)?;
    let name = itn.clone();
    let kept = api
        .gateway
        .have(|gateway| async move { Ok(gateway.shared.organization(&name)) });
    let organization = stored(kept.await)?.ok_or_else(|| unknown(&itn))?;
    Ok(shown(api, request, &itn, &organization))
}

pub(super) async fn put(api: &Api, request: &Request, itn: &str) -> Result<Reply, ApiError> {
    let made = match read(itn, &request.body) {
        Ok((itn, organization)) => keep(api, itn, organization, !names_subscriber(&request.body)).await,
        Err(error) => Err(error),
    };
    let (itn, organization, old) = made.map_err(|error| refused(api, request, itn, error))?;
    let detail = match &old {
        None => "made".to_owned(),
        Some(old) => changed(old, &organization),
    };
    note(api, request, &itn, detail).await?;
    let status = if old.is_none() {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok(shown(api, request, &itn, &organization).status(status))
}

pub(super) async fn delete(api: &Api, request: &Request, itn: &str) -> Result<Reply, ApiError> {
    let itn = named(itn).map_err(|error| refused(api, request, itn, error))?;
    let name = itn.clone();
    let taken = api
        .gateway
        .have(|gateway| async move { Ok(gateway.shared.state.take::<Organization>(&name)) });
    let taken = stored(taken.await).and_then(|taken| taken.ok_or_else(|| unknown(&itn)));
    let organization = taken.map_err(|error| refused(api, request, &itn, error))?;
    api.gateway.organization_changed(itn.clone());
    note(api, request, &itn, "removed".into()).await?;
    Ok(shown(api, request, &itn, &organization))
}

/// Keeps it, with the subscriber's number that it had where that is to stay; with what was there before.
async fn keep(
    api: &Api,
    itn: String,
    organization: Organization,
    same_subscriber: bool,
) -> Result<(String, Organization, Option<Organization>), ApiError> {
    let kept = api
        .gateway
        .have(move |gateway| async move { Ok(replace(&gateway, itn, organization, same_subscriber)) });
    let kept = stored(kept.await)??;
    // What waits for this organisation's certificate or data may go on now.
    api.gateway.keys_changed();
    api.gateway.organization_changed(kept.0.clone());
    Ok(kept)
}

/// Refuses a connection whose tokens another organisation has for another ITN: they would end each other's in turn.
fn quarrel(organization: &Organization, itn: &str, others: &[(String, Organization)]) -> Option<ApiError> {
    let told = |one: &Organization| one.power_of_attorney_itn.clone().unwrap_or_default();
    let mine = organization.connections();
    let others = others.iter().filter(|(name, _)| name != itn);
    let mut differing = others.filter(|(_, other)| told(other) != told(organization));
    let (other, shared) = differing.find_map(|(name, other)| {
        let shared = other.connections().into_iter().find(|own| mine.contains(own));
        Some((name, shared?))
    })?;
    let sentence = format!(
        "OmsConnection {shared} is that of the organisation {other} too, whose PowerOfAttorneyITN is another: each \
         token for one would end the other's."
    );
    Some(ApiError::bad_request(sentence))
}

/// What is kept now, under its ITN, and what was kept before.
type Replaced = (String, Organization, Option<Organization>);

fn replace(
    gateway: &Gateway,
    itn: String,
    mut organization: Organization,
    same_subscriber: bool,
) -> Result<Result<Replaced, ApiError>, StateError> {
    if let Some(error) = quarrel(&organization, &itn, &gateway.shared.state.all()?) {
        return Ok(Err(error));
    }
    // A record that nobody can read any more is one that may be replaced.
    let old = match gateway.shared.organization(&itn) {
        Err(StateError::Record { .. }) => None,
        found => found?,
    };
    if same_subscriber && let Some(old) = &old {
        organization.subscriber_id.clone_from(&old.subscriber_id);
    }
    gateway
        .shared
        .state
        .commit(Changes::new().put(&itn, &organization))?;
    Ok(Ok((itn, organization, old)))
}

/// What an administrator sees where the node could not keep or read something.
fn stored<T>(result: Result<Result<T, StateError>, Trouble>) -> Result<T, ApiError> {
    let error = match result {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => error.to_string(),
        Err(trouble) => trouble.info,
    };
    tracing::error!(%error, "what is kept of the services could not be read or changed");
    Err(ApiError::internal(
        "The node could not read or keep its data; its log says more.",
    ))
}

fn unknown(itn: &str) -> ApiError {
    ApiError::organization_not_found(format!("There is no organisation {itn}."))
}

/// The organisation with what the node knows of its certificate.
fn shown(api: &Api, request: &Request, itn: &str, organization: &Organization) -> Reply {
    let signer = api.gateway.now().shared.signer_of(itn, organization);
    let mut fields = Map::new();
    fields.insert("ITN".into(), itn.into());
    if let Ok(Value::Object(own)) = serde_json::to_value(organization) {
        fields.extend(own);
    }
    let signer = serde_json::json!({
        "Thumbprint": signer.thumbprint.map(|print| print.to_string()),
        "Usable": signer.reason.is_none(),
        "Reason": signer.reason,
    });
    fields.insert("Signer".into(), signer);
    Reply::json(Value::Object(fields).to_string().into_bytes(), &request.query)
}

/// Which fields are other ones now, for the audit log.
fn changed(old: &Organization, new: &Organization) -> String {
    let fields = |organization| match serde_json::to_value(organization) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    let (old, new) = (fields(old), fields(new));
    let names = new.iter().filter(|(name, value)| old.get(*name) != Some(value));
    let names: Vec<&str> = names.map(|(name, _)| name.as_str()).collect();
    match names.as_slice() {
        [] => "unchanged".into(),
        names => format!("changed {}", names.join(", ")),
    }
}

async fn note(api: &Api, request: &Request, itn: &str, detail: String) -> Result<(), ApiError> {
    let entry = request.actor().did(api.now(), "organization", itn.into(), detail);
    Ok(api.desk.record(entry).await?)
}

/// Notes a refusal.
fn refused(api: &Api, request: &Request, itn: &str, error: ApiError) -> ApiError {
    let object: String = itn
        .chars()
        .filter(|c| !c.is_control())
        .take(LONGEST_ITN)
        .collect();
    let why = error.sentence().to_owned();
    let actor = request.actor();
    api.desk
        .note(actor.did(api.now(), "organization-failure", object, why));
    error
}
