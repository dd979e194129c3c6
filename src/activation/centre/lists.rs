//! The list of revocations: read and signed when it has changed and somebody asks for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use rusqlite::Connection;

use crate::licence::{Revocation, Revocations, Timestamp, Unsigned};
use crate::store::{Database, StoreError};

use super::columns as column;
use super::signer::VendorSigner;

/// A list as it is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedList {
    /// Name of the vendor key that signed it.
    pub kid: String,
    /// Its number.
    pub number: u64,
    /// The JWS.
    pub text: String,
}

/// The lists that one vendor key signs.
pub(super) struct Lists {
    database: Database,
    /// For a short question: which number the list has now.
    connection: Mutex<Connection>,
    signed: ArcSwapOption<SignedList>,
    /// Only one builds a list; the others wait for it.
    building: tokio::sync::Mutex<()>,
}

impl Lists {
    pub(super) fn new(database: &Database) -> Result<Self, StoreError> {
        Ok(Self {
            connection: Mutex::new(database.connect()?),
            database: database.clone(),
            signed: ArcSwapOption::empty(),
            building: tokio::sync::Mutex::default(),
        })
    }

    /// The list as it is now.
    ///
    /// # Errors
    /// Why not, in words.
    pub(super) async fn signed(
        &self,
        signer: &VendorSigner,
        now: Timestamp,
    ) -> Result<Arc<SignedList>, String> {
        if let Some(list) = self.known()? {
            return Ok(list);
        }
        let _alone = self.building.lock().await;
        if let Some(list) = self.known()? {
            return Ok(list);
        }
        let database = self.database.clone();
        // A list may be long.
        let kid = signer.kid().to_owned();
        let unsigned = tokio::task::spawn_blocking({
            let kid = kid.clone();
            move || read(&database, now).map(|list| (list.number, Unsigned::notice(&list, &kid)))
        });
        let (number, unsigned) = unsigned
            .await
            .map_err(|error| error.to_string())?
            .map_err(|error| error.to_string())?;
        let signature = signer.sign(unsigned.bytes()).await?;
        let text = unsigned.signed(&signature);
        let list = Arc::new(SignedList { kid, number, text });
        self.signed.store(Some(list.clone()));
        Ok(list)
    }

    /// What was signed last, where nothing has changed since.
    fn known(&self) -> Result<Option<Arc<SignedList>>, String> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let number = number(&connection).map_err(|error| error.to_string())?;
        let signed = self.signed.load_full();
        Ok(signed.filter(|list| list.number == number))
    }
}

fn number(connection: &Connection) -> rusqlite::Result<u64> {
    connection
        .prepare_cached("SELECT list FROM centre")?
        .query_row([], |row| row.get(0))
}

fn read(database: &Database, now: Timestamp) -> Result<Revocations, StoreError> {
    let mut connection = database.connect()?;
    let mut read = || {
        let snapshot = connection.transaction()?;
        let mut statement = snapshot.prepare("SELECT key_no, until, reason FROM revocations")?;
        let keys = statement.query_map([], |row| {
            let until = column::time(row, "until")?;
            Ok((
                row.get("key_no")?,
                Revocation(until, column::reason(row, "reason")?),
            ))
        })?;
        let keys = keys.collect::<rusqlite::Result<BTreeMap<_, _>>>()?;
        Ok(Revocations {
            number: number(&snapshot)?,
            issued: now,
            keys,
        })
    };
    read().map_err(database.error())
}
