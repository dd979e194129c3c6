//! The Host header on loopback: a page in a browser on this computer must not reach the API under a name of
//! its own that resolves to 127.0.0.1 (DNS rebinding).

use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::http::header::HOST;

/// Whether a request's Host is acceptable: on an address that others reach, everything is; on loopback, the
/// loopback names and those of the settings.
pub fn is_allowed(request: &HttpRequest, allowed: &[String]) -> bool {
    if !request.app_config().local_addr().ip().is_loopback() {
        return true;
    }
    let mut hosts = request.headers().get_all(HOST);
    let authority = match (request.uri().authority(), hosts.next(), hosts.next()) {
        (Some(authority), _, None) => Some(authority.as_str()),
        (None, Some(host), None) => host.to_str().ok(),
        // HTTP/1.0 knows no Host; no browser speaks it.
        (None, None, None) => return request.version() < actix_web::http::Version::HTTP_11,
        _ => None,
    };
    let Some(name) = authority.map(without_port) else {
        return false;
    };
    let address = name.trim_matches(['[', ']']).parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost")
        || address.is_ok_and(|address| address.is_loopback())
        || allowed.iter().any(|own| own.eq_ignore_ascii_case(name))
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => authority,
    }
}
