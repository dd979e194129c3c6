//! Sends a registration by either way (spec, services, sections 3.1 and 3.2).

use std::io::Read;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::settings::CrptRoute;
use crate::tokens::private_file;

use super::super::gateway::Shared;
use super::super::outcome::{Code, Trouble};
use super::super::secret::without;
use super::super::upstream::{Ask, Told, Unreached};
use super::order::ConnectionOrder;

/// Path of the operator's connections.
pub(super) const CONNECTION: &str = "/api/v3/integration/connection";

/// Path of 1C's gateway.
pub(super) const REGISTER: &str = "/public/api/program1c/connections/register";

/// Longest registration key, in bytes.
const LONGEST_KEY: u64 = 256;

/// What stands as it is in a query: everything that has no meaning there.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Headers of a request whose values are secret.
const SECRET: [&str; 3] = ["Authorization", "X-RegistrationKey", "clientToken"];

/// Headers that belong to the way and not to the operator's words.
const NOT_SENT: [&str; 10] = [
    "accept",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "te",
    "transfer-encoding",
    "x-registrationkey",
];

/// The request for an order that is signed.
pub(super) async fn request(shared: &Shared, order: &ConnectionOrder) -> Result<Ask, Trouble> {
    match order.route {
        CrptRoute::Direct => direct(shared, order),
        CrptRoute::Gateway => by_gateway(shared, order).await,
    }
}

fn direct(shared: &Shared, order: &ConnectionOrder) -> Result<Ask, Trouble> {
    let rules = shared.rules();
    let key = registration_key(rules.crpt.registration_key_file.as_deref()).map_err(|why| {
        let message = "На узле лицензирования нет регистрационного ключа ЦРПТ.";
        Trouble::new(
            Code::BadLogin,
            message,
            format!("crpt.registration_key_file: {why}"),
        )
    })?;
    let url = address(&rules.crpt.url, &order.parameters);
    let ask = Ask::new(Method::POST, url, order.body.clone().into_bytes())
        .header("Content-Type", "application/json")
        .header("Accept", "application/json")
        .header("X-RegistrationKey", key.as_str());
    let own = order.headers.iter();
    let own = own.filter(|(name, _)| !NOT_SENT.contains(&name.to_ascii_lowercase().as_str()));
    Ok(own.fold(ask, |ask, (name, value)| ask.header(name.clone(), value.as_str())))
}

/// The address of the operator's connections with these parameters.
pub(super) fn address(base: &str, parameters: &[(String, String)]) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, PLAIN).to_string();
    let pairs = parameters.iter();
    let pairs = pairs.map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    let query = pairs.collect::<Vec<_>>().join("&");
    format!("{}{CONNECTION}?{query}", base.trim_end_matches('/'))
}

async fn by_gateway(shared: &Shared, order: &ConnectionOrder) -> Result<Ask, Trouble> {
    let account = shared.state.account(order.area).await;
    let account = account.map_err(|error| Trouble::not_saved(&error))?;
    let account = account
        .filter(|account| !account.login.is_empty())
        .ok_or_else(|| {
            let message = "На узле лицензирования не заданы логин и пароль портала поддержки.";
            let info = "no support account is set (PUT /api/support-account)";
            Trouble::new(Code::BadLogin, message, info)
        })?;
    let object = |pairs: &[(String, String)]| {
        let pairs = pairs.iter();
        let pairs = pairs.map(|(name, value)| (name.clone(), Value::from(value.as_str())));
        Value::Object(pairs.collect::<Map<_, _>>())
    };
    let envelope = json!({
        "crptRequest": {
            "headers": object(&order.headers),
            "queryParameters": object(&order.parameters),
            "bodyBase64": STANDARD.encode(&order.body),
        },
        "clientInfo": {
            "programNick": order.program,
            "libraryId": order.library.0,
            "libraryVersion": order.library.1,
        },
    });
    let login = Zeroizing::new(format!("{}:{}", account.login, account.password.expose()));
    let login = Zeroizing::new(STANDARD.encode(login.as_bytes()));
    let base = shared.rules().crpt.gateway_url.clone();
    let url = format!("{}{REGISTER}", base.trim_end_matches('/'));
    Ok(Ask::post_json(url, &envelope)
        .header("Authorization", format!("Basic {}", *login))
        .header("X-Correlation-ID", uuid::Uuid::new_v4().to_string()))
}

/// Sends a request. What secret is in it is in no answer.
pub(super) async fn exchange(shared: &Shared, ask: Ask) -> Result<Told, Unreached> {
    let headers = ask.headers.iter();
    let headers = headers.filter(|(name, _)| SECRET.contains(&&**name));
    let secret = headers
        .flat_map(|(_, value)| secrets_of(value))
        .collect::<Vec<_>>();
    let secret = secret.iter().map(|value| value.as_str()).collect::<Vec<_>>();
    let mut told = shared.upstream.ask(ask).await?;
    // A page in another alphabet than UTF-8 is no JSON, but it may repeat as much.
    told.body = without(&String::from_utf8_lossy(&told.body), &secret).into_bytes();
    for (_, value) in &mut told.headers {
        *value = without(value, &secret);
    }
    Ok(told)
}

/// What is secret in the value of a header: all after its scheme; and of a login, the password.
fn secrets_of(value: &str) -> Vec<Zeroizing<String>> {
    let shown = value.rsplit(' ').next().unwrap_or(value);
    let mut secrets = vec![Zeroizing::new(shown.to_owned())];
    if let Some(login) = value.strip_prefix("Basic ")
        && let Ok(login) = STANDARD.decode(login).map(Zeroizing::new)
        && let Ok(login) = std::str::from_utf8(&login)
        && let Some((_, password)) = login.split_once(':')
    {
        secrets.push(Zeroizing::new(password.to_owned()));
    }
    secrets
}

/// The operator's registration key, read anew each time, from a file that nobody else can read.
fn registration_key(path: Option<&Path>) -> Result<Zeroizing<String>, String> {
    let path = path.ok_or("it is not set")?;
    let told = |error: std::io::Error| format!("{}: {error}", path.display());
    let (file, metadata) = private_file::open(path).map_err(told)?;
    if !metadata.is_file() {
        return Err(format!("{} is no regular file", path.display()));
    }
    if private_file::is_exposed(path, &metadata) {
        return Err(format!(
            "{} can be read or changed by others: chmod 600",
            path.display()
        ));
    }
    let mut text = Zeroizing::new(String::new());
    let mut file = file.take(LONGEST_KEY + 1);
    file.read_to_string(&mut text).map_err(told)?;
    let key = text.trim();
    if key.is_empty() || text.len() as u64 > LONGEST_KEY || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(format!(
            "{} holds no registration key in one line",
            path.display()
        ));
    }
    Ok(Zeroizing::new(key.to_owned()))
}
