//! The centre's database.

use std::path::Path;

use super::error::CentreError;
use crate::store::{AUDIT_TABLE, Database, Schema, StoreError};

/// Name of the file in the centre's directory.
pub const DATABASE: &str = "centre.db";

/// KeyNo are handed out one after the other and never again, so codes are appended to their table; each is found by an index. What
/// happens to a code costs the same among a thousand and among millions.
const CENTRE: Schema = Schema {
    file_name: DATABASE,
    migrations: &[
        AUDIT_TABLE,
        "
    CREATE TABLE centre (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        secret BLOB NOT NULL,
        base INTEGER NOT NULL,
        last_key_no INTEGER NOT NULL,
        list INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE products (
        article TEXT PRIMARY KEY,
        product_name TEXT NOT NULL,
        article_name TEXT NOT NULL,
        product_version INTEGER NOT NULL,
        version_name TEXT,
        service_type INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE series (
        key_id TEXT PRIMARY KEY,
        article TEXT NOT NULL REFERENCES products (article),
        key_type INTEGER NOT NULL,
        seats INTEGER NOT NULL,
        flags INTEGER NOT NULL,
        period INTEGER NOT NULL,
        tolerance INTEGER NOT NULL,
        moves INTEGER NOT NULL,
        reactivation INTEGER NOT NULL,
        support_date INTEGER,
        support_period INTEGER,
        industry_support_date INTEGER,
        industry_support_period INTEGER
    ) STRICT;
    CREATE TABLE batches (
        number INTEGER PRIMARY KEY,
        key_id TEXT NOT NULL REFERENCES series (key_id),
        count INTEGER NOT NULL,
        issued INTEGER NOT NULL,
        created INTEGER NOT NULL,
        note TEXT NOT NULL,
        reg_no INTEGER,
        itn TEXT,
        iec TEXT,
        valid_until INTEGER,
        renew_until INTEGER,
        moves INTEGER
    ) STRICT;
    CREATE TABLE codes (
        key_no INTEGER PRIMARY KEY,
        tag INTEGER NOT NULL,
        code TEXT NOT NULL,
        batch INTEGER NOT NULL REFERENCES batches (number),
        itn TEXT,
        iec TEXT,
        bound INTEGER NOT NULL,
        renew_until INTEGER,
        moves INTEGER,
        revoked INTEGER,
        begun INTEGER,
        period INTEGER NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX codes_tag ON codes (tag);
    CREATE INDEX codes_batch ON codes (batch, key_no);
    CREATE TABLE activations (
        number INTEGER PRIMARY KEY,
        key_no INTEGER NOT NULL REFERENCES codes (key_no),
        started INTEGER NOT NULL,
        node_key BLOB NOT NULL,
        document TEXT NOT NULL,
        version INTEGER NOT NULL,
        heads TEXT NOT NULL,
        counted INTEGER NOT NULL,
        cloned TEXT,
        first_address TEXT NOT NULL,
        last_address TEXT NOT NULL,
        last_seen INTEGER NOT NULL,
        ended INTEGER,
        end TEXT,
        returned BLOB
    ) STRICT;
    CREATE INDEX activations_of ON activations (key_no, number);
    CREATE UNIQUE INDEX activations_current ON activations (key_no) WHERE ended IS NULL;
    CREATE TABLE answered (
        key_no INTEGER NOT NULL,
        nonce BLOB NOT NULL,
        PRIMARY KEY (key_no, nonce)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE recoveries (
        key_no INTEGER NOT NULL,
        hash BLOB NOT NULL,
        until INTEGER NOT NULL,
        used INTEGER NOT NULL,
        PRIMARY KEY (key_no, hash)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE revocations (
        key_no INTEGER PRIMARY KEY,
        until INTEGER NOT NULL,
        reason TEXT NOT NULL
    ) STRICT;
    CREATE TABLE api_keys (
        name TEXT PRIMARY KEY,
        hash BLOB NOT NULL,
        added INTEGER NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX api_keys_hash ON api_keys (hash);
",
        "
    ALTER TABLE batches ADD COLUMN order_name TEXT;
    CREATE UNIQUE INDEX batches_order ON batches (order_name);
",
    ],
};

/// Opens the database in this directory; makes it where there is none.
pub(super) fn open(dir: &Path) -> Result<Database, StoreError> {
    Database::open_as(dir, CENTRE)
}

/// Opens the database of a centre that was made.
pub(super) fn open_existing(dir: &Path) -> Result<Database, CentreError> {
    let missing = || CentreError::NoCentre(dir.into());
    if !dir.join(DATABASE).exists() {
        return Err(missing());
    }
    let database = open(dir)?;
    // Making one may have been interrupted.
    let made = || {
        database
            .connect()?
            .query_row("SELECT count(*) > 0 FROM centre", [], |row| row.get(0))
            .map_err(database.error())
    };
    if made()? { Ok(database) } else { Err(missing()) }
}
