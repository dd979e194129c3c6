//! /api/connections: who is talking to the node (spec, section 6).

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;

use crate::clock::Millis;
use crate::licence::Timestamp;
use crate::seats::{Connection, ConnectionFields, Release};
use crate::store::Id;

use super::body::Fields;
use super::error::ApiError;
use super::record::{Scalar, record};
use super::reply::Reply;
use super::sessions::wall_of;
use super::{Api, Request};

/// The most characters of a text.
const LONGEST: usize = 1024;

/// A connection as the API shows it at a moment.
pub(super) struct ConnectionView {
    pub(super) connection: Arc<Connection>,
    /// The ledger's time.
    pub(super) time: Millis,
    pub(super) now: Timestamp,
}

/// Fields that the client does not tell are empty texts: the manual shows no null here.
fn told(text: Option<&str>) -> Scalar<'_> {
    Scalar::text(text.unwrap_or(""))
}

record!(ConnectionView, this, {
    "ID": Id => Scalar::Id(this.connection.id),
    "PeerIP": Text => Scalar::text(this.connection.peer.to_string()),
    "Created": Time => Scalar::Time(this.connection.created),
    "LastUsed": Time => Scalar::Time(this.connection.last_used),
    "OSVersion": Text => told(this.connection.fields.os_version.as_deref()),
    "ComputerName": Text => told(this.connection.fields.computer_name.as_deref()),
    "LocalIP": Text => told(this.connection.fields.local_ip.as_deref()),
    "Process": Text => told(this.connection.fields.process.as_deref()),
    "CPU": Text => told(this.connection.fields.cpu.as_deref()),
    "PID": Text => told(this.connection.fields.pid.as_deref()),
    "IsServer": Bool => Scalar::Bool(this.connection.fields.is_server),
    "PlatformVersion": Text => told(this.connection.fields.platform_version.as_deref()),
    "ModuleName": Text => told(this.connection.fields.module_name.as_deref()),
    "Version": Text => told(this.connection.fields.version.as_deref()),
    "KeyID": Text => told(this.connection.fields.key_id.as_deref()),
    "ExpireTime": Time => Scalar::Time(wall_of(this.connection.expires, this.time, this.now)),
    "Expired": Word => Scalar::word(this.connection.expires <= this.time),
});

pub(super) async fn list(api: &Api, request: &Request) -> Result<Reply, ApiError> {
    let connections = api.desk.ask(|desk, _, time| {
        desk.connections.advance(time);
        desk.connections.list()
    });
    let (now, time) = api.times();
    let views = connections.await?.into_iter().map(|connection| ConnectionView {
        connection,
        time,
        now,
    });
    Reply::list("Connections", views, &request.query)
}

pub(super) async fn get(api: &Api, request: &Request, id: &str) -> Result<Reply, ApiError> {
    let id = connection_id(id)?;
    let found = api.desk.ask(move |desk, _, time| {
        desk.connections.advance(time);
        desk.connections.find(id).cloned()
    });
    show(api, request, found.await?.ok_or_else(|| unknown(id))?)
}

pub(super) async fn open(api: &Api, request: &Request) -> Result<Reply, ApiError> {
    let fields = read_fields(&request.fields()?)?;
    let (owner, peer) = (request.caller.name.clone(), request.peer);
    let opened = api
        .desk
        .ask(move |desk, now, time| desk.connections.open(now, time, peer, &owner, fields));
    let connection = opened
        .await?
        .ok_or_else(|| ApiError::forbidden("There are too many connections."))?;
    let location = format!("/api/connections/{}", connection.id);
    Ok(show(api, request, connection)?
        .status(StatusCode::CREATED)
        .header(LOCATION, location))
}

pub(super) async fn heartbeat(api: &Api, request: &Request, id: &str) -> Result<Reply, ApiError> {
    let id = connection_id(id)?;
    let owner = request.caller.unless_admin();
    let beat = api
        .desk
        .ask(move |desk, now, time| desk.connections.heartbeat(now, time, id, owner.as_deref()));
    Ok(show(api, request, done(beat.await?, id)?)?.status(StatusCode::ACCEPTED))
}

pub(super) async fn close(api: &Api, request: &Request, id: &str) -> Result<Reply, ApiError> {
    let id = connection_id(id)?;
    let owner = request.caller.unless_admin();
    let closed = api
        .desk
        .ask(move |desk, _, time| desk.connections.close(time, id, owner.as_deref()));
    show(api, request, done(closed.await?, id)?)
}

fn done(release: Release<Connection>, id: Id) -> Result<Arc<Connection>, ApiError> {
    match release {
        Release::Done(connection) => Ok(connection),
        Release::NotYours => Err(ApiError::forbidden("The connection belongs to another user.")),
        Release::Unknown => Err(unknown(id)),
    }
}

fn unknown(id: Id) -> ApiError {
    ApiError::connection_not_found(format!("There is no connection {id}, or its life has run out."))
}

/// A malformed identifier names no connection (row 31).
fn connection_id(text: &str) -> Result<Id, ApiError> {
    Id::parse(text).map_err(|_| ApiError::connection_not_found(format!("There is no connection \"{text}\".")))
}

fn show(api: &Api, request: &Request, connection: Arc<Connection>) -> Result<Reply, ApiError> {
    let (now, time) = api.times();
    Reply::object(
        &ConnectionView {
            connection,
            time,
            now,
        },
        &request.query,
    )
}

fn read_fields(body: &Fields) -> Result<ConnectionFields, ApiError> {
    Ok(ConnectionFields {
        os_version: body.text("OSVersion", LONGEST)?,
        computer_name: body.text("ComputerName", LONGEST)?,
        local_ip: body.text("LocalIP", LONGEST)?,
        process: body.text("Process", LONGEST)?,
        cpu: body.text("CPU", LONGEST)?,
        pid: body.text("PID", LONGEST)?,
        is_server: body.truth("IsServer")?,
        platform_version: body.text("PlatformVersion", LONGEST)?,
        module_name: body.text("ModuleName", LONGEST)?,
        version: body.text("Version", LONGEST)?,
        key_id: body.text("KeyID", LONGEST)?,
    })
}
