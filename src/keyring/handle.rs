//! The way to the keeper for everybody else, and what it is told.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::oneshot;

use crate::devices::Hardware;

use super::ScanError;
use super::key::Keyring;
use super::plugged::Plugged;

/// A scan of files waits until nothing has happened for this long …
const QUIET: Duration = Duration::from_millis(100);

/// … but not longer than this.
const PATIENCE: Duration = Duration::from_millis(400);

pub(super) enum Message {
    /// Something happened to the files.
    Changed,
    /// Something happened to the devices; their thread has waited until it was over.
    Plugged,
    /// Look now, and say when it is done.
    Rescan(Sender<()>),
    /// Say that you are there.
    Answer(oneshot::Sender<()>),
    Tick,
    Stop,
}

/// What the keeper reads its messages from. It is there before the keeper, for what the devices' thread has to tell
/// from its start on.
pub struct Mailbox {
    pub(super) sender: Sender<Message>,
    pub(super) receiver: Receiver<Message>,
}

impl Default for Mailbox {
    fn default() -> Self {
        let (sender, receiver) = channel();
        Self { sender, receiver }
    }
}

impl Mailbox {
    /// To be called when what is plugged in has changed; never blocks.
    pub fn on_plug(&self) -> impl FnMut() + Send + 'static {
        let sender = self.sender.clone();
        move || {
            let _ = sender.send(Message::Plugged);
        }
    }
}

/// How the last look went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeeperHealth {
    /// Providers that could not look.
    pub errors: Vec<ScanError>,
    /// Scans since the start.
    pub scans: u64,
}

/// The way to the keeper for everybody else.
#[derive(Clone)]
pub struct KeeperHandle {
    pub(super) sender: Sender<Message>,
    pub(super) keyring: Arc<ArcSwap<Keyring>>,
    pub(super) health: Arc<Mutex<KeeperHealth>>,
    pub(super) devices: Arc<dyn Plugged>,
}

impl KeeperHandle {
    /// The keys as they are.
    pub fn keyring(&self) -> Arc<Keyring> {
        self.keyring.load_full()
    }

    /// How the last look went.
    pub fn health(&self) -> KeeperHealth {
        self.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The devices.
    pub fn devices(&self) -> &Arc<dyn Plugged> {
        &self.devices
    }

    /// What is plugged in.
    pub fn hardware(&self) -> Arc<Hardware> {
        self.devices.hardware()
    }

    /// Looks at everything anew, devices first; returns when the new snapshot is published. That may take a second:
    /// not for threads that serve others.
    pub fn rescan(&self) {
        self.devices.rescan();
        self.rescan_files();
    }

    /// As [`KeeperHandle::rescan`], with the devices as they were last seen.
    pub fn rescan_files(&self) {
        let (done, finished) = channel();
        if self.sender.send(Message::Rescan(done)).is_ok() {
            let _ = finished.recv();
        }
    }

    /// Waits for the thread to say that it is there, after what it does at the moment; false where it has ended.
    pub async fn answer(&self) -> bool {
        let (answer, answered) = oneshot::channel();
        self.sender.send(Message::Answer(answer)).is_ok() && answered.await.is_ok()
    }

    /// Makes the keeper look at its clock: for clocks that tests move.
    pub fn wake(&self) {
        let _ = self.sender.send(Message::Tick);
    }

    /// Ends the thread.
    pub fn stop(&self) {
        let _ = self.sender.send(Message::Stop);
    }
}

/// What follows a burst of changes.
pub(super) enum Next {
    Scan,
    Stop,
}

/// Waits until a burst of changes is over. Devices do not wait for it: `plugged` is called at once.
pub(super) fn settle(
    receiver: &Receiver<Message>,
    waiting: &mut Vec<Sender<()>>,
    mut plugged: impl FnMut(),
) -> Next {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        match receiver.recv_timeout(QUIET) {
            Ok(Message::Rescan(done)) => waiting.push(done),
            Ok(Message::Answer(answer)) => {
                let _ = answer.send(());
            }
            Ok(Message::Stop) => return Next::Stop,
            Ok(Message::Plugged) => plugged(),
            Ok(Message::Changed | Message::Tick) => {}
            Err(_) => break,
        }
    }
    Next::Scan
}
