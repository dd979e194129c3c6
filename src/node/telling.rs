//! Tells of keys, devices, tokens and certificates: what is different from what was told last. A thread of its own does
//! so, for those who find it out must not wait.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use arc_swap::ArcSwap;
use serde_json::Value;

use crate::api::{device_rows, key_on_device};
use crate::clock::SharedClock;
use crate::events::{Feed, KeyNews, News, Topic};
use crate::keyring::{Change, KeeperHandle, Key, Keyring};
use crate::licence::{KeyId, KeyNo};
use crate::seats::DeskHandle;
use crate::tokens::{CertificatesHandle, TokensHandle};

use super::entry;
use super::offers::{AccessCodes, offers};

/// What may have changed.
pub(super) enum Changed {
    Keys,
    Devices,
    Tokens,
    Stop,
}

/// What a key is told by: its number and where it lies.
type KeyPlace = (KeyNo, String);

/// What is told of a key: its series, and why it gives no seats.
type KeyState = (Option<KeyId>, Option<String>);

/// What was told last.
struct Told {
    keys: BTreeMap<KeyPlace, KeyState>,
    devices: BTreeMap<String, Value>,
}

/// The inbox of the thread; it is there before the thread, for what happens meanwhile.
pub(super) struct Teller {
    sender: Sender<Changed>,
    receiver: Receiver<Changed>,
}

impl Default for Teller {
    fn default() -> Self {
        let (sender, receiver) = channel();
        Self { sender, receiver }
    }
}

impl Teller {
    /// Does what `first` does, and says that devices may have changed, or tokens too.
    pub(super) fn after(
        &self,
        mut first: impl FnMut() + Send + 'static,
        what: fn() -> Changed,
    ) -> impl FnMut() + Send + 'static {
        let sender = self.sender.clone();
        move || {
            first();
            let _ = sender.send(what());
        }
    }

    /// Where to say that something may have changed; never blocks.
    pub(super) fn sender(&self) -> Sender<Changed> {
        self.sender.clone()
    }

    /// Has it told when tokens or certificates change.
    pub(super) fn follow_tokens(&self, tokens: &TokensHandle, certificates: &CertificatesHandle) {
        let told = || {
            let sender = self.sender();
            move || {
                let _ = sender.send(Changed::Tokens);
            }
        };
        tokens.on_change(told());
        certificates.on_change(told());
    }

    /// Starts the thread; what is there now is no news. It ends with [`Changed::Stop`].
    pub(super) fn start(self, keys: KeeperHandle, feed: Feed, clock: SharedClock) -> JoinHandle<()> {
        let mut told = Told::look(&keys);
        let work = move || {
            while let Ok(first) = self.receiver.recv() {
                // What came meanwhile is seen by the same look.
                let all: Vec<Changed> = std::iter::once(first).chain(self.receiver.try_iter()).collect();
                let now = Told::look(&keys);
                let news = now.since(&told);
                feed.tell_all(clock.now().wall, news);
                told = now;
                for changed in all {
                    match changed {
                        // A row may differ where nothing is told of it.
                        Changed::Keys => feed.touch(Topic::Keys),
                        Changed::Devices => feed.touch(Topic::Devices),
                        Changed::Tokens => feed.touch(Topic::Tokens),
                        Changed::Stop => return,
                    }
                }
            }
        };
        std::thread::Builder::new()
            .name("telling".into())
            .spawn(work)
            .expect("a process that cannot start a thread cannot serve")
    }
}

impl Told {
    fn look(keys: &KeeperHandle) -> Self {
        let (hardware, keyring) = (keys.hardware(), keys.keyring());
        let rows = device_rows(&hardware, key_on_device(&keyring));
        let named = rows.into_iter().map(|row| (row["ID"].to_string(), row));
        let place = |key: &Key| (key.key_no, key.file_name.clone());
        let state = |key: &Key| (key.key_id, key.verdict.cause.clone());
        // Blank carriers are devices, and no keys yet.
        let keys = keyring.keys().iter().filter(|key| !key.blank);
        Self {
            keys: keys.map(|key| (place(key), state(key))).collect(),
            devices: named.collect(),
        }
    }

    /// What is different: what went before what came.
    fn since(&self, before: &Self) -> Vec<News> {
        let mut news = Vec::new();
        let gone = before
            .devices
            .iter()
            .filter(|(id, _)| !self.devices.contains_key(*id));
        news.extend(gone.map(|(_, row)| device("unplugged", row)));
        for (id, row) in &self.devices {
            match before.devices.get(id) {
                None => news.push(device("plugged", row)),
                Some(old) if old != row => news.push(device("changed", row)),
                Some(_) => {}
            }
        }
        let gone = before
            .keys
            .iter()
            .filter(|(place, _)| !self.keys.contains_key(*place));
        news.extend(gone.map(|(place, state)| key(KeyNews::Went, place, state)));
        for (place, state) in &self.keys {
            let old = before.keys.get(place);
            if old.is_none() {
                news.push(key(KeyNews::Came, place, state));
            }
            if old.is_none_or(|old| old.1 != state.1) {
                news.push(verdict(place, state));
            }
        }
        news
    }
}

fn device(what: &'static str, row: &Value) -> News {
    News::Device {
        what,
        device: row.to_string().into(),
    }
}

fn key(what: KeyNews, (key_no, file_name): &KeyPlace, (key_id, _): &KeyState) -> News {
    News::Key {
        what,
        key_no: *key_no,
        key_id: *key_id,
        file_name: file_name.clone(),
    }
}

fn verdict((key_no, file_name): &KeyPlace, (key_id, cause): &KeyState) -> News {
    News::Verdict {
        key_no: *key_no,
        key_id: *key_id,
        file_name: file_name.clone(),
        cause: cause.clone(),
    }
}

/// What happens when keys change: it is noted, the seats follow, and it is told.
pub(super) fn follow_keys(
    desk: DeskHandle,
    codes: Arc<ArcSwap<AccessCodes>>,
    changed: Sender<Changed>,
) -> impl FnMut(&Keyring, &[Change], &dyn Fn()) + Send + 'static {
    move |keyring, changes, publish| {
        let now = desk.clock().now().wall;
        for change in changes {
            let verdict = change.cause.as_deref().unwrap_or("enabled");
            desk.note(entry(now, "key", &change.key_no.to_string(), verdict));
        }
        desk.offer(offers(keyring, &codes.load()), publish);
        let _ = changed.send(Changed::Keys);
    }
}
