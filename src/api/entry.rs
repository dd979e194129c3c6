//! The way of every request: host, switch, QueryID, login, role, action; and of every answer: signed over the
//! exact bytes that go out.

use std::panic::AssertUnwindSafe;

use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::FutureExt;
use futures_util::stream;

use crate::signing::Message;

use super::error::ApiError;
use super::query::Query;
use super::reply::Reply;
use super::route::Action;
use super::{
    Actor, Api, Facts, Request, activate, body, certificates, connections, devices, gateway, host, licences,
    openapi, public_key, rescan, server, sessions, usage,
};

const QUERY_ID: HeaderName = HeaderName::from_static("licence-queryid");
const SIGNATURE: HeaderName = HeaderName::from_static("licence-signature");
const QUERY_SIGNATURE: HeaderName = HeaderName::from_static("licence-querysignature");
const SERVER_VERSION: HeaderName = HeaderName::from_static("licence-serverversion");

/// The longest QueryID in bytes (row 4).
const LONGEST_QUERY_ID: usize = 256;

/// Bodies beyond this go out in pieces, for the server would copy them whole.
const PIECE: usize = 64 * 1024;

/// Answers a request, whatever it is.
pub(super) async fn answer(request: HttpRequest, payload: Payload, api: Data<Api>) -> HttpResponse {
    let query_id = query_id(&request);
    let echoed = query_id.clone().ok().flatten();
    let reply = guarded(&api, &request, payload, query_id.err())
        .await
        .unwrap_or_else(Reply::from);
    let answer = respond(&api, echoed.as_ref(), reply).await;
    api.requests.count(request.path(), answer.status());
    answer
}

/// A panic is an answer too, not a cut connection.
async fn guarded(
    api: &Api,
    request: &HttpRequest,
    payload: Payload,
    bad_query_id: Option<ApiError>,
) -> Result<Reply, ApiError> {
    AssertUnwindSafe(admit(api, request, payload, bad_query_id))
        .catch_unwind()
        .await
        .unwrap_or_else(|_| {
            tracing::error!(method = %request.method(), path = request.path(), "a request ended in a panic");
            Err(ApiError::internal("The node has a fault; its log says more."))
        })
}

async fn admit(
    api: &Api,
    request: &HttpRequest,
    payload: Payload,
    bad_query_id: Option<ApiError>,
) -> Result<Reply, ApiError> {
    let settings = api.settings.load_full();
    // The body is read before anything is refused, so that its sender gets to read the answer.
    let body = body::read(payload, settings.body_timeout).await;
    let path = request.path();
    let drop_in = gateway::DropIn::at(path);
    if drop_in.is_none() && path != "/api" && !path.starts_with("/api/") {
        return Err(ApiError::url_not_found(path));
    }
    if !host::is_allowed(request, &settings.allowed_hosts) {
        return Err(ApiError::forbidden(
            "The Host header is none of this node's names: see allowed_hosts in the settings.",
        ));
    }
    if !settings.enabled {
        return Err(ApiError::switched_off());
    }
    if let Some(error) = bad_query_id {
        return Err(error);
    }
    let peer = request.peer_addr().map(|address| address.ip().to_canonical());
    let peer = peer.ok_or_else(|| ApiError::internal("The connection has no peer."))?;
    if let Some(drop_in) = drop_in {
        let (query, body) = asked(api, request, body)?;
        let knock = gateway::Knock {
            peer,
            authorization: request.headers().get("authorization"),
            query,
            body,
        };
        return gateway::answer_drop_in(api, drop_in, request.method(), knock).await;
    }
    let caller = api
        .auth
        .check(peer, request.headers().get("authorization"))
        .await?;
    let action = Action::find(request.method(), path)?;
    let actor = Actor {
        name: caller.name.clone(),
        peer,
    };
    let note_refusal = |why: &str| certificates::note_refusal(api, &actor, &action, why);
    if !action.allows(caller.role) {
        note_refusal(&format!("the role {} may not", caller.role));
        let sentence = format!("The role {} may not {} {path}.", caller.role, request.method());
        return Err(ApiError::forbidden(sentence));
    }
    let asked = asked(api, request, body).inspect_err(|error| note_refusal(error.sentence()));
    let (query, body) = asked?;
    perform(
        api,
        action,
        &Request {
            caller,
            peer,
            query,
            body,
        },
    )
    .await
}

/// What is asked for, where the node can be asked at all.
fn asked(
    api: &Api,
    request: &HttpRequest,
    body: Result<Vec<u8>, ApiError>,
) -> Result<(Query, Vec<u8>), ApiError> {
    if !request.method().is_safe() && !api.signer.can_sign() {
        // Nothing is carried out of which nobody could be told reliably.
        return Err(ApiError::cannot_sign());
    }
    Ok((Query::parse(request.query_string())?, body?))
}

pub(super) async fn perform(api: &Api, action: Action, request: &Request) -> Result<Reply, ApiError> {
    match action {
        Action::Root => Ok(server::root(api, request)),
        Action::ServerInfo => server::info(api, request),
        Action::PublicKey => Ok(public_key::answer(api, request)),
        Action::ListLicences => licences::list(api, request),
        Action::GetLicence(key_no) => licences::get(api, request, &key_no),
        Action::Activate => activate::answer(api, request).await,
        Action::ListUsage => usage::list(api, request).await,
        Action::ListDevices => devices::list(api, request),
        Action::GetDevice(id) => devices::get(api, request, &id),
        Action::ListCertificates => certificates::list(api, request),
        Action::GetCertificate(name) => certificates::get(api, request, &name),
        Action::Sign(name) => certificates::sign(api, request, &name).await,
        Action::Decrypt(name) => certificates::decrypt(api, request, &name).await,
        Action::Document => Ok(openapi::answer(request)),
        Action::Rescan => rescan::answer(api, request).await,
        Action::Gateway(call) => gateway::perform(api, &call, request).await,
        Action::ListConnections => connections::list(api, request).await,
        Action::GetConnection(id) => connections::get(api, request, &id).await,
        Action::OpenConnection => connections::open(api, request).await,
        Action::Heartbeat(id) => connections::heartbeat(api, request, &id).await,
        Action::CloseConnection(id) => connections::close(api, request, &id).await,
        Action::ListSessions => sessions::list(api, request).await,
        Action::GetSession(id) => sessions::get(api, request, &id).await,
        Action::TakeSession => sessions::take(api, request).await,
        Action::RenewSession(id) => sessions::renew(api, request, &id).await,
        Action::ReleaseSession(id) => sessions::release(api, request, &id).await,
        Action::ReleaseByClient => sessions::release_by_client(api, request).await,
    }
}

/// The request's QueryID (rows 3 and 4).
fn query_id(request: &HttpRequest) -> Result<Option<HeaderValue>, ApiError> {
    let mut values = request.headers().get_all(QUERY_ID);
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None)
            if (1..=LONGEST_QUERY_ID).contains(&value.len())
                && value.as_bytes().iter().all(u8::is_ascii_graphic) =>
        {
            Ok(Some(value.clone()))
        }
        (Some(_), None) => {
            let sentence =
                format!("Licence-QueryID: expected 1 to {LONGEST_QUERY_ID} visible ASCII characters.");
            Err(ApiError::bad_request(sentence))
        }
        (Some(_), Some(_)) => Err(ApiError::bad_request("Licence-QueryID was sent twice.")),
    }
}

async fn respond(api: &Api, query_id: Option<&HeaderValue>, mut reply: Reply) -> HttpResponse {
    let message = Message {
        query_id: query_id.map_or(b"", HeaderValue::as_bytes),
        body: &reply.body,
    };
    let signature = match api.signer.sign(message).await {
        Ok(signature) => signature.to_base64(),
        Err(error) => {
            // That nothing can be signed is told once, by the watch over the signer.
            tracing::debug!(%error, "an answer could not be signed");
            if let Some(session) = reply.made {
                sessions::take_back(api, session).await;
            }
            // Signed by nobody, and saying so: no other answer may go out unsigned.
            let error = ApiError::cannot_sign();
            return with_body(HttpResponse::InternalServerError(), error.body());
        }
    };
    if let Some(kept) = reply.kept.take()
        && let Err(error) = kept.await
    {
        return Box::pin(respond(api, query_id, ApiError::from(error).into())).await;
    }
    let mut builder = HttpResponse::build(reply.status);
    if reply.status == StatusCode::ACCEPTED {
        builder.reason("Updated");
    }
    for (name, value) in reply.headers {
        builder.append_header((name, value));
    }
    if let Some(query_id) = query_id {
        builder.insert_header((QUERY_ID, query_id.clone()));
    }
    builder.insert_header((SIGNATURE, signature.as_str()));
    builder.insert_header((QUERY_SIGNATURE, signature));
    with_body(builder, reply.body)
}

fn with_body(mut builder: actix_web::HttpResponseBuilder, body: Vec<u8>) -> HttpResponse {
    builder.insert_header((CONTENT_TYPE, "application/json;charset=utf-8"));
    builder.insert_header((SERVER_VERSION, Facts::server_version()));
    let length = body.len();
    let mut rest = Bytes::from(body);
    if length <= PIECE {
        return builder.body(rest);
    }
    let pieces = std::iter::from_fn(move || {
        let piece = rest.split_to(rest.len().min(PIECE));
        (!piece.is_empty()).then_some(Ok::<_, std::convert::Infallible>(piece))
    });
    builder.body(SizedStream::new(length as u64, stream::iter(pieces)))
}
