//! /api/organizations: for whom the services work, with which certificate and which data.

use crate::api::error::ApiError;
use crate::api::reply::Reply;
use crate::api::{Api, Request};

pub(super) fn list(_: &Api, _: &Request) -> Result<Reply, ApiError> {
    Err(ApiError::internal("not built yet"))
}

pub(super) fn get(_: &Api, _: &Request, _: &str) -> Result<Reply, ApiError> {
    Err(ApiError::internal("not built yet"))
}

pub(super) async fn put(_: &Api, _: &Request, _: &str) -> Result<Reply, ApiError> {
    Err(ApiError::internal("not built yet"))
}

pub(super) async fn delete(_: &Api, _: &Request, _: &str) -> Result<Reply, ApiError> {
    Err(ApiError::internal("not built yet"))
}
