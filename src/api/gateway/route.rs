//! Which path and verb asks what of the services.

use actix_web::http::Method;

/// A part of the services that is switched by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::api) enum Service {
    /// What all need: on where any is.
    Common,
    Tickets,
    Ismp,
    Crpt,
    Taxcom,
}

impl Service {
    /// The setting that switches it on.
    pub(super) fn setting(self) -> &'static str {
        match self {
            Self::Common => "tickets.enabled, ismp.enabled, crpt.enabled or taxcom.enabled",
            Self::Tickets => "tickets.enabled",
            Self::Ismp => "ismp.enabled",
            Self::Crpt => "crpt.enabled",
            Self::Taxcom => "taxcom.enabled",
        }
    }
}

/// Something that the services can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::api) enum Call {
    ListOrganizations,
    GetOrganization(String),
    PutOrganization(String),
    DeleteOrganization(String),
    PutAccount,
    Tickets(TicketsCall),
    Ismp(IsmpCall),
    Crpt(CrptCall),
    Taxcom(TaxcomCall),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::api) enum TicketsCall {
    Get,
    Check,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::api) enum IsmpCall {
    RequestParameters,
    GetKey,
    AskForKey,
    AskByProduct,
    Initialize,
    ListResponsible,
    RefreshSettings,
    PutResponsible(String),
    DeleteResponsible(String),
    Reminders,
    Snooze,
    Tokens,
    Renew,
    ParameterNames,
    Parameter(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::api) enum CrptCall {
    Register,
    List,
    Delete,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::api) enum TaxcomCall {
    Start,
    List,
    Get(String),
    Act(String),
    Close(String),
    Cabinet,
    Registered,
}

impl Call {
    pub(super) fn service(&self) -> Service {
        match self {
            Self::ListOrganizations
            | Self::GetOrganization(_)
            | Self::PutOrganization(_)
            | Self::DeleteOrganization(_)
            | Self::PutAccount => Service::Common,
            Self::Tickets(_) => Service::Tickets,
            Self::Ismp(_) => Service::Ismp,
            Self::Crpt(_) => Service::Crpt,
            Self::Taxcom(_) => Service::Taxcom,
        }
    }

    /// Whether it only looks, and at nothing that is secret.
    pub(in crate::api) fn only_looks(&self) -> bool {
        matches!(
            self,
            Self::ListOrganizations
                | Self::GetOrganization(_)
                | Self::Ismp(IsmpCall::Tokens | IsmpCall::Reminders | IsmpCall::ListResponsible)
                | Self::Crpt(CrptCall::List)
                | Self::Taxcom(TaxcomCall::List | TaxcomCall::Get(_))
        )
    }

    /// Whether it says for whom and with which key the services work: that is the administrator's.
    pub(in crate::api) fn sets_up(&self) -> bool {
        matches!(
            self,
            Self::PutOrganization(_) | Self::DeleteOrganization(_) | Self::PutAccount
        )
    }
}

/// The addresses that answer a GET, for the list of all.
pub(in crate::api) fn urns(on: impl Fn(Service) -> bool) -> Vec<&'static str> {
    let all = [
        (Service::Common, "/api/organizations"),
        (Service::Ismp, "/api/ismp/request-parameters"),
        (Service::Ismp, "/api/ismp/session-keys"),
        (Service::Ismp, "/api/ismp/responsible"),
        (Service::Ismp, "/api/ismp/reminders"),
        (Service::Ismp, "/api/ismp/tokens"),
        (Service::Ismp, "/api/ismp/parameter-names"),
        (Service::Crpt, "/api/crpt/connections"),
        (Service::Taxcom, "/api/taxcom/processes"),
        (Service::Taxcom, "/api/taxcom/registered"),
    ];
    let on = all.into_iter().filter(|(service, _)| on(*service));
    on.map(|(_, urn)| urn).collect()
}

/// What a path of the services can do, by verb; none: it is none of theirs.
pub(in crate::api) fn find(names: &[&str]) -> Option<Vec<(Method, Call)>> {
    let (get, post, put, delete) = (Method::GET, Method::POST, Method::PUT, Method::DELETE);
    let own = |name: &str| name.to_owned();
    Some(match *names {
        ["organizations"] => vec![(get, Call::ListOrganizations)],
        ["organizations", itn] => vec![
            (get, Call::GetOrganization(own(itn))),
            (put, Call::PutOrganization(own(itn))),
            (delete, Call::DeleteOrganization(own(itn))),
        ],
        ["support-account"] => vec![(put, Call::PutAccount)],
        ["tickets"] => vec![(post, Call::Tickets(TicketsCall::Get))],
        ["tickets", "check"] => vec![(post, Call::Tickets(TicketsCall::Check))],
        ["parameters", name] => vec![(get, Call::Ismp(IsmpCall::Parameter(own(name))))],
        ["ismp", ref rest @ ..] => {
            let calls = ismp(rest)?.into_iter();
            calls.map(|(verb, call)| (verb, Call::Ismp(call))).collect()
        }
        ["crpt", "connections"] => vec![
            (get, Call::Crpt(CrptCall::List)),
            (post, Call::Crpt(CrptCall::Register)),
            (delete, Call::Crpt(CrptCall::Delete)),
        ],
        ["taxcom", ref rest @ ..] => {
            let calls = taxcom(rest)?.into_iter();
            calls.map(|(verb, call)| (verb, Call::Taxcom(call))).collect()
        }
        _ => return None,
    })
}

fn ismp(names: &[&str]) -> Option<Vec<(Method, IsmpCall)>> {
    let (get, post, put, delete) = (Method::GET, Method::POST, Method::PUT, Method::DELETE);
    Some(match *names {
        ["request-parameters"] => vec![(get, IsmpCall::RequestParameters)],
        ["session-keys"] => vec![(get, IsmpCall::GetKey), (post, IsmpCall::AskForKey)],
        ["session-keys", "by-product"] => vec![(post, IsmpCall::AskByProduct)],
        ["responsible"] => vec![(get, IsmpCall::ListResponsible)],
        ["responsible", "initialize"] => vec![(post, IsmpCall::Initialize)],
        ["responsible", "settings", "refresh"] => vec![(post, IsmpCall::RefreshSettings)],
        ["responsible", id] => vec![
            (put, IsmpCall::PutResponsible(id.to_owned())),
            (delete, IsmpCall::DeleteResponsible(id.to_owned())),
        ],
        ["reminders"] => vec![(get, IsmpCall::Reminders)],
        ["reminders", "snooze"] => vec![(post, IsmpCall::Snooze)],
        ["tokens"] => vec![(get, IsmpCall::Tokens)],
        ["tokens", "renew"] => vec![(post, IsmpCall::Renew)],
        ["parameter-names"] => vec![(get, IsmpCall::ParameterNames)],
        _ => return None,
    })
}

fn taxcom(names: &[&str]) -> Option<Vec<(Method, TaxcomCall)>> {
    let (get, post, delete) = (Method::GET, Method::POST, Method::DELETE);
    Some(match *names {
        ["processes"] => vec![(get, TaxcomCall::List), (post, TaxcomCall::Start)],
        ["processes", id] => vec![
            (get, TaxcomCall::Get(id.to_owned())),
            (delete, TaxcomCall::Close(id.to_owned())),
        ],
        ["processes", id, "actions"] => vec![(post, TaxcomCall::Act(id.to_owned()))],
        ["cabinet"] => vec![(post, TaxcomCall::Cabinet)],
        ["registered"] => vec![(get, TaxcomCall::Registered)],
        _ => return None,
    })
}
