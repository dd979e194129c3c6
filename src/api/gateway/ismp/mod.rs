//! /api/ismp and /api/parameters (seed 001).

mod keys;
mod place;
mod renew;
mod responsible;
mod rows;

use super::route::IsmpCall;
use crate::api::error::ApiError;
use crate::api::reply::Reply;
use crate::api::{Api, Request};
use crate::gateway::{Gateway, Trouble};

pub(super) async fn perform(api: &Api, call: &IsmpCall, request: &Request) -> Result<Reply, ApiError> {
    match call {
        IsmpCall::GetKey => keys::get(api, request).await,
        IsmpCall::AskForKey => keys::ask(api, request).await,
        IsmpCall::AskByProduct => keys::ask_by_product(api, request).await,
        IsmpCall::RequestParameters => keys::request_parameters(api, request),
        IsmpCall::Tokens => renew::tokens(api, request).await,
        IsmpCall::Renew => renew::renew(api, request).await,
        IsmpCall::ListResponsible => responsible::list(api, request).await,
        IsmpCall::PutResponsible(id) => responsible::put(api, request, id).await,
        IsmpCall::DeleteResponsible(id) => responsible::delete(api, request, id).await,
        IsmpCall::Initialize => responsible::initialize(api, request).await,
        IsmpCall::RefreshSettings => responsible::refresh(api, request).await,
        IsmpCall::Reminders => responsible::reminders(api, request).await,
        IsmpCall::Snooze => responsible::snooze(api, request).await,
        IsmpCall::ParameterNames => Ok(responsible::names(request)),
        IsmpCall::Parameter(name) => responsible::parameter(api, request, name).await,
    }
}

/// Reads the tokens that are kept. Where that cannot be now, a table shows that there are none.
async fn read_where_it_can(gateway: &Gateway) {
    if let Err(trouble) = gateway.ismp.read().await {
        tracing::warn!(error = trouble.info, "session keys of IS MP cannot be read now");
    }
}

/// What the node could not keep or read is no outcome of a function of the seed.
fn failed(trouble: &Trouble) -> ApiError {
    tracing::error!(error = trouble.info, "session keys of IS MP");
    ApiError::internal("The node cannot read or save what it keeps of the services; its log says more.")
}
