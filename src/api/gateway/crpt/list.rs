//! GET and DELETE /api/crpt/connections: those that this node registered, and the operator's own list.

use serde_json::{Map, Value};

use super::{LONGEST_NAME, shown};
use crate::api::error::ApiError;
use crate::api::gateway::outcome::outcome;
use crate::api::record::{Scalar, record};
use crate::api::reply::Reply;
use crate::api::{Api, Request};
use crate::gateway::Connection;

/// How many of the operator's connections are shown where nothing is said.
const PAGE: usize = 10;

/// The most of them that are asked for at once.
const LARGEST_PAGE: usize = 1000;

fn maybe(text: Option<&String>) -> Scalar<'_> {
    Scalar::maybe(text, |text| Scalar::text(text.as_str()))
}

record!(Connection, this, {
    "OmsId": Text => Scalar::text(this.oms_id.as_str()),
    "OmsConnection": Text => Scalar::text(this.oms_connection.as_str()),
    "Name": Text or null => maybe(this.name.as_ref()),
    "Address": Text or null => maybe(this.address.as_ref()),
    "ITN": Text or null => maybe(this.itn.as_ref()),
    "Created": Time => Scalar::Time(this.created),
    "Certificate": Text or null => maybe(this.certificate.as_ref()),
});

/// Whose list is meant: the operator's where `Source=Operator`.
fn is_operators(request: &Request) -> Result<bool, ApiError> {
    match request.query.parameter("Source") {
        None | Some("Node") => Ok(false),
        Some("Operator") => Ok(true),
        Some(_) => Err(ApiError::bad_request("Source: expected Node or Operator.")),
    }
}

fn named<'r>(request: &'r Request, name: &str) -> Result<&'r str, ApiError> {
    let value = request
        .query
        .parameter(name)
        .filter(|value| !value.is_empty() && value.chars().count() <= LONGEST_NAME);
    value.ok_or_else(|| ApiError::bad_request(format!("{name} is missing.")))
}

pub(super) async fn list(api: &Api, request: &Request) -> Result<Reply, ApiError> {
    if is_operators(request)? {
        return list_of_operator(api, request).await;
    }
    let kept = api
        .gateway
        .have(|gateway| async move { Ok(gateway.shared.state.all::<Connection>()) });
    let kept = kept.await.map_err(|trouble| ApiError::internal(&trouble.info))?;
    let kept = kept.map_err(|error| {
        tracing::error!(%error, "the connections of CRPT cannot be read");
        ApiError::internal("The connections cannot be read. The log says more.")
    })?;
    let rows = kept.into_iter().map(|(_, connection)| connection);
    Reply::list("Connections", rows, &request.query.without("Source"))
}

async fn list_of_operator(api: &Api, request: &Request) -> Result<Reply, ApiError> {
    let oms_id = named(request, "OmsId")?.to_owned();
    let limit = request.query.limit.unwrap_or(PAGE).min(LARGEST_PAGE);
    let page = (limit, request.query.offset);
    let listed = api
        .gateway
        .have(|gateway| async move {
            let token = gateway.client_token(&oms_id).await?;
            gateway.crpt.list_of_operator(&oms_id, page, &token).await
        })
        .await;
    let list = listed.as_ref().ok();
    let rows = list
        .and_then(|list| list["omsConnectionInfos"].as_array())
        .map_or_else(Vec::new, |rows| rows.iter().map(row).collect());
    let total = list.and_then(|list| list["total"].as_u64()).unwrap_or_default();
    let fields = Map::from_iter([
        ("Connections".into(), Value::Array(rows)),
        ("Total".into(), Value::from(total)),
    ]);
    Ok(outcome(fields, listed.as_ref().err(), &request.query))
}

/// A row of the operator's list under the names of this API.
fn row(theirs: &Value) -> Value {
    let names = [
        ("OmsConnection", "omsConnection"),
        ("Name", "name"),
        ("Address", "address"),
        ("ProgramName", "programName"),
        ("ProductGroups", "productGroups"),
        ("ProductVersion", "productVersion"),
        ("VendorITN", "vendorInn"),
    ];
    let row = names.map(|(own, their)| (own.to_owned(), theirs[their].clone()));
    Value::Object(Map::from_iter(row))
}

/// Removes a connection at the operator's and here; with `Source=Node` only what is kept here.
pub(super) async fn delete(api: &Api, request: &Request) -> Result<Reply, ApiError> {
    let only_here = request.query.parameter("Source") == Some("Node");
    is_operators(request)?;
    let oms_id = named(request, "OmsId")?.to_owned();
    let connection = named(request, "OmsConnection")?.to_owned();
    let (object, what) = (shown(&oms_id), shown(&connection));
    let removed = api
        .gateway
        .have(|gateway| async move {
            if only_here {
                return gateway.crpt.forget(&oms_id, &connection);
            }
            let token = gateway.client_token(&oms_id).await?;
            gateway.crpt.remove(&oms_id, &connection, &token).await?;
            Ok(true)
        })
        .await;
    let actor = request.actor();
    match &removed {
        Ok(false) => {
            let sentence = format!("There is no connection {what} of {object} here.");
            return Err(ApiError::connection_not_found(sentence));
        }
        Ok(true) => {
            let place = if only_here { "removed here" } else { "removed" };
            let detail = format!("{what} {place}");
            api.desk
                .record(actor.did(api.now(), "crpt-connection", object, detail))
                .await?;
        }
        Err(trouble) => {
            let detail = format!("{what} not removed: {}", trouble.code.word());
            api.desk
                .note(actor.did(api.now(), "crpt-connection-failure", object, detail));
        }
    }
    let fields = Map::from_iter([("OmsConnection".into(), Value::from(what))]);
    Ok(outcome(fields, removed.as_ref().err(), &request.query))
}
