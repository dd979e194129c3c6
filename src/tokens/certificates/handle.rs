//! The way to the certificates for everybody else, and the thread that keeps their inventory.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::tokens::{Tokens, TokensHandle};

use super::file::{CertificateRules, FileContents, FileFault, Stamp};
use super::inventory::Inventory;

/// Between looks whether a file was changed.
const TICK: Duration = Duration::from_secs(1);

enum Message {
    /// The tokens changed.
    Tokens,
    /// Look at all files now, and say when it is done.
    Rescan(Sender<()>),
    Rules(Vec<CertificateRules>),
}

/// What is called after each change.
type Listeners = Arc<Mutex<Vec<Box<dyn Fn() + Send + Sync>>>>;

/// The way to the certificates for everybody else. The thread behind it ends with its last clone.
#[derive(Clone)]
pub struct CertificatesHandle {
    inventory: Arc<ArcSwap<Inventory>>,
    sender: Arc<Sender<Message>>,
    listeners: Listeners,
    pub(super) tokens: TokensHandle,
}

impl CertificatesHandle {
    /// Starts to look after the certificates of these files and tokens. The files are read before it returns.
    pub fn start(rules: Vec<CertificateRules>, tokens: TokensHandle) -> Self {
        let (sender, receiver) = channel();
        let sender = Arc::new(sender);
        let told: Weak<Sender<Message>> = Arc::downgrade(&sender);
        // Subscribe before the first look: what changes between the two is seen by either.
        tokens.on_change(move || {
            if let Some(sender) = told.upgrade() {
                let _ = sender.send(Message::Tokens);
            }
        });
        let mut keeper = Keeper {
            files: Vec::new(),
            tokens: tokens.clone(),
            inventory: Arc::default(),
            listeners: Listeners::default(),
        };
        keeper.follow(rules);
        keeper.publish();
        let (inventory, listeners) = (keeper.inventory.clone(), keeper.listeners.clone());
        std::thread::Builder::new()
            .name("certificates".into())
            .spawn(move || keeper.run(&receiver))
            .expect("a process that cannot start a thread cannot serve");
        Self {
            inventory,
            sender,
            listeners,
            tokens,
        }
    }

    /// Has this called, on some thread, after each look that may have changed the inventory. It must not block, nor hold a
    /// clone of this.
    pub fn on_change(&self, told: impl Fn() + Send + Sync + 'static) {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.push(Box::new(told));
    }

    /// The certificates as they were seen last.
    pub fn inventory(&self) -> Arc<Inventory> {
        self.inventory.load_full()
    }

    /// The tokens, as they were seen last.
    pub fn tokens(&self) -> Arc<Tokens> {
        self.tokens.tokens()
    }

    /// Reads all files anew, and takes over what the tokens' last look saw; returns when that is published.
    pub fn rescan(&self) {
        let (done, finished) = channel();
        if self.sender.send(Message::Rescan(done)).is_ok() {
            let _ = finished.recv();
        }
    }

    /// Follows other settings.
    pub fn set_rules(&self, rules: Vec<CertificateRules>) {
        let _ = self.sender.send(Message::Rules(rules));
    }
}

/// A file as it was read.
struct Watched {
    rules: CertificateRules,
    stamps: [Stamp; 3],
    read: Result<FileContents, FileFault>,
}

impl Watched {
    fn read(rules: CertificateRules) -> Self {
        // The stamps before the reading: a change between the two is read again.
        let stamps = rules.stamps();
        let read = FileContents::read(&rules);
        if let Err(fault) = &read {
            tracing::warn!(certificate = rules.name, error = %fault, "certificates of a file cannot be used");
        }
        Self { rules, stamps, read }
    }
}

/// The thread's own state.
struct Keeper {
    files: Vec<Watched>,
    tokens: TokensHandle,
    inventory: Arc<ArcSwap<Inventory>>,
    listeners: Listeners,
}

impl Keeper {
    fn run(mut self, receiver: &Receiver<Message>) {
        loop {
            let mut waiting = None;
            match receiver.recv_timeout(TICK) {
                Ok(Message::Tokens) => self.publish(),
                Ok(Message::Rules(rules)) => {
                    self.follow(rules);
                    self.publish();
                }
                Ok(Message::Rescan(done)) => {
                    self.look(true);
                    waiting = Some(done);
                }
                Err(RecvTimeoutError::Timeout) => self.look(false),
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if let Some(done) = waiting {
                let _ = done.send(());
            }
        }
    }

    fn follow(&mut self, rules: Vec<CertificateRules>) {
        let mut before = std::mem::take(&mut self.files);
        self.files = rules
            .into_iter()
            .map(|rules| {
                let known = before.iter().position(|file| file.rules == rules);
                known.map_or_else(|| Watched::read(rules), |at| before.swap_remove(at))
            })
            .collect();
    }

    /// Reads what was changed, or everything.
    fn look(&mut self, everything: bool) {
        let mut changed = everything;
        for file in &mut self.files {
            if everything || file.rules.stamps() != file.stamps {
                *file = Watched::read(file.rules.clone());
                changed = true;
            }
        }
        if changed {
            self.publish();
        }
    }

    fn publish(&self) {
        let files = self.files.iter().map(|file| (&file.rules, &file.read));
        let inventory = Inventory::assemble(&self.tokens.tokens(), files);
        self.inventory.store(Arc::new(inventory));
        let listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.iter().for_each(|told| told());
    }
}
