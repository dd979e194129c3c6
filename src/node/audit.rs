//! Keeps the audit log in order: signs the chain now and then, removes rows for their age.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::clock::SharedClock;
use crate::events::{Feed, Topic};
use crate::licence::DAY;
use crate::signing::{Message, NodeSigner};
use crate::store::{CHECKPOINT_NAME, Database, StoreError, checkpoint_audit, prune_audit};

/// Between two checkpoints, where something was written.
const INTERVAL: Duration = Duration::from_mins(5);

/// The thread that keeps the log. It ends, with a last checkpoint, when the sender is dropped.
pub(super) struct AuditKeeper {
    end: Sender<()>,
    thread: JoinHandle<()>,
}

impl AuditKeeper {
    /// Starts it; rows older than `keep_days` are removed, none where it is 0.
    pub(super) fn start(
        database: &Database,
        clock: SharedClock,
        signer: Arc<NodeSigner>,
        keep_days: u32,
        feed: Feed,
    ) -> Result<Self, StoreError> {
        let mut connection = database.connect()?;
        let (end, ended) = channel::<()>();
        let work = move || loop {
            let last = !matches!(ended.recv_timeout(INTERVAL), Err(RecvTimeoutError::Timeout));
            let now = clock.now().wall;
            let sign = |hash: &str| {
                let signature = signer.sign_and_wait(Message {
                    query_id: CHECKPOINT_NAME,
                    body: hash.as_bytes(),
                });
                Some(signature.ok()?.to_base64())
            };
            let oldest = now.plus(-i64::from(keep_days) * DAY);
            let kept = if keep_days == 0 {
                Ok(())
            } else {
                prune_audit(&mut connection, oldest, now)
            };
            if let Err(error) = kept.and_then(|()| checkpoint_audit(&mut connection, now, sign)) {
                tracing::error!(%error, "the audit log cannot be kept in order");
            }
            feed.touch(Topic::Audit);
            if last {
                return;
            }
        };
        let thread = std::thread::Builder::new().name("audit".into()).spawn(work);
        Ok(Self {
            end,
            thread: thread.expect("a process that cannot start a thread cannot serve"),
        })
    }

    /// Has it sign what is not signed yet and end; what waits for it is the result.
    pub(super) fn stop(self) -> JoinHandle<()> {
        drop(self.end);
        self.thread
    }
}
