//! Codes, for the vendor's systems: issued, listed, exported.

use actix_web::http::StatusCode;
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::json;

use crate::licence::{Iec, Itn, KeyId, Timestamp};

use super::super::super::{Batch, CODE_COLUMNS, CodeFilter, CodeRow, ISSUED_COLUMNS, IssueOrder, IssuedCode};
use super::caller::Caller;
use super::error::VendorError;
use super::input;
use super::table::{self, PAGE, Page};

/// The most codes of one request; more are issued in several.
const MOST_CODES: u64 = 10_000;

type Answer = Result<HttpResponse, VendorError>;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct OrderForm {
    #[serde(rename = "KeyID")]
    key_id: KeyId,
    count: u64,
    #[serde(default)]
    note: String,
    reg_no: Option<u64>,
    #[serde(rename = "ITN")]
    itn: Option<Itn>,
    #[serde(rename = "IEC")]
    iec: Option<Iec>,
    valid_until: Option<Timestamp>,
    renew_until: Option<Timestamp>,
    moves: Option<u32>,
    order: Option<String>,
}

impl From<OrderForm> for IssueOrder {
    fn from(form: OrderForm) -> Self {
        Self {
            key_id: form.key_id,
            count: form.count,
            note: form.note,
            reg_no: form.reg_no,
            itn: form.itn,
            iec: form.iec,
            valid_until: form.valid_until,
            renew_until: form.renew_until,
            moves: form.moves,
            order: form.order,
        }
    }
}

/// Issues codes and shows them; an order that was placed before is shown again.
pub(super) async fn issue(caller: Caller, request: HttpRequest, payload: Payload) -> Answer {
    let order: IssueOrder = input::json::<OrderForm>(payload).await?.into();
    if !(1..=MOST_CODES).contains(&order.count) {
        return Err(VendorError::bad_request(format!(
            "Count: expected 1 to {MOST_CODES}; more codes are issued by several requests"
        )));
    }
    let issue = move |books: &mut super::super::super::Books, by: &_| {
        let mut codes: Vec<IssuedCode> = Vec::new();
        let batch = books.issue(&order, by, |_, written| {
            codes.extend_from_slice(written);
            true
        })?;
        if codes.len() as u64 == batch.count {
            return Ok((StatusCode::CREATED, batch, codes));
        }
        let filter = CodeFilter {
            batch: Some(batch.number),
            ..CodeFilter::default()
        };
        let codes = books.codes(&filter, by.time)?.into_iter().map(IssuedCode::from);
        Ok((StatusCode::OK, batch, codes.collect()))
    };
    let (status, batch, codes) = caller.books(issue).await?;
    if input::wants_csv(&request) {
        let rows: Vec<_> = codes.iter().map(|code| code.to_record(&batch)).collect();
        let mut response = table::answer(&format!("codes-{}.csv", batch.number));
        response.status(status);
        return Ok(response.body(table::csv(Some(ISSUED_COLUMNS), &rows)));
    }
    let codes: Vec<_> = codes.iter().map(IssuedCode::to_json).collect();
    Ok(HttpResponse::build(status).json(json!({ "Batch": batch.to_json(), "Codes": codes })))
}

pub(super) async fn batches(caller: Caller, request: HttpRequest) -> Answer {
    let (note, order) = input::batches(&request)?;
    let batches = caller.books(|books, _| books.batches()).await?;
    let meant = |batch: &&Batch| {
        note.as_ref().is_none_or(|note| *note == batch.note)
            && order
                .as_ref()
                .is_none_or(|order| Some(order) == batch.order.as_ref())
    };
    let rows: Vec<_> = batches.iter().filter(meant).map(Batch::to_json).collect();
    Ok(HttpResponse::Ok().json(json!({ "Batches": rows })))
}

/// A page of codes; as CSV all of them.
pub(super) async fn list(caller: Caller, request: HttpRequest) -> Answer {
    let (filter, whole) = input::codes(&request)?;
    if input::wants_csv(&request) {
        return export(caller, filter, whole).await;
    }
    let limit = input::rows(filter.limit)?;
    let (codes, next) = page(
        &caller,
        CodeFilter {
            limit: Some(limit),
            ..filter
        },
    )
    .await?;
    let rows: Vec<_> = codes.iter().map(|code| code.to_json(whole)).collect();
    Ok(HttpResponse::Ok().json(json!({ "Codes": rows, "Next": next })))
}

async fn export(caller: Caller, filter: CodeFilter, whole: bool) -> Answer {
    let caller = std::rc::Rc::new(caller);
    let start = (filter.after, filter.limit);
    let read = move |(after, left): (Option<u64>, Option<u64>)| {
        let limit = left.map_or(PAGE, |left| left.min(PAGE));
        let filter = CodeFilter {
            after,
            limit: Some(limit),
            ..filter.clone()
        };
        let caller = caller.clone();
        async move {
            let (codes, next) = page(&caller, filter).await?;
            let left = left.map(|left| left - limit);
            Ok(Page {
                rows: codes.iter().map(|code| code.to_record(whole)).collect(),
                next: next.filter(|_| left != Some(0)).map(|next| (Some(next), left)),
            })
        }
    };
    table::stream("codes.csv", CODE_COLUMNS, start, read).await
}

/// Codes, and after which one more follow.
async fn page(caller: &Caller, filter: CodeFilter) -> Result<(Vec<CodeRow>, Option<u64>), VendorError> {
    let limit = filter.limit.unwrap_or(PAGE);
    let codes = caller
        .books(move |books, by| books.codes(&filter, by.time))
        .await?;
    let full = u64::try_from(codes.len()).is_ok_and(|rows| rows >= limit);
    let next = codes.last().filter(|_| full).map(|last| last.key_no);
    Ok((codes, next))
}
