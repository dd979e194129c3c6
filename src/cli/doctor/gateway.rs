//! The operators' services: what a node needs of files and settings, before anybody is asked.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::gateway::{GatewayRules, SEAL_FILES};
use crate::settings::{CrptRoute, Settings};

use super::line::Line;

/// What all lines are about.
const CHECK: &str = "gateway";

/// A line for each thing that is wrong, or one that all is well; none where no service is on.
pub(super) fn services(settings: &Settings) -> Vec<Line> {
    let rules = GatewayRules::from(settings);
    if !rules.any_is_on() {
        return vec![Line::ok(CHECK, "no service is on")];
    }
    let mut lines: Vec<Line> = Vec::new();
    for name in SEAL_FILES {
        let path = settings.state_dir.join(name);
        lines.extend(private(&path, "the key of what is kept of the services"));
    }
    lines.extend(guard(settings));
    if settings.crpt.enabled {
        lines.extend(registration_key(settings));
    }
    if let Some(ca) = &settings.gateway.ca
        && let Err(error) = fs::metadata(ca)
    {
        let text = format!("gateway.ca: {} cannot be looked at: {error}", ca.display());
        lines.push(Line::failure(
            CHECK,
            text,
            "name a file of certificates (PEM), or none",
        ));
    }
    lines.extend(open_addresses(&rules));
    if lines.is_empty() {
        lines.push(Line::ok(CHECK, "its files and settings are in order"));
    }
    lines
}

/// What is wrong with a file that nobody else may read; nothing where it is not there.
fn private(path: &Path, what: &str) -> Option<Line> {
    let name = path.display();
    match fs::metadata(path) {
        Ok(about) if about.mode() & 0o077 != 0 => {
            let mode = about.mode() & 0o777;
            let text = format!("{name}, {what}, is open to others (mode {mode:03o}): the node refuses it");
            Some(Line::failure(CHECK, text, format!("chmod 600 {name}")))
        }
        Ok(_) => None,
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let text = format!("{name} cannot be looked at by this user");
            Some(Line::warning(CHECK, text, "run `keynode doctor` as root"))
        }
        Err(error) => Some(Line::failure(
            CHECK,
            format!("{name}: {error}"),
            "mend the state directory",
        )),
    }
}

/// What is wrong with the token that guards that key.
fn guard(settings: &Settings) -> Option<Line> {
    let gateway = &settings.gateway;
    let (text, todo) = match (&gateway.token, &gateway.token_key) {
        (None, None) => return None,
        (Some(token), Some(_)) if settings.tokens.contains_key(token) => return None,
        (Some(token), Some(_)) => (
            format!("gateway.token names {token}, and there is no [tokens.{token}]"),
            "describe the token in the settings, or name another",
        ),
        _ => (
            "of gateway.token and gateway.token_key only one is set: a file guards the key".to_owned(),
            "set both, or none",
        ),
    };
    Some(Line::failure(CHECK, text, todo))
}

/// What is wrong with the operator's registration key.
fn registration_key(settings: &Settings) -> Option<Line> {
    let Some(path) = &settings.crpt.registration_key_file else {
        let text = "crpt.route is direct, and there is no registration key";
        let todo = "set crpt.registration_key_file, or crpt.route = \"gateway\"";
        return (settings.crpt.route == CrptRoute::Direct).then(|| Line::failure(CHECK, text, todo));
    };
    if let Err(error) = fs::metadata(path)
        && error.kind() == io::ErrorKind::NotFound
    {
        let text = format!("crpt.registration_key_file: there is no {}", path.display());
        let todo = "write the operator's registration key there, with mode 0600";
        return Some(Line::failure(CHECK, text, todo));
    }
    private(path, "the operator's registration key")
}

/// Services to which passwords and tokens go for all on the way to read.
fn open_addresses(rules: &GatewayRules) -> Vec<Line> {
    let (tickets, ismp, crpt) = (&rules.tickets, &rules.ismp, &rules.crpt);
    let portal = tickets.enabled && !tickets.issuer;
    let retail = ismp.retail_url.as_ref().unwrap_or(&ismp.url);
    let all = [
        (portal, "tickets.url", &tickets.url),
        (portal, "tickets.url_eu", &tickets.url_eu),
        (ismp.enabled, "ismp.url", &ismp.url),
        (
            ismp.enabled && ismp.retail_url.is_some(),
            "ismp.retail_url",
            retail,
        ),
        (crpt.enabled, "crpt.gateway_url", &crpt.gateway_url),
        (crpt.enabled, "crpt.url", &crpt.url),
        (rules.taxcom.enabled, "taxcom.url", &rules.taxcom.url),
    ];
    let open = all.into_iter().filter(|(on, _, url)| *on && is_open(url));
    let line = |(_, name, url): (bool, &str, &String)| {
        let text = format!("{name} is {url}: passwords and tokens go there without TLS");
        Line::warning(CHECK, text, "use an https address")
    };
    open.map(line).collect()
}

/// Whether an address leads out of this computer without TLS.
fn is_open(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(inner) => inner.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let loopback = host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    !loopback && host != "localhost"
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::line::State;
    use super::*;

    fn write(path: &Path, mode: u32) {
        fs::write(path, "x").unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// The lines that are not well.
    fn wrong(settings: &Settings) -> Vec<(State, String)> {
        let lines = services(settings).into_iter();
        let wrong = lines.filter(|line| line.state != State::Ok);
        wrong.map(|line| (line.state, line.text)).collect()
    }

    #[test]
    fn what_would_keep_services_from_working_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let mut all = Settings {
            state_dir: dir.path().into(),
            ..Settings::default()
        };
        // Where no service is on nothing else matters.
        write(&dir.path().join("gateway.key"), 0o644);
        assert_eq!(wrong(&all), []);
        (all.crpt.enabled, all.ismp.enabled) = (true, true);
        let one = |all: &Settings, state: State, words: &str| {
            let told = wrong(all);
            assert!(
                matches!(told.as_slice(), [(found, text)] if *found == state && text.contains(words)),
                "{words}: {told:?}"
            );
        };
        one(&all, State::Failure, "gateway.key");
        write(&dir.path().join("gateway.key"), 0o600);
        assert_eq!(wrong(&all), []);

        all.crpt.route = CrptRoute::Direct;
        one(&all, State::Failure, "no registration key");
        let key = dir.path().join("registration");
        all.crpt.registration_key_file = Some(key.clone());
        one(&all, State::Failure, "there is no");
        write(&key, 0o640);
        one(&all, State::Failure, "mode 640");
        write(&key, 0o600);
        assert_eq!(wrong(&all), []);

        all.gateway.token = Some("hsm".into());
        one(&all, State::Failure, "only one is set");
        all.gateway.token_key = Some("guard".into());
        one(&all, State::Failure, "[tokens.hsm]");
        (all.gateway.token, all.gateway.token_key) = (None, None);
        all.gateway.ca = Some(dir.path().join("none.pem"));
        one(&all, State::Failure, "gateway.ca");
        all.gateway.ca = None;
        all.ismp.url = "http://10.0.0.7:8080/x".into();
        one(&all, State::Warning, "ismp.url");
        for near in [
            "http://127.0.0.1:1",
            "http://[::1]:80/x",
            "http://localhost",
            "https://a",
        ] {
            all.ismp.url = near.into();
            assert_eq!(wrong(&all), [], "{near}");
        }
        // Of a service that is off nobody cares.
        (all.ismp.enabled, all.ismp.url) = (false, "http://10.0.0.7".into());
        assert_eq!(wrong(&all), []);
    }
}
