//! The cookie of a login. Browsers keep cookies by host, whatever the port; so its name has the port by which the node is
//! reached, and two nodes behind one name (as over `ssh -L`) do not log each other out. Over TLS it has another name, for a
//! cookie that came over TLS cannot be replaced by one that did not.

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::HOST;
use actix_web::http::uri::Authority;

/// The cookie of logins that come in the way of a request.
pub(super) struct LoginCookie {
    name: String,
    secure: bool,
}

impl LoginCookie {
    /// For the way of this request.
    pub(super) fn of(request: &HttpRequest) -> Self {
        let secure = request.app_config().secure();
        let header = request.headers().get(HOST);
        let header = header.and_then(|host| host.to_str().ok());
        let authority = request.uri().authority().map(Authority::as_str);
        Self {
            name: name(secure, header.or(authority).unwrap_or_default()),
            secure,
        }
    }

    /// Whether the way is TLS.
    pub(super) fn secure(&self) -> bool {
        self.secure
    }

    /// Its value in a request; "": none.
    pub(super) fn read(&self, request: &HttpRequest) -> String {
        let cookie = request.cookie(&self.name);
        cookie.map_or_else(String::new, |cookie| cookie.value().to_owned())
    }

    /// With this value: for this page alone, and for no script. It ends with the browser, or on the server. It comes along
    /// with a link from a mail or a dashboard, for a GET changes nothing; never with a form of another site.
    pub(super) fn with(&self, value: String) -> Cookie<'static> {
        Cookie::build(self.name.clone(), value)
            .path("/console")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(self.secure)
            .finish()
    }

    /// What makes a browser forget it.
    pub(super) fn gone(&self) -> Cookie<'static> {
        let mut cookie = self.with(String::new());
        cookie.make_removal();
        cookie
    }
}

/// `host`: name or address as the browser sees it, with its port where that is not the usual one.
fn name(secure: bool, host: &str) -> String {
    let port = host.rsplit_once(':').map(|(_, port)| port);
    let port =
        port.filter(|port| !port.is_empty() && port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit()));
    let (prefix, usual) = if secure { ("__Secure-", "443") } else { ("", "80") };
    format!("{prefix}keynode_console_{}", port.unwrap_or(usual))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_a_node_has_a_cookie_of_its_own() {
        assert_eq!(name(false, "localhost:9098"), "keynode_console_9098");
        assert_eq!(name(false, "[::1]"), "keynode_console_80");
        assert_eq!(name(true, "node.example"), "__Secure-keynode_console_443");
        assert_eq!(name(true, "[::1]:9099"), "__Secure-keynode_console_9099");
        assert_eq!(name(false, "node:9098;x"), "keynode_console_80");
    }
}
