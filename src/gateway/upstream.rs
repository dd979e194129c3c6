//! Asks a service over HTTP. What comes back is bounded; redirects are followed only within the same server.

use std::borrow::Cow;
use std::time::Duration;

use arc_swap::ArcSwap;
use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::redirect::{Action, Attempt, Policy};
use zeroize::Zeroizing;

use crate::outbound::{Way, is_encrypted};

use super::rules::GatewayRules;

pub(super) use crate::outbound::Unreached;

/// The largest answer, in bytes.
const LARGEST: usize = 4 * 1024 * 1024;

/// Redirects that are followed (as 1C does).
const MOST_REDIRECTS: usize = 7;

/// A request to a service.
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) url: String,
    /// Their values may be secret.
    pub(super) headers: Vec<(Cow<'static, str>, Zeroizing<String>)>,
    pub(super) body: Vec<u8>,
    /// Shorter than the settings' where set.
    pub(super) timeout: Option<Duration>,
}

impl Ask {
    /// A GET.
    pub(super) fn get(url: String) -> Self {
        Self::new(Method::GET, url, Vec::new())
    }

    /// A POST of JSON.
    pub(super) fn post_json(url: String, body: &serde_json::Value) -> Self {
        Self::new(Method::POST, url, body.to_string().into_bytes()).header("Content-Type", "application/json")
    }

    /// A request.
    pub(super) fn new(method: Method, url: String, body: Vec<u8>) -> Self {
        Self {
            method,
            url,
            headers: Vec::new(),
            body,
            timeout: None,
        }
    }

    /// With a header.
    pub(super) fn header(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), Zeroizing::new(value.into())));
        self
    }
}

/// What a service answered, whatever its status.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) status: u16,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Told {
    /// The body as JSON.
    pub(super) fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// The way to all services.
pub(super) struct Upstream(ArcSwap<Client>);

struct Client {
    way: Way,
    /// Or what is wrong with the settings.
    http: Result<reqwest::Client, String>,
}

impl Upstream {
    /// As the rules say. What is wrong with them is told to who asks.
    pub(super) fn new(rules: &GatewayRules) -> Self {
        Self(ArcSwap::from_pointee(Client::new(rules)))
    }

    /// Follows other rules.
    pub(super) fn set_rules(&self, rules: &GatewayRules) {
        self.0.store(Client::new(rules).into());
    }

    /// What is wrong with the settings of the way.
    pub(super) fn trouble(&self) -> Option<String> {
        self.0.load().http.as_ref().err().cloned()
    }

    /// Sends a request and reads the whole answer.
    pub(super) async fn ask(&self, ask: Ask) -> Result<Told, Unreached> {
        let client = self.0.load_full();
        let unsent = |why: String| Unreached { why, sent: false };
        let http = client.http.as_ref().map_err(|why| unsent(why.clone()))?;
        let mut request = http.request(ask.method, &ask.url).body(ask.body);
        for (name, value) in &ask.headers {
            let value = HeaderValue::from_str(value);
            let mut value =
                value.map_err(|_| unsent(format!("{name} has characters that HTTP does not carry")))?;
            value.set_sensitive(true);
            let name = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| unsent("the name of a header is none".into()))?;
            request = request.header(name, value);
        }
        if let Some(timeout) = ask.timeout {
            request = request.timeout(timeout);
        }
        let mut way = client.way.clone();
        way.timeout = ask.timeout.unwrap_or(way.timeout);
        let failed = |error| way.unreached(error);
        let mut answer = request.send().await.map_err(failed)?;
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(failed)? {
            if body.len() + part.len() > LARGEST {
                let why = format!("its answer has more than {LARGEST} bytes");
                return Err(Unreached { why, sent: true });
            }
            body.extend_from_slice(&part);
        }
        let headers = answer.headers().iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        });
        Ok(Told {
            status: answer.status().as_u16(),
            headers: headers.collect(),
            body,
        })
    }
}

impl Client {
    fn new(rules: &GatewayRules) -> Self {
        let way = rules.way.clone();
        let built = way.builder(encrypted(rules)).and_then(|builder| {
            let builder = builder.redirect(Policy::custom(redirect));
            builder.build().map_err(|error| way.words(error))
        });
        Self { http: built, way }
    }
}

/// Whether any service is behind TLS.
fn encrypted(rules: &GatewayRules) -> bool {
    let addresses = [
        &rules.tickets.url,
        &rules.tickets.url_eu,
        &rules.ismp.url,
        rules.ismp.retail_url.as_ref().unwrap_or(&rules.ismp.url),
        &rules.crpt.gateway_url,
        &rules.crpt.url,
        &rules.taxcom.url,
    ];
    addresses.iter().any(|address| is_encrypted(address))
}

/// Nothing goes to another server than the one that was asked: there are passwords in it.
fn redirect(attempt: Attempt<'_>) -> Action {
    let first = attempt.previous().first().map(reqwest::Url::origin);
    if attempt.previous().len() > MOST_REDIRECTS || first != Some(attempt.url().origin()) {
        attempt.stop()
    } else {
        attempt.follow()
    }
}
