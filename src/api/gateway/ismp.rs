//! /api/ismp and /api/parameters (seed 001).

use super::route::IsmpCall;
use crate::api::error::ApiError;
use crate::api::reply::Reply;
use crate::api::{Api, Request};

pub(super) async fn perform(_: &Api, _: &IsmpCall, _: &Request) -> Result<Reply, ApiError> {
    Err(ApiError::internal("not built yet"))
}
