//! /api/crpt/connections, and the address of 1C's gateway (seed 002).

use super::drop_in::Knock;
use super::route::CrptCall;
use crate::api::error::ApiError;
use crate::api::reply::Reply;
use crate::api::{Api, Request};

pub(super) async fn perform(_: &Api, _: &CrptCall, _: &Request) -> Result<Reply, ApiError> {
    Err(ApiError::internal("not built yet"))
}

pub(super) async fn register_drop_in(_: &Api, _: &Knock<'_>) -> Result<Reply, ApiError> {
    Err(ApiError::internal("not built yet"))
}
