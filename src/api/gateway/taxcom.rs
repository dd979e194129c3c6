//! /api/taxcom (seed 000).

use super::route::TaxcomCall;
use crate::api::error::ApiError;
use crate::api::reply::Reply;
use crate::api::{Api, Request};

pub(super) async fn perform(_: &Api, _: &TaxcomCall, _: &Request) -> Result<Reply, ApiError> {
    Err(ApiError::internal("not built yet"))
}
