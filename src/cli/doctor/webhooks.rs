//! The webhooks: whether their secrets can be read, and whether they are reached.

use crate::monitoring::webhooks::WebhookRules;
use crate::settings::Settings;

use super::line::Line;
use super::service::Heard;

/// What all lines are about.
const CHECK: &str = "webhooks";

/// A line for each thing that is wrong, or one that all is well; none where there is no webhook.
pub(super) fn webhooks(settings: &Settings, heard: &Heard) -> Vec<Line> {
    if settings.webhooks.is_empty() {
        return Vec::new();
    }
    // Credentials are there for the service alone, so only files are looked at.
    let in_files = settings
        .webhooks
        .iter()
        .filter(|(_, hook)| hook.secret_file.is_some());
    let rules = WebhookRules::new(settings, None);
    let mut lines: Vec<Line> = in_files
        .filter_map(|(name, _)| Some((name, rules.check_secret(name).err()?)))
        .map(|(name, why)| {
            let todo =
                "mend the file, then `keynode webhook test NAME`; as root, if only this user may not read it";
            Line::failure(CHECK, format!("{name}: {why}"), todo)
        })
        .collect();
    if let Heard::Node { webhooks, .. } = heard
        && !["ok", "off", ""].contains(&webhooks.as_str())
    {
        let todo = "`keynode webhook test NAME` tries it; look at its url, its receiver, and gateway.proxy";
        lines.push(Line::warning(CHECK, webhooks.clone(), todo));
    }
    if lines.is_empty() {
        lines.push(Line::ok(
            CHECK,
            "their secrets and, as far as is known, receivers are in order",
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::super::line::State;
    use super::*;
    use crate::settings::Webhook;

    fn heard(webhooks: &str) -> Heard {
        Heard::Node {
            version: "1".into(),
            pid: 1,
            wrong: Vec::new(),
            webhooks: webhooks.into(),
        }
    }

    #[test]
    fn secrets_are_for_nobody_else_and_receivers_are_reached() {
        let dir = tempfile::tempdir().unwrap();
        let secret = dir.path().join("secret");
        let mut settings = Settings::default();
        assert_eq!(webhooks(&settings, &Heard::Nothing), []);
        let hook = Webhook {
            url: "https://hooks.example.com".into(),
            secret_file: Some(secret.clone()),
            secret_credential: None,
            events: None,
        };
        settings.webhooks.insert("office".into(), hook);
        let states = |heard: &Heard| {
            let lines = webhooks(&settings, heard);
            lines.iter().map(|line| line.state).collect::<Vec<_>>()
        };
        assert_eq!(states(&Heard::Nothing), [State::Failure], "there is none");
        fs::write(&secret, "a secret").unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(states(&Heard::Nothing), [State::Failure], "others can read it");
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(states(&heard("ok")), [State::Ok]);
        assert_eq!(states(&heard("office is not reached")), [State::Warning]);
    }
}
