//! Whether a form was sent from a page of this console. Browsers say so in headers that no page can forge; the cookie,
//! which no form of another site brings along, and the token of each login are checked beside it.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderValue};

/// Whether the sender is a page of the very same host and port.
pub(super) fn is_own(request: &HttpRequest) -> bool {
    let headers = request.headers();
    let text = |value: Option<&HeaderValue>| value.and_then(|value| value.to_str().ok().map(str::to_owned));
    // Browsers send it over TLS and to this computer.
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin";
    }
    let (Some(origin), Some(host)) = (text(headers.get(header::ORIGIN)), text(headers.get(header::HOST)))
    else {
        return false;
    };
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    authority.is_some_and(|authority| authority.eq_ignore_ascii_case(&host))
}
