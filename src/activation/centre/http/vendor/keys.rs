//! One key, for the vendor's systems: its history, and what support does with it.

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::json;

use crate::licence::{ActivationCode, Iec, Itn, KeyNo, Timestamp};

use super::super::super::{ActivationFilter, ActivationRow, Which};
use super::caller::Caller;
use super::error::VendorError;
use super::input;

type Answer = Result<HttpResponse, VendorError>;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct FindForm {
    code: ActivationCode,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RevocationForm {
    reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RenewalForm {
    /// Null ends renewals; it has to be said.
    #[serde(deserialize_with = "Option::deserialize")]
    renew_until: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HolderForm {
    #[serde(rename = "ITN")]
    itn: Itn,
    #[serde(rename = "IEC")]
    iec: Option<Iec>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct MovesForm {
    /// Null: as the series says; it has to be said.
    #[serde(deserialize_with = "Option::deserialize")]
    moves: Option<u32>,
}

pub(super) async fn show(caller: Caller, request: HttpRequest) -> Answer {
    history(&caller, Which::KeyNo(input::key_no(&request)?)).await
}

/// A customer calls and has but his code. It comes in a body, for addresses end up in logs.
pub(super) async fn find(caller: Caller, payload: Payload) -> Answer {
    let FindForm { code } = input::json(payload).await?;
    history(&caller, Which::Code(code)).await
}

pub(super) async fn revoke(caller: Caller, request: HttpRequest, payload: Payload) -> Answer {
    let (key_no, form) = (
        input::key_no(&request)?,
        input::json::<RevocationForm>(payload).await?,
    );
    caller
        .books(move |books, by| books.revoke(key_no, &form.reason, by))
        .await?;
    row(&caller, key_no).await
}

pub(super) async fn recovery(caller: Caller, request: HttpRequest, payload: Payload) -> Answer {
    let key_no = input::key_no(&request)?;
    input::nothing(payload).await?;
    let recovery = caller.books(move |books, by| books.recovery(key_no, by)).await?;
    let shown = json!({ "KeyNo": key_no, "RecoveryCode": recovery.code, "Until": recovery.until });
    Ok(HttpResponse::Created().json(shown))
}

pub(super) async fn renewal(caller: Caller, request: HttpRequest, payload: Payload) -> Answer {
    let (key_no, form) = (
        input::key_no(&request)?,
        input::json::<RenewalForm>(payload).await?,
    );
    caller
        .books(move |books, by| books.extend(key_no, form.renew_until, by))
        .await?;
    row(&caller, key_no).await
}

pub(super) async fn holder(caller: Caller, request: HttpRequest, payload: Payload) -> Answer {
    let (key_no, form) = (
        input::key_no(&request)?,
        input::json::<HolderForm>(payload).await?,
    );
    caller
        .books(move |books, by| books.bind(key_no, &form.itn, form.iec.as_ref(), by))
        .await?;
    row(&caller, key_no).await
}

pub(super) async fn moves(caller: Caller, request: HttpRequest, payload: Payload) -> Answer {
    let (key_no, form) = (input::key_no(&request)?, input::json::<MovesForm>(payload).await?);
    caller
        .books(move |books, by| books.set_moves(key_no, form.moves, by))
        .await?;
    row(&caller, key_no).await
}

async fn row(caller: &Caller, key_no: KeyNo) -> Answer {
    let key = caller
        .books(move |books, by| books.find(&Which::KeyNo(key_no), by.time))
        .await?;
    Ok(HttpResponse::Ok().json(key.to_json(false)))
}

async fn history(caller: &Caller, which: Which) -> Answer {
    let look = move |books: &mut super::super::super::Books, by: &crate::store::Author| {
        let key = books.find(&which, by.time)?;
        let filter = ActivationFilter {
            key_no: Some(key.key_no),
            ..ActivationFilter::default()
        };
        let activations = books.activations(&filter)?;
        Ok((key, activations))
    };
    let (key, activations) = caller.books(look).await?;
    let activations: Vec<_> = activations.iter().map(ActivationRow::to_json).collect();
    let shown = json!({ "Key": key.to_json(false), "Activations": activations });
    Ok(HttpResponse::Ok().json(shown))
}
