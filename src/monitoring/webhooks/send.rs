//! Sends one message to a webhook, signed.

use aws_lc_rs::hmac;
use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;

use crate::licence::Timestamp;
use crate::outbound::{Way, is_encrypted};
use crate::text::hex;

use super::rules::Hook;

/// A message as it goes out.
pub(super) struct Post<'a> {
    pub(super) event: &'a str,
    pub(super) body: &'a str,
    pub(super) time: Timestamp,
}

/// A message that was not taken.
#[derive(Debug, PartialEq)]
pub(super) struct Untaken {
    /// In words without the address, which may be secret.
    pub(super) why: String,
    /// The receiver refuses it, and by its own word not only for now.
    pub(super) refused: bool,
}

impl From<String> for Untaken {
    fn from(why: String) -> Self {
        Self { why, refused: false }
    }
}

/// Sends a message.
///
/// # Errors
/// [`Untaken`].
pub(super) async fn send(way: &Way, hook: &Hook, post: Post<'_>) -> Result<(), Untaken> {
    let secret = hook.secret()?;
    let url = reqwest::Url::parse(&hook.url).map_err(|_| "its url is none".to_owned())?;
    let client = way.builder(is_encrypted(&hook.url))?;
    // Whoever is told elsewhere to look is not whom the settings name.
    let client = client.redirect(Policy::none()).build();
    let client = client.map_err(|error| way.words(error))?;
    let mut request = client
        .post(url)
        .header(CONTENT_TYPE, "application/json")
        .header("Keynode-Event", post.event)
        .header("Keynode-Delivery", delivery(post.body));
    if let Some(secret) = secret {
        let seconds = post.time.millis().div_euclid(1000);
        request = request.header("Keynode-Signature", signature(&secret, seconds, post.body));
    }
    let answer = request.body(post.body.to_owned()).send().await;
    let answer = answer.map_err(|error| way.unreached(error).why)?;
    // Its body is nobody's business, however long it is.
    match answer.status() {
        status if status.is_success() => Ok(()),
        status => Err(Untaken {
            why: format!("it answered {}", status.as_u16()),
            refused: is_refusal(status),
        }),
    }
}

/// Of the client's faults those that the next try may have no more: it took too long, it came too early, or too often.
fn is_refusal(status: StatusCode) -> bool {
    status.is_client_error()
        && ![
            StatusCode::REQUEST_TIMEOUT,
            StatusCode::TOO_EARLY,
            StatusCode::TOO_MANY_REQUESTS,
        ]
        .contains(&status)
}

/// The name of a message, which stays the same when it is sent again.
fn delivery(body: &str) -> String {
    let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    body["Delivery"].as_str().unwrap_or_default().to_owned()
}

/// `t=UNIX,v1=HEX`: HMAC with SHA-256 over time, a dot, and the body.
fn signature(secret: &[u8], seconds: i64, body: &str) -> String {
    let mut mac = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, secret));
    mac.update(format!("{seconds}.").as_bytes());
    mac.update(body.as_bytes());
    let hex = hex(mac.sign().as_ref());
    format!("t={seconds},v1={hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_taken_later_is_no_refusal() {
        let refusals = (200..600).filter(|status| is_refusal(StatusCode::from_u16(*status).unwrap()));
        let others = [408, 425, 429];
        let expected = (400..500).filter(|status| !others.contains(status));
        assert!(refusals.eq(expected));
    }
}
