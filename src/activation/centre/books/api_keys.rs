//! Keys of the vendor's own systems: 256 random bits, kept as a hash.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rusqlite::params;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::store::Author;

use super::super::columns as column;
use super::super::error::CentreError;
use super::super::rows::ApiKeyRow;
use super::{Books, checked};

impl Books {
    /// Makes a key for the vendor's own systems. It is shown here once and stored as a hash.
    ///
    /// # Errors
    /// [`CentreError::Taken`], [`CentreError::Invalid`].
    pub fn add_api_key(&mut self, name: &str, by: &Author) -> Result<Zeroizing<String>, CentreError> {
        if name.is_empty() {
            return Err(CentreError::Invalid("an API key needs a name".into()));
        }
        checked("the name of an API key", name, 100)?;
        let mut bytes = Zeroizing::new([0; 32]);
        SystemRandom::new()
            .fill(bytes.as_mut())
            .map_err(|_| CentreError::Random)?;
        let key = Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes));
        self.write(|transaction, notes| {
            let added = transaction.execute(
                "INSERT INTO api_keys (name, hash, added) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO NOTHING",
                params![name, hash(&key), by.time.millis()],
            )?;
            if added == 0 {
                return Err(CentreError::Taken(format!("an API key {name:?}")).into());
            }
            notes.push(by.did("api-key", name, "added"));
            Ok(())
        })?;
        Ok(key)
    }

    /// All such keys, by name.
    ///
    /// # Errors
    /// [`CentreError::Store`].
    pub fn api_keys(&self) -> Result<Vec<ApiKeyRow>, CentreError> {
        self.read(|connection| {
            let mut statement = connection.prepare("SELECT name, added FROM api_keys ORDER BY name")?;
            let rows = statement.query_map([], |row| {
                Ok(ApiKeyRow {
                    name: row.get("name")?,
                    added: column::time(row, "added")?,
                })
            })?;
            rows.collect()
        })
    }

    /// The name of this key, where it is one. Only hashes are compared: how long that takes tells nothing of a key.
    ///
    /// # Errors
    /// [`CentreError::Store`].
    pub fn check_api_key(&self, key: &str) -> Result<Option<String>, CentreError> {
        self.read(|connection| {
            // All of them are looked at, each in the same time: how long it takes tells nothing of any.
            let (given, mut found) = (hash(key), None);
            let mut rows = connection.prepare_cached("SELECT name, hash FROM api_keys")?;
            let mut rows = rows.query([])?;
            while let Some(row) = rows.next()? {
                let known: Vec<u8> = row.get(1)?;
                if verify_slices_are_equal(&known, &given).is_ok() {
                    found = Some(row.get(0)?);
                }
            }
            Ok(found)
        })
    }

    /// Removes such a key; the result says whether there was one.
    ///
    /// # Errors
    /// [`CentreError::Store`].
    pub fn remove_api_key(&mut self, name: &str, by: &Author) -> Result<bool, CentreError> {
        self.write(|transaction, notes| {
            let removed = transaction.execute("DELETE FROM api_keys WHERE name = ?1", [name])? > 0;
            if removed {
                notes.push(by.did("api-key", name, "removed"));
            }
            Ok(removed)
        })
    }
}

fn hash(key: &str) -> [u8; 32] {
    Sha256::digest(key).into()
}
