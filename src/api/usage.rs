//! /api/usage: how many seats were in use over the last day, week or year (an extension: the manual knows no history).

use actix_web::web;

use crate::seats::{Period, UsageNow, plot};
use crate::store::{UsageHistory, UsageSlot};

use super::error::ApiError;
use super::record::{Scalar, record};
use super::reply::Reply;
use super::{Api, Request};

/// The parameter that says how far to go back.
const PERIOD: &str = "Period";

/// Turns in which nothing may be saved between the two looks at the desk. It saves history every few minutes.
const TURNS: u32 = 3;

/// What happened to a series in a slot of the period.
pub(super) struct UsageView {
    slot: UsageSlot,
    period: Period,
}

record!(UsageView, this, {
    "KeyID": Text => Scalar::text(this.slot.series.as_str()),
    "Time": Time => Scalar::Time(this.slot.time),
    "Seconds": Number => Scalar::Number(this.period.step() / 1000),
    "Used": Number => Scalar::number(this.slot.peak),
    "Seats": Number => Scalar::number(this.slot.seats),
    "Refused": Number => Scalar::number(this.slot.refused),
});

pub(super) async fn list(api: &Api, request: &Request) -> Result<Reply, ApiError> {
    let period = match request.query.parameter(PERIOD) {
        None => Period::Day,
        Some(name) => Period::parse(name)
            .ok_or_else(|| ApiError::bad_request(format!("{PERIOD}: expected day, week or year.")))?,
    };
    let slots = slots(api, period).await?;
    let views = slots.into_iter().map(|slot| UsageView { slot, period });
    Reply::list("Usage", views, &request.query.without(PERIOD))
}

/// What is on disk and what is not yet, put together. A slot that went to the disk between the two looks would be missing or
/// there twice: then another look is taken.
async fn slots(api: &Api, period: Period) -> Result<Vec<UsageSlot>, ApiError> {
    let range = period.range(api.now());
    let mut before = unsaved(api).await?;
    for _ in 0..TURNS {
        let (history, span) = (UsageHistory::new(&api.database), range.clone());
        let read = web::block(move || history.read(span, period.step())).await;
        let rows =
            read.map_err(|_| ApiError::internal("The history of use cannot be read: the node is stopping."))?;
        let rows = rows.map_err(|error| {
            tracing::error!(%error, "the history of use cannot be read");
            ApiError::internal("The history of use cannot be read; the node's log says why.")
        })?;
        let after = unsaved(api).await?;
        if after.saves == before.saves {
            return Ok(plot(period, &range, rows, &after.slots));
        }
        before = after;
    }
    Err(ApiError::internal(
        "The history of use changes too fast to be read.",
    ))
}

async fn unsaved(api: &Api) -> Result<UsageNow, ApiError> {
    Ok(api.desk.ask(|desk, _, _| desk.ledger.usage.now()).await?)
}
