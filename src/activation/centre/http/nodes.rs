//! What nodes ask for: activations, renewals, returns, the list of revocations.

use actix_web::http::StatusCode;
use actix_web::http::header::{ETAG, IF_NONE_MATCH, RETRY_AFTER};
use actix_web::web::{Data, Payload, Query};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use serde::Deserialize;

use crate::activation::{Action, LicenceAnswer, MAX_REQUEST, ReceiptAnswer, Refusal};

use super::super::Answer;
use super::body;
use super::site::Site;
use super::vendor::VendorError;

/// Seconds after which a centre that has a fault is asked again.
const FAULT_SECONDS: u64 = 30;

pub(super) async fn activate(request: HttpRequest, payload: Payload, site: Data<Site>) -> HttpResponse {
    answer(&request, payload, &site, Action::Activate).await
}

pub(super) async fn renew(request: HttpRequest, payload: Payload, site: Data<Site>) -> HttpResponse {
    answer(&request, payload, &site, Action::Renew).await
}

pub(super) async fn give_back(request: HttpRequest, payload: Payload, site: Data<Site>) -> HttpResponse {
    answer(&request, payload, &site, Action::Return).await
}

async fn answer(request: &HttpRequest, payload: Payload, site: &Site, action: Action) -> HttpResponse {
    // Whoever is refused in any case need not be listened to.
    if let Err(refusal) = site.caller(request) {
        return refused(&refusal);
    }
    let body = body::read(payload, MAX_REQUEST).await;
    match site.answer(request, body, Some(action)).await {
        Ok(Answer::Licence { file, new }) => {
            let mut response = if new {
                HttpResponse::Created()
            } else {
                HttpResponse::Ok()
            };
            response.json(LicenceAnswer { licence: Some(file) })
        }
        Ok(Answer::Nothing) => HttpResponse::Ok().json(LicenceAnswer { licence: None }),
        Ok(Answer::Receipt(receipt)) => HttpResponse::Ok().json(ReceiptAnswer { receipt }),
        Err(refusal) => refused(&refusal),
    }
}

#[derive(Deserialize)]
pub(super) struct ListQuery {
    kid: Option<String>,
}

/// The list, unless the caller has it already; that of a vendor key from before, where one is named.
pub(super) async fn revocations(request: HttpRequest, site: Data<Site>) -> HttpResponse {
    let Ok(query) = Query::<ListQuery>::from_query(request.query_string()) else {
        return refused(&Refusal::BadRequest("the query names more than one kid".into()));
    };
    let list = match &query.kid {
        None => site.centre.revocations().await.map(Some),
        Some(kid) => site.centre.revocations_by(kid).await,
    };
    let list = match list {
        Ok(Some(list)) => list,
        Ok(None) => return VendorError::not_found("no such vendor key signs lists here").into(),
        Err(refusal) => return refused(&refusal),
    };
    let tag = format!("\"{}.{}\"", list.kid, list.number);
    let has = |value: &str| {
        value
            .split(',')
            .any(|one| one.trim().trim_start_matches("W/") == tag)
    };
    let mut known = request.headers().get_all(IF_NONE_MATCH);
    if known.any(|value| value.to_str().is_ok_and(has)) {
        return HttpResponse::NotModified().insert_header((ETAG, tag)).finish();
    }
    HttpResponse::Ok()
        .insert_header((ETAG, tag))
        .content_type("application/jose")
        .body(list.text.clone())
}

pub(super) fn refused(refusal: &Refusal) -> HttpResponse {
    refusing(refusal)
        .content_type("application/json;charset=utf-8")
        .body(refusal.body())
}

/// An answer with a refusal's status, and when to try again.
pub(super) fn refusing(refusal: &Refusal) -> HttpResponseBuilder {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let mut response = HttpResponse::build(status);
    match refusal {
        Refusal::TooMany { seconds } => response.insert_header((RETRY_AFTER, seconds.to_string())),
        Refusal::Unavailable(_) => response.insert_header((RETRY_AFTER, FAULT_SECONDS.to_string())),
        _ => &mut response,
    };
    response
}
