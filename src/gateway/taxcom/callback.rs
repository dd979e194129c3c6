//! Tells a caller's address that a process waits for an action: once, and once more where that did not arrive.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use serde_json::Value;

use crate::gateway::gateway::Shared;
use crate::gateway::upstream::Ask;

use super::process::{Callback, Process, Stage};

/// A caller's address has so long to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The most characters of an address.
const LONGEST: usize = 1000;

impl Callback {
    /// A callback to an address.
    ///
    /// # Errors
    /// Why the address will not do.
    pub fn to(address: &str) -> Result<Self, &'static str> {
        let expected = "expected true, false, or an address: https, or http on loopback";
        let url = Url::parse(address).map_err(|_| expected)?;
        let loopback = match url.host_str() {
            Some("localhost" | "[::1]") => true,
            Some(host) => host.starts_with("127.") && host.parse::<std::net::Ipv4Addr>().is_ok(),
            None => false,
        };
        let fits = url.scheme() == "https" || (url.scheme() == "http" && loopback);
        if !fits || address.len() > LONGEST || !url.username().is_empty() || url.password().is_some() {
            return Err(expected);
        }
        Ok(Self::Url(url.into()))
    }
}

/// Tells whoever wants to be told that the process has come to a form.
pub(super) fn tell(shared: &Arc<Shared>, id: &str, process: &Process) {
    let callback = match process.stage {
        Stage::Status => &process.on_status,
        Stage::Application => &process.on_create,
        _ => return,
    };
    let Callback::Url(url) = callback else {
        return;
    };
    let (shared, url, id) = (shared.clone(), url.clone(), id.to_owned());
    let body = Value::Object(process.view(&id));
    tokio::spawn(async move {
        for _ in 0..2 {
            let mut ask = Ask::post_json(url.clone(), &body);
            ask.timeout = Some(TIMEOUT);
            match shared.upstream.ask(ask).await {
                Ok(told) if told.status < 300 => return,
                Ok(told) => tracing::warn!(id, status = told.status, "a callback was refused"),
                Err(unreached) => tracing::warn!(id, why = unreached.why, "a callback was not reached"),
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_protected_or_near() {
        for good in [
            "https://erp.example/hook",
            "http://127.0.0.1:8080/a",
            "http://localhost/a",
            "http://[::1]:1/",
        ] {
            assert!(Callback::to(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "http://erp.example/hook",
            "ftp://localhost/",
            "http://127.0.0.1.example/",
            "https://a:b@c/",
        ] {
            assert!(Callback::to(bad).is_err(), "{bad}");
        }
    }
}
