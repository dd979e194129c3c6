//! POST /public/api/program1c/connections/register as 1C's gateway answers it, so that an unmodified program registers its
//! connection through this node (spec, services, section 3.2).

use actix_web::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::register::{oms_id_of, pairs, words};
use super::{Knock, LONGEST_NAME};
use crate::api::body::{Fields, LARGEST};
use crate::api::error::ApiError;
use crate::api::reply::Reply;
use crate::api::{Actor, Api};
use crate::gateway::{Answered, Code, ConnectionOrder, Detail, Secret};
use crate::store::AuditEntry;

/// The path, which is also what tickets for it are made out to.
const PATH: &str = "/public/api/program1c/connections/register";

/// Who asks while too many tickets are being checked, or the portal wants peace, is told to ask again after so long, in
/// seconds.
const LATER: u64 = 60;

pub(in crate::api::gateway) async fn answer(api: &Api, knock: &Knock<'_>) -> Result<Reply, ApiError> {
    let actor = match actor(api, knock).await {
        Ok(actor) => actor,
        Err(error) => return Ok(refused(knock, &error)),
    };
    let order = match order(api, &knock.body) {
        Ok(order) => order,
        Err(error) => return Ok(refused(knock, &error)),
    };
    Ok(match super::obtain(api, &actor, order).await {
        Ok(answered) => told(knock, &answered),
        Err(error) => refused(knock, &error),
    })
}

/// Who asks: a user of this node, or the bearer of a ticket for this address.
async fn actor(api: &Api, knock: &Knock<'_>) -> Result<Actor, ApiError> {
    let header = knock.authorization.and_then(|value| value.to_str().ok());
    let bearer = header
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let name = match bearer {
        None => knock.caller(api).await?.name,
        Some((_, ticket)) => bearer_of(api, knock, Secret::from(ticket.trim())).await?.into(),
    };
    Ok(Actor {
        name,
        peer: knock.peer,
    })
}

/// Whose ticket it is. Whoever shows tickets that do not hold is slowed, refused, and told to the audit log.
async fn bearer_of(api: &Api, knock: &Knock<'_>, ticket: Secret) -> Result<String, ApiError> {
    let login = api.auth.check_shown(knock.peer, "ticket", holder(api, ticket));
    let login = login.await.and_then(|login| {
        let wrong = || ApiError::unauthorized("The ticket does not hold.");
        login.ok_or_else(wrong)
    });
    if let Err(error) = &login {
        let entry = AuditEntry {
            time: api.now(),
            actor: knock.peer.to_string(),
            event: "crpt-connection-failure".into(),
            object: PATH.into(),
            detail: error.sentence().to_owned(),
        };
        api.desk.note(entry);
    }
    login
}

/// Whose ticket it is: this node's own, or the portal's for a support account that is set here.
async fn holder(api: &Api, ticket: Secret) -> Result<Option<String>, ApiError> {
    let rules = api.gateway.now().shared.rules();
    if !rules.tickets.enabled {
        return Ok(None);
    }
    let owner = format!("{}{PATH}", rules.crpt.gateway_url.trim_end_matches('/'));
    let login = api
        .gateway
        .have(|gateway| async move {
            if rules.tickets.issuer {
                let issued = gateway.tickets.redeem(&ticket, |own| own.ends_with(PATH))?;
                return Ok(issued.map(|issued| issued.login));
            }
            gateway.tickets.check_of_stranger(&ticket, &owner).await
        })
        .await;
    login.map_err(|trouble| {
        tracing::warn!(why = trouble.info, "a ticket could not be checked");
        let finer = match trouble.detail {
            Some(Detail::Finer(code)) => code,
            _ => trouble.code,
        };
        match finer {
            Code::TooMany => ApiError::too_many_requests(LATER),
            Code::Connection => ApiError::service_unreached("The ticket could not be checked: see the log."),
            _ => ApiError::internal("The ticket could not be checked."),
        }
    })
}

fn order(api: &Api, body: &[u8]) -> Result<ConnectionOrder, ApiError> {
    let fields = Fields::parse(body)?;
    let within = |name: &str| match fields.value(name) {
        None => Err(ApiError::bad_request(format!("{name} is missing."))),
        Some(value) => Fields::within(name, value),
    };
    let request = within("crptRequest")?;
    let client = match fields.value("clientInfo") {
        None => Fields::parse(b"{}")?,
        Some(_) => within("clientInfo")?,
    };
    let encoded = request.required("bodyBase64", LARGEST)?;
    let encoded: String = encoded.split_ascii_whitespace().collect();
    let words_of = STANDARD
        .decode(encoded)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let words_of = words_of.ok_or_else(|| ApiError::bad_request("bodyBase64: expected Base64 of JSON."))?;
    let parameters = pairs("queryParameters", &request)?;
    let oms_id =
        oms_id_of(&parameters).ok_or_else(|| ApiError::bad_request("queryParameters: omsId is missing."))?;
    let route = api.gateway.now().shared.rules().crpt.route;
    let mut order = ConnectionOrder::new(oms_id, words(&words_of)?, route);
    order.parameters = parameters;
    order.headers = pairs("headers", &request)?;
    let part = |name: &str| -> Result<String, ApiError> {
        Ok(client.text(name, LONGEST_NAME)?.unwrap_or_default().into())
    };
    order.program = part("programNick")?;
    order.library = (part("libraryId")?, part("libraryVersion")?);
    Ok(order)
}

/// The gateway's answer.
fn told(knock: &Knock<'_>, answered: &Answered) -> Reply {
    let value = |value: &Option<Value>| value.clone().unwrap_or_else(|| Value::Object(Map::new()));
    let Some(trouble) = &answered.trouble else {
        let body = json!({
            "crptResponse": value(&answered.data),
            "crptResponseHeaders": value(&answered.headers),
        });
        return reply(knock, StatusCode::OK, &body);
    };
    let (status, kind) = match trouble.code {
        Code::BadLogin => (StatusCode::UNAUTHORIZED, "UNAUTHORIZED"),
        Code::BadRequest => (StatusCode::BAD_REQUEST, "BAD_REQUEST"),
        Code::TooMany => (StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS"),
        Code::Service => (StatusCode::INTERNAL_SERVER_ERROR, "BACKEND_CALL_ERROR"),
        Code::Connection => (StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE"),
        Code::Unknown => (StatusCode::BAD_GATEWAY, "UNKNOWN"),
    };
    let kind = answered.kind.as_deref().unwrap_or(kind);
    let mut body = problem(status, kind, &trouble.message);
    if let Some(data) = &answered.data {
        body.insert("backendErrorResponse".into(), data.clone());
    }
    if let Some(headers) = &answered.headers {
        body.insert("backendErrorResponseHeaders".into(), headers.clone());
    }
    reply(knock, status, &Value::Object(body))
}

/// What the node itself refuses, in the gateway's form.
fn refused(knock: &Knock<'_>, error: &ApiError) -> Reply {
    let kind = match error.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "UNAUTHORIZED",
        StatusCode::INTERNAL_SERVER_ERROR => "INTERNAL_SERVER_ERROR",
        StatusCode::TOO_MANY_REQUESTS => "TOO_MANY_REQUESTS",
        StatusCode::SERVICE_UNAVAILABLE => "SERVICE_UNAVAILABLE",
        _ => "BAD_REQUEST",
    };
    let body = problem(error.status, kind, error.sentence());
    let mut reply = reply(knock, error.status, &Value::Object(body));
    reply.headers.clone_from(&error.headers);
    reply
}

fn problem(status: StatusCode, kind: &str, detail: &str) -> Map<String, Value> {
    Map::from_iter([
        ("type".into(), kind.into()),
        (
            "title".into(),
            status.canonical_reason().unwrap_or_default().into(),
        ),
        ("status".into(), status.as_u16().into()),
        ("detail".into(), detail.into()),
        ("instance".into(), PATH.into()),
    ])
}

fn reply(knock: &Knock<'_>, status: StatusCode, body: &Value) -> Reply {
    Reply::json(body.to_string().into_bytes(), &knock.query).status(status)
}
