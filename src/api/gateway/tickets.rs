//! POST /api/tickets and its check, and the addresses of the portal and the Service Manager (seed 003).

use super::drop_in::Knock;
use super::route::TicketsCall;
use crate::api::error::ApiError;
use crate::api::reply::Reply;
use crate::api::{Api, Request};

pub(super) async fn perform(_: &Api, _: &TicketsCall, _: &Request) -> Result<Reply, ApiError> {
    Err(ApiError::internal("not built yet"))
}

pub(super) async fn service_manager(api: &Api, knock: &Knock<'_>) -> Result<Reply, ApiError> {
    knock.caller(api).await?;
    Err(ApiError::internal("not built yet"))
}

pub(super) async fn portal_get(_: &Api, _: &Knock<'_>) -> Result<Reply, ApiError> {
    Err(ApiError::internal("not built yet"))
}

pub(super) async fn portal_check(_: &Api, _: &Knock<'_>) -> Result<Reply, ApiError> {
    Err(ApiError::internal("not built yet"))
}
