//! What options must hold together; what each must hold by itself is its [`Kind`](super::Kind).

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::{CertificateFile, FamilyEntry, Settings, SigningProvider, WEBHOOK_EVENTS};

/// The options at odds, and what is wrong.
pub(super) type Conflict = (Vec<&'static str>, String);

pub(super) fn together(settings: &Settings) -> Result<(), Conflict> {
    listeners(settings)?;
    tls(settings)?;
    login(settings)?;
    families(settings)?;
    signing(settings)?;
    tokens(settings)?;
    certificates(settings)?;
    activation(settings)?;
    centre(settings)?;
    webhooks(settings)?;
    gateway(settings)
}

/// Port 0 is never in conflict: the system picks a free one for each.
fn listeners(settings: &Settings) -> Result<(), Conflict> {
    let (api, admin) = (settings.listen, settings.admin_listen);
    let same_ip = api.ip() == admin.ip() || api.ip().is_unspecified() || admin.ip().is_unspecified();
    if api.port() == 0 || api.port() != admin.port() || !same_ip {
        return Ok(());
    }
    let message =
        format!("listen ({api}) and admin_listen ({admin}) take the same port: expected two different ones");
    Err((vec!["admin_listen", "listen"], message))
}

fn tls(settings: &Settings) -> Result<(), Conflict> {
    let (set, missing) = match (&settings.tls.certificate, &settings.tls.private_key) {
        (Some(_), None) => ("tls.certificate", "tls.private_key"),
        (None, Some(_)) => ("tls.private_key", "tls.certificate"),
        _ => return Ok(()),
    };
    Err((
        vec![set],
        format!("{set} is set without {missing}: expected both or none"),
    ))
}

/// Which of two entries for the same devices counts would be anybody's guess.
fn families(settings: &Settings) -> Result<(), Conflict> {
    let ids = |entry: &FamilyEntry| (entry.vendor_id, entry.product_id);
    let all = &settings.devices.families;
    for (place, entry) in all.iter().enumerate() {
        if let Some(first) = all[..place].iter().find(|first| ids(first) == ids(entry)) {
            let message = format!(
                "devices.families has two entries for the same devices, \"{first}\" and \"{entry}\": expected one"
            );
            return Err((vec!["devices.families"], message));
        }
    }
    Ok(())
}

fn login(settings: &Settings) -> Result<(), Conflict> {
    let login = &settings.login;
    if login.free_attempts <= login.refuse_after {
        return Ok(());
    }
    let message = format!(
        "login.free_attempts ({}) is more than login.refuse_after ({}): expected no more than that",
        login.free_attempts, login.refuse_after
    );
    Err((vec!["login.free_attempts", "login.refuse_after"], message))
}

fn signing(settings: &Settings) -> Result<(), Conflict> {
    let signing = &settings.signing;
    if signing.provider != SigningProvider::Pkcs11 {
        return Ok(());
    }
    let message = match &signing.token {
        Some(name) if settings.tokens.contains_key(name) => return Ok(()),
        Some(name) => format!("signing.token is {name:?}, and there is no [tokens.{name}]"),
        None => "signing.provider is pkcs11 without signing.token: expected the name of a token".to_owned(),
    };
    Err((vec!["signing.token", "signing.provider"], message))
}

/// Two names for one token would be two processes that log in to it, each with its own idea of the PIN.
fn tokens(settings: &Settings) -> Result<(), Conflict> {
    let refused = |message| Err((vec!["tokens"], message));
    let mut selected = BTreeMap::new();
    for (name, token) in &settings.tokens {
        if token.pin_file.is_some() && token.pin_credential.is_some() {
            return refused(format!(
                "tokens.{name} has both pin_file and pin_credential: expected one"
            ));
        }
        let selector = (&token.module, &token.label, &token.serial, &token.environment);
        if let Some(other) = selected.insert(selector, name) {
            return refused(format!(
                "tokens.{other} and tokens.{name} are the same token of the same module: expected one, or a label or \
                 serial that tells them apart"
            ));
        }
    }
    Ok(())
}

fn certificates(settings: &Settings) -> Result<(), Conflict> {
    let both = |file: &&CertificateFile| file.password_file.is_some() && file.password_credential.is_some();
    let mut entries = settings.certificates.iter();
    match entries.find(|(_, file)| both(file)) {
        None => Ok(()),
        Some((name, _)) => {
            let message =
                format!("certificates.{name} has both password_file and password_credential: expected one");
            Err((vec!["certificates"], message))
        }
    }
}

/// Whether nobody on the way can read what is said: TLS, or an address on this computer.
fn is_private(address: &str) -> bool {
    let here = |host: &str| {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    };
    let url = reqwest::Url::parse(address).ok();
    url.is_some_and(|url| url.scheme() == "https" || url.host_str().is_some_and(here))
}

/// What is told of keys and of who has no seat is nobody else's business.
fn webhooks(settings: &Settings) -> Result<(), Conflict> {
    let refused = |message| Err((vec!["webhooks"], message));
    for (name, hook) in &settings.webhooks {
        if name.trim().is_empty() || name.contains(char::is_control) {
            return refused(format!(
                "webhooks has the name {name:?}: expected one of visible characters"
            ));
        }
        if !is_private(&hook.url) {
            return refused(format!(
                "webhooks.{name}.url is no https, and http shows messages to everybody on the way: expected https; only a \
                 receiver on this computer may have http (gateway.ca names a private CA)"
            ));
        }
        if hook.secret_file.is_some() && hook.secret_credential.is_some() {
            return refused(format!(
                "webhooks.{name} has both secret_file and secret_credential: expected one"
            ));
        }
        let events = hook.events.iter().flat_map(|events| events.split([',', ' ']));
        let mut named = events.filter(|event| !event.is_empty());
        if let Some(event) = named.find(|event| !WEBHOOK_EVENTS.contains(event)) {
            let known = WEBHOOK_EVENTS.join(", ");
            return refused(format!(
                "webhooks.{name}.events has {event:?}: expected some of {known}"
            ));
        }
    }
    Ok(())
}

/// Passwords and tokens are secrets too.
fn gateway(settings: &Settings) -> Result<(), Conflict> {
    let ismp = &settings.ismp;
    let addresses = [
        ("tickets.url", &settings.tickets.url),
        ("tickets.url_eu", &settings.tickets.url_eu),
        ("ismp.url", &ismp.url),
        ("ismp.retail_url", ismp.retail_url.as_ref().unwrap_or(&ismp.url)),
        ("crpt.gateway_url", &settings.crpt.gateway_url),
        ("crpt.url", &settings.crpt.url),
        ("taxcom.url", &settings.taxcom.url),
    ];
    if let Some((option, address)) = addresses.into_iter().find(|(_, address)| !is_private(address)) {
        let message = format!(
            "{option} is {address:?}: expected https, for http shows passwords and tokens to everybody on the way; only a \
             service on this computer may have http (gateway.ca names a private CA)"
        );
        return Err((vec![option], message));
    }
    let own = &settings.gateway;
    match (&own.token, &own.token_key) {
        (None, None) => Ok(()),
        (Some(name), Some(_)) if settings.tokens.contains_key(name) => Ok(()),
        (Some(name), Some(_)) => Err((
            vec!["gateway.token"],
            format!("gateway.token is {name:?}, and there is no [tokens.{name}]"),
        )),
        _ => Err((
            vec!["gateway.token", "gateway.token_key"],
            "of gateway.token and gateway.token_key one is set: expected both or none".into(),
        )),
    }
}

/// Codes are secrets: they go over the network encrypted, or not at all.
fn activation(settings: &Settings) -> Result<(), Conflict> {
    let Some(centre) = &settings.activation.centre else {
        return Ok(());
    };
    if is_private(centre) {
        return Ok(());
    }
    let message = format!(
        "activation.centre is {centre:?}: expected https, for http shows codes to everybody on the way; only a centre on \
         this computer may have http (activation.ca names a private CA)"
    );
    Err((vec!["activation.centre"], message))
}

fn centre(settings: &Settings) -> Result<(), Conflict> {
    let centre = &settings.centre;
    let refused = |options: &[&'static str], message: String| Err((options.to_vec(), message));
    match (&centre.certificate, &centre.private_key) {
        (Some(_), None) => {
            return refused(
                &["centre.certificate"],
                "centre.certificate is set without centre.private_key: expected both or none".into(),
            );
        }
        (None, Some(_)) => {
            return refused(
                &["centre.private_key"],
                "centre.private_key is set without centre.certificate: expected both or none".into(),
            );
        }
        (None, None) if !centre.listen.ip().is_loopback() && centre.proxies.is_empty() => {
            return refused(
                &["centre.listen"],
                format!(
                    "centre.listen is {} without TLS: expected centre.certificate and centre.private_key, or the reverse \
                     proxy that has them in centre.proxies",
                    centre.listen
                ),
            );
        }
        _ => {}
    }
    if let Some(proxy) = centre
        .proxies
        .iter()
        .find(|proxy| proxy.parse::<IpAddr>().is_err())
    {
        return refused(
            &["centre.proxies"],
            format!("centre.proxies has {proxy:?}: expected IP addresses"),
        );
    }
    match (&centre.token, &centre.token_key) {
        (None, None) => Ok(()),
        (Some(name), Some(_)) if settings.tokens.contains_key(name) => Ok(()),
        (Some(name), Some(_)) => refused(
            &["centre.token"],
            format!("centre.token is {name:?}, and there is no [tokens.{name}]"),
        ),
        (Some(_), None) => refused(
            &["centre.token"],
            "centre.token is set without centre.token_key: expected the label or ID of the vendor key".into(),
        ),
        (None, Some(_)) => refused(
            &["centre.token_key"],
            "centre.token_key is set without centre.token: expected the name of a token".into(),
        ),
    }
}
