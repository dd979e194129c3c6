//! The desk: one thread that decides. It takes what has queued, decides it in one transaction, commits once, and only
//! then answers. What is signed is signed by those who asked, afterwards.

use std::net::IpAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use crate::activation::{Action, Refusal, Request};
use crate::clock::SharedClock;
use crate::licence::{ActivationCode, KeyNo, Timestamp};
use crate::store::{AuditEntry, Database, StoreError, append_audit_to};

use super::codes::Tag;
use super::decide::{Decision, Given};
use super::error::CentreError;
use super::record::Asked;
use super::rows::CloneMark;
use super::store;

/// Requests that one commit is shared by, at most.
const BATCH: usize = 64;

/// The books write in turns of some 100 ms: the desk looks every millisecond whether it is its own, and gives up after so many.
const TURNS: i32 = 10_000;

/// More than it uses: a statement that is prepared anew costs as much as it does.
const STATEMENTS: usize = 64;

/// A request that waits for its decision.
pub(super) struct Case {
    pub(super) request: Request,
    /// That of its code.
    pub(super) tag: Tag,
    pub(super) node_key: [u8; 32],
    pub(super) peer: IpAddr,
    /// The carrier that it names has proved itself; true without one.
    pub(super) proven: bool,
}

type Outcome = Result<Given, Refusal>;

enum Message {
    Case(Box<Case>, oneshot::Sender<Outcome>),
    Stop,
}

/// The way to the desk.
pub(super) struct Desk {
    sender: Sender<Message>,
}

impl Desk {
    /// Starts the thread; it ends after [`Desk::stop`].
    pub(super) fn start(
        database: Database,
        clock: SharedClock,
    ) -> Result<(Self, JoinHandle<()>), CentreError> {
        let mut connection = database.connect()?;
        let busy = |turn| {
            std::thread::sleep(Duration::from_millis(1));
            turn < TURNS
        };
        connection.busy_handler(Some(busy)).map_err(database.error())?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // Otherwise each new value of a parameter may cost a new plan (partial indices).
        let stable = DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG;
        connection.set_db_config(stable, true).map_err(database.error())?;
        let (sender, receiver) = channel();
        let clerk = Clerk {
            connection,
            database,
            clock,
        };
        let thread = std::thread::Builder::new()
            .name("centre".into())
            .spawn(move || clerk.run(&receiver));
        Ok((Self { sender }, thread.map_err(CentreError::Thread)?))
    }

    /// Has a request decided; what was decided is on disk when this returns.
    pub(super) async fn ask(&self, case: Case) -> Outcome {
        let stopped = || Refusal::Unavailable("it is stopping".into());
        let (sender, outcome) = oneshot::channel();
        self.sender
            .send(Message::Case(Box::new(case), sender))
            .map_err(|_| stopped())?;
        outcome.await.map_err(|_| stopped())?
    }

    pub(super) fn stop(&self) {
        let _ = self.sender.send(Message::Stop);
    }
}

/// Two nodes that use one licence, for the log.
struct Twins {
    key_no: KeyNo,
    code: ActivationCode,
    mark: CloneMark,
}

struct Clerk {
    connection: Connection,
    database: Database,
    clock: SharedClock,
}

impl Clerk {
    fn run(mut self, receiver: &Receiver<Message>) {
        let mut stop = false;
        while !stop {
            let Ok(first) = receiver.recv() else {
                return;
            };
            // Whoever shares this core gets to queue the rest of its requests: each one then costs less.
            std::thread::yield_now();
            let (mut cases, mut waiting) = (Vec::new(), Vec::new());
            let mut next = Some(first);
            while let Some(message) = next {
                match message {
                    Message::Case(case, sender) => {
                        cases.push(*case);
                        waiting.push(sender);
                    }
                    Message::Stop => stop = true,
                }
                next = (cases.len() < BATCH).then(|| receiver.try_recv().ok()).flatten();
            }
            for (sender, outcome) in waiting.into_iter().zip(self.serve(&cases)) {
                // Who has gone away will ask again.
                let _ = sender.send(outcome);
            }
        }
    }

    fn serve(&mut self, cases: &[Case]) -> Vec<Outcome> {
        match self.decide(cases) {
            Ok((outcomes, twins)) => {
                for Twins { key_no, code, mark } in twins {
                    let [one, other] = mark.addresses;
                    tracing::warn!(key_no, ?code, %one, %other, "two nodes use one licence");
                }
                outcomes
            }
            // One that cannot be decided must not stand in the way of the others.
            Err(_) if cases.len() > 1 => cases
                .iter()
                .flat_map(|case| self.serve(std::slice::from_ref(case)))
                .collect(),
            Err(error) => {
                tracing::error!(%error, "a request cannot be decided");
                let refusal = Refusal::Unavailable("its database has a fault".into());
                cases.iter().map(|_| Err(refusal.clone())).collect()
            }
        }
    }

    fn decide(&mut self, cases: &[Case]) -> Result<(Vec<Outcome>, Vec<Twins>), StoreError> {
        let now = self.clock.now().wall;
        let connection = &mut self.connection;
        let mut all = || -> rusqlite::Result<_> {
            let (mut outcomes, mut audit, mut twins) = (Vec::new(), Vec::new(), Vec::new());
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for case in cases {
                outcomes.push(decide(&transaction, case, now, &mut audit, &mut twins)?);
            }
            append_audit_to(&transaction, &audit)?;
            transaction.commit()?;
            Ok((outcomes, twins))
        };
        all().map_err(self.database.error())
    }
}

fn decide(
    connection: &Connection,
    case: &Case,
    now: Timestamp,
    audit: &mut Vec<AuditEntry>,
    twins: &mut Vec<Twins>,
) -> rusqlite::Result<Outcome> {
    let asked = Asked {
        request: &case.request,
        node_key: case.node_key,
        peer: case.peer,
        proven: case.proven,
        now,
    };
    let Some(before) = store::load(connection, asked.request, case.tag, now)? else {
        return Ok(Err(Refusal::UnknownCode));
    };
    let entry = |event: &str, detail: String| AuditEntry {
        time: now,
        actor: format!("node {} at {}", store::short(&case.node_key), case.peer),
        event: event.into(),
        object: format!("key {} code {:?}", before.key_no, before.code),
        detail,
    };
    let mut after = before.clone();
    let decision = match after.decide(&asked) {
        Ok(decision) => decision,
        Err(refusal) => {
            let what = match case.request.action {
                Action::Activate => "activation",
                Action::Renew => "renewal",
                Action::Return => "return",
            };
            audit.push(entry("refusal", format!("{what}: {refusal}")));
            return Ok(Err(refusal));
        }
    };
    store::save(connection, &before, &after, now)?;
    let Decision { given, event, cloned } = decision;
    audit.extend(event.map(|(event, detail)| entry(event, detail.into())));
    if let Some(mark) = cloned {
        let [one, other] = mark.addresses;
        audit.push(entry(
            "clone",
            format!("two nodes use this licence, at {one} and at {other}"),
        ));
        twins.push(Twins {
            key_no: before.key_no,
            code: before.code.clone(),
            mark,
        });
    }
    Ok(Ok(given))
}
