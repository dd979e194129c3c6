//! The PKCS#11 tokens of the settings: what a node needs of the files, before any hardware is asked.

use std::collections::BTreeMap;
use std::fs;

use crate::settings::Token;
use crate::tokens::check_pin_file;

use super::line::Line;

/// A line for each token.
pub(super) fn tokens(tokens: &BTreeMap<String, Token>) -> Vec<Line> {
    tokens.iter().map(|(name, token)| check(name, token)).collect()
}

fn check(name: &str, token: &Token) -> Line {
    let module = token.module.display();
    if let Err(error) = fs::metadata(&token.module) {
        return Line::failure(
            "token",
            format!("{name}: its module {module} cannot be looked at: {error}"),
            "install the module that the token's maker gives, or mend module in the settings",
        );
    }
    match (&token.pin_file, &token.pin_credential) {
        (None, None) => Line::warning(
            "token",
            format!("{name}: no PIN is set"),
            "set pin_file or pin_credential, if the token wants a login",
        ),
        (Some(file), _) => match check_pin_file(file) {
            Ok(()) => Line::ok("token", format!("{name}: module and PIN file are there")),
            Err(wrong) => Line::failure(
                "token",
                format!("{name}: {wrong}"),
                "write the PIN into a file of the node's user with mode 0600",
            ),
        },
        // It is there only while the service runs.
        (None, Some(credential)) => Line::ok(
            "token",
            format!("{name}: its module is there, its PIN is the credential {credential}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::super::line::State;
    use super::*;

    fn told(module: &Path, pin: Option<&Path>) -> (State, String) {
        let mut table = toml::Table::new();
        let text = |path: &Path| toml::Value::from(path.to_str().unwrap());
        table.insert("module".into(), text(module));
        table.extend(pin.map(|pin| ("pin_file".to_owned(), text(pin))));
        let token: Token = table.try_into().unwrap();
        let line = check("hsm", &token);
        (line.state, line.text)
    }

    #[test]
    fn what_is_missing_is_said() {
        let directory = tempfile::tempdir().unwrap();
        let (module, pin) = (directory.path().join("m.so"), directory.path().join("pin"));
        assert_eq!(told(&module, None).0, State::Failure);
        fs::write(&module, "").unwrap();
        assert_eq!(told(&module, None).0, State::Warning);
        fs::write(&pin, "71305846\n").unwrap();
        fs::set_permissions(&pin, fs::Permissions::from_mode(0o644)).unwrap();
        let (state, text) = told(&module, Some(&pin));
        assert!(
            state == State::Failure && text.contains("others can read"),
            "{text}"
        );
        assert!(!text.contains("71305846"));
        fs::set_permissions(&pin, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(told(&module, Some(&pin)).0, State::Ok);
    }
}
