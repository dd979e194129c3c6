//! POST /rest/public/... as the support portal answers it, where this node is the issuer of tickets (spec, services, section
//! 1.1). Logins are those of the node's users.

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{Knock, LONGEST_TICKET};
use crate::api::auth::Caller;
use crate::api::body::Fields;
use crate::api::error::ApiError;
use crate::api::reply::Reply;
use crate::api::{Actor, Api};
use crate::gateway::{Code, Detail, Secret, Trouble};
use crate::store::Role;

/// Longest login and password, in characters.
const LONGEST_LOGIN: usize = 256;

/// ticket/get: 200 with a ticket, 403 for a wrong login, 429 after too many of those.
pub(in crate::api::gateway) async fn get(api: &Api, knock: &Knock<'_>) -> Result<Reply, ApiError> {
    let fields = as_issuer(api, "/rest/public/ticket/get", knock)?;
    let owner = super::owner(&fields, "serviceNick")?;
    let caller = match log_in(api, knock, &fields).await? {
        Ok(caller) => caller,
        Err(refusal) => return Ok(refusal),
    };
    let actor = Actor {
        name: caller.name.clone(),
        peer: knock.peer,
    };
    let (object, login) = (super::shown(&owner), caller.name.to_string());
    let issued = api
        .gateway
        .have(|gateway| async move { gateway.tickets.issue(&owner, &login, None) })
        .await;
    match issued {
        Ok(ticket) => {
            let given = actor.did(api.now(), "ticket", object, "issued here".into());
            api.desk.record(given).await?;
            Ok(reply(
                knock,
                StatusCode::OK,
                &json!({ "ticket": ticket.expose() }),
            ))
        }
        Err(trouble) => {
            let detail = super::in_words(&trouble);
            api.desk
                .note(actor.did(api.now(), "ticket-failure", object, detail));
            Ok(failed(knock, &trouble))
        }
    }
}

/// ticket/check: 200 with the login; 403 for what does not hold. Whoever has a ticket may ask, as at the portal.
pub(in crate::api::gateway) async fn check(api: &Api, knock: &Knock<'_>) -> Result<Reply, ApiError> {
    let fields = as_issuer(api, "/rest/public/ticket/check", knock)?;
    let ticket = Secret::from(&*fields.required("ticket", LONGEST_TICKET)?);
    let owner = super::owner(&fields, "serviceNick")?;
    let redeemed = api
        .gateway
        .have(|gateway| async move { gateway.tickets.redeem(&ticket, |own| own == owner) })
        .await;
    Ok(match redeemed {
        Ok(Some(issued)) => reply(knock, StatusCode::OK, &json!({ "login": issued.login })),
        Ok(None) => refusal(knock, StatusCode::FORBIDDEN, "The ticket does not hold."),
        Err(trouble) => failed(knock, &trouble),
    })
}

/// user/auth: 200 for a login that holds.
pub(in crate::api::gateway) async fn auth(api: &Api, knock: &Knock<'_>) -> Result<Reply, ApiError> {
    let fields = as_issuer(api, "/rest/public/user/auth", knock)?;
    Ok(match log_in(api, knock, &fields).await? {
        Ok(caller) => reply(knock, StatusCode::OK, &json!({ "login": &*caller.name })),
        Err(refusal) => refusal,
    })
}

/// What is asked, where there is such an address at all.
fn as_issuer(api: &Api, path: &str, knock: &Knock<'_>) -> Result<Fields, ApiError> {
    if !api.gateway.now().shared.rules().tickets.issuer {
        return Err(ApiError::url_not_found(path));
    }
    Fields::parse(&knock.body)
}

/// Whose login and password these are, or the portal's refusal.
async fn log_in(api: &Api, knock: &Knock<'_>, fields: &Fields) -> Result<Result<Caller, Reply>, ApiError> {
    let login = fields.required("login", LONGEST_LOGIN)?;
    let password = fields.text("password", LONGEST_LOGIN)?.unwrap_or_default();
    let password = Zeroizing::new(String::from(password));
    match api.auth.check_plain(knock.peer, &login, &password).await {
        Ok(caller) if matches!(caller.role, Role::Gateway | Role::Admin) => Ok(Ok(caller)),
        Ok(_) => {
            let why = "The role of this user may not use the services.";
            Ok(Err(refusal(knock, StatusCode::FORBIDDEN, why)))
        }
        Err(error) if error.status == StatusCode::UNAUTHORIZED => {
            Ok(Err(refusal(knock, StatusCode::FORBIDDEN, error.sentence())))
        }
        Err(error) if error.headers.iter().any(|(name, _)| name == RETRY_AFTER) => {
            let mut refusal = refusal(knock, StatusCode::TOO_MANY_REQUESTS, error.sentence());
            refusal.headers = error.headers;
            Ok(Err(refusal))
        }
        Err(error) => Err(error),
    }
}

fn failed(knock: &Knock<'_>, trouble: &Trouble) -> Reply {
    let status = match trouble.detail {
        Some(Detail::Finer(Code::TooMany)) => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    refusal(knock, status, &trouble.info)
}

fn refusal(knock: &Knock<'_>, status: StatusCode, why: &str) -> Reply {
    reply(knock, status, &json!({ "error": why }))
}

fn reply(knock: &Knock<'_>, status: StatusCode, body: &Value) -> Reply {
    Reply::json(body.to_string().into_bytes(), &knock.query).status(status)
}
