//! Messages that are not delivered yet, and what was told, in the state file: a restart loses none and repeats none.

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::licence::Timestamp;
use crate::store::{Database, StoreError};

use super::watch::Memory;

/// The most messages that wait for one webhook; beyond it the oldest go.
const MOST: u64 = 1000;

/// Rows under this name are no messages but what was told: `due` is the key's number.
const MEMORY: &str = "";

const LOST: &str = "key-lost";
const DAYS: &str = "days-left";

/// The table of messages.
pub(super) struct Queue(Connection);

/// A message that waits.
#[derive(Debug, PartialEq)]
pub(super) struct Waiting {
    pub(super) id: i64,
    pub(super) event: String,
    pub(super) body: String,
    pub(super) made: Timestamp,
    pub(super) due: Timestamp,
    pub(super) tries: u32,
}

/// A message for a webhook.
pub(super) struct Message<'a> {
    pub(super) webhook: &'a str,
    pub(super) event: &'static str,
    pub(super) body: String,
}

impl Queue {
    pub(super) fn open(database: &Database) -> Result<Self, StoreError> {
        Ok(Self(database.connect()?))
    }

    /// Adds messages, and remembers what they tell of, all or nothing. Gives the names of webhooks whose oldest messages
    /// had to go for that.
    pub(super) fn add(
        &mut self,
        messages: &[Message<'_>],
        memories: &[Memory],
        now: Timestamp,
    ) -> rusqlite::Result<Vec<String>> {
        let transaction = self.0.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut shortened = Vec::new();
        for message in messages {
            transaction.execute(
                "INSERT INTO webhook_queue (webhook, event, body, made, due, tries) VALUES (?1, ?2, ?3, ?4, ?4, 0)",
                params![message.webhook, message.event, message.body, now.millis()],
            )?;
            let surplus = transaction.execute(
                "DELETE FROM webhook_queue WHERE webhook = ?1 AND id <= (SELECT id FROM webhook_queue
                    WHERE webhook = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
                params![message.webhook, MOST],
            )?;
            if surplus > 0 {
                shortened.push(message.webhook.to_owned());
            }
        }
        for memory in memories {
            remember(&transaction, *memory, now)?;
        }
        transaction.commit()?;
        Ok(shortened)
    }

    /// What was told before.
    pub(super) fn memories(&self) -> rusqlite::Result<Vec<Memory>> {
        let mut statement = self
            .0
            .prepare("SELECT event, due, tries, body FROM webhook_queue WHERE webhook = ?1")?;
        let rows = statement.query_map([MEMORY], |row| {
            let (event, key_no): (String, u64) = (row.get(0)?, row.get(1)?);
            let end: String = row.get(3)?;
            let end = Timestamp::from_millis(end.parse().unwrap_or_default());
            Ok(match event.as_str() {
                DAYS => Memory::Days(key_no, (end, row.get(2)?)),
                _ => Memory::Lost(key_no),
            })
        })?;
        rows.collect()
    }

    /// Forgets messages for webhooks that there are no more.
    pub(super) fn keep(&self, webhooks: &[&str]) -> rusqlite::Result<()> {
        let names = serde_json::Value::from(webhooks.to_vec()).to_string();
        self.0.execute(
            "DELETE FROM webhook_queue WHERE webhook <> ?1 AND webhook NOT IN (SELECT value FROM json_each(?2))",
            params![MEMORY, names],
        )?;
        Ok(())
    }

    /// The oldest message for a webhook.
    pub(super) fn first(&self, webhook: &str) -> rusqlite::Result<Option<Waiting>> {
        let found = self
            .0
            .prepare_cached(
                "SELECT id, event, body, made, due, tries FROM webhook_queue WHERE webhook = ?1 ORDER BY id LIMIT 1",
            )?
            .query_row([webhook], |row| {
                Ok(Waiting {
                    id: row.get(0)?,
                    event: row.get(1)?,
                    body: row.get(2)?,
                    made: Timestamp::from_millis(row.get(3)?),
                    due: Timestamp::from_millis(row.get(4)?),
                    tries: row.get(5)?,
                })
            });
        found.optional()
    }

    /// A message was delivered, or given up.
    pub(super) fn remove(&self, id: i64) -> rusqlite::Result<()> {
        self.0.execute("DELETE FROM webhook_queue WHERE id = ?1", [id])?;
        Ok(())
    }

    /// A message was not delivered: when to try again.
    pub(super) fn later(&self, id: i64, due: Timestamp, tries: u32) -> rusqlite::Result<()> {
        self.0.execute(
            "UPDATE webhook_queue SET due = ?2, tries = ?3 WHERE id = ?1",
            params![id, due.millis(), tries],
        )?;
        Ok(())
    }
}

fn remember(transaction: &Transaction<'_>, memory: Memory, now: Timestamp) -> rusqlite::Result<()> {
    let (event, key_no) = match memory {
        Memory::Lost(key_no) | Memory::Back(key_no) => (LOST, key_no),
        Memory::Days(key_no, _) => (DAYS, key_no),
    };
    transaction.execute(
        "DELETE FROM webhook_queue WHERE webhook = ?1 AND event = ?2 AND due = ?3",
        params![MEMORY, event, key_no],
    )?;
    let (end, step) = match memory {
        Memory::Back(_) => return Ok(()),
        Memory::Lost(_) => (0, 0),
        Memory::Days(_, (end, step)) => (end.millis(), step),
    };
    transaction.execute(
        "INSERT INTO webhook_queue (webhook, event, body, made, due, tries) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![MEMORY, event, end.to_string(), now.millis(), key_no, step],
    )?;
    Ok(())
}
