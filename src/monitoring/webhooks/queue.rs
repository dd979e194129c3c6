//! Messages that are not delivered yet, and what was told, in the state file: a restart loses none and repeats none.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::licence::{DAY, Timestamp};
use crate::store::{Database, StoreError};

use super::alert::Alert;
use super::watch::Memory;

/// The most messages that wait for one webhook; beyond it the oldest go.
const MOST: u64 = 1000;

/// Rows under this name are no messages but what is remembered: `due` is the key's number. Their ids are below 1, made of
/// that number, so that none is there twice; messages count from 1 on.
const MEMORY: &str = "";

/// What was told is remembered for so long, in milliseconds: more than a year's licence lasts.
const FORGOTTEN: i64 = 400 * DAY;

const GIVES: &str = "gives";
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
#[derive(Debug)]
pub(super) struct Message {
    pub(super) webhook: String,
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
        messages: &[Message],
        memories: &[Memory],
        now: Timestamp,
    ) -> rusqlite::Result<Vec<String>> {
        let transaction = self.0.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut shortened = Vec::new();
        for message in messages {
            transaction.execute(
                "INSERT INTO webhook_queue (id, webhook, event, body, made, due, tries)
                    VALUES ((SELECT max(0, coalesce(max(id), 0)) + 1 FROM webhook_queue), ?1, ?2, ?3, ?4, ?4, 0)",
                params![message.webhook, message.event, message.body, now.millis()],
            )?;
            let surplus = transaction.execute(
                "DELETE FROM webhook_queue WHERE webhook = ?1 AND id > 0 AND id <= (SELECT id FROM webhook_queue
                    WHERE webhook = ?1 AND id > 0 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
                params![message.webhook, MOST],
            )?;
            if surplus > 0 {
                shortened.push(message.webhook.clone());
            }
        }
        for memory in memories {
            remember(&transaction, memory, now)?;
        }
        transaction.commit()?;
        Ok(shortened)
    }

    /// What is remembered; what was told of keys so long ago that they will not come back is forgotten.
    pub(super) fn memories(&self, now: Timestamp) -> rusqlite::Result<Vec<Memory>> {
        self.0.execute(
            "DELETE FROM webhook_queue WHERE webhook = ?1 AND event <> ?2 AND made < ?3",
            params![MEMORY, GIVES, now.plus(-FORGOTTEN).millis()],
        )?;
        let mut statement = self
            .0
            .prepare("SELECT event, due, tries, body FROM webhook_queue WHERE webhook = ?1")?;
        let rows = statement.query_map([MEMORY], |row| {
            let (event, key_no): (String, u64) = (row.get(0)?, row.get(1)?);
            let body: String = row.get(3)?;
            let end = || Timestamp::from_millis(body.parse().unwrap_or_default());
            Ok(match event.as_str() {
                DAYS => Memory::Days(key_no, (end(), row.get(2)?)),
                GIVES => Memory::Gives(key_no, Alert::remembered(&body)),
                _ => Memory::Lost(key_no),
            })
        })?;
        rows.collect()
    }

    /// Forgets which keys give seats and which are lost.
    pub(super) fn forget_keys(&self) -> rusqlite::Result<()> {
        self.0.execute(
            "DELETE FROM webhook_queue WHERE webhook = ?1 AND event IN (?2, ?3)",
            params![MEMORY, GIVES, LOST],
        )?;
        Ok(())
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

    /// How many messages wait for each webhook that any wait for.
    pub(super) fn waiting(&self) -> rusqlite::Result<BTreeMap<String, u64>> {
        let mut statement = self
            .0
            .prepare_cached("SELECT webhook, count(*) FROM webhook_queue WHERE id > 0 GROUP BY webhook")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect()
    }

    /// The oldest message for a webhook.
    pub(super) fn first(&self, webhook: &str) -> rusqlite::Result<Option<Waiting>> {
        let found = self
            .0
            .prepare_cached(
                "SELECT id, event, body, made, due, tries FROM webhook_queue WHERE webhook = ?1 AND id > 0 ORDER BY id LIMIT 1",
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

    /// A message was not delivered until `now`: when to try again. One that was made later than that was so by a clock
    /// that has been set back since; its time runs from now on.
    pub(super) fn later(&self, id: i64, due: Timestamp, tries: u32, now: Timestamp) -> rusqlite::Result<()> {
        self.0.execute(
            "UPDATE webhook_queue SET due = ?2, tries = ?3, made = min(made, ?4) WHERE id = ?1",
            params![id, due.millis(), tries, now.millis()],
        )?;
        Ok(())
    }
}

fn remember(transaction: &Transaction<'_>, memory: &Memory, now: Timestamp) -> rusqlite::Result<()> {
    let (event, key_no, body, step) = match memory {
        Memory::Gives(key_no, alert) => (GIVES, *key_no, alert.fields(), 0),
        Memory::Lost(key_no) => (LOST, *key_no, String::new(), 0),
        Memory::Days(key_no, (end, step)) => (DAYS, *key_no, end.millis().to_string(), *step),
    };
    // A key gives seats or is lost; what was told of its end goes beside that. Numbers of keys are below 2^53.
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO webhook_queue (id, webhook, event, body, made, due, tries)
                VALUES (-2 * ?5 - (?2 = 'days-left'), ?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![MEMORY, event, body, now.millis(), key_no, step])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue() -> (tempfile::TempDir, Queue) {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::open(dir.path()).unwrap();
        let queue = Queue::open(&database).unwrap();
        (dir, queue)
    }

    fn message(webhook: &str, body: &str) -> Message {
        Message {
            webhook: webhook.into(),
            event: "key-lost",
            body: body.into(),
        }
    }

    fn now() -> Timestamp {
        Timestamp::from_millis(1_000)
    }

    #[test]
    fn of_too_many_messages_the_oldest_go() {
        let (_dir, mut queue) = queue();
        let lost = [Memory::Lost(7)];
        let many: Vec<_> = (0..MOST)
            .map(|number| message("a", &number.to_string()))
            .collect();
        assert_eq!(queue.add(&many, &lost, now()).unwrap(), [""; 0]);
        let more = [message("b", "b"), message("a", "last")];
        assert_eq!(queue.add(&more, &[], now()).unwrap(), ["a"]);
        assert_eq!(queue.first("a").unwrap().unwrap().body, "1");
        assert_eq!(queue.first("b").unwrap().unwrap().body, "b");
        let waiting = BTreeMap::from([("a".into(), MOST), ("b".into(), 1)]);
        assert_eq!(queue.waiting().unwrap(), waiting, "memories do not wait");
        assert_eq!(queue.memories(now()).unwrap(), lost);
        queue.keep(&["b"]).unwrap();
        assert_eq!(queue.first("a").unwrap(), None);
        assert_eq!(queue.memories(now()).unwrap(), lost);
    }

    #[test]
    fn of_a_key_there_is_one_memory_and_one_of_its_end() {
        let (_dir, mut queue) = queue();
        let gives = Memory::Gives(7, Alert::remembered(r#"{"KeyNo":7}"#));
        let days = |step| Memory::Days(7, (now(), step));
        let other = Memory::Lost((1 << 53) - 1);
        for memory in [Memory::Lost(7), days(14), gives.clone(), days(7), other.clone()] {
            queue.add(&[], &[memory], now()).unwrap();
        }
        let mut kept = queue.memories(now()).unwrap();
        kept.sort_by_key(|memory| format!("{memory:?}"));
        assert_eq!(kept, [days(7), gives, other]);
        // Messages are no memories, whatever ids those have.
        queue.add(&[message("a", "x")], &[], now()).unwrap();
        assert_eq!(queue.first("a").unwrap().unwrap().id, 1);
        queue.forget_keys().unwrap();
        assert_eq!(queue.memories(now()).unwrap(), [days(7)]);
    }

    #[test]
    fn what_was_told_of_keys_that_are_gone_for_good_is_forgotten() {
        let (_dir, mut queue) = queue();
        let gives = Memory::Gives(7, Alert::remembered(r#"{"KeyNo":7}"#));
        queue.add(&[], &[Memory::Lost(8), gives.clone()], now()).unwrap();
        let late = now().plus(FORGOTTEN);
        assert_eq!(queue.memories(late).unwrap().len(), 2);
        assert_eq!(queue.memories(late.plus(1)).unwrap(), [gives]);
    }

    #[test]
    fn the_time_of_a_message_runs_anew_where_the_clock_was_set_back() {
        let (_dir, mut queue) = queue();
        queue.add(&[message("a", "x")], &[], now()).unwrap();
        let earlier = Timestamp::from_millis(10);
        queue.later(1, earlier.plus(5), 1, earlier).unwrap();
        let waiting = queue.first("a").unwrap().unwrap();
        assert_eq!(
            (waiting.made, waiting.due, waiting.tries),
            (earlier, earlier.plus(5), 1)
        );
    }
}
