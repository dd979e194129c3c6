//! What is so, as the scenarios made it, held against what the node says.

use std::collections::BTreeMap;

use keynode::licence::KeyNo;
use serde_json::Value;

/// What the node has to say.
#[derive(Default)]
pub(crate) struct Truth {
    licences: BTreeMap<KeyNo, Verdict>,
    devices: Vec<&'static str>,
    /// Those of them that are carriers and do not prove themselves.
    unproven: Vec<&'static str>,
}

/// What the node has to say of a licence.
#[derive(Clone, Copy)]
pub(crate) enum Verdict {
    /// It serves.
    Workable,
    /// It does not, and its OpenError holds this.
    Not(&'static str),
}

impl Truth {
    /// A licence has this verdict.
    pub(crate) fn licence(&mut self, key_no: KeyNo, verdict: Verdict) -> &mut Self {
        self.licences.insert(key_no, verdict);
        self
    }

    /// A licence is no longer known.
    pub(crate) fn forgotten(&mut self, key_no: KeyNo) -> &mut Self {
        self.licences.remove(&key_no);
        self
    }

    /// A device is plugged in, whose stable name begins like this.
    pub(crate) fn plugged(&mut self, device: &'static str) -> &mut Self {
        self.devices.push(device);
        self.devices.sort_unstable();
        self
    }

    /// It is no more.
    pub(crate) fn pulled(&mut self, device: &str) -> &mut Self {
        self.devices.retain(|known| *known != device);
        self
    }

    /// A carrier that is plugged in does not prove itself.
    pub(crate) fn unproven(&mut self, device: &'static str) -> &mut Self {
        self.unproven.push(device);
        self
    }

    /// All carriers that are plugged in prove themselves again.
    pub(crate) fn all_proven(&mut self) -> &mut Self {
        self.unproven.clear();
        self
    }

    /// What GET /api/licences says that is not so. Blank carriers count as devices only.
    pub(crate) fn wrong_licences(&self, answer: &str) -> Result<(), String> {
        let listed = rows(answer, "Licences")?;
        let listed: Vec<&Value> = listed.iter().filter(|row| row["IsBlank"] != true).collect();
        let right = |(key_no, verdict): (&KeyNo, &Verdict)| {
            let row = listed.iter().find(|row| row["KeyNo"] == *key_no);
            row.is_some_and(|row| match verdict {
                Verdict::Workable => row["Workable"] == true && row["OpenError"].is_null(),
                Verdict::Not(reason) => {
                    let error = row["OpenError"].as_str().unwrap_or_default();
                    row["Workable"] == false && error.contains(reason)
                }
            })
        };
        if listed.len() == self.licences.len() && self.licences.iter().all(right) {
            return Ok(());
        }
        let told = |row: &&Value| {
            format!(
                "{} Workable {} {}",
                row["KeyNo"], row["Workable"], row["OpenError"]
            )
        };
        let told: Vec<String> = listed.iter().map(told).collect();
        Err(format!("GET /api/licences: {told:?}"))
    }

    /// What a list of devices says that is not so: those that are there, and which of them prove themselves.
    pub(crate) fn wrong_devices(&self, answer: &str) -> Result<(), String> {
        let listed = rows(answer, "Devices")?;
        let mut told: Vec<&str> = listed.iter().filter_map(|row| row["ID"].as_str()).collect();
        told.sort_unstable();
        let same = |(id, start): (&&str, &&str)| id.starts_with(start);
        let all = told.len() == self.devices.len() && told.iter().zip(&self.devices).all(same);
        let proven = listed.iter().all(|row| {
            let id = row["ID"].as_str().unwrap_or_default();
            let fails = self.unproven.iter().any(|device| id.starts_with(device));
            // What has no driver has nothing to prove.
            row["Driver"].is_null() || fails != (row["Proof"] == "proven")
        });
        if all && proven {
            return Ok(());
        }
        let told: Vec<String> = listed
            .iter()
            .map(|row| format!("{} {}", row["ID"], row["Proof"]))
            .collect();
        Err(format!("the devices are {told:?}, not {:?}", self.devices))
    }
}

/// What GET /api/licences says, in short.
pub(crate) fn told(answer: &str) -> String {
    let rows = rows(answer, "Licences").unwrap_or_default();
    let told = rows.iter().map(|row| {
        let error = row["OpenError"].as_str().unwrap_or("workable");
        format!("{}: {error}", row["KeyNo"])
    });
    told.collect::<Vec<_>>().join("; ")
}

/// The rows of a listing.
pub(crate) fn rows(answer: &str, name: &str) -> Result<Vec<Value>, String> {
    let value: Value = serde_json::from_str(answer).map_err(|error| format!("{error}: {answer}"))?;
    let rows = value.get(name).unwrap_or(&value).as_array().cloned();
    rows.ok_or_else(|| format!("no list of {name}: {answer}"))
}
