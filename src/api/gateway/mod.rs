//! The operators' services over HTTP (spec, services, section 5): whether they may be asked at all, who does what, and how
//! their outcomes look. One file per service.

mod account;
mod crpt;
mod drop_in;
mod ismp;
mod organizations;
mod outcome;
pub(super) mod route;
mod taxcom;
mod tickets;

use route::Service;

pub(super) use crpt::ConnectionRow;
pub(super) use drop_in::{DropIn, Knock, answer as answer_drop_in};
pub(super) use organizations::OrganizationRow;
pub(super) use route::Call;
pub(super) use taxcom::ProcessRow;

use super::error::ApiError;
use super::reply::Reply;
use super::{Api, Request};
use crate::gateway::GatewayRules;

/// Does what is asked, where the settings and the licences let it be asked.
pub(super) async fn perform(api: &Api, call: &Call, request: &Request) -> Result<Reply, ApiError> {
    admit(api, call.service())?;
    match call {
        Call::ListOrganizations => organizations::list(api, request).await,
        Call::GetOrganization(itn) => organizations::get(api, request, itn).await,
        Call::PutOrganization(itn) => organizations::put(api, request, itn).await,
        Call::DeleteOrganization(itn) => organizations::delete(api, request, itn).await,
        Call::PutAccount => account::put(api, request).await,
        Call::Tickets(call) => tickets::perform(api, call, request).await,
        Call::Ismp(call) => ismp::perform(api, call, request).await,
        Call::Crpt(call) => crpt::perform(api, call, request).await,
        Call::Taxcom(call) => taxcom::perform(api, call, request).await,
    }
}

/// The addresses of those services that are switched on, for the list of all.
pub(super) fn urns(api: &Api) -> Vec<&'static str> {
    let rules = api.gateway.now().shared.rules();
    route::urns(|service| is_on(&rules, service))
}

fn is_on(rules: &GatewayRules, service: Service) -> bool {
    match service {
        Service::Common => rules.any_is_on(),
        Service::Tickets => rules.tickets.enabled,
        Service::Ismp => rules.ismp.enabled,
        Service::Crpt => rules.crpt.enabled,
        Service::Taxcom => rules.taxcom.enabled,
    }
}

/// Refuses what is switched off, and what wants a licence that does not work.
fn admit(api: &Api, service: Service) -> Result<(), ApiError> {
    let rules = api.gateway.now().shared.rules();
    if !is_on(&rules, service) {
        return Err(ApiError::service_off(service.setting()));
    }
    let Some(series) = &rules.common.requires else {
        return Ok(());
    };
    let keyring = api.keys.keyring();
    let works = keyring.keys().iter().any(|key| {
        let named = key.key_id.is_some_and(|id| id.to_string() == **series);
        named && key.verdict.cause.is_none()
    });
    if works {
        return Ok(());
    }
    let sentence = format!("The services want a working licence of the series {series} (gateway.requires).");
    Err(ApiError::licence_required(sentence))
}
