//! Activations, for the vendor's systems.

use std::rc::Rc;

use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::super::super::{ACTIVATION_COLUMNS, ActivationFilter, ActivationRow};
use super::caller::Caller;
use super::error::VendorError;
use super::input;
use super::table::{self, PAGE, Page};

/// A page of activations; as CSV all of them.
pub(super) async fn list(caller: Caller, request: HttpRequest) -> Result<HttpResponse, VendorError> {
    let filter = input::activations(&request)?;
    if input::wants_csv(&request) {
        return export(caller, filter).await;
    }
    let limit = Some(input::rows(filter.limit)?);
    let (activations, next) = page(&caller, ActivationFilter { limit, ..filter }).await?;
    let rows: Vec<_> = activations.iter().map(ActivationRow::to_json).collect();
    Ok(HttpResponse::Ok().json(json!({ "Activations": rows, "Next": next })))
}

async fn export(caller: Caller, filter: ActivationFilter) -> Result<HttpResponse, VendorError> {
    let caller = Rc::new(caller);
    let start = (filter.after, filter.limit);
    let read = move |(after, left): (Option<u64>, Option<u64>)| {
        let limit = left.map_or(PAGE, |left| left.min(PAGE));
        let filter = ActivationFilter {
            after,
            limit: Some(limit),
            ..filter.clone()
        };
        let caller = caller.clone();
        async move {
            let (activations, next) = page(&caller, filter).await?;
            let left = left.map(|left| left - limit);
            Ok(Page {
                rows: activations.iter().map(ActivationRow::to_record).collect(),
                next: next.filter(|_| left != Some(0)).map(|next| (Some(next), left)),
            })
        }
    };
    table::stream("activations.csv", ACTIVATION_COLUMNS, start, read).await
}

/// Activations, and after which one more follow.
async fn page(
    caller: &Caller,
    filter: ActivationFilter,
) -> Result<(Vec<ActivationRow>, Option<u64>), VendorError> {
    let limit = filter.limit.unwrap_or(PAGE);
    let rows = caller.books(move |books, _| books.activations(&filter)).await?;
    let full = u64::try_from(rows.len()).is_ok_and(|rows| rows >= limit);
    let next = rows.last().filter(|_| full).map(|last| last.number);
    Ok((rows, next))
}
