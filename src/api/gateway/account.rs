//! PUT /api/support-account: login and password of the support portal, for all areas of data or for one. Write-only.

use crate::api::error::ApiError;
use crate::api::reply::Reply;
use crate::api::{Api, Request};

pub(super) async fn put(_: &Api, _: &Request) -> Result<Reply, ApiError> {
    Err(ApiError::internal("not built yet"))
}
