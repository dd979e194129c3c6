//! What is kept of the services: typed records with sealed parts, changed together with the jobs about them.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::licence::Timestamp;
use crate::store::{GatewayJob, GatewayRecord, GatewayRecords, GatewayWrite, StoreError};

use super::crpt::Connection;
use super::key_trouble::of_a_key;
use super::organization::Organization;
use super::outcome::Trouble;
use super::secret::Secret;
use super::vault::{Place, Vault, VaultError};

/// A kind of record. What it holds is not secret: secrets go beside it, sealed.
pub trait Kept: Serialize + DeserializeOwned {
    /// Its name, unique among all kinds.
    const KIND: &'static str;
}

/// Why something was not kept or read.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The state file failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A secret cannot be sealed or opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A record was written by something else.
    #[error("the record {kind} {name} in the state file makes no sense: {why}")]
    Record {
        /// Kind of the record.
        kind: &'static str,
        /// Its name.
        name: String,
        /// What is wrong.
        why: String,
    },
}

/// What a caller gets where the node could not save or read what it keeps.
impl From<StateError> for Trouble {
    fn from(error: StateError) -> Self {
        match &error {
            StateError::Vault(VaultError::Token {
                detail: Some(detail), ..
            }) => of_a_key(Some(*detail), &error),
            _ => Self::not_saved(&error),
        }
    }
}

/// What is kept of the services. Writing blocks for a commit.
pub struct State {
    records: Mutex<GatewayRecords>,
    vault: Vault,
    /// Told of each change of an organisation or a connection, by whoever made it.
    follower: OnceLock<Follower>,
}

/// Makes anew what it has made of organisations and connections.
type Follower = Box<dyn Fn(&State) + Send + Sync>;

/// Changes that are made together.
#[derive(Default)]
pub struct Changes(Vec<GatewayWrite>);

impl State {
    pub(super) fn new(records: GatewayRecords, vault: Vault) -> Self {
        Self {
            records: Mutex::new(records),
            vault,
            follower: OnceLock::new(),
        }
    }

    /// Has this called after each change of an organisation or a connection, before the change is told to anybody. There is
    /// one who wants that.
    pub(super) fn follow(&self, told: impl Fn(&Self) + Send + Sync + 'static) {
        let first = self.follower.set(Box::new(told));
        debug_assert!(first.is_ok(), "one follows");
    }

    fn changed<'k>(&self, mut kinds: impl Iterator<Item = &'k str>) {
        if kinds.any(|kind| [Organization::KIND, Connection::KIND].contains(&kind))
            && let Some(told) = self.follower.get()
        {
            told(self);
        }
    }

    /// The vault's key is there from now on.
    pub(super) fn set_place(&self, place: Place) {
        self.vault.set_place(place);
    }

    fn nothing_is_sealed(&self) -> bool {
        matches!(self.records().has_sealed(), Ok(false))
    }

    fn records(&self) -> MutexGuard<'_, GatewayRecords> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A record.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn find<T: Kept>(&self, name: &str) -> Result<Option<T>, StateError> {
        let found = self.records().find(T::KIND, name)?;
        found.map(|row| read(&row)).transpose()
    }

    /// All records of a kind with their names, by name. One that makes no sense is told in the log and hides no others.
    ///
    /// # Errors
    /// [`StateError`] where the state file fails.
    pub fn all<T: Kept>(&self) -> Result<Vec<(String, T)>, StateError> {
        let rows = self.records().all(T::KIND)?;
        let readable = rows.into_iter().filter_map(|row| match read(&row) {
            Ok(record) => Some((row.name, record)),
            Err(error) => {
                tracing::error!(%error, "a record is passed over");
                None
            }
        });
        Ok(readable.collect())
    }

    /// Removes a record and returns it: of several who ask at once, one gets it.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn take<T: Kept>(&self, name: &str) -> Result<Option<T>, StateError> {
        let taken = self.records().take(T::KIND, name)?;
        self.changed([T::KIND].into_iter());
        taken.map(|row| read(&row)).transpose()
    }

    /// The secret part of a record.
    ///
    /// # Errors
    /// [`StateError`].
    pub async fn secret<T: Kept>(&self, name: &str) -> Result<Option<Secret>, StateError> {
        let found = self.records().find(T::KIND, name)?;
        match found.and_then(|row| row.sealed) {
            Some(sealed) => Ok(Some(self.vault.open(T::KIND, name, &sealed).await?)),
            None => Ok(None),
        }
    }

    /// Makes sure that a secret part could be kept now.
    ///
    /// # Errors
    /// [`StateError`].
    pub async fn can_seal(&self) -> Result<(), StateError> {
        Ok(self.vault.unlock(|| self.nothing_is_sealed()).await?)
    }

    /// What was wrong with the key of what is sealed when it was needed last.
    pub(super) fn closed(&self) -> Option<String> {
        self.vault.trouble()
    }

    /// Puts a record with a secret part among changes.
    ///
    /// # Errors
    /// [`StateError`].
    pub async fn put_sealed<T: Kept>(
        &self,
        changes: &mut Changes,
        name: &str,
        record: &T,
        secret: &Secret,
    ) -> Result<(), StateError> {
        let sealed = self
            .vault
            .seal(T::KIND, name, secret, || self.nothing_is_sealed())
            .await?;
        changes.add(name, record, Some(sealed));
        Ok(())
    }

    /// Makes changes, durably, all or none.
    ///
    /// # Errors
    /// [`StateError`]; nothing was changed then.
    pub fn commit(&self, changes: Changes) -> Result<(), StateError> {
        let Changes(writes) = changes;
        if writes.is_empty() {
            return Ok(());
        }
        self.records().write(&writes)?;
        self.changed(writes.iter().filter_map(kind));
        Ok(())
    }

    /// All jobs, the most urgent first.
    pub(super) fn jobs(&self) -> Result<Vec<GatewayJob>, StateError> {
        Ok(self.records().jobs()?)
    }
}

impl Changes {
    /// No changes.
    pub fn new() -> Self {
        Self::default()
    }

    fn add<T: Kept>(&mut self, name: &str, record: &T, sealed: Option<Vec<u8>>) {
        self.0.push(GatewayWrite::Put {
            kind: T::KIND,
            record: GatewayRecord {
                name: name.into(),
                record: json(record),
                sealed,
            },
        });
    }

    /// Puts a record without a secret part, in place of one that was there.
    #[must_use]
    pub fn put<T: Kept>(mut self, name: &str, record: &T) -> Self {
        self.add(name, record, None);
        self
    }

    /// Puts a record's open part; a secret part that it has stays.
    #[must_use]
    pub fn update<T: Kept>(mut self, name: &str, record: &T) -> Self {
        self.0.push(GatewayWrite::Update {
            kind: T::KIND,
            name: name.into(),
            record: json(record),
        });
        self
    }

    /// Removes a record.
    #[must_use]
    pub fn remove<T: Kept>(mut self, name: &str) -> Self {
        self.0.push(GatewayWrite::Remove {
            kind: T::KIND,
            name: name.into(),
        });
        self
    }

    /// Plans a job, in place of one of this kind and name.
    #[must_use]
    pub fn plan(mut self, kind: &str, name: &str, due: Timestamp) -> Self {
        self.0.push(GatewayWrite::Plan(GatewayJob {
            kind: kind.into(),
            name: name.into(),
            due,
        }));
        self
    }

    /// Ends a job that was done, or puts it off, unless it was planned anew meanwhile.
    #[must_use]
    pub(super) fn end(mut self, job: GatewayJob, next: Option<Timestamp>) -> Self {
        self.0.push(GatewayWrite::End { job, next });
        self
    }

    /// Removes a job.
    #[must_use]
    pub fn done(mut self, kind: &str, name: &str) -> Self {
        self.0.push(GatewayWrite::Done {
            kind: kind.into(),
            name: name.into(),
        });
        self
    }
}

/// The kind of record that a change is about.
fn kind(write: &GatewayWrite) -> Option<&'static str> {
    match write {
        GatewayWrite::Put { kind, .. }
        | GatewayWrite::Update { kind, .. }
        | GatewayWrite::Remove { kind, .. } => Some(kind),
        GatewayWrite::Plan(_) | GatewayWrite::End { .. } | GatewayWrite::Done { .. } => None,
    }
}

fn json(record: &impl Serialize) -> String {
    serde_json::to_string(record).expect("records have a JSON form")
}

fn read<T: Kept>(row: &GatewayRecord) -> Result<T, StateError> {
    serde_json::from_str(&row.record).map_err(|error| StateError::Record {
        kind: T::KIND,
        name: row.name.clone(),
        why: error.to_string(),
    })
}
