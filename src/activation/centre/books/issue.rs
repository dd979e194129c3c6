//! Codes are issued in parts, each on disk before it is shown: whatever ends the program, no code that anybody saw is lost.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::licence::{Iec, KeyNo, MAX_KEY_NO};
use crate::store::Author;

use super::super::codes::{Made, bare};
use super::super::columns as column;
use super::super::error::CentreError;
use super::super::rows::{Batch, IssueOrder, IssuedCode};
use super::goods::find_series;
use super::{Books, Fault, checked};

/// Codes of one transaction.
const PART: usize = 10_000;

/// Codes that are made at once, to be written in the order of their tags: some 32 MB.
const RUN: u64 = 1_000_000;

/// The most codes of one batch.
const MOST: u64 = 10_000_000;

/// Between two parts, a running centre gets its turn.
const TURN: Duration = Duration::from_millis(3);

impl Books {
    /// Issues codes. `visit` gets the batch as it stands and the codes that were just written, some 10,000 at a time,
    /// once they are on disk; where it gives false, issuing ends there. A batch that was interrupted is continued by
    /// [`Books::resume`]; what there is of it can be exported. An order whose name is known is resumed, too.
    ///
    /// # Errors
    /// [`CentreError::NoSeries`], [`CentreError::Invalid`]; [`CentreError::Taken`] where there is another order of its name.
    pub fn issue(
        &mut self,
        order: &IssueOrder,
        by: &Author,
        visit: impl FnMut(&Batch, &[IssuedCode]) -> bool,
    ) -> Result<Batch, CentreError> {
        if !(1..=MOST).contains(&order.count) {
            return Err(CentreError::Invalid(format!("a batch has 1 to {MOST} codes")));
        }
        if order.iec.is_some() && order.itn.is_none() {
            return Err(CentreError::Invalid("an IEC needs an ITN".into()));
        }
        checked("the note", &order.note, 200)?;
        if let Some(name) = &order.order {
            checked("the order", name, 200)?;
            if name.is_empty() {
                return Err(CentreError::Invalid("an order has a name".into()));
            }
        }
        let number = self.write(|transaction, notes| {
            if let Some(number) = ordered(transaction, order)? {
                return Ok(number);
            }
            if find_series(transaction, order.key_id)?.is_none() {
                return Err(CentreError::NoSeries(order.key_id).into());
            }
            if let Some(until) = order.valid_until.filter(|until| *until <= by.time) {
                let why = format!("these codes would have to be used before {until}, which is over already");
                return Err(CentreError::Invalid(why).into());
            }
            let number = add_batch(transaction, order, by)?;
            let detail = format!("{} codes of series {} ordered", order.count, order.key_id);
            notes.push(by.did("batch", number.to_string(), detail));
            Ok(number)
        })?;
        self.resume(number, by, visit)
    }

    /// Issues what is missing of a batch; what was there before is not visited.
    ///
    /// # Errors
    /// [`CentreError::NoBatch`].
    pub fn resume(
        &mut self,
        number: u64,
        by: &Author,
        mut visit: impl FnMut(&Batch, &[IssuedCode]) -> bool,
    ) -> Result<Batch, CentreError> {
        let mut made: Vec<Made> = Vec::new();
        loop {
            let batch = self.batch(number)?;
            if batch.issued >= batch.count {
                return Ok(batch);
            }
            if made.is_empty() {
                made = self.make((batch.count - batch.issued).min(RUN))?;
            }
            let part = made.split_off(made.len().saturating_sub(PART));
            let (batch, part) = self.add(number, &part, by)?;
            if !visit(&batch, &part) {
                return Ok(batch);
            }
            std::thread::sleep(TURN);
        }
    }

    /// Makes codes, those with the highest tags first.
    fn make(&mut self, count: u64) -> Result<Vec<Made>, CentreError> {
        let made = (0..count)
            .map(|_| self.codes.make())
            .collect::<Result<Vec<_>, _>>();
        let mut made = made?;
        made.sort_unstable();
        Ok(made)
    }

    fn batch(&self, number: u64) -> Result<Batch, CentreError> {
        let batch = self.read(|connection| batch(connection, number))?;
        batch.ok_or(CentreError::NoBatch(number))
    }

    /// Writes codes of a batch, as far as it lacks any.
    fn add(
        &mut self,
        number: u64,
        made: &[Made],
        by: &Author,
    ) -> Result<(Batch, Vec<IssuedCode>), CentreError> {
        let base = self.base;
        self.write(|transaction, notes| {
            let mut batch = batch(transaction, number)?.ok_or(CentreError::NoBatch(number))?;
            let part = add_codes(transaction, &mut batch, base, made)?;
            if batch.issued == batch.count && !part.is_empty() {
                notes.push(by.did(
                    "batch",
                    number.to_string(),
                    format!("{} codes issued", batch.count),
                ));
            }
            Ok((batch, part))
        })
    }

    /// All batches, by number.
    ///
    /// # Errors
    /// [`CentreError::Store`].
    pub fn batches(&self) -> Result<Vec<Batch>, CentreError> {
        self.read(|connection| {
            let mut statement = connection.prepare("SELECT * FROM batches ORDER BY number")?;
            statement.query_map([], read)?.collect()
        })
    }
}

fn batch(connection: &Connection, number: u64) -> rusqlite::Result<Option<Batch>> {
    connection
        .query_row("SELECT * FROM batches WHERE number = ?1", [number], read)
        .optional()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Batch> {
    Ok(Batch {
        number: row.get("number")?,
        key_id: column::key_id(row, "key_id")?,
        count: row.get("count")?,
        issued: row.get("issued")?,
        created: column::time(row, "created")?,
        note: row.get("note")?,
        order: row.get("order_name")?,
    })
}

/// The batch of this order, where it has a name and was placed before.
fn ordered(transaction: &Transaction<'_>, order: &IssueOrder) -> Result<Option<u64>, Fault> {
    let Some(name) = &order.order else {
        return Ok(None);
    };
    let known: Option<u64> = transaction
        .query_row(
            "SELECT number FROM batches WHERE order_name = ?1",
            [name],
            |row| row.get(0),
        )
        .optional()?;
    let Some(number) = known else {
        return Ok(None);
    };
    let query = "SELECT 1 FROM batches WHERE number = ?1 AND key_id IS ?2 AND count IS ?3 AND note IS ?4 AND reg_no IS ?5 \
                 AND itn IS ?6 AND iec IS ?7 AND valid_until IS ?8 AND renew_until IS ?9 AND moves IS ?10";
    let same = transaction.prepare(query)?.exists(params![
        number,
        order.key_id.as_str(),
        order.count,
        order.note,
        order.reg_no,
        order.itn.as_ref().map(ToString::to_string),
        order.iec.as_ref().map(Iec::as_str),
        column::millis(order.valid_until),
        column::millis(order.renew_until),
        order.moves
    ])?;
    if same {
        Ok(Some(number))
    } else {
        Err(CentreError::Taken(format!("an order {name:?}, which is for something else")).into())
    }
}

fn add_batch(transaction: &Transaction<'_>, order: &IssueOrder, by: &Author) -> rusqlite::Result<u64> {
    transaction.query_row(
        "INSERT INTO batches (key_id, count, issued, created, note, reg_no, itn, iec, valid_until, renew_until, moves, \
         order_name) VALUES (?1, ?2, 0, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) RETURNING number",
        params![
            order.key_id.as_str(),
            order.count,
            by.time.millis(),
            order.note,
            order.reg_no,
            order.itn.as_ref().map(ToString::to_string),
            order.iec.as_ref().map(Iec::as_str),
            column::millis(order.valid_until),
            column::millis(order.renew_until),
            order.moves,
            order.order
        ],
        |row| row.get(0),
    )
}

/// Writes the next codes of a batch.
fn add_codes(
    transaction: &Transaction<'_>,
    batch: &mut Batch,
    base: KeyNo,
    made: &[Made],
) -> Result<Vec<IssuedCode>, Fault> {
    let mut key_no: KeyNo = transaction.query_row("SELECT last_key_no FROM centre", [], |row| row.get(0))?;
    let reg_no: Option<u64> = transaction.query_row(
        "SELECT reg_no FROM batches WHERE number = ?1",
        [batch.number],
        |row| row.get(0),
    )?;
    let missing = usize::try_from(batch.count.saturating_sub(batch.issued)).unwrap_or(usize::MAX);
    let mut part = Vec::with_capacity(made.len());
    {
        let mut insert = transaction.prepare_cached(
            "INSERT OR IGNORE INTO codes (key_no, tag, code, batch, itn, iec, bound, renew_until, moves, period) \
             SELECT ?1, ?2, ?3, number, itn, iec, 0, renew_until, moves, 0 FROM batches WHERE number = ?4",
        )?;
        for made in made.iter().take(missing) {
            if key_no >= MAX_KEY_NO {
                return Err(CentreError::Invalid("there are no KeyNo left".into()).into());
            }
            let code = made.code();
            // Two codes of one tag are not to be expected; the second would be left out.
            if insert.execute(params![key_no + 1, made.tag, bare(&code), batch.number])? == 0 {
                continue;
            }
            key_no += 1;
            part.push(IssuedCode {
                code,
                key_no,
                reg_no: reg_no.unwrap_or(key_no - base),
            });
        }
    }
    batch.issued += part.len() as u64;
    transaction.execute("UPDATE centre SET last_key_no = ?1", [key_no])?;
    transaction.execute(
        "UPDATE batches SET issued = ?2 WHERE number = ?1",
        params![batch.number, batch.issued],
    )?;
    Ok(part)
}
