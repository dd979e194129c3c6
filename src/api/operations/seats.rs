//! Operations about sessions and connections.

use super::Verb::{Delete, Get, Post, Put};
use super::node::LICENCE;
use super::{Columns, Given, Operation, Parameter, QueryOf, Shape, columns, given};
use crate::api::connections::ConnectionView;
use crate::api::openapi::bodies;
use crate::api::route::Action;
use crate::api::sessions::SessionView;

const SESSION: Columns = columns::<SessionView>("Session");
const CONNECTION: Columns = columns::<ConnectionView>("Connection");

/// By these a caller learns of its session.
const INTRODUCTION: &[&str] = &["Location", "Licence-SessionID", "Licence-SessionExpireTime"];

const TAKEN: &[Given] = &[
    Given {
        status: 201,
        description: "A seat was given; the licence that it is of.",
        shape: Shape::Object(LICENCE),
        headers: INTRODUCTION,
    },
    Given {
        status: 200,
        description: "The session was there already and is renewed; the licence that its seat is of.",
        shape: Shape::Object(LICENCE),
        headers: INTRODUCTION,
    },
];

const RENEWED: &[Given] = &[Given {
    status: 202,
    description: "The session as it is now.",
    shape: Shape::Object(SESSION),
    headers: INTRODUCTION,
}];

const OPENED: &[Given] = &[Given {
    status: 201,
    description: "The connection.",
    shape: Shape::Object(CONNECTION),
    headers: &["Location"],
}];

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
    .query(QueryOf::List(CONNECTION))
    .answers(&[given(
        200,
        "The connections.",
        Shape::List("Connections", CONNECTION),
    )]),
    Operation::new(Post, "/connections", "openConnection", |_| Action::OpenConnection)
        .does("Makes a connection, which lives for 20 s from its last request.")
        .takes(bodies::connection)
        .query(QueryOf::Object(CONNECTION))
        .answers(OPENED),
    Operation::new(Get, "/connections/{ID}", "getConnection", Action::GetConnection)
        .does("One connection.")
        .query(QueryOf::Object(CONNECTION))
        .answers(&[given(200, "The connection.", Shape::Object(CONNECTION))])
        .refuses(&[404]),
    Operation::new(Put, "/connections/{ID}", "heartbeat", Action::Heartbeat)
        .does("Renews a connection: its owner, or an administrator.")
        .query(QueryOf::Object(CONNECTION))
        .answers(&[given(202, "The connection.", Shape::Object(CONNECTION))])
        .refuses(&[404]),
    Operation::new(
        Delete,
        "/connections/{ID}",
        "closeConnection",
        Action::CloseConnection,
    )
    .does("Closes a connection: its owner, or an administrator. Its sessions live on.")
    .query(QueryOf::Object(CONNECTION))
    .answers(&[given(
        200,
        "The connection that was closed.",
        Shape::Object(CONNECTION),
    )])
    .refuses(&[404]),
    Operation::new(Get, "/sessions", "listSessions", |_| Action::ListSessions)
        .does("Who holds which seat, by creation.")
        .query(QueryOf::List(SESSION))
        .answers(&[given(200, "The sessions.", Shape::List("Sessions", SESSION))]),
    Operation::new(Post, "/sessions", "takeSession", |_| Action::TakeSession)
        .does("Takes a seat, or renews the session that has this KeyID and ClientSessionID.")
        .takes(bodies::session)
        .query(QueryOf::Object(LICENCE))
        .answers(TAKEN)
        .refuses(&[404]),
    Operation::new(Delete, "/sessions", "releaseByClient", |_| {
        Action::ReleaseByClient
    })
    .does("Gives back the seat of the session with this KeyID and ClientSessionID.")
    .parameters(IDENTITY)
    .query(QueryOf::Object(SESSION))
    .answers(&[given(
        200,
        "The session that was released.",
        Shape::Object(SESSION),
    )])
    .refuses(&[404]),
    Operation::new(Get, "/sessions/{ID}", "getSession", Action::GetSession)
        .does("One session.")
        .query(QueryOf::Object(SESSION))
        .answers(&[given(200, "The session.", Shape::Object(SESSION))])
        .refuses(&[404]),
    Operation::new(Put, "/sessions/{ID}", "renewSession", Action::RenewSession)
        .does("Renews a session: its owner, or an administrator.")
        .query(QueryOf::Object(SESSION))
        .answers(RENEWED)
        .refuses(&[404]),
    Operation::new(Delete, "/sessions/{ID}", "releaseSession", Action::ReleaseSession)
        .does("Gives a seat back: its owner, or an administrator.")
        .query(QueryOf::Object(SESSION))
        .answers(&[given(
            200,
            "The session that was released.",
            Shape::Object(SESSION),
        )])
        .refuses(&[404]),
];
