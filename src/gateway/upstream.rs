//! Asks a service over HTTP. What comes back is bounded; redirects are followed only within the same server.

use std::borrow::Cow;
use std::io;
use std::path::Path;
use std::time::Duration;

use arc_swap::ArcSwap;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Certificate, ClientBuilder, Method, Proxy};
use zeroize::Zeroizing;

use super::rules::{GatewayRules, ProxyRule};

/// The largest answer, in bytes.
const LARGEST: usize = 4 * 1024 * 1024;

/// The largest file of certificates, in bytes.
const LARGEST_CA: u64 = 1024 * 1024;

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

/// No answer came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unreached {
    /// In words; holds no secret.
    pub(super) why: String,
    /// False: the service has certainly not seen the request.
    pub(super) sent: bool,
}

/// The way to all services.
pub(super) struct Upstream {
    http: ArcSwap<Result<reqwest::Client, String>>,
}

impl Upstream {
    /// As the rules say. What is wrong with them is told to who asks.
    pub(super) fn new(rules: &GatewayRules) -> Self {
        Self {
            http: ArcSwap::from_pointee(client(rules)),
        }
    }

    /// Follows other rules.
    pub(super) fn set_rules(&self, rules: &GatewayRules) {
        self.http.store(client(rules).into());
    }

    /// Sends a request and reads the whole answer.
    pub(super) async fn ask(&self, ask: Ask) -> Result<Told, Unreached> {
        let http = self.http.load_full();
        let unsent = |why: String| Unreached { why, sent: false };
        let http = http.as_ref().as_ref().map_err(|why| unsent(why.clone()))?;
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
        let failed = |error: reqwest::Error| Unreached {
            sent: !error.is_builder() && (error.is_timeout() || !error.is_connect()),
            why: words(error),
        };
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

fn client(rules: &GatewayRules) -> Result<reqwest::Client, String> {
    let redirects = Policy::custom(|attempt| {
        let first = attempt.previous().first().map(reqwest::Url::origin);
        if attempt.previous().len() > MOST_REDIRECTS || first != Some(attempt.url().origin()) {
            attempt.stop()
        } else {
            attempt.follow()
        }
    });
    let authorities = match &rules.ca {
        None => Vec::new(),
        Some(path) => authorities(path).map_err(|why| format!("gateway.ca {}: {why}", path.display()))?,
    };
    let builder = ClientBuilder::new()
        .redirect(redirects)
        .timeout(rules.timeout)
        // A connection that was kept has often been closed at the other end, and what was sent on it may not be repeated.
        .pool_max_idle_per_host(0)
        .user_agent(concat!("keynode/", env!("CARGO_PKG_VERSION")))
        .tls_certs_merge(authorities);
    let builder = match &rules.proxy {
        ProxyRule::Environment => builder,
        ProxyRule::Direct => builder.no_proxy(),
        ProxyRule::Address(address) => {
            let proxy = Proxy::all(address).map_err(|_| "gateway.proxy is no address of a proxy")?;
            builder.no_proxy().proxy(proxy)
        }
    };
    builder.build().map_err(words)
}

fn authorities(path: &Path) -> Result<Vec<Certificate>, String> {
    let read = || -> io::Result<Vec<u8>> {
        if std::fs::metadata(path)?.len() > LARGEST_CA {
            return Err(io::Error::other("it is too large for certificates"));
        }
        std::fs::read(path)
    };
    let pem = read().map_err(|error| error.to_string())?;
    let found = Certificate::from_pem_bundle(&pem).map_err(|_| "expected certificates in PEM")?;
    if found.is_empty() {
        return Err("there is no certificate in it (-----BEGIN CERTIFICATE-----)".into());
    }
    Ok(found)
}

/// What went wrong, without the address, whose query may be secret.
fn words(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut deepest: &(dyn std::error::Error + 'static) = &error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    let text = match (error.is_timeout(), error.is_connect()) {
        (true, _) => "no answer in time (gateway.timeout)".to_owned(),
        (false, true) => format!("no connection: {deepest}"),
        (false, false) => deepest.to_string(),
    };
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}
