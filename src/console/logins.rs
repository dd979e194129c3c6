//! Who is logged in to the console: in memory only, under a hash of the cookie, so that no copy of memory or log lets
//! anybody in. A restart logs everybody out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use crate::api::Caller;
use crate::clock::Millis;

/// A login is over after this time, however much it is used.
const LONGEST: Millis = 7 * 24 * 60 * 60 * 1000;

/// Logins at once; beyond it the one that was used longest ago ends.
const MOST: usize = 1024;

/// Of one user.
const MOST_OF_USER: usize = 32;

/// Open pages of one login; a browser has six connections to the node.
const MOST_PAGES: usize = 64;

type Key = [u8; 32];

/// A login.
#[derive(Clone)]
pub(super) struct Login {
    /// Who.
    pub(super) caller: Caller,
    /// What its forms send along: no other site knows it.
    pub(super) token: Arc<str>,
    /// Shared by all of its open pages.
    pages: Arc<()>,
    begun: Millis,
    used: Millis,
}

/// All logins.
#[derive(Default)]
pub(super) struct Logins {
    logins: Mutex<HashMap<Key, Login>>,
    /// Told whenever some login ends.
    ended: watch::Sender<u64>,
}

impl Logins {
    /// Begins a login; the result is the cookie's value.
    pub(super) fn begin(&self, caller: Caller, now: Millis) -> String {
        let cookie = random();
        let login = Login {
            caller,
            token: random().into(),
            pages: Arc::default(),
            begun: now,
            used: now,
        };
        let mut logins = self.lock();
        let of_user = logins
            .values()
            .filter(|other| other.caller.name() == login.caller.name());
        if of_user.count() >= MOST_OF_USER {
            let name = login.caller.name().to_owned();
            self.drop_oldest(&mut logins, |other| other.caller.name() == name);
        }
        if logins.len() >= MOST {
            self.drop_oldest(&mut logins, |_| true);
        }
        logins.insert(key(&cookie), login);
        cookie
    }

    /// The login of a cookie, unless it is over. A page that follows the node by itself does not use it.
    pub(super) fn find(&self, cookie: &str, now: Millis, idle: Millis, uses: bool) -> Option<Login> {
        let mut logins = self.lock();
        let login = logins.get_mut(&key(cookie))?;
        if login.ends(idle) <= now {
            logins.remove(&key(cookie));
            self.tell();
            return None;
        }
        if uses {
            login.used = now;
        }
        Some(login.clone())
    }

    /// Ends a login.
    pub(super) fn end(&self, cookie: &str) {
        if self.lock().remove(&key(cookie)).is_some() {
            self.tell();
        }
    }

    /// Ends all logins of a user.
    pub(super) fn end_all_of(&self, user: &str) {
        self.lock().retain(|_, login| login.caller.name() != user);
        self.tell();
    }

    /// Wakes whoever follows a login each time that one ends.
    pub(super) fn ended(&self) -> watch::Receiver<u64> {
        self.ended.subscribe()
    }

    fn drop_oldest(&self, logins: &mut HashMap<Key, Login>, among: impl Fn(&Login) -> bool) {
        let oldest = logins.iter().filter(|(_, login)| among(login));
        let oldest = oldest.min_by_key(|(_, login)| login.used).map(|(key, _)| *key);
        if let Some(key) = oldest {
            logins.remove(&key);
            self.tell();
        }
    }

    fn tell(&self) {
        self.ended.send_modify(|times| *times += 1);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Login>> {
        self.logins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Login {
    /// When it is over unless it is used before.
    pub(super) fn ends(&self, idle: Millis) -> Millis {
        (self.used + idle).min(self.begun + LONGEST)
    }

    /// Counts as an open page while it is held; `None`: there are too many. A request that is being answered may count as
    /// one too.
    pub(super) fn open_page(&self) -> Option<Arc<()>> {
        (Arc::strong_count(&self.pages) <= MOST_PAGES + 1).then(|| self.pages.clone())
    }

    /// Whether a form of this login sent its token.
    pub(super) fn owns(&self, token: &str) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(self.token.as_bytes(), token.as_bytes()).is_ok()
    }
}

fn key(cookie: &str) -> Key {
    Sha256::digest(cookie).into()
}

/// 256 random bits as text.
fn random() -> String {
    let mut bytes = [0; 32];
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("the system has randomness");
    URL_SAFE_NO_PAD.encode(bytes)
}
