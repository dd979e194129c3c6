//! Which path and verb does what, and which role may do it (spec, rows 9 and 38).

use actix_web::http::Method;
use percent_encoding::percent_decode_str;

use super::error::ApiError;
use super::gateway::Call;
use super::operations::{self, Operation, Verb};
use crate::store::Role;

/// Something the API can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Root,
    ServerInfo,
    PublicKey,
    ListLicences,
    Activate,
    GetLicence(String),
    ListConnections,
    GetConnection(String),
    OpenConnection,
    Heartbeat(String),
    CloseConnection(String),
    ListSessions,
    GetSession(String),
    TakeSession,
    RenewSession(String),
    ReleaseSession(String),
    ReleaseByClient,
    ListUsage,
    ListDevices,
    GetDevice(String),
    ListCertificates,
    GetCertificate(String),
    Sign(String),
    Decrypt(String),
    Rescan,
    Document,
    Gateway(Call),
}

/// The documented addresses in their order, then the extensions. All of them answer a GET.
pub(super) const URNS: [&str; 9] = [
    "/api/serverinfo",
    "/api/licences",
    "/api/connections",
    "/api/sessions",
    "/api/publickey",
    "/api/devices",
    "/api/certificates",
    "/api/openapi.json",
    "/api/usage",
];

impl Action {
    /// Finds what a request asks for.
    pub(super) fn find(verb: &Method, path: &str) -> Result<Self, ApiError> {
        let unknown = || ApiError::url_not_found(path);
        let inner = path.strip_suffix('/').unwrap_or(path).strip_prefix("/api");
        let names: Vec<String> = inner
            .ok_or_else(unknown)?
            .split('/')
            .skip(1)
            .map(decode)
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let fitting = |operation: &'static Operation| Some((operation, operation.fits(&names)?));
        let mut here = operations::all().filter_map(fitting).peekable();
        let place = here.peek().ok_or_else(unknown)?.0.path;
        // What fits with a name in braces as well is another address.
        let here = here.filter(|(operation, _)| operation.path == place);
        let mut allowed = Vec::new();
        for (operation, name) in here {
            let own = operation.verb.method();
            // A HEAD answers like a GET (row 6).
            let looks = operation.verb == Verb::Get;
            if own == *verb || looks && verb == Method::HEAD {
                return Ok((operation.action)(name.to_owned()));
            }
            allowed.push(own.to_string());
            allowed.extend(looks.then(|| Method::HEAD.to_string()));
        }
        Err(ApiError::not_implemented(
            verb.as_str(),
            path,
            &allowed.join(", "),
        ))
    }

    /// Whether a role may do it: an administrator everything but signing and decrypting, a client what concerns
    /// sessions, connections and the node itself, a monitor what only looks, a signer what concerns certificates
    /// (which of them, is another question) and the node itself, a user of the gateway the operators' services but not for whom
    /// and with which key they work.
    pub(super) fn allows(&self, role: Role) -> bool {
        let uses_certificates = matches!(self, Self::Sign(_) | Self::Decrypt(_));
        let sees_certificates = matches!(self, Self::ListCertificates | Self::GetCertificate(_));
        if let Self::Gateway(call) = self {
            return match role {
                Role::Admin => true,
                Role::Gateway => !call.sets_up(),
                Role::Monitor => call.only_looks(),
                Role::Client | Role::Signer => false,
            };
        }
        let is_about_the_node = matches!(
            self,
            Self::Root | Self::ServerInfo | Self::PublicKey | Self::Document
        );
        let looks = matches!(
            self,
            Self::Root
                | Self::ServerInfo
                | Self::PublicKey
                | Self::Document
                | Self::ListLicences
                | Self::GetLicence(_)
                | Self::ListConnections
                | Self::GetConnection(_)
                | Self::ListSessions
                | Self::GetSession(_)
                | Self::ListDevices
                | Self::GetDevice(_)
                | Self::ListUsage
        ) || sees_certificates;
        match role {
            // Who appoints the signers is none of them.
            Role::Admin => !uses_certificates,
            Role::Signer => uses_certificates || sees_certificates || is_about_the_node,
            Role::Gateway => is_about_the_node,
            Role::Monitor => looks,
            Role::Client => !matches!(
                self,
                Self::ListLicences
                    | Self::GetLicence(_)
                    | Self::Activate
                    | Self::ListUsage
                    | Self::ListDevices
                    | Self::GetDevice(_)
                    | Self::ListCertificates
                    | Self::GetCertificate(_)
                    | Self::Sign(_)
                    | Self::Decrypt(_)
                    | Self::Rescan
            ),
        }
    }
}

/// One name of a path. What is decoded divides nothing any more.
fn decode(name: &str) -> String {
    percent_decode_str(name).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trailing_slash_is_the_same_path_and_case_matters() {
        assert_eq!(Action::find(&Method::GET, "/api"), Ok(Action::Root));
        assert_eq!(Action::find(&Method::GET, "/api/"), Ok(Action::Root));
        assert_eq!(
            Action::find(&Method::HEAD, "/api/sessions/"),
            Ok(Action::ListSessions)
        );
        assert_eq!(
            Action::find(&Method::GET, "/api/licences/7/"),
            Ok(Action::GetLicence("7".into()))
        );
        for unknown in [
            "/api/Sessions",
            "/api/sessions//",
            "/api/licences/7/8",
            "/api//sessions",
            "/api/x",
        ] {
            let error = Action::find(&Method::GET, unknown).unwrap_err();
            assert_eq!(error.status.as_u16(), 404, "{unknown}");
        }
    }

    #[test]
    fn another_verb_on_a_known_path_is_not_implemented() {
        for (verb, path) in [
            (Method::POST, "/api"),
            (Method::PUT, "/api/serverinfo"),
            (Method::PUT, "/api/licences"),
            (Method::DELETE, "/api/licences"),
            (Method::POST, "/api/licences/7"),
            (Method::DELETE, "/api/licences/7"),
            (Method::PATCH, "/api/sessions"),
            (Method::GET, "/api/rescan"),
            (Method::DELETE, "/api/devices/usb-1209-0001-A"),
            (Method::POST, "/api/sessions/AF72CC4124DD4B588AA9039D31035A5C"),
        ] {
            assert_eq!(
                Action::find(&verb, path).unwrap_err().status.as_u16(),
                501,
                "{verb} {path}"
            );
        }
    }
}
