//! What the vendor's systems send: JSON bodies and filters, each with its fields named where they are wrong.

use actix_web::HttpRequest;
use actix_web::error::QueryPayloadError;
use actix_web::http::header::ACCEPT;
use actix_web::web::{Payload, Query};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::licence::{Itn, KeyId, KeyNo, MAX_KEY_NO};

use super::super::super::{ActivationFilter, CodeFilter, CodeState};
use super::super::body;
use super::error::VendorError;

/// The largest body that these addresses take.
const LARGEST: usize = 64 * 1024;

/// Rows of an answer, where nobody says how many.
const USUAL_ROWS: u64 = 1_000;

/// The most rows of one answer in JSON.
const MOST_ROWS: u64 = 10_000;

/// Reads a body. An error names the field.
pub(super) async fn json<T: DeserializeOwned>(payload: Payload) -> Result<T, VendorError> {
    let body = body::read(payload, LARGEST).await?;
    let mut reader = serde_json::Deserializer::from_slice(&body);
    let whole =
        serde_path_to_error::deserialize(&mut reader).map_err(|error| match error.path().to_string() {
            whole if whole == "." => error.inner().to_string(),
            field => format!("{field}: {}", error.inner()),
        });
    let whole = whole.and_then(|value| reader.end().map(|()| value).map_err(|error| error.to_string()));
    whole.map_err(|why| VendorError::bad_request(bounded(&why)))
}

/// Refuses a body that has fields: nothing is asked for.
pub(super) async fn nothing(payload: Payload) -> Result<(), VendorError> {
    let body = body::read(payload, LARGEST).await?;
    match serde_json::from_slice::<serde_json::Value>(&body) {
        _ if body.trim_ascii().is_empty() => Ok(()),
        Ok(serde_json::Value::Object(fields)) if fields.is_empty() => Ok(()),
        _ => Err(VendorError::bad_request(
            "the body has fields, and none is taken here",
        )),
    }
}

/// What comes back of a text that came in.
fn bounded(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// The serial number in an address.
pub(super) fn key_no(request: &HttpRequest) -> Result<KeyNo, VendorError> {
    let number = request
        .match_info()
        .get("key_no")
        .and_then(|text| text.parse().ok());
    number
        .filter(|number| (1..=MAX_KEY_NO).contains(number))
        .ok_or_else(|| VendorError::not_found("there is no such KeyNo"))
}

/// Whether a table is wanted rather than JSON.
pub(super) fn wants_csv(request: &HttpRequest) -> bool {
    let accepted = request.headers().get(ACCEPT);
    accepted.is_some_and(|value| {
        value
            .to_str()
            .is_ok_and(|value| value.split(',').any(|kind| kind.trim().starts_with("text/csv")))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct CodeQuery {
    batch: Option<u64>,
    #[serde(rename = "KeyID")]
    key_id: Option<KeyId>,
    #[serde(rename = "ITN")]
    itn: Option<String>,
    state: Option<String>,
    after: Option<KeyNo>,
    limit: Option<u64>,
    #[serde(default)]
    full: bool,
}

/// Which codes, and whether they are shown whole. Codes are never part of an address: those end up in logs.
pub(super) fn codes(request: &HttpRequest) -> Result<(CodeFilter, bool), VendorError> {
    let query: CodeQuery = query(request)?;
    let wrong = |name: &str, why: &str| VendorError::bad_request(format!("{name}: {why}"));
    let itn = query.itn.map(|text| Itn::parse(&text)).transpose();
    let state = query.state.map(|name| {
        CodeState::parse(&name)
            .ok_or_else(|| wrong("State", "expected New, Expired, Active, Returned or Revoked"))
    });
    let filter = CodeFilter {
        batch: query.batch,
        key_id: query.key_id,
        itn: itn.map_err(|error| wrong("ITN", &error.to_string()))?,
        state: state.transpose()?,
        after: query.after,
        limit: query.limit,
    };
    Ok((filter, query.full))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct BatchQuery {
    note: Option<String>,
    order: Option<String>,
}

/// Which batches: those with this note, and this order.
pub(super) fn batches(request: &HttpRequest) -> Result<(Option<String>, Option<String>), VendorError> {
    let query: BatchQuery = query(request)?;
    Ok((query.note, query.order))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ActivationQuery {
    key_no: Option<KeyNo>,
    #[serde(rename = "KeyID")]
    key_id: Option<KeyId>,
    #[serde(default)]
    current: bool,
    #[serde(default)]
    cloned: bool,
    after: Option<u64>,
    limit: Option<u64>,
}

/// Which activations.
pub(super) fn activations(request: &HttpRequest) -> Result<ActivationFilter, VendorError> {
    let query: ActivationQuery = query(request)?;
    Ok(ActivationFilter {
        key_no: query.key_no,
        key_id: query.key_id,
        current: query.current,
        cloned: query.cloned,
        after: query.after,
        limit: query.limit,
    })
}

/// Rows of an answer in JSON.
pub(super) fn rows(limit: Option<u64>) -> Result<u64, VendorError> {
    match limit.unwrap_or(USUAL_ROWS) {
        limit @ 1..=MOST_ROWS => Ok(limit),
        _ => Err(VendorError::bad_request(format!(
            "Limit: expected 1 to {MOST_ROWS}"
        ))),
    }
}

/// Reads a query all of whose parameters are optional: the one at fault is the one that is wrong by itself.
fn query<T: DeserializeOwned + 'static>(request: &HttpRequest) -> Result<T, VendorError> {
    let read = |text: &str| Query::<T>::from_query(text).map(Query::into_inner);
    let text = request.query_string();
    read(text).map_err(|error| {
        let why = match error {
            QueryPayloadError::Deserialize(error) => error.to_string(),
            other => other.to_string(),
        };
        let wrong = text.split('&').find(|pair| read(pair).is_err());
        let name = wrong.and_then(|pair| pair.split('=').next()).unwrap_or_default();
        VendorError::bad_request(bounded(&format!("the query, {name}: {why}")))
    })
}
