//! Asks a centre over HTTPS. What comes back is bounded, and nobody's redirects are followed.

use std::io;
use std::path::Path;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use reqwest::redirect::Policy;
use reqwest::{Certificate, ClientBuilder, Proxy, RequestBuilder, Response, StatusCode};

use super::answer::Refusal;
use super::rules::{ActivationRules, ProxyRule};

/// The largest answer to a request, in bytes.
const LARGEST: usize = 256 * 1024;

/// The largest revocation list, in bytes.
const LARGEST_LIST: usize = 64 * 1024 * 1024;

/// The largest file of certificates, in bytes.
const LARGEST_CA: u64 = 1024 * 1024;

/// An exchange that came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The centre was not reached; certainly not where `sent` is false.
    Unreachable { why: String, sent: bool },
    /// The centre refuses.
    Refused(Refusal),
    /// What answers is no centre.
    Foreign(String),
}

/// The way to one centre.
#[derive(Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    base: String,
    timeout: Duration,
}

/// A revocation list on its way.
pub(super) struct List {
    pub(super) text: Vec<u8>,
    pub(super) etag: Option<String>,
}

impl Client {
    /// A client for the centre at this address.
    pub(super) fn new(base: &str, rules: &ActivationRules) -> Result<Self, String> {
        let mut builder = ClientBuilder::new()
            .redirect(Policy::none())
            .timeout(rules.timeout)
            // Requests are rare: a connection that was kept has been closed at the other end by then.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("keynode/", env!("CARGO_PKG_VERSION")));
        let authorities = match &rules.ca {
            None => Vec::new(),
            Some(path) => {
                authorities(path).map_err(|why| format!("activation.ca {}: {why}", path.display()))?
            }
        };
        // Without TLS there is nothing to look up in the system's certificates, which not every system has.
        builder = if base.starts_with("https:") {
            builder.tls_certs_merge(authorities)
        } else {
            builder.tls_certs_only(authorities)
        };
        builder = match &rules.proxy {
            ProxyRule::Environment => builder,
            ProxyRule::Direct => builder.no_proxy(),
            ProxyRule::Address(address) => {
                let proxy = Proxy::all(address).map_err(|_| "activation.proxy is no address of a proxy")?;
                builder.no_proxy().proxy(proxy)
            }
        };
        Ok(Self {
            http: builder.build().map_err(|error| words(&error))?,
            base: base.into(),
            timeout: rules.timeout,
        })
    }

    /// The centre's address.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Sends a request; the result is the body of the answer.
    pub(super) async fn post(&self, path: &str, request: String) -> Result<Vec<u8>, Failure> {
        let ask = self.http.post(format!("{}{path}", self.base));
        let ask = ask.header(CONTENT_TYPE, "application/jose+json").body(request);
        let (answer, body) = self.exchange(ask, LARGEST).await?;
        match answer.status() {
            StatusCode::OK | StatusCode::CREATED => Ok(body),
            status => Err(refusal(status, &body)),
        }
    }

    /// Fetches the revocation list, that of a vendor key where one is named; none where it is the one with this tag, or the
    /// centre has none of that key.
    pub(super) async fn revocations(
        &self,
        kid: Option<&str>,
        known: Option<&str>,
    ) -> Result<Option<List>, Failure> {
        let query = kid.map_or_else(String::new, |kid| format!("?kid={kid}"));
        let mut ask = self.http.get(format!("{}/v1/revocations{query}", self.base));
        if let Some(tag) = known {
            ask = ask.header(IF_NONE_MATCH, tag);
        }
        let (answer, text) = self.exchange(ask, LARGEST_LIST).await?;
        let etag = answer.headers().get(ETAG).and_then(|tag| tag.to_str().ok());
        match answer.status() {
            StatusCode::OK => Ok(Some(List {
                text,
                etag: etag.map(str::to_owned),
            })),
            StatusCode::NOT_MODIFIED => Ok(None),
            StatusCode::NOT_FOUND if kid.is_some() => Ok(None),
            status => Err(refusal(status, &text)),
        }
    }

    async fn exchange(&self, ask: RequestBuilder, largest: usize) -> Result<(Response, Vec<u8>), Failure> {
        let mut answer = ask.send().await.map_err(|error| self.unreachable(&error))?;
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(|error| self.unreachable(&error))? {
            if body.len() + part.len() > largest {
                return Err(Failure::Foreign(format!("it has more than {largest} bytes")));
            }
            body.extend_from_slice(&part);
        }
        Ok((answer, body))
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let why = if error.is_timeout() {
            format!(
                "it did not answer within {} (activation.timeout)",
                humantime::format_duration(self.timeout)
            )
        } else {
            words(error)
        };
        // A time-out may have come at any time.
        let sent = error.is_timeout() || !error.is_connect();
        Failure::Unreachable { why, sent }
    }
}

/// What an answer says that is no success.
fn refusal(status: StatusCode, body: &[u8]) -> Failure {
    if let Some(refusal) = Refusal::read(body).filter(|refusal| refusal.status() == status.as_u16()) {
        return Failure::Refused(refusal);
    }
    let why = format!("the status is {status}, and what came with it is no answer of a centre");
    if status.is_redirection() {
        Failure::Foreign(format!(
            "the status is {status}: a centre does not send elsewhere"
        ))
    } else if status.is_server_error() || status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
        // Proxies say so of a centre behind them.
        Failure::Unreachable { why, sent: true }
    } else {
        Failure::Foreign(why)
    }
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

/// An error of the client's in words; it is known by what caused it, which is at the end of a chain.
fn words(error: &reqwest::Error) -> String {
    let mut deepest: &(dyn std::error::Error + 'static) = error;
    let (mut lookup, mut tls) = (false, false);
    loop {
        let said = deepest.to_string();
        (lookup, tls) = (lookup || said == "dns error", tls || said.contains("tls"));
        if let Some(error) = deepest.downcast_ref() {
            return of_tls(error);
        }
        let failed = deepest.downcast_ref::<io::Error>();
        match failed.map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => return "the connection was refused".into(),
            Some(io::ErrorKind::ConnectionReset) => return "the connection was cut off".into(),
            _ => {}
        }
        // What an error of the system wraps is no source of it.
        let wrapped = failed.and_then(io::Error::get_ref);
        match wrapped.map(|inner| inner as &(dyn std::error::Error + 'static)) {
            Some(inner) => deepest = inner,
            None => match deepest.source() {
                Some(source) => deepest = source,
                None => break,
            },
        }
    }
    let said = bounded(&deepest.to_string());
    match (lookup, tls) {
        (true, _) => format!("its name was not found (DNS): {said}"),
        (false, true) => format!("TLS: {said}"),
        (false, false) => said,
    }
}

fn of_tls(error: &rustls::Error) -> String {
    let said = bounded(&error.to_string());
    match error {
        rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer) => {
            "TLS: nobody vouches for its certificate whom this computer or activation.ca trusts".into()
        }
        _ => format!("TLS: {said}"),
    }
}

fn bounded(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
