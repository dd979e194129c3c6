//! /api/sessions: seats taken, renewed, released, and who has them (spec, section 7).

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, LOCATION};

use crate::clock::{Millis, Moment};
use crate::keyring::Key;
use crate::licence::{KeyId, Timestamp};
use crate::seats::{ConnectionFields, Desk, Reason, Refusal, Release, Taken};
use crate::store::{AuditEntry, Id, Role, Session, SessionFields};

use super::body::Fields;
use super::error::ApiError;
use super::licences::LicenceView;
use super::record::{Scalar, record};
use super::reply::{ListWriter, Reply, sort};
use super::{Actor, Api, Request};

/// The most characters of an identity's parts (row 23).
const LONGEST_ID: usize = 128;
/// The most characters of a name.
const LONGEST_NAME: usize = 1024;
/// The most characters of a connection string.
const LONGEST_STRING: usize = 4096;

/// Sessions fetched from the desk at once: few enough that nobody waits behind a long listing.
const PAGE: usize = 4096;

/// A session as the API shows it at a moment.
pub(super) struct SessionView {
    pub(super) session: Arc<Session>,
    /// The ledger's time.
    pub(super) time: Millis,
    pub(super) now: Timestamp,
}

impl SessionView {
    fn expire_time(&self) -> Timestamp {
        wall_of(self.session.expires, self.time, self.now)
    }
}

/// Wall time at which the ledger's time will be `expires`.
pub(super) fn wall_of(expires: Millis, time: Millis, now: Timestamp) -> Timestamp {
    let left = i64::try_from(i128::from(expires) - i128::from(time)).unwrap_or(i64::MAX);
    now.plus(left)
}

record!(SessionView, this, {
    "ID": Id => Scalar::Id(this.session.id),
    "SessionNumber": Text or null => Scalar::maybe(this.session.fields.session_number.as_deref(), Scalar::text),
    "IsServer": Bool => Scalar::Bool(this.session.fields.is_server),
    "InfoBaseConnectionStr": Text or null => Scalar::maybe(this.session.fields.infobase.as_deref(), Scalar::text),
    "AppName": Text or null => Scalar::maybe(this.session.fields.app_name.as_deref(), Scalar::text),
    "ComputerName": Text or null => Scalar::maybe(this.session.fields.computer_name.as_deref(), Scalar::text),
    "UserName": Text or null => Scalar::maybe(this.session.fields.user_name.as_deref(), Scalar::text),
    "SessionStarted": Time => Scalar::Time(this.session.fields.started),
    "SessionConnection": Id or null => Scalar::maybe(this.session.fields.connection, Scalar::Id),
    "AccessCode": Text or null => Scalar::maybe(this.session.fields.access_code.as_deref(), Scalar::text),
    "ExpireTime": Time => Scalar::Time(this.expire_time()),
    "Expired": Word => Scalar::word(this.session.ended || this.session.expires <= this.time),
    "KeyID": Text => Scalar::text(this.session.fields.key_id.as_str()),
    "UsedLicence": Number => Scalar::number(this.session.key_no),
});

pub(super) async fn list(api: &Api, request: &Request) -> Result<Reply, ApiError> {
    let query = &request.query;
    let plan = query.plan::<SessionView>()?;
    let (now, time) = api.times();
    let mut list = ListWriter::new("Sessions", query);
    let mut to_sort = Vec::new();
    let mut after = None;
    loop {
        let wanted = if plan.takes_all() && plan.sort.is_none() {
            list.wants()
        } else {
            PAGE
        };
        let size = wanted.min(PAGE);
        let page = api
            .desk
            .ask(move |desk, _, _| desk.ledger.page(after, size))
            .await?;
        let full = page.len() == size && size > 0;
        after = page.last().map(|session| (session.created, session.id));
        let mut more = full;
        for session in page {
            let view = SessionView { session, time, now };
            if !plan.takes(&view) {
                continue;
            }
            if plan.sort.is_some() {
                to_sort.push(view);
            } else if !list.push(&view, &plan) {
                more = false;
                break;
            }
        }
        if !more {
            break;
        }
    }
    sort(&plan, &mut to_sort, |view| view);
    for view in &to_sort {
        if !list.push(view, &plan) {
            break;
        }
    }
    Ok(list.finish(query))
}

pub(super) async fn get(api: &Api, request: &Request, id: &str) -> Result<Reply, ApiError> {
    let id = session_id(id)?;
    let session = api
        .desk
        .ask(move |desk, _, _| desk.ledger.find(id).cloned())
        .await?;
    show(api, request, session.ok_or_else(|| unknown(id))?)
}

pub(super) async fn take(api: &Api, request: &Request) -> Result<Reply, ApiError> {
    let fields = read_fields(&request.fields()?, api.now())?;
    let (owner, peer, by) = (request.caller.name.clone(), request.peer, request.actor());
    let client = format!("client {}", fields.client_session_id);
    let taken = api
        .desk
        .ask(move |desk, now, time| {
            let (ledger, connections) = (&mut desk.ledger, &mut desk.connections);
            let taken = ledger.take(now, time, fields, &owner, |fields| match fields.connection {
                Some(id) => Some(id),
                None => connections.of_peer(now, time, peer, &owner, fields.app_name.as_deref(), || {
                    connection_of(fields)
                }),
            });
            match &taken {
                Ok(taken) => {
                    if let Some(id) = taken.session.fields.connection {
                        connections.touch(now, time, id);
                    }
                    if taken.new {
                        let object = format!("session {}", taken.session.id);
                        let client = &taken.session.fields.client_session_id;
                        let detail = format!("key {}, client {client}", taken.session.key_no);
                        desk.journal.note(by.did(now.wall, "grant", object, detail));
                    }
                }
                Err(refusal) => {
                    desk.journal
                        .note(by.did(now.wall, "refusal", client, refusal.text.clone()));
                }
            }
            taken
        })
        .await?;
    let Taken { session, new } = taken?;
    let keyring = api.keys.keyring();
    let known = keyring
        .find(session.key_no)
        .or_else(|| keyring.departed(session.key_no))
        .cloned();
    let key = known.unwrap_or_else(|| Arc::new(Key::unseen(session.fields.key_id, session.key_no)));
    let reply = Reply::object(
        &LicenceView {
            key: &key,
            now: api.now(),
        },
        &request.query,
    )?;
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    let reply = introduce(api, reply.status(status), &session);
    Ok(if new { reply.made(session.id) } else { reply })
}

/// Gives a new session's seat back: its answer could not be signed, so nobody relies on it; but for who asked again
/// meanwhile and was told of it.
pub(super) async fn take_back(api: &Api, id: Id) {
    let released = api.desk.ask(move |desk, now, time| {
        if let Some(session) = desk.ledger.take_back(time, id) {
            desk.journal.note(AuditEntry {
                time: now.wall,
                actor: "node".into(),
                event: "release".into(),
                object: format!("session {id}"),
                detail: format!("key {}: its answer could not be signed", session.key_no),
            });
        }
    });
    if let Err(error) = released.await {
        tracing::error!(%error, session = %id, "a seat stays taken though its answer could not be signed");
    }
}

pub(super) async fn renew(api: &Api, request: &Request, id: &str) -> Result<Reply, ApiError> {
    let id = session_id(id)?;
    let owner = request.caller.unless_admin();
    let released = api
        .desk
        .ask(move |desk, now, time| {
            let renewed = desk.ledger.renew(time, id, owner.as_deref());
            if let Release::Done(session) = &renewed
                && let Some(id) = session.fields.connection
            {
                desk.connections.touch(now, time, id);
            }
            renewed
        })
        .await?;
    let session = done(released, id)?;
    let reply = show(api, request, session.clone())?;
    Ok(introduce(api, reply.status(StatusCode::ACCEPTED), &session))
}

pub(super) async fn release(api: &Api, request: &Request, id: &str) -> Result<Reply, ApiError> {
    let id = session_id(id)?;
    let (owner, by) = (request.caller.unless_admin(), request.actor());
    let released = api
        .desk
        .ask(move |desk, now, time| release_for(desk, now, time, id, owner.as_deref(), &by))
        .await?;
    show(api, request, done(released, id)?)
}

pub(super) async fn release_by_client(api: &Api, request: &Request) -> Result<Reply, ApiError> {
    let parameter = |name: &str| {
        let missing = || {
            ApiError::bad_request(format!(
                "{name} is missing: ?KeyID=...&ClientSessionID=... is needed."
            ))
        };
        request
            .query
            .parameter(name)
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
            .ok_or_else(missing)
    };
    let (series, client) = (parameter("KeyID")?, parameter("ClientSessionID")?);
    let none = || ApiError::session_not_found("There is no session with this KeyID and ClientSessionID.");
    let key_id = KeyId::parse(&series).map_err(|_| none())?;
    let (owner, by) = (request.caller.unless_admin(), request.actor());
    let released = api
        .desk
        .ask(move |desk, now, time| {
            desk.ledger.advance(time);
            let id = desk.ledger.find_identity(key_id, &client)?.id;
            Some((release_for(desk, now, time, id, owner.as_deref(), &by), id))
        })
        .await?;
    let (released, id) = released.ok_or_else(none)?;
    show(api, request, done(released, id)?)
}

/// Releases a session and notes who did it, and whether it was another's.
fn release_for(
    desk: &mut Desk,
    now: Moment,
    time: Millis,
    id: Id,
    owner: Option<&str>,
    by: &Actor,
) -> Release {
    let released = desk.ledger.release(time, id, owner);
    if let Release::Done(session) = &released
        && !session.ended
    {
        let event = if *session.owner == *by.name {
            "release"
        } else {
            "forced-release"
        };
        let detail = format!(
            "key {}, client {}",
            session.key_no, session.fields.client_session_id
        );
        desk.journal
            .note(by.did(now.wall, event, format!("session {id}"), detail));
    }
    released
}

fn done(release: Release, id: Id) -> Result<Arc<Session>, ApiError> {
    match release {
        Release::Done(session) => Ok(session),
        Release::NotYours => Err(ApiError::forbidden("The session belongs to another user.")),
        Release::Unknown => Err(unknown(id)),
    }
}

fn unknown(id: Id) -> ApiError {
    ApiError::session_not_found(format!("There is no session {id}, or its life has run out."))
}

/// A malformed identifier names no session (row 31).
fn session_id(text: &str) -> Result<Id, ApiError> {
    Id::parse(text).map_err(|_| ApiError::session_not_found(format!("There is no session \"{text}\".")))
}

fn show(api: &Api, request: &Request, session: Arc<Session>) -> Result<Reply, ApiError> {
    let (now, time) = api.times();
    Reply::object(&SessionView { session, time, now }, &request.query)
}

/// Headers by which a caller learns of its session (row 27).
fn introduce(api: &Api, reply: Reply, session: &Session) -> Reply {
    let (now, time) = api.times();
    reply
        .header(LOCATION, format!("/api/sessions/{}", session.id))
        .header(
            HeaderName::from_static("licence-sessionid"),
            session.id.to_string(),
        )
        .header(
            HeaderName::from_static("licence-sessionexpiretime"),
            wall_of(session.expires, time, now).to_string(),
        )
}

/// What the node can say of a connection that it makes for a session.
fn connection_of(fields: &SessionFields) -> ConnectionFields {
    ConnectionFields {
        computer_name: fields.computer_name.clone(),
        process: fields.app_name.clone(),
        is_server: fields.is_server,
        key_id: Some(fields.key_id.as_str().into()),
        ..ConnectionFields::default()
    }
}

fn read_fields(body: &Fields, now: Timestamp) -> Result<SessionFields, ApiError> {
    let series = body.required("KeyID", LONGEST_ID)?;
    let client_session_id = body.required("ClientSessionID", LONGEST_ID)?;
    let fields = SessionFields {
        // A text that is no series at all is the series of no key; the other fields are checked first.
        key_id: KeyId::parse("0000").expect("four digits"),
        client_session_id,
        started: body.time("SessionStarted")?.unwrap_or(now),
        connection: body.id("SessionConnection")?,
        is_server: body.truth("IsServer")?,
        session_number: body.text("SessionNumber", LONGEST_NAME)?,
        infobase: body.text("InfoBaseConnectionStr", LONGEST_STRING)?,
        app_name: body.text("AppName", LONGEST_NAME)?,
        computer_name: body.text("ComputerName", LONGEST_NAME)?,
        user_name: body.text("UserName", LONGEST_NAME)?,
        access_code: body.text("AccessCode", LONGEST_ID)?,
    };
    let key_id = KeyId::parse(&series).map_err(|_| {
        let text = format!("there is no licence of series \"{series}\"");
        Refusal {
            reason: Reason::UnknownSeries,
            text,
        }
    })?;
    Ok(SessionFields { key_id, ..fields })
}

/// What a role may release or renew: an administrator anybody's, others their own.
impl super::Caller {
    pub(super) fn unless_admin(&self) -> Option<Box<str>> {
        (self.role != Role::Admin).then(|| (*self.name).into())
    }
}
