//! What a backup says of itself: its first entry.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::licence::Timestamp;
use crate::store::{FILE_NAME, SCHEMA_VERSION};

use super::contents;

/// Name of the entry.
pub(super) const NAME: &str = "manifest.json";

/// The longest manifest in bytes, for some hundred thousand files.
pub(super) const LONGEST: u64 = 64 << 20;

/// Files in one backup, at most.
const MOST_FILES: usize = 200_000;

/// Bytes of all files together, at most.
const MOST_BYTES: u64 = 1 << 40;

const FORMAT: &str = "keynode-backup";
const VERSION: u32 = 1;

/// What stands in `manifest.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Manifest {
    format: String,
    version: u32,
    /// The program that made it.
    pub(super) program: String,
    /// When the databases were copied.
    pub(super) time: Timestamp,
    /// The computer it was made on.
    #[serde(rename = "ComputerID")]
    pub(super) computer_id: String,
    /// Version of the schema by database.
    pub(super) schemas: BTreeMap<String, i64>,
    /// The entries, in their order.
    pub(super) files: Vec<Entry>,
    /// Directory of the archive that the licences are in: one of the state, or one of its own.
    #[serde(default = "licences")]
    pub(super) licences: String,
    /// The same of the trusted vendors.
    #[serde(default = "vendors")]
    pub(super) vendors: String,
    /// Files that the settings name and that are no part of the state: PINs, certificates.
    pub(super) not_included: Vec<String>,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Entry {
    pub(super) path: String,
    /// Bytes.
    pub(super) size: u64,
    #[serde(rename = "SHA256")]
    pub(super) sha256: String,
    /// Permissions as the system counts them.
    pub(super) mode: u32,
}

impl Manifest {
    pub(super) fn new(time: Timestamp, computer_id: String) -> Self {
        Self {
            format: FORMAT.into(),
            version: VERSION,
            program: env!("CARGO_PKG_VERSION").into(),
            time,
            computer_id,
            schemas: BTreeMap::new(),
            files: Vec::new(),
            licences: licences(),
            vendors: vendors(),
            not_included: Vec::new(),
        }
    }

    /// Reads one that somebody else may have written.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let manifest: Self = serde_json::from_slice(bytes)
            .map_err(|error| format!("its {NAME} is not understood: {error}"))?;
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), String> {
        if self.format != FORMAT {
            return Err("it is no backup of keynode".into());
        }
        if self.version > VERSION {
            return Err(format!(
                "it is a backup of version {}, this program reads up to {VERSION}: install a newer keynode",
                self.version
            ));
        }
        let database = format!("{}/{FILE_NAME}", contents::STATE);
        match self.schemas.get(&database) {
            None => return Err(format!("{database} is not in it")),
            Some(found) if usize::try_from(*found).is_ok_and(|found| found > SCHEMA_VERSION) => {
                return Err(format!(
                    "its state file has version {found}, this program knows up to {SCHEMA_VERSION}: install a newer keynode"
                ));
            }
            Some(_) => {}
        }
        if self.files.len() > MOST_FILES {
            return Err(format!("it has more than {MOST_FILES} files"));
        }
        for directory in [&self.licences, &self.vendors] {
            contents::check_directory(directory)?;
        }
        let mut seen = HashSet::new();
        for entry in &self.files {
            contents::check(&entry.path)?;
            if !seen.insert(&entry.path) {
                return Err(format!("{} is in it twice", entry.path));
            }
        }
        if !seen.contains(&database) {
            return Err(format!("{database} is not in it"));
        }
        if self.bytes().is_none_or(|bytes| bytes > MOST_BYTES) {
            return Err("it says to hold more than any state has".into());
        }
        Ok(())
    }

    /// Bytes of all files; none: more than can be counted.
    pub(super) fn bytes(&self) -> Option<u64> {
        self.files
            .iter()
            .try_fold(0_u64, |sum, entry| sum.checked_add(entry.size))
    }

    /// The same for scripts.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "Program": clean(&self.program),
            "Time": self.time,
            "ComputerID": clean(&self.computer_id),
            "Files": self.files.len(),
            "Bytes": self.bytes(),
            "NotIncluded": self.not_included.iter().map(|path| clean(path)).collect::<Value>(),
        })
    }

    /// One line for people.
    pub(super) fn summary(&self) -> String {
        format!(
            "{} files, {}, of {}, made by keynode {} on the computer {}",
            self.files.len(),
            indicatif::HumanBytes(self.bytes().unwrap_or(0)),
            self.time,
            clean(&self.program),
            clean(&self.computer_id),
        )
    }
}

fn licences() -> String {
    format!("{}/licences", contents::STATE)
}

fn vendors() -> String {
    format!("{}/vendors", contents::STATE)
}

/// Text of a stranger.
fn clean(text: &str) -> String {
    crate::text::clean(text.as_bytes()).unwrap_or_default()
}
