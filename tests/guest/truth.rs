//! What must be so after a scenario, held against what the node says.

use serde_json::Value;

/// What the node has to say.
#[derive(Clone, Copy)]
pub(crate) struct Truth<'t> {
    /// Licences of USB keys by KeyNo, each Workable or with a part of the reason why it is not. No others are listed.
    pub(crate) licences: &'t [(u64, Verdict<'t>)],
    /// Stable names of the devices that are plugged in, or their beginnings. No others are.
    pub(crate) devices: &'t [&'t str],
}

/// What the node has to say of a licence.
#[derive(Clone, Copy)]
pub(crate) enum Verdict<'t> {
    /// It serves.
    Workable,
    /// It does not, and its OpenError holds this.
    Not(&'t str),
}

/// What GET /api/licences says that is not so.
pub(crate) fn wrong_licences(truth: &Truth<'_>, answer: &str) -> Result<(), String> {
    let listed = rows(answer, "Licences")?;
    let listed: Vec<&Value> = listed.iter().filter(|row| row["IsBlank"] != true).collect();
    let right = |(key_no, verdict): &(u64, Verdict<'_>)| {
        let Some(row) = listed.iter().find(|row| row["KeyNo"] == *key_no) else {
            return false;
        };
        match verdict {
            Verdict::Workable => row["Workable"] == true && row["OpenError"].is_null(),
            Verdict::Not(reason) => {
                row["Workable"] == false
                    && row["OpenError"]
                        .as_str()
                        .is_some_and(|text| text.contains(reason))
            }
        }
    };
    if listed.len() == truth.licences.len() && truth.licences.iter().all(right) {
        return Ok(());
    }
    let told: Vec<String> = listed
        .iter()
        .map(|row| {
            format!(
                "{} Workable {} {}",
                row["KeyNo"], row["Workable"], row["OpenError"]
            )
        })
        .collect();
    Err(format!("GET /api/licences: {told:?}"))
}

/// What `keynode devices list --json` says that is not so.
pub(crate) fn wrong_devices(truth: &Truth<'_>, answer: &str) -> Result<(), String> {
    let listed = rows(answer, "Devices")?;
    let mut told: Vec<&str> = listed.iter().filter_map(|row| row["ID"].as_str()).collect();
    let mut expected = truth.devices.to_vec();
    told.sort_unstable();
    expected.sort_unstable();
    let right = told.len() == expected.len()
        && told
            .iter()
            .zip(&expected)
            .all(|(id, start)| id.starts_with(start));
    right
        .then_some(())
        .ok_or(format!("keynode devices list: {told:?} instead of {expected:?}"))
}

/// The rows of a listing.
pub(crate) fn rows(answer: &str, name: &str) -> Result<Vec<Value>, String> {
    let value: Value = serde_json::from_str(answer).map_err(|error| format!("{error}: {answer}"))?;
    let rows = value.get(name).unwrap_or(&value).as_array().cloned();
    rows.ok_or_else(|| format!("no list of {name}: {answer}"))
}
