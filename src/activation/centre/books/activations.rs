//! Activations in the books: where licences are and were.

use rusqlite::{Row, params_from_iter};

use crate::licence::Licence;
use crate::licence::binding::{Binding, Fingerprint};

use super::super::columns as column;
use super::super::error::CentreError;
use super::super::rows::{ActivationFilter, ActivationRow};
use super::super::store;
use super::Books;
use super::conditions::Conditions;

impl Books {
    /// Activations, past and present.
    ///
    /// # Errors
    /// [`CentreError::Store`].
    pub fn activations(&self, filter: &ActivationFilter) -> Result<Vec<ActivationRow>, CentreError> {
        let mut conditions = Conditions::default();
        conditions.add("a.number > ?", filter.after);
        conditions.add("a.key_no = ?", filter.key_no);
        conditions.add("b.key_id = ?", filter.key_id.map(|key_id| key_id.to_string()));
        if filter.current {
            conditions.require("a.ended IS NULL");
        }
        if filter.cloned {
            conditions.require("a.cloned IS NOT NULL");
        }
        let (tail, values) = conditions.ordered("a.number", filter.limit);
        let query = format!(
            "SELECT a.*, c.code FROM activations AS a JOIN codes AS c ON c.key_no = a.key_no \
             JOIN batches AS b ON b.number = c.batch {tail}"
        );
        self.read(|connection| {
            let mut statement = connection.prepare(&query)?;
            statement.query_map(params_from_iter(values), read)?.collect()
        })
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<ActivationRow> {
    let document: Licence = column::json(row, "document")?;
    Ok(ActivationRow {
        number: row.get("number")?,
        key_no: row.get("key_no")?,
        code: column::code(row, "code")?,
        started: column::time(row, "started")?,
        ended: column::ended(row)?,
        place: place(&document.binding),
        node: store::short(&row.get("node_key")?),
        first_address: column::parsed(row, "first_address")?,
        last_address: column::parsed(row, "last_address")?,
        last_seen: column::time(row, "last_seen")?,
        counted: row.get("counted")?,
        recovered: document.recovered,
        cloned: column::maybe_json(row, "cloned")?,
    })
}

/// A place in words.
fn place(binding: &Binding) -> String {
    match binding {
        Binding::None => "anywhere".into(),
        Binding::Computer(computer) => {
            let shown = Fingerprint::new(computer.components.clone(), Vec::new()).computer_id();
            format!("computer {}…", &shown[..12])
        }
        Binding::Carrier(carrier) => {
            let serial: String = carrier.serial.chars().take(40).collect();
            let cut = if serial.len() < carrier.serial.len() {
                "…"
            } else {
                ""
            };
            format!("carrier {} {serial}{cut}", carrier.driver)
        }
    }
}
