//! Operations of the operators' services but those of 1C-Taxcom.

use super::Verb::{Delete, Get, Post, Put};
use super::{Columns, Operation, Parameter, QueryOf, Shape, columns, given};
use crate::api::gateway::route::{Call, CrptCall, IsmpCall, TicketsCall};
use crate::api::gateway::{ConnectionRow, OrganizationRow};
use crate::api::openapi::services as schemas;
use crate::api::route::Action;

const ORGANIZATION: Columns = columns::<OrganizationRow>("OrganizationRow");
const CONNECTION: Columns = columns::<ConnectionRow>("CrptConnection");

const PLACE: &[Parameter] = &[
    wanted("ITN", schemas::itn_text, "Of the organisation."),
    wanted("TokenType", schemas::token_type, "Type of token."),
    maybe(
        "ProductionFacility",
        schemas::facility,
        "One of the organisation's places of production.",
    ),
];

const REQUEST_PARAMETERS: &[Parameter] = &[
    wanted("ITN", schemas::itn_text, "Of the organisation."),
    maybe("TokenType", schemas::token_type, "Type of token."),
    maybe(
        "ProductionFacility",
        schemas::facility,
        "One of the organisation's places of production.",
    ),
    maybe("Retail", schemas::word_of_truth, "A token for retail is wanted."),
];

const SOURCE: &[Parameter] = &[
    maybe(
        "Source",
        schemas::source,
        "Whose list: this node's, or the operator's.",
    ),
    maybe(
        "OmsId",
        schemas::sought,
        "The station; needed for the operator's list.",
    ),
];

const GONE: &[Parameter] = &[
    maybe(
        "Source",
        schemas::source,
        "`Node`: only what is kept here is removed.",
    ),
    wanted("OmsId", schemas::named, "The station."),
    wanted("OmsConnection", schemas::named, "The connection."),
];

const fn wanted(name: &'static str, schema: super::Schema, description: &'static str) -> Parameter {
    Parameter {
        name,
        required: true,
        schema,
        description,
    }
}

const fn maybe(name: &'static str, schema: super::Schema, description: &'static str) -> Parameter {
    Parameter {
        name,
        required: false,
        schema,
        description,
    }
}

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new(Get, "/organizations", "listOrganizations", |_| {
        Action::Gateway(Call::ListOrganizations)
    })
    .does("For whom the services work, and whose key signs for them.")
    .query(QueryOf::List(ORGANIZATION))
    .answers(&[given(
        200,
        "The organisations.",
        Shape::List("Organizations", ORGANIZATION),
    )]),
    Operation::new(Get, "/organizations/{ITN}", "getOrganization", |itn| {
        Action::Gateway(Call::GetOrganization(itn))
    })
    .does("One organisation.")
    .answers(&[given(
        200,
        "The organisation.",
        Shape::Schema(schemas::organization),
    )])
    .refuses(&[404]),
    Operation::new(Put, "/organizations/{ITN}", "putOrganization", |itn| {
        Action::Gateway(Call::PutOrganization(itn))
    })
    .does("Sets all fields of an organisation.")
    .takes(schemas::organization_wanted)
    .answers(&[
        given(
            200,
            "The organisation as it is now.",
            Shape::Schema(schemas::organization),
        ),
        given(
            201,
            "The organisation, which is new.",
            Shape::Schema(schemas::organization),
        ),
    ]),
    Operation::new(Delete, "/organizations/{ITN}", "deleteOrganization", |itn| {
        Action::Gateway(Call::DeleteOrganization(itn))
    })
    .does("Removes an organisation.")
    .answers(&[given(
        200,
        "The organisation as it was.",
        Shape::Schema(schemas::organization),
    )])
    .refuses(&[404]),
    Operation::new(Put, "/support-account", "putSupportAccount", |_| {
        Action::Gateway(Call::PutAccount)
    })
    .does("Sets login and password of the support portal, for all areas of data or for one.")
    .takes(schemas::account)
    .answers(&[given(200, "How it ended.", Shape::Schema(schemas::account_kept))]),
    Operation::new(Post, "/tickets", "getTicket", |_| {
        Action::Gateway(Call::Tickets(TicketsCall::Get))
    })
    .does("Has a ticket made for a service.")
    .takes(schemas::ticket_wanted)
    .answers(&[given(
        200,
        "The ticket, or why there is none.",
        Shape::Schema(schemas::ticket),
    )]),
    Operation::new(Post, "/tickets/check", "checkTicket", |_| {
        Action::Gateway(Call::Tickets(TicketsCall::Check))
    })
    .does("Whether a ticket holds, and whose it is.")
    .takes(schemas::ticket_shown)
    .answers(&[given(
        200,
        "Whether it holds.",
        Shape::Schema(schemas::ticket_checked),
    )]),
    Operation::new(Get, "/parameters/{Name}", "getParameter", |name| {
        Action::Gateway(Call::Ismp(IsmpCall::Parameter(name)))
    })
    .does("The live value of a parameter that 1C programs keep.")
    .answers(&[given(200, "Name and value.", Shape::Schema(schemas::parameter))])
    .refuses(&[404]),
    Operation::new(Get, "/ismp/request-parameters", "getRequestParameters", |_| {
        Action::Gateway(Call::Ismp(IsmpCall::RequestParameters))
    })
    .does("What a 1C program would ask for a session key with.")
    .parameters(REQUEST_PARAMETERS)
    .answers(&[given(
        200,
        "Twelve fields by their names in 1C.",
        Shape::Schema(schemas::open_object),
    )])
    .refuses(&[404]),
    Operation::new(Get, "/ismp/session-keys", "getSessionKey", |_| {
        Action::Gateway(Call::Ismp(IsmpCall::GetKey))
    })
    .does("The live session key of an organisation, out of memory.")
    .parameters(PLACE)
    .answers(&[given(
        200,
        "The session key.",
        Shape::Schema(schemas::session_key),
    )])
    .refuses(&[404]),
    Operation::new(Post, "/ismp/session-keys", "askForSessionKey", |_| {
        Action::Gateway(Call::Ismp(IsmpCall::AskForKey))
    })
    .does("Has session keys got where there is none that is live.")
    .takes(schemas::session_keys_wanted)
    .answers(&[
        given(
            200,
            "There was one, or there is none: see ErrorCode.",
            Shape::Schema(schemas::had),
        ),
        given(201, "One was got.", Shape::Schema(schemas::had)),
    ])
    .refuses(&[404]),
    Operation::new(
        Post,
        "/ismp/session-keys/by-product",
        "askForSessionKeyByProduct",
        |_| Action::Gateway(Call::Ismp(IsmpCall::AskByProduct)),
    )
    .does("The same, of the type that an operation with products needs.")
    .takes(schemas::by_product)
    .answers(&[
        given(
            200,
            "There was one, or there is none: see ErrorCode.",
            Shape::Schema(schemas::had),
        ),
        given(201, "One was got.", Shape::Schema(schemas::had)),
    ])
    .refuses(&[404]),
    Operation::new(Get, "/ismp/responsible", "listResponsible", |_| {
        Action::Gateway(Call::Ismp(IsmpCall::ListResponsible))
    })
    .does("Rules that say who is reminded of which session keys.")
    .answers(&[given(200, "The rules.", Shape::Schema(schemas::rules))]),
    Operation::new(
        Post,
        "/ismp/responsible/initialize",
        "initializeResponsible",
        |_| Action::Gateway(Call::Ismp(IsmpCall::Initialize)),
    )
    .does("Begins a user's reminders.")
    .answers(&[given(
        200,
        "Whether there are rules.",
        Shape::Schema(schemas::initialized),
    )]),
    Operation::new(
        Post,
        "/ismp/responsible/settings/refresh",
        "refreshSettings",
        |_| Action::Gateway(Call::Ismp(IsmpCall::RefreshSettings)),
    )
    .does("What the user who asks is reminded of.")
    .may_take(schemas::refresh)
    .answers(&[given(200, "The settings.", Shape::Schema(schemas::refreshed))]),
    Operation::new(Put, "/ismp/responsible/{ID}", "putResponsible", |id| {
        Action::Gateway(Call::Ismp(IsmpCall::PutResponsible(id)))
    })
    .does("Sets a rule.")
    .takes(schemas::rule_wanted)
    .answers(&[
        given(200, "The rule.", Shape::Schema(schemas::rule)),
        given(201, "The rule, which is new.", Shape::Schema(schemas::rule)),
    ])
    .refuses(&[404]),
    Operation::new(Delete, "/ismp/responsible/{ID}", "deleteResponsible", |id| {
        Action::Gateway(Call::Ismp(IsmpCall::DeleteResponsible(id)))
    })
    .does("Removes a rule.")
    .answers(&[given(200, "Which.", Shape::Schema(schemas::rule_gone))])
    .refuses(&[404]),
    Operation::new(Get, "/ismp/reminders", "listReminders", |_| {
        Action::Gateway(Call::Ismp(IsmpCall::Reminders))
    })
    .does("Session keys that the user who asks has to be reminded of.")
    .answers(&[given(200, "The reminders.", Shape::Schema(schemas::reminders))]),
    Operation::new(Post, "/ismp/reminders/snooze", "snooze", |_| {
        Action::Gateway(Call::Ismp(IsmpCall::Snooze))
    })
    .does("No reminders for the user who asks until then.")
    .takes(schemas::snooze)
    .answers(&[given(200, "Until when.", Shape::Schema(schemas::snoozed))]),
    Operation::new(Get, "/ismp/tokens", "listTokens", |_| {
        Action::Gateway(Call::Ismp(IsmpCall::Tokens))
    })
    .does("All session keys and when they end; never the keys themselves.")
    .answers(&[given(200, "The table.", Shape::Schema(schemas::tokens))]),
    Operation::new(Post, "/ismp/tokens/renew", "renewTokens", |_| {
        Action::Gateway(Call::Ismp(IsmpCall::Renew))
    })
    .does("Has session keys renewed: those that are named, or all that are due.")
    .may_take(schemas::renewals_wanted)
    .answers(&[given(200, "How each ended.", Shape::Schema(schemas::renewals))])
    .refuses(&[404]),
    Operation::new(Get, "/ismp/parameter-names", "listParameterNames", |_| {
        Action::Gateway(Call::Ismp(IsmpCall::ParameterNames))
    })
    .does("Names for /api/parameters.")
    .answers(&[given(200, "Two names.", Shape::Schema(schemas::parameter_names))]),
    Operation::new(Get, "/crpt/connections", "listCrptConnections", |_| {
        Action::Gateway(Call::Crpt(CrptCall::List))
    })
    .does("Connections to CRPT that this node registered, or the operator's own list.")
    .query(QueryOf::List(CONNECTION))
    .parameters(SOURCE)
    .answers(&[given(
        200,
        "The connections.",
        Shape::Schema(schemas::crpt_connections),
    )]),
    Operation::new(Post, "/crpt/connections", "registerCrptConnection", |_| {
        Action::Gateway(Call::Crpt(CrptCall::Register))
    })
    .does("Has a connection registered at CRPT.")
    .takes(schemas::crpt_order)
    .answers(&[given(
        200,
        "The operator's answer.",
        Shape::Schema(schemas::crpt_answer),
    )])
    .refuses(&[404]),
    Operation::new(Delete, "/crpt/connections", "deleteCrptConnection", |_| {
        Action::Gateway(Call::Crpt(CrptCall::Delete))
    })
    .does("Removes a connection at the operator's and here.")
    .parameters(GONE)
    .answers(&[given(200, "How it ended.", Shape::Schema(schemas::crpt_gone))])
    .refuses(&[404]),
];
