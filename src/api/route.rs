//! Which path and verb does what, and which role may do it (spec, rows 9 and 38).

use actix_web::http::Method;
use percent_encoding::percent_decode_str;

use super::error::ApiError;
use crate::store::Role;

/// Something the API can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Root,
    ServerInfo,
    PublicKey,
    ListLicences,
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
}

/// The documented addresses in their order, then the extensions.
pub(super) const URNS: [&str; 5] = [
    "/api/serverinfo",
    "/api/licences",
    "/api/connections",
    "/api/sessions",
    "/api/publickey",
];

/// What GET, PUT and DELETE of one object make.
type Verbs = [fn(String) -> Action; 3];

impl Action {
    /// Finds what a request asks for.
    pub(super) fn find(verb: &Method, path: &str) -> Result<Self, ApiError> {
        let decoded = percent_decode_str(path).decode_utf8_lossy();
        let inner = decoded.strip_prefix("/api").unwrap_or(&decoded);
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        let name = |prefix: &str| {
            let name = inner.strip_prefix(prefix)?.strip_prefix('/')?;
            (!name.is_empty() && !name.contains('/')).then(|| name.to_owned())
        };
        // A HEAD answers like a GET (row 6).
        let verb = if *verb == Method::HEAD { &Method::GET } else { verb };
        let unknown = |allowed: &str| Err(ApiError::not_implemented(verb.as_str(), path, allowed));
        match inner {
            "" => {
                if *verb == Method::GET {
                    Ok(Self::Root)
                } else {
                    unknown("GET, HEAD")
                }
            }
            "/serverinfo" => {
                if *verb == Method::GET {
                    Ok(Self::ServerInfo)
                } else {
                    unknown("GET, HEAD")
                }
            }
            "/publickey" => {
                if *verb == Method::GET {
                    Ok(Self::PublicKey)
                } else {
                    unknown("GET, HEAD")
                }
            }
            "/licences" => {
                if *verb == Method::GET {
                    Ok(Self::ListLicences)
                } else {
                    unknown("GET, HEAD")
                }
            }
            "/connections" => match *verb {
                Method::GET => Ok(Self::ListConnections),
                Method::POST => Ok(Self::OpenConnection),
                _ => unknown("GET, HEAD, POST"),
            },
            "/sessions" => match *verb {
                Method::GET => Ok(Self::ListSessions),
                Method::POST => Ok(Self::TakeSession),
                Method::DELETE => Ok(Self::ReleaseByClient),
                _ => unknown("GET, HEAD, POST, DELETE"),
            },
            _ => {
                if let Some(key_no) = name("/licences") {
                    return if *verb == Method::GET {
                        Ok(Self::GetLicence(key_no))
                    } else {
                        unknown("GET, HEAD")
                    };
                }
                let (make, id): (Verbs, String) = if let Some(id) = name("/sessions") {
                    ([Self::GetSession, Self::RenewSession, Self::ReleaseSession], id)
                } else if let Some(id) = name("/connections") {
                    ([Self::GetConnection, Self::Heartbeat, Self::CloseConnection], id)
                } else {
                    return Err(ApiError::url_not_found(path));
                };
                match *verb {
                    Method::GET => Ok(make[0](id)),
                    Method::PUT => Ok(make[1](id)),
                    Method::DELETE => Ok(make[2](id)),
                    _ => unknown("GET, HEAD, PUT, DELETE"),
                }
            }
        }
    }

    /// Whether a role may do it: an administrator everything, a client what concerns sessions, connections
    /// and the node itself, a monitor what only looks.
    pub(super) fn allows(&self, role: Role) -> bool {
        let looks = matches!(
            self,
            Self::Root
                | Self::ServerInfo
                | Self::PublicKey
                | Self::ListLicences
                | Self::GetLicence(_)
                | Self::ListConnections
                | Self::GetConnection(_)
                | Self::ListSessions
                | Self::GetSession(_)
        );
        match role {
            Role::Admin => true,
            Role::Monitor => looks,
            Role::Client => !matches!(self, Self::ListLicences | Self::GetLicence(_)),
        }
    }
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
            (Method::POST, "/api/licences"),
            (Method::DELETE, "/api/licences/7"),
            (Method::PATCH, "/api/sessions"),
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
