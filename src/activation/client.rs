//! Asks a centre over HTTPS. What comes back is bounded, and nobody's redirects are followed.

use reqwest::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, Response, StatusCode};

use crate::outbound::{Unreached, Way, is_encrypted};

use super::answer::Refusal;
use super::rules::ActivationRules;

/// The largest answer to a request, in bytes.
const LARGEST: usize = 256 * 1024;

/// The largest revocation list, in bytes.
const LARGEST_LIST: usize = 64 * 1024 * 1024;

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
    way: Way,
}

/// A revocation list on its way.
pub(super) struct List {
    pub(super) text: Vec<u8>,
    pub(super) etag: Option<String>,
}

impl Client {
    /// A client for the centre at this address.
    pub(super) fn new(base: &str, rules: &ActivationRules) -> Result<Self, String> {
        let way = rules.way();
        let builder = way.builder(is_encrypted(base))?.redirect(Policy::none());
        Ok(Self {
            http: builder.build().map_err(|error| way.words(error))?,
            base: base.into(),
            way,
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
        let mut answer = ask.send().await.map_err(|error| self.unreachable(error))?;
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(|error| self.unreachable(error))? {
            if body.len() + part.len() > largest {
                return Err(Failure::Foreign(format!("it has more than {largest} bytes")));
            }
            body.extend_from_slice(&part);
        }
        Ok((answer, body))
    }

    fn unreachable(&self, error: reqwest::Error) -> Failure {
        let Unreached { why, sent } = self.way.unreached(error);
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
