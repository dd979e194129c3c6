//! The sign-in itself: a challenge, its signature, a token (spec, services, section 2.1).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::cms::Thumbprint;
use crate::licence::Timestamp;

use super::super::gateway::Shared;
use super::super::organization::Organization;
use super::super::outcome::{Code, Trouble};
use super::super::secret::Secret;
use super::super::upstream::{Ask, Told};
use super::faults::{Fault, nonsense, refusal};
use super::kind::TokenType;
use super::pace::Pace;
use super::token::{LONGEST, STALE};

/// The path of the API on the operator's server, without the slash before it.
pub(super) const API: &str = "api/v3/true-api";

/// The longest token that is taken, in bytes: callers put it into headers.
const LONGEST_TOKEN: usize = 16 * 1024;

/// The longest challenge that is signed, in bytes.
const LONGEST_CHALLENGE: usize = 4096;

/// Whom a token is for.
pub(super) struct Applicant<'a> {
    pub(super) kind: TokenType,
    pub(super) itn: &'a str,
    pub(super) organization: &'a Organization,
    pub(super) connection: Option<&'a str>,
}

/// A token that was had.
pub(super) struct SignedIn {
    pub(super) token: Secret,
    pub(super) valid_until: Timestamp,
    pub(super) certificate: Thumbprint,
}

/// What is signed.
#[derive(Deserialize)]
struct Challenge {
    uuid: String,
    data: String,
}

/// What comes back; the fields' names differ by type.
#[derive(Deserialize)]
struct Granted {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<Value>,
}

/// The operator's server for a type of token.
pub(super) fn server(shared: &Shared, kind: TokenType) -> String {
    let rules = shared.rules();
    let url = match kind {
        TokenType::Ismp | TokenType::Suz => &rules.ismp.url,
        TokenType::Retail => rules.ismp.retail_url.as_ref().unwrap_or(&rules.ismp.url),
    };
    url.trim_end_matches('/').to_owned()
}

/// Signs in. A challenge that was too old is replaced once: its signature was not judged.
pub(super) async fn sign_in(shared: &Shared, pace: &Pace, who: &Applicant<'_>) -> Result<SignedIn, Fault> {
    if !who.kind.takes_powers_of_attorney() && told_itn(who).is_some() {
        let message = "Токен розничной продажи не выдается по подписи доверенного лица (МЧД).";
        let info = "the organisation signs by a power of attorney (PowerOfAttorneyITN), which retail sale does not take";
        return Err(Trouble::new(Code::BadLogin, message, info).into());
    }
    let thumbprint = shared.signer.thumbprint_of(who.itn, who.organization)?;
    // Nothing is asked of the operator that could not be answered.
    shared.signer.check(thumbprint)?;
    match once(shared, pace, who, thumbprint).await {
        Err(fault) if fault.late => once(shared, pace, who, thumbprint).await,
        done => done,
    }
}

/// The ITN that stands in the power of attorney.
pub(super) fn told_itn<'a>(who: &Applicant<'a>) -> Option<&'a str> {
    let itn = who.organization.power_of_attorney_itn.as_deref();
    itn.filter(|itn| !itn.is_empty())
}

async fn once(
    shared: &Shared,
    pace: &Pace,
    who: &Applicant<'_>,
    thumbprint: Thumbprint,
) -> Result<SignedIn, Fault> {
    let base = format!("{}/{API}/auth", server(shared, who.kind));
    let challenge = challenge(shared, pace, &base).await;
    let challenge = challenge.map_err(Fault::of_a_challenge)?;
    let signed = shared
        .signer
        .sign(thumbprint, challenge.data.as_bytes(), false)
        .await?;
    let mut body = json!({ "uuid": challenge.uuid, "data": signed.base64 });
    if let Some(itn) = told_itn(who) {
        body["inn"] = itn.into();
    }
    let (step, path) = match (who.kind, who.connection) {
        (TokenType::Suz, Some(connection)) => {
            let connection =
                percent_encoding::utf8_percent_encode(connection, percent_encoding::NON_ALPHANUMERIC);
            // Hyphens need no escape, and connections are full of them.
            let connection = connection.to_string().replace("%2D", "-");
            ("simpleSignIn", format!("simpleSignIn/{connection}"))
        }
        (TokenType::Retail, _) => {
            body = json!({ "data": signed.base64, "inn": who.itn });
            ("permissive-access", "permissive-access".to_owned())
        }
        _ => ("simpleSignIn", "simpleSignIn".to_owned()),
    };
    let told = ask(shared, pace, Ask::post_json(format!("{base}/{path}"), &body)).await?;
    if told.status != 200 {
        return Err(refusal(step, &told));
    }
    let body = Zeroizing::new(told.body);
    let granted = serde_json::from_slice::<Granted>(&body).map_err(|_| nonsense(step))?;
    let token = match who.kind {
        TokenType::Retail => granted.access_token,
        TokenType::Ismp | TokenType::Suz => granted.token,
    };
    let token = token.map(Secret::from).filter(is_fit_for_a_header);
    let token = token.ok_or_else(|| nonsense(step))?;
    let now = shared.now();
    Ok(SignedIn {
        valid_until: now.plus(life(who.kind, token.expose(), granted.expires_in.as_ref(), now)),
        token,
        certificate: signed.thumbprint,
    })
}

async fn challenge(shared: &Shared, pace: &Pace, base: &str) -> Result<Challenge, Fault> {
    let told = ask(shared, pace, Ask::get(format!("{base}/key"))).await?;
    if told.status != 200 {
        return Err(refusal("auth/key", &told));
    }
    let challenge = serde_json::from_slice::<Challenge>(&told.body).ok();
    challenge.filter(is_sound).ok_or_else(|| nonsense("auth/key"))
}

async fn ask(shared: &Shared, pace: &Pace, ask: Ask) -> Result<Told, Fault> {
    let request = shared.upstream.ask(ask.header("Accept", "application/json"));
    Ok(pace.keep(request).await?)
}

fn is_sound(challenge: &Challenge) -> bool {
    let (uuid, data) = (&challenge.uuid, &challenge.data);
    let named = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=64).contains(&uuid.len())
        && uuid.bytes().all(named)
        && (1..=LONGEST_CHALLENGE).contains(&data.len())
        && data.chars().all(|c| !c.is_control())
}

fn is_fit_for_a_header(token: &Secret) -> bool {
    let token = token.expose();
    (1..=LONGEST_TOKEN).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The life of a token from now on, in milliseconds: what the operator tells, where that makes sense.
fn life(kind: TokenType, token: &str, expires_in: Option<&Value>, now: Timestamp) -> i64 {
    let sensible = |millis: i64| (STALE + 1..=LONGEST).contains(&millis).then_some(millis);
    let told = match kind {
        TokenType::Suz => None,
        TokenType::Retail => {
            let seconds = expires_in.and_then(|value| match value {
                Value::String(text) => text.trim().parse().ok(),
                value => value.as_i64(),
            });
            let told = seconds.and_then(|seconds| sensible(seconds.saturating_mul(1000)));
            told.or_else(|| jwt_life(token, now).and_then(sensible))
        }
        TokenType::Ismp => jwt_life(token, now).and_then(sensible),
    };
    told.unwrap_or(kind.life() * 1000)
}

/// What a JWT says of its end. Where it tells when it was issued, a clock that is wrong here does not matter.
fn jwt_life(token: &str, now: Timestamp) -> Option<i64> {
    #[derive(Deserialize)]
    struct Claims {
        exp: Option<f64>,
        iat: Option<f64>,
    }
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims = serde_json::from_slice::<Claims>(&claims).ok()?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "absurd ends become the nearest, which is absurd too"
    )]
    let millis = |seconds: f64| (seconds * 1000.0) as i64;
    let (end, issued) = (millis(claims.exp?), claims.iat.map(millis));
    let left = end.saturating_sub(now.millis());
    let whole = issued.map(|issued| end.saturating_sub(issued));
    Some(match whole {
        Some(whole) if left <= STALE || left > whole => whole,
        _ => left,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn a_life_is_the_operators_where_that_makes_sense() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let cases = [
            (TokenType::Ismp, jwt(r#"{"exp":1700036000}"#), None, 36_000),
            (
                TokenType::Ismp,
                jwt(r#"{"exp":1700036000,"iat":1700000000}"#),
                None,
                36_000,
            ),
            // The clock here is three hours late, or a day ahead.
            (
                TokenType::Ismp,
                jwt(r#"{"exp":1700046800,"iat":1700010800}"#),
                None,
                36_000,
            ),
            (
                TokenType::Ismp,
                jwt(r#"{"exp":1699949600,"iat":1699913600}"#),
                None,
                36_000,
            ),
            (TokenType::Ismp, jwt(r#"{"exp":1699990000}"#), None, 900),
            (TokenType::Ismp, jwt(r#"{"exp":99999999999999}"#), None, 900),
            (TokenType::Ismp, jwt(r#"{"exp":-1e300}"#), None, 900),
            (TokenType::Ismp, jwt(r#"{"exp":"soon"}"#), None, 900),
            (TokenType::Ismp, "2f5b2d1c-d3f1-4bb4".into(), None, 900),
            (TokenType::Suz, jwt(r#"{"exp":1700000100}"#), None, 32_400),
            (TokenType::Retail, "t".into(), Some(json!(7200)), 7200),
            (TokenType::Retail, "t".into(), Some(json!("7200")), 7200),
            (TokenType::Retail, "t".into(), Some(json!(i64::MAX)), 900),
            (
                TokenType::Retail,
                jwt(r#"{"exp":1700003600}"#),
                Some(json!(-1)),
                3600,
            ),
        ];
        for (kind, token, expires_in, seconds) in cases {
            let found = life(kind, &token, expires_in.as_ref(), now);
            assert_eq!(found, seconds * 1000, "{kind:?} {token} {expires_in:?}");
        }
    }
}
