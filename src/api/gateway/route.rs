//! What can be asked of the services, and which of them each is about.

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
