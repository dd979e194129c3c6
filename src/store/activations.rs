//! What is kept about activations of this node: for each code what was asked, what is asked still, and how it went.

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use crate::licence::binding::CarrierBinding;
use crate::licence::{ActivationCode, Iec, Itn, KeyNo, Timestamp};

use super::{Database, StoreError};

/// The table, from version 3 of the schema on.
pub(super) const SCHEMA: &str = "
    CREATE TABLE activations (
        code TEXT PRIMARY KEY,
        itn TEXT NOT NULL,
        iec TEXT,
        carrier_id TEXT,
        carrier TEXT,
        carrier_no INTEGER,
        centre TEXT,
        key_no INTEGER,
        kid TEXT,
        last TEXT,
        action TEXT,
        request TEXT,
        offline INTEGER NOT NULL,
        contact INTEGER,
        trouble TEXT,
        failures INTEGER NOT NULL,
        next INTEGER,
        refused_for TEXT
    ) STRICT;
";

const COLUMNS: &str = "code, itn, iec, carrier_id, carrier, carrier_no, centre, key_no, kid, last, action, request, \
                       offline, contact, trouble, failures, next, refused_for";

/// A code that this node has activated, or has asked to activate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivationRow {
    /// The code.
    pub code: ActivationCode,
    /// The holder's tax number.
    pub itn: Itn,
    /// The holder's IEC (KPP).
    pub iec: Option<Iec>,
    /// The carrier that the licence is for; none: for this computer.
    pub carrier: Option<ActivationCarrier>,
    /// Address of the centre that was asked last; none: it was asked offline.
    pub centre: Option<String>,
    /// The licence, once it is here.
    pub key_no: Option<KeyNo>,
    /// Name of the vendor key that signed it.
    pub kid: Option<String>,
    /// Nonce of the last request that was answered.
    pub last: Option<String>,
    /// The request that was not answered yet.
    pub pending: Option<PendingRequest>,
    /// When the centre last answered.
    pub contact: Option<Timestamp>,
    /// What went wrong last, in words; none: it went well.
    pub trouble: Option<String>,
    /// Failures in a row.
    pub failures: u32,
    /// Not to be tried before.
    pub next: Option<Timestamp>,
    /// The `ComputerID` for which the centre has refused to activate it again.
    pub refused_for: Option<String>,
}

/// A carrier that a licence is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivationCarrier {
    /// Its stable name.
    pub id: String,
    /// What the licence is bound to.
    pub binding: CarrierBinding,
    /// The licence's `BlankKeyNo`.
    pub number: KeyNo,
}

/// A request that is repeated as it is until it was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingRequest {
    /// What it wants: `activate`, `renew` or `return`.
    pub action: String,
    /// Its text, sealed.
    pub text: String,
    /// It goes to the centre by other ways than the network.
    pub offline: bool,
}

/// The activations in the state file.
pub struct Activations {
    connection: Connection,
    database: Database,
}

impl Activations {
    /// Those of this state file, over a connection of their own.
    ///
    /// # Errors
    /// [`StoreError`] where it cannot be opened.
    pub fn open(database: &Database) -> Result<Self, StoreError> {
        Ok(Self {
            connection: database.connect()?,
            database: database.clone(),
        })
    }

    /// All of them, by code.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn all(&self) -> Result<Vec<ActivationRow>, StoreError> {
        let read = || -> rusqlite::Result<Vec<ActivationRow>> {
            let statement = format!("SELECT {COLUMNS} FROM activations ORDER BY code");
            self.connection
                .prepare_cached(&statement)?
                .query_map([], row)?
                .collect()
        };
        read().map_err(self.database.error())
    }

    /// That of a code.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn find(&self, code: &ActivationCode) -> Result<Option<ActivationRow>, StoreError> {
        find(&self.connection, code).map_err(self.database.error())
    }

    /// Changes that of a code, durably: `change` gets it, where there is one, and says what it is from now on.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was changed then.
    pub fn change(
        &mut self,
        code: &ActivationCode,
        change: impl FnOnce(Option<ActivationRow>) -> Option<ActivationRow>,
    ) -> Result<(), StoreError> {
        let connection = &mut self.connection;
        let write = move || -> rusqlite::Result<()> {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            match change(find(&transaction, code)?) {
                Some(row) => save(&transaction, &row)?,
                None => {
                    transaction.execute("DELETE FROM activations WHERE code = ?1", [code.as_str()])?;
                }
            }
            transaction.commit()
        };
        write().map_err(self.database.error())
    }
}

fn find(connection: &Connection, code: &ActivationCode) -> rusqlite::Result<Option<ActivationRow>> {
    let statement = format!("SELECT {COLUMNS} FROM activations WHERE code = ?1");
    connection
        .prepare_cached(&statement)?
        .query_row([code.as_str()], row)
        .optional()
}

fn save(connection: &Connection, row: &ActivationRow) -> rusqlite::Result<()> {
    let carrier = row.carrier.as_ref();
    let binding = carrier.map(|carrier| serde_json::to_string(&carrier.binding));
    let binding = binding
        .transpose()
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    let pending = row.pending.as_ref();
    let places: Vec<String> = (1..=18).map(|place| format!("?{place}")).collect();
    let statement = format!(
        "INSERT OR REPLACE INTO activations ({COLUMNS}) VALUES ({})",
        places.join(", ")
    );
    connection.execute(
        &statement,
        params![
            row.code.as_str(),
            row.itn.to_string(),
            row.iec.as_ref().map(Iec::as_str),
            carrier.map(|carrier| &carrier.id),
            binding,
            carrier.map(|carrier| carrier.number),
            row.centre,
            row.key_no,
            row.kid,
            row.last,
            pending.map(|pending| &pending.action),
            pending.map(|pending| &pending.text),
            pending.is_some_and(|pending| pending.offline),
            row.contact.map(Timestamp::millis),
            row.trouble,
            row.failures,
            row.next.map(Timestamp::millis),
            row.refused_for,
        ],
    )?;
    Ok(())
}

fn row(row: &Row<'_>) -> rusqlite::Result<ActivationRow> {
    fn wrong<E: std::error::Error + Send + Sync + 'static>(column: usize) -> impl Fn(E) -> rusqlite::Error {
        move |error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
    }
    let iec: Option<String> = row.get(2)?;
    let carrier = match (row.get(3)?, row.get::<_, Option<String>>(4)?, row.get(5)?) {
        (Some(id), Some(binding), Some(number)) => Some(ActivationCarrier {
            id,
            binding: serde_json::from_str(&binding).map_err(wrong(4))?,
            number,
        }),
        _ => None,
    };
    let pending = match (row.get(10)?, row.get(11)?) {
        (Some(action), Some(text)) => Some(PendingRequest {
            action,
            text,
            offline: row.get(12)?,
        }),
        _ => None,
    };
    let time =
        |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_millis));
    Ok(ActivationRow {
        code: ActivationCode::parse(&row.get::<_, String>(0)?).map_err(wrong(0))?,
        itn: Itn::parse(&row.get::<_, String>(1)?).map_err(wrong(1))?,
        iec: iec.map(|iec| Iec::parse(&iec)).transpose().map_err(wrong(2))?,
        carrier,
        centre: row.get(6)?,
        key_no: row.get(7)?,
        kid: row.get(8)?,
        last: row.get(9)?,
        pending,
        contact: time(13)?,
        trouble: row.get(14)?,
        failures: row.get(15)?,
        next: time(16)?,
        refused_for: row.get(17)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> ActivationRow {
        ActivationRow {
            code: ActivationCode::parse("4345-9320-2035-7421-5361").unwrap(),
            itn: Itn::parse("1234567894").unwrap(),
            iec: Some(Iec::parse("027701001").unwrap()),
            carrier: Some(ActivationCarrier {
                id: "hid-LK-1".into(),
                binding: CarrierBinding {
                    driver: "hid".into(),
                    serial: "LK-1".into(),
                    public_key: Some("AA".into()),
                },
                number: 42,
            }),
            centre: Some("https://centre.example".into()),
            key_no: Some(7),
            kid: Some("k".into()),
            last: Some("n".into()),
            pending: Some(PendingRequest {
                action: "renew".into(),
                text: "{}".into(),
                offline: true,
            }),
            contact: Some(Timestamp::from_millis(5)),
            trouble: Some("none".into()),
            failures: 3,
            next: Some(Timestamp::from_millis(6)),
            refused_for: Some("ABC".into()),
        }
    }

    #[test]
    fn what_is_written_is_read_back_and_can_be_removed() {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::open(dir.path()).unwrap();
        let mut activations = Activations::open(&database).unwrap();
        let full = example();
        activations.change(&full.code, |_| Some(example())).unwrap();
        assert_eq!(activations.find(&full.code).unwrap(), Some(example()));
        let bare = |_| {
            Some(ActivationRow {
                iec: None,
                carrier: None,
                pending: None,
                contact: None,
                next: None,
                ..example()
            })
        };
        activations.change(&full.code, bare).unwrap();
        assert_eq!(activations.all().unwrap(), [bare(None).unwrap()]);
        activations.change(&full.code, |_| None).unwrap();
        assert_eq!(activations.all().unwrap(), []);
    }
}
