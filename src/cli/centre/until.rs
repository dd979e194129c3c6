//! Until when something holds: a date, or never.

use crate::licence::Timestamp;

/// Until when a licence is renewed; never: not at all.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct Until(pub(super) Option<Timestamp>);

/// As people type it.
pub(super) fn until(text: &str) -> Result<Until, String> {
    if text == "never" {
        return Ok(Until(None));
    }
    let moment = Timestamp::parse(text);
    moment
        .map(|moment| Until(Some(moment)))
        .map_err(|error| format!("{error}, or never"))
}
