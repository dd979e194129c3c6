//! Who calls: the address at the other end, or what a reverse proxy that is believed says of it.

use std::net::{IpAddr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;

/// The caller's address. Proxies append to `X-Forwarded-For` whom they were called by: it is read from its end, as far
/// as those who wrote it are believed.
pub(super) fn caller(request: &HttpRequest, proxies: &[IpAddr]) -> IpAddr {
    let peer = request
        .peer_addr()
        .map_or(IpAddr::from([0; 4]), |peer| peer.ip().to_canonical());
    behind(peer, request.headers(), proxies)
}

fn behind(peer: IpAddr, headers: &HeaderMap, proxies: &[IpAddr]) -> IpAddr {
    let believed = |address: &IpAddr| proxies.iter().any(|proxy| proxy.to_canonical() == *address);
    let mut caller = peer;
    if !believed(&caller) {
        return caller;
    }
    let lines: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .map(|line| line.to_str().unwrap_or(""))
        .collect();
    for entry in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        let Some(address) = address(entry.trim()) else {
            break;
        };
        caller = address;
        if !believed(&caller) {
            break;
        }
    }
    caller
}

/// An address as proxies write it: bare, in brackets, with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    bare.unwrap_or(text)
        .parse()
        .or_else(|_| text.parse().map(|address: SocketAddr| address.ip()))
        .ok()
        .map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn seen(peer: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(
                HeaderName::from_static("x-forwarded-for"),
                HeaderValue::from_str(line).unwrap(),
            );
        }
        let proxies = ["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()];
        behind(peer.parse().unwrap(), &headers, &proxies).to_string()
    }

    #[test]
    fn only_proxies_are_believed_and_only_what_they_wrote_themselves() {
        for (peer, lines, caller) in [
            ("198.51.100.7", &["203.0.113.9"][..], "198.51.100.7"),
            ("192.0.2.1", &[], "192.0.2.1"),
            ("192.0.2.1", &["203.0.113.9"], "203.0.113.9"),
            ("192.0.2.1", &["10.0.0.1, 203.0.113.9"], "203.0.113.9"),
            ("192.0.2.1", &["10.0.0.1", "203.0.113.9"], "203.0.113.9"),
            ("192.0.2.1", &["203.0.113.9, 2001:db8::1"], "203.0.113.9"),
            ("192.0.2.1", &["203.0.113.9:4711"], "203.0.113.9"),
            ("192.0.2.1", &["[2001:db8::9]:4711"], "2001:db8::9"),
            ("192.0.2.1", &["[2001:db8::9]"], "2001:db8::9"),
            ("192.0.2.1", &["::ffff:203.0.113.9"], "203.0.113.9"),
            ("192.0.2.1", &["203.0.113.9, unknown"], "192.0.2.1"),
            ("192.0.2.1", &[""], "192.0.2.1"),
        ] {
            assert_eq!(seen(peer, lines), caller, "{peer} {lines:?}");
        }
    }
}
