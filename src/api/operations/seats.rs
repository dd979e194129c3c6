//! Operations about sessions and connections.

use super::Verb::{Delete, Get, Post, Put};
use super::node::LICENCE;
use super::{Columns, Operation, Parameter, columns};
use crate::api::connections::ConnectionView;
use crate::api::openapi::bodies;
use crate::api::route::Action;
use crate::api::sessions::SessionView;

const SESSION: Columns = columns::<SessionView>("Session");
const CONNECTION: Columns = columns::<ConnectionView>("Connection");

/// By these a caller learns of its session.
const INTRODUCTION: &[&str] = &["Location", "Licence-SessionID", "Licence-SessionExpireTime"];

const IDENTITY: &[Parameter] = &[
    Parameter {
        name: "KeyID",
        required: true,
        schema: bodies::identity,
        description: "Series of the key.",
    },
    Parameter {
        name: "ClientSessionID",
        required: true,
        schema: bodies::identity,
        description: "The caller's own name for the session.",
    },
];

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new(Get, "/connections", "listConnections", |_| {
        Action::ListConnections
    })
    .does("Who is talking to the node, by creation.")
    .lists("Connections", "The connections.", CONNECTION),
    Operation::new(Post, "/connections", "openConnection", |_| Action::OpenConnection)
        .does("Makes a connection, which lives for 20 s from its last request.")
        .takes(bodies::connection)
        .shows(201, "The connection.", CONNECTION)
        .with(&["Location"]),
    Operation::new(Get, "/connections/{ID}", "getConnection", Action::GetConnection)
        .does("One connection.")
        .shows(200, "The connection.", CONNECTION)
        .refuses(&[404]),
    Operation::new(Put, "/connections/{ID}", "heartbeat", Action::Heartbeat)
        .does("Renews a connection: its owner, or an administrator.")
        .shows(202, "The connection.", CONNECTION)
        .refuses(&[404]),
    Operation::new(
        Delete,
        "/connections/{ID}",
        "closeConnection",
        Action::CloseConnection,
    )
    .does("Closes a connection: its owner, or an administrator. Its sessions live on.")
    .shows(200, "The connection that was closed.", CONNECTION)
    .refuses(&[404]),
    Operation::new(Get, "/sessions", "listSessions", |_| Action::ListSessions)
        .does("Who holds which seat, by creation.")
        .lists("Sessions", "The sessions.", SESSION),
    Operation::new(Post, "/sessions", "takeSession", |_| Action::TakeSession)
        .does("Takes a seat, or renews the session that has this KeyID and ClientSessionID.")
        .takes(bodies::session)
        .shows(201, "A seat was given; the licence that it is of.", LICENCE)
        .shows(
            200,
            "The session was there already and is renewed; the licence that its seat is of.",
            LICENCE,
        )
        .with(INTRODUCTION)
        .refuses(&[404]),
    Operation::new(Delete, "/sessions", "releaseByClient", |_| {
        Action::ReleaseByClient
    })
    .does("Gives back the seat of the session with this KeyID and ClientSessionID.")
    .parameters(IDENTITY)
    .shows(200, "The session that was released.", SESSION)
    .refuses(&[404]),
    Operation::new(Get, "/sessions/{ID}", "getSession", Action::GetSession)
        .does("One session.")
        .shows(200, "The session.", SESSION)
        .refuses(&[404]),
    Operation::new(Put, "/sessions/{ID}", "renewSession", Action::RenewSession)
        .does("Renews a session: its owner, or an administrator.")
        .shows(202, "The session as it is now.", SESSION)
        .with(INTRODUCTION)
        .refuses(&[404]),
    Operation::new(Delete, "/sessions/{ID}", "releaseSession", Action::ReleaseSession)
        .does("Gives a seat back: its owner, or an administrator.")
        .shows(200, "The session that was released.", SESSION)
        .refuses(&[404]),
];
