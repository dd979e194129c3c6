//! Operations of the operators' services but those of 1C-Taxcom.

use super::Verb::{Delete, Get, Post, Put};
use super::{Columns, Operation, Parameter, columns};
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
    .lists("Organizations", "The organisations.", ORGANIZATION),
    Operation::new(Get, "/organizations/{ITN}", "getOrganization", |itn| {
        Action::Gateway(Call::GetOrganization(itn))
    })
    .does("One organisation.")
    .gives(200, "The organisation.", schemas::organization)
    .refuses(&[404]),
    Operation::new(Put, "/organizations/{ITN}", "putOrganization", |itn| {
        Action::Gateway(Call::PutOrganization(itn))
    })
    .does("Sets all fields of an organisation.")
    .takes(schemas::organization_wanted)
    .gives(200, "The organisation as it is now.", schemas::organization)
    .gives(201, "The organisation, which is new.", schemas::organization),
    Operation::new(Delete, "/organizations/{ITN}", "deleteOrganization", |itn| {
        Action::Gateway(Call::DeleteOrganization(itn))
    })
    .does("Removes an organisation.")
    .gives(200, "The organisation as it was.", schemas::organization)
    .refuses(&[404]),
    Operation::new(Put, "/support-account", "putSupportAccount", |_| {
        Action::Gateway(Call::PutAccount)
    })
    .does("Sets login and password of the support portal, for all areas of data or for one.")
    .takes(schemas::account)
    .gives(200, "How it ended.", schemas::account_kept),
    Operation::new(Post, "/tickets", "getTicket", |_| {
        Action::Gateway(Call::Tickets(TicketsCall::Get))
    })
    .does("Has a ticket made for a service.")
    .takes(schemas::ticket_wanted)
    .gives(200, "The ticket, or why there is none.", schemas::ticket),
    Operation::new(Post, "/tickets/check", "checkTicket", |_| {
        Action::Gateway(Call::Tickets(TicketsCall::Check))
    })
    .does("Whether a ticket holds, and whose it is.")
    .takes(schemas::ticket_shown)
    .gives(200, "Whether it holds.", schemas::ticket_checked),
    Operation::new(Get, "/parameters/{Name}", "getParameter", |name| {
        Action::Gateway(Call::Ismp(IsmpCall::Parameter(name)))
    })
    .does("The live value of a parameter that 1C programs keep.")
    .gives(200, "Name and value.", schemas::parameter)
    .refuses(&[404]),
    Operation::new(Get, "/ismp/request-parameters", "getRequestParameters", |_| {
        Action::Gateway(Call::Ismp(IsmpCall::RequestParameters))
    })
    .does("What a 1C program would ask for a session key with.")
    .parameters(REQUEST_PARAMETERS)
    .gives(200, "Twelve fields by their names in 1C.", schemas::open_object)
    .refuses(&[404]),
    Operation::new(Get, "/ismp/session-keys", "getSessionKey", |_| {
        Action::Gateway(Call::Ismp(IsmpCall::GetKey))
    })
    .does("The live session key of an organisation, out of memory.")
    .parameters(PLACE)
    .gives(200, "The session key.", schemas::session_key)
    .refuses(&[404]),
    Operation::new(Post, "/ismp/session-keys", "askForSessionKey", |_| {
        Action::Gateway(Call::Ismp(IsmpCall::AskForKey))
    })
    .does("Has session keys got where there is none that is live.")
    .takes(schemas::session_keys_wanted)
    .gives(
        200,
        "There was one, or there is none: see ErrorCode.",
        schemas::had,
    )
    .gives(201, "One was got.", schemas::had)
    .refuses(&[404]),
    Operation::new(
        Post,
        "/ismp/session-keys/by-product",
        "askForSessionKeyByProduct",
        |_| Action::Gateway(Call::Ismp(IsmpCall::AskByProduct)),
    )
    .does("The same, of the type that an operation with products needs.")
    .takes(schemas::by_product)
    .gives(
        200,
        "There was one, or there is none: see ErrorCode.",
        schemas::had,
    )
    .gives(201, "One was got.", schemas::had)
    .refuses(&[404]),
    Operation::new(Get, "/ismp/responsible", "listResponsible", |_| {
        Action::Gateway(Call::Ismp(IsmpCall::ListResponsible))
    })
    .does("Rules that say who is reminded of which session keys.")
    .gives(200, "The rules.", schemas::rules),
    Operation::new(
        Post,
        "/ismp/responsible/initialize",
        "initializeResponsible",
        |_| Action::Gateway(Call::Ismp(IsmpCall::Initialize)),
    )
    .does("Begins a user's reminders.")
    .gives(200, "Whether there are rules.", schemas::initialized),
    Operation::new(
        Post,
        "/ismp/responsible/settings/refresh",
        "refreshSettings",
        |_| Action::Gateway(Call::Ismp(IsmpCall::RefreshSettings)),
    )
    .does("What the user who asks is reminded of.")
    .may_take(schemas::refresh)
    .gives(200, "The settings.", schemas::refreshed),
    Operation::new(Put, "/ismp/responsible/{ID}", "putResponsible", |id| {
        Action::Gateway(Call::Ismp(IsmpCall::PutResponsible(id)))
    })
    .does("Sets a rule.")
    .takes(schemas::rule_wanted)
    .gives(200, "The rule.", schemas::rule)
    .gives(201, "The rule, which is new.", schemas::rule)
    .refuses(&[404]),
    Operation::new(Delete, "/ismp/responsible/{ID}", "deleteResponsible", |id| {
        Action::Gateway(Call::Ismp(IsmpCall::DeleteResponsible(id)))
    })
    .does("Removes a rule.")
    .gives(200, "Which.", schemas::rule_gone)
    .refuses(&[404]),
    Operation::new(Get, "/ismp/reminders", "listReminders", |_| {
        Action::Gateway(Call::Ismp(IsmpCall::Reminders))
    })
    .does("Session keys that the user who asks has to be reminded of.")
    .gives(200, "The reminders.", schemas::reminders),
    Operation::new(Post, "/ismp/reminders/snooze", "snooze", |_| {
        Action::Gateway(Call::Ismp(IsmpCall::Snooze))
    })
    .does("No reminders for the user who asks until then.")
    .takes(schemas::snooze)
    .gives(200, "Until when.", schemas::snoozed),
    Operation::new(Get, "/ismp/tokens", "listTokens", |_| {
        Action::Gateway(Call::Ismp(IsmpCall::Tokens))
    })
    .does("All session keys and when they end; never the keys themselves.")
    .gives(200, "The table.", schemas::tokens),
    Operation::new(Post, "/ismp/tokens/renew", "renewTokens", |_| {
        Action::Gateway(Call::Ismp(IsmpCall::Renew))
    })
    .does("Has session keys renewed: those that are named, or all that are due.")
    .may_take(schemas::renewals_wanted)
    .gives(200, "How each ended.", schemas::renewals)
    .refuses(&[404]),
    Operation::new(Get, "/ismp/parameter-names", "listParameterNames", |_| {
        Action::Gateway(Call::Ismp(IsmpCall::ParameterNames))
    })
    .does("Names for /api/parameters.")
    .gives(200, "Two names.", schemas::parameter_names),
    Operation::new(Get, "/crpt/connections", "listCrptConnections", |_| {
        Action::Gateway(Call::Crpt(CrptCall::List))
    })
    .does("Connections to CRPT that this node registered, or the operator's own list.")
    .filters(CONNECTION)
    .parameters(SOURCE)
    .gives(200, "The connections.", schemas::crpt_connections),
    Operation::new(Post, "/crpt/connections", "registerCrptConnection", |_| {
        Action::Gateway(Call::Crpt(CrptCall::Register))
    })
    .does("Has a connection registered at CRPT.")
    .takes(schemas::crpt_order)
    .gives(200, "The operator's answer.", schemas::crpt_answer)
    .refuses(&[404]),
    Operation::new(Delete, "/crpt/connections", "deleteCrptConnection", |_| {
        Action::Gateway(Call::Crpt(CrptCall::Delete))
    })
    .does("Removes a connection at the operator's and here.")
    .parameters(GONE)
    .gives(200, "How it ended.", schemas::crpt_gone)
    .refuses(&[404]),
];
