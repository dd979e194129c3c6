//! The licences by their verdicts, and how well this computer can be told from its copy.

use crate::keyring::Ending;

use super::line::Line;

/// Not more keys than this are named; `keynode keys list` names all.
const MOST: usize = 10;

/// A key, and why it gives no seats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) key_no: u64,
    pub(super) file: String,
    /// None: it gives them.
    pub(super) cause: Option<String>,
}

/// One line for all that is well, one for each key that gives no seats.
pub(super) fn licences(keys: &[Judged]) -> Vec<Line> {
    let check = "licences";
    if keys.is_empty() {
        let todo = "keynode licence add FILE, or plug in a key";
        return vec![Line::warning(check, "there is none", todo)];
    }
    let refused: Vec<(&Judged, &str)> = keys
        .iter()
        .filter_map(|key| Some((key, key.cause.as_deref()?)))
        .collect();
    let text = format!("{} of {} are enabled", keys.len() - refused.len(), keys.len());
    let mut lines = if refused.len() == keys.len() {
        vec![Line::failure(
            check,
            text,
            "nobody gets a seat: the lines below say why",
        )]
    } else {
        vec![Line::ok(check, text)]
    };
    for (key, cause) in refused.iter().take(MOST) {
        let text = format!("{} ({}): {cause}", key.key_no, key.file);
        lines.push(Line::warning(
            check,
            text,
            format!("keynode licence show {}", key.key_no),
        ));
    }
    if refused.len() > MOST {
        let text = format!("and {} more", refused.len() - MOST);
        lines.push(Line::warning(check, text, "keynode keys list"));
    }
    lines
}

/// One line for each licence whose period ends soon.
pub(super) fn ending(ending: &[Ending]) -> Vec<Line> {
    let line = |one: &Ending| {
        let text = format!(
            "{} of series {} ends on {}: {} day(s) are left",
            one.key_no, one.key_id, one.end, one.days_left
        );
        Line::warning("licences", text, "ask its vendor for a longer period")
    };
    let mut lines: Vec<Line> = ending.iter().take(MOST).map(line).collect();
    if ending.len() > MOST {
        let text = format!("and {} more end within 30 days", ending.len() - MOST);
        lines.push(Line::warning("licences", text, "keynode keys list"));
    }
    lines
}

/// `warning` is what the computer's inspection has to say.
pub(super) fn fingerprint(computer_id: &str, warning: Option<String>) -> Line {
    let check = "fingerprint";
    match warning {
        None => Line::ok(check, format!("ComputerID {computer_id}")),
        Some(warning) => Line::warning(check, warning, "keynode computer show names each component"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::line::State;

    fn keys(causes: &[Option<&str>]) -> Vec<Judged> {
        let judged = |(key_no, cause): (u64, Option<&str>)| Judged {
            key_no,
            file: format!("{key_no}.licence"),
            cause: cause.map(Into::into),
        };
        (1..).zip(causes.iter().copied()).map(judged).collect()
    }

    fn states(causes: &[Option<&str>]) -> Vec<State> {
        licences(&keys(causes)).iter().map(|line| line.state).collect()
    }

    #[test]
    fn each_refused_key_has_a_line_and_all_refused_is_a_failure() {
        assert_eq!(states(&[]), [State::Warning]);
        assert_eq!(states(&[None]), [State::Ok]);
        assert_eq!(states(&[None, Some("expired")]), [State::Ok, State::Warning]);
        assert_eq!(states(&[Some("expired")]), [State::Failure, State::Warning]);
        let many = licences(&keys(&[Some("expired"); 25]));
        assert_eq!(many.len(), 1 + MOST + 1);
        assert!(many[11].text.contains("15 more"), "{many:#?}");
    }

    #[test]
    fn what_ends_soon_is_a_warning_each() {
        let one = Ending {
            key_no: 7,
            key_id: crate::licence::KeyId::parse("672B").unwrap(),
            days_left: 12,
            end: crate::licence::Timestamp::default(),
        };
        assert_eq!(ending(&[]), []);
        let lines = ending(std::slice::from_ref(&one));
        assert_eq!(lines[0].state, State::Warning);
        assert!(
            lines[0].text.contains("7 of series 672B") && lines[0].text.contains("12 day"),
            "{lines:#?}"
        );
        let many = ending(&vec![one; 25]);
        assert_eq!(many.len(), MOST + 1);
        assert!(many[MOST].text.contains("15 more"), "{many:#?}");
    }

    #[test]
    fn a_weak_fingerprint_is_told() {
        assert_eq!(fingerprint("AB", None).state, State::Ok);
        assert_eq!(fingerprint("AB", Some("weak".into())).state, State::Warning);
    }
}
