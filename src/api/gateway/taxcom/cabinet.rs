//! /api/taxcom/cabinet and /api/taxcom/registered.

use serde_json::{Map, json};

use super::order::{self, LONGEST_CONFIGURATION};
use super::{note_failure, record, refused};
use crate::api::error::ApiError;
use crate::api::gateway::outcome::outcome;
use crate::api::reply::Reply;
use crate::api::{Api, Request};

/// The cabinet's address goes to the caller and nowhere else: it lets its bearer in.
pub(super) async fn open(api: &Api, request: &Request) -> Result<Reply, ApiError> {
    let parties = request.fields().and_then(|fields| order::parties(&fields));
    let parties = parties.inspect_err(|error| note_failure(api, request, "", error.sentence()));
    let (itn, certificate) = parties?;
    let object = certificate.map(|print| print.to_string()).or_else(|| itn.clone());
    let object = object.unwrap_or_default();
    let opened = api
        .gateway
        .have(|gateway| async move { Ok(gateway.taxcom.cabinet(itn.as_deref(), certificate).await) });
    let mut fields = Map::new();
    match opened.await.unwrap_or_else(|trouble| Err(trouble.into())) {
        Ok(cabinet) => {
            record(
                api,
                request,
                &object,
                "the cabinet's address was given out".into(),
            )
            .await?;
            fields.insert("Url".into(), cabinet.url.into());
            fields.insert("Fields".into(), json!(cabinet.fields));
            Ok(outcome(fields, None, &request.query))
        }
        Err(refusal) => {
            let trouble = refused(refusal)
                .inspect_err(|error| note_failure(api, request, &object, error.sentence()))?;
            note_failure(api, request, &object, &trouble.info);
            fields.insert("Url".into(), "".into());
            fields.insert("Fields".into(), json!({}));
            Ok(outcome(fields, Some(&trouble), &request.query))
        }
    }
}

pub(super) async fn registered(api: &Api, request: &Request) -> Result<Reply, ApiError> {
    let named = request.query.parameter("Configuration").map(str::trim);
    let named = named.filter(|name| !name.is_empty()).map(str::to_owned);
    let long =
        |name: &String| name.chars().count() > LONGEST_CONFIGURATION || name.chars().any(char::is_control);
    if named.as_ref().is_some_and(long) {
        let sentence = format!("Configuration: expected at most {LONGEST_CONFIGURATION} characters.");
        return Err(ApiError::bad_request(sentence));
    }
    let told = api
        .gateway
        .have(|gateway| async move { gateway.taxcom.is_registered(named).await })
        .await;
    let mut fields = Map::new();
    fields.insert("Registered".into(), matches!(told, Ok(true)).into());
    fields.insert("ServiceError".into(), told.is_err().into());
    Ok(outcome(fields, told.err().as_ref(), &request.query))
}
