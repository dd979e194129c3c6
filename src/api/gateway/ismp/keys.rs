//! Session keys: having them, reading them, and what a 1C program would ask for them with. Each sign-in, and each refusal,
//! is a row of the audit log.

use actix_web::http::StatusCode;
use futures_util::future::join_all;
use serde_json::{Map, Value, json};

use super::super::outcome::outcome;
use super::place::{self, Names};
use super::{failed, rows};
use crate::api::body::Fields;
use crate::api::error::ApiError;
use crate::api::reply::Reply;
use crate::api::{Api, Request};
use crate::gateway::{Detail, Had, Place, TokenType, Trouble};

/// The most keys that one request has.
const MOST: usize = 100;

/// The most characters of an operation's or a kind of products' name.
const LONGEST_NAME: usize = 256;

const REQUEST_PARAMETERS: Names = ["RequestParameters", "ПараметрыЗапроса"];
const SCAN_PARAMETERS: Names = ["ScanParameters", "ПараметрыСканирования"];
const OPERATION: Names = ["Operation", "Операция"];
const KKT_CHECK: Names = ["KKTCheckRequired", "ТребуетсяПроверкаСредствамиККТ"];
const PRODUCT: Names = ["ProductKind", "ВидПродукции"];

/// Answers out of memory: without the disk, another thread, or a row in the audit log.
pub(super) async fn get(api: &Api, request: &Request) -> Result<Reply, ApiError> {
    let kind = place::kind_of_query(&request.query)?;
    let kind = kind.ok_or_else(|| ApiError::bad_request("TokenType is missing."))?;
    let place = place::of_query(&request.query, kind)?;
    if !api.gateway.now().ismp.is_read() {
        let read = api
            .gateway
            .have(|gateway| async move { gateway.ismp.read().await });
        if let Err(trouble) = read.await {
            let sentence = format!("The tokens that are kept cannot be read now: {}.", trouble.info);
            return Err(ApiError::session_key_not_found(sentence));
        }
    }
    let found = api.gateway.now().ismp.find(&place);
    let Some(live) = found.map_err(|trouble| failed(&trouble))? else {
        let sentence = format!(
            "There is no live token {} of the organisation {}: ask for one by POST.",
            place.kind.word(),
            place.itn
        );
        return Err(ApiError::session_key_not_found(sentence));
    };
    // Tokens are visible ASCII, yet a quote is visible too.
    let token = Value::from(live.token.expose());
    let body = format!(r#"{{"Token":{token},"ValidUntil":"{}"}}"#, live.valid_until);
    Ok(Reply::json(body.into_bytes(), &request.query))
}

pub(super) async fn ask(api: &Api, request: &Request) -> Result<Reply, ApiError> {
    let fields = request.fields()?;
    let name = place::sent(&fields, REQUEST_PARAMETERS);
    let places = match fields.value(name) {
        None => vec![place::of_body(api, &fields)?],
        Some(Value::Array(all)) if (1..=MOST).contains(&all.len()) => {
            let each = all.iter();
            let places = each.map(|own| place::of_body(api, &Fields::within(name, own)?));
            places.collect::<Result<_, _>>()?
        }
        Some(Value::Array(_)) => {
            let sentence = format!("{name}: expected one structure, or 1 to {MOST} of them.");
            return Err(ApiError::bad_request(sentence));
        }
        Some(own) => vec![place::of_body(api, &Fields::within(name, own)?)?],
    };
    have(api, request, &places, Map::new()).await
}

pub(super) async fn ask_by_product(api: &Api, request: &Request) -> Result<Reply, ApiError> {
    let fields = request.fields()?;
    let name = place::sent(&fields, SCAN_PARAMETERS);
    let scan = fields.value(name);
    let scan = scan.ok_or_else(|| ApiError::bad_request(format!("{name} is missing.")))?;
    let scan = Fields::within(name, scan)?;
    let operation = place::text(&scan, OPERATION, LONGEST_NAME)?.unwrap_or_default();
    let at_the_desk = scan.truth(place::sent(&scan, KKT_CHECK))?;
    let product = place::text(&fields, PRODUCT, LONGEST_NAME)?.unwrap_or_default();
    let kind = api.gateway.now().ismp.kind_for(&operation, at_the_desk, &product);
    let place = Place {
        kind,
        ..place::of_body(api, &scan)?
    };
    let chosen = Map::from_iter([("TokenType".into(), Value::from(kind.word()))]);
    have(api, request, &[place], chosen).await
}

/// Has keys for all these places at once.
async fn have(
    api: &Api,
    request: &Request,
    places: &[Place],
    told: Map<String, Value>,
) -> Result<Reply, ApiError> {
    let rules = api.gateway.now().shared.rules();
    if !rules.ismp.retail && places.iter().any(|place| place.kind == TokenType::Retail) {
        return Err(ApiError::service_off("ismp.retail"));
    }
    let all = places.iter().map(|place| {
        let place = place.clone();
        api.gateway
            .have(|gateway| async move { gateway.ismp.have(&place).await })
    });
    let all: Vec<Result<Had, Trouble>> = join_all(all).await;
    for (place, had) in places.iter().zip(&all) {
        record(api, request, place, had).await?;
    }
    let mut results = Map::new();
    for (place, had) in places.iter().zip(&all) {
        let result = had
            .as_ref()
            .map_or_else(|trouble| Value::from(&*trouble.message), |_| Value::from(true));
        // Of several keys for one organisation the one that was not had is told.
        if results
            .get(&place.itn)
            .is_none_or(|told| told.as_bool() == Some(true))
        {
            results.insert(place.itn.clone(), result);
        }
    }
    let had = || all.iter().filter_map(|had| had.as_ref().ok());
    let ends = had().map(|had| had.live.valid_until).min();
    let new = had().any(|had| had.new);
    let trouble = all.iter().find_map(|had| had.as_ref().err());
    let mut fields = Map::from_iter([
        ("Results".into(), Value::Object(results)),
        (
            "ValidUntil".into(),
            ends.map_or(Value::Null, |end| Value::from(end.to_string())),
        ),
    ]);
    fields.extend(told);
    let reply = outcome(fields, trouble, &request.query);
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(reply.status(status))
}

/// Keeps in the audit log that somebody had the node sign in, or that it could not. Sharing a key is nothing new.
pub(super) async fn record(
    api: &Api,
    request: &Request,
    place: &Place,
    had: &Result<Had, Trouble>,
) -> Result<(), ApiError> {
    let (actor, object) = (request.actor(), place.itn.clone());
    let what = match place.facility.as_str() {
        "" => place.kind.word().to_owned(),
        facility => {
            let facility: String = facility.chars().filter(|c| !c.is_control()).take(64).collect();
            format!("{}, {facility}", place.kind.word())
        }
    };
    match had {
        Ok(Had { new: false, .. }) => {}
        Ok(had) => {
            let detail = format!("{what}, valid until {}", had.live.valid_until);
            let entry = actor.did(api.now(), "session-key", object, detail);
            api.desk.record(entry).await?;
        }
        Err(trouble) => {
            let word = trouble.detail.map_or(trouble.code.word(), Detail::word);
            let info: String = trouble.info.chars().take(256).collect();
            let detail = format!("{what}, {word}, {info}");
            let entry = actor.did(api.now(), "session-key-failure", object, detail);
            api.desk.note(entry);
        }
    }
    Ok(())
}

pub(super) fn request_parameters(api: &Api, request: &Request) -> Result<Reply, ApiError> {
    let query = &request.query;
    let retail = match place::parameter(query, ["Retail", "ТребуетсяПолучатьТокенРозничнойПродажи"])
    {
        None | Some("false" | "0" | "Ложь") => false,
        Some("true" | "1" | "Истина") => true,
        Some(_) => return Err(ApiError::bad_request("Retail: expected true or false.")),
    };
    let kind = match place::kind_of_query(query)? {
        Some(kind) => kind,
        None if retail => TokenType::Retail,
        None => TokenType::Ismp,
    };
    let place = place::known(api, place::of_query(query, kind)?)?;
    let itn = place.itn.clone();
    let found = api.gateway.now().ismp.request_parameters(place);
    let found = found.map_err(|trouble| failed(&trouble))?.ok_or_else(|| {
        ApiError::organization_not_found(format!("There is no organisation {itn}: see /api/organizations."))
    })?;
    let body = json!(rows::request_parameters(&found)).to_string();
    Ok(Reply::json(body.into_bytes(), query))
}
