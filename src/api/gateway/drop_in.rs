//! Addresses beside /api by which unmodified 1C programs find a service here that they look for elsewhere. Each has a login
//! and errors of its own kind; the answers are signed like all others.

use std::net::IpAddr;

use actix_web::http::Method;
use actix_web::http::header::HeaderValue;

use crate::store::Role;

use super::{Service, admit};
use crate::api::Api;
use crate::api::auth::Caller;
use crate::api::error::ApiError;
use crate::api::query::Query;
use crate::api::reply::Reply;

/// A service that looks like another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::api) enum DropIn {
    /// POST /hs/tickets/ of the Service Manager.
    ServiceManager,
    /// POST /rest/public/ticket/get of the portal, where this node is the issuer.
    PortalGet,
    /// POST /rest/public/ticket/check.
    PortalCheck,
    /// POST /rest/public/user/auth.
    PortalAuth,
    /// POST /public/api/program1c/connections/register of 1C's gateway to CRPT.
    Register,
}

/// A request as it came, not yet anybody's.
pub(in crate::api) struct Knock<'r> {
    pub(in crate::api) peer: IpAddr,
    pub(in crate::api) authorization: Option<&'r HeaderValue>,
    pub(in crate::api) query: Query,
    pub(in crate::api) body: Vec<u8>,
}

impl DropIn {
    /// The one at a path; a trailing slash is the same path.
    pub(in crate::api) fn at(path: &str) -> Option<Self> {
        match path.strip_suffix('/').unwrap_or(path) {
            "/hs/tickets" => Some(Self::ServiceManager),
            "/rest/public/ticket/get" => Some(Self::PortalGet),
            "/rest/public/ticket/check" => Some(Self::PortalCheck),
            "/rest/public/user/auth" => Some(Self::PortalAuth),
            "/public/api/program1c/connections/register" => Some(Self::Register),
            _ => None,
        }
    }

    fn service(self) -> Service {
        match self {
            Self::ServiceManager | Self::PortalGet | Self::PortalCheck | Self::PortalAuth => Service::Tickets,
            Self::Register => Service::Crpt,
        }
    }
}

impl Knock<'_> {
    /// Whoever may use the services and shows it by HTTP Basic.
    pub(super) async fn caller(&self, api: &Api) -> Result<Caller, ApiError> {
        let caller = api.auth.check(self.peer, self.authorization).await?;
        if matches!(caller.role, Role::Gateway | Role::Admin) {
            return Ok(caller);
        }
        let sentence = format!("The role {} may not use the services.", caller.role);
        Err(ApiError::forbidden(sentence))
    }
}

/// Answers a request to one of these addresses.
pub(in crate::api) async fn answer(
    api: &Api,
    drop_in: DropIn,
    verb: &Method,
    knock: Knock<'_>,
) -> Result<Reply, ApiError> {
    if verb != Method::POST {
        return Err(ApiError::not_implemented(verb.as_str(), "this address", "POST"));
    }
    if let Err(error) = admit(api, drop_in.service()) {
        return match drop_in {
            DropIn::ServiceManager => Ok(super::tickets::refused(&knock, &error)),
            _ => Err(error),
        };
    }
    match drop_in {
        DropIn::ServiceManager => super::tickets::service_manager(api, &knock).await,
        DropIn::PortalGet => super::tickets::portal_get(api, &knock).await,
        DropIn::PortalCheck => super::tickets::portal_check(api, &knock).await,
        DropIn::PortalAuth => super::tickets::portal_auth(api, &knock).await,
        DropIn::Register => super::crpt::register_drop_in(api, &knock).await,
    }
}
