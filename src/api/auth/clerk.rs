//! The clerk: the one thread that hashes passwords, one login after the other, so that guessing can be
//! counted without a race and costs one core at most.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::clock::{Millis, SharedClock};
use crate::store::{HashedPassword, User, Users};

use super::{Caller, Mark, Shared};

/// Credentials to check.
pub(super) struct Attempt {
    /// Hash of the credentials under the process's own key, to remember them under; `None`: they are looked at each time.
    pub(super) tag: Option<Vec<u8>>,
    pub(super) peer: IpAddr,
    pub(super) user: String,
    pub(super) password: Zeroizing<String>,
    pub(super) reply: oneshot::Sender<Outcome>,
}

/// What came of them. Waits are in milliseconds.
pub(super) enum Outcome {
    Verified(Caller),
    Wrong { wait: Millis },
    Refused { wait: Millis },
}

pub(super) struct Clerk {
    users: Users,
    shared: Arc<Shared>,
    clock: SharedClock,
}

impl Clerk {
    pub(super) fn new(users: Users, shared: Arc<Shared>, clock: SharedClock) -> Self {
        Self { users, shared, clock }
    }

    /// Works until the node ends.
    pub(super) fn run(mut self, attempts: &Receiver<Attempt>) {
        while let Ok(attempt) = attempts.recv() {
            let outcome = self.check(&attempt);
            let _ = attempt.reply.send(outcome);
        }
    }

    fn check(&mut self, attempt: &Attempt) -> Outcome {
        let now = self.clock.now().mono;
        // Many connections of one client may have asked at once: the first one's answer serves all.
        let tag = attempt.tag.as_ref();
        if let Some(caller) = tag.and_then(|tag| self.shared.find(tag, attempt.peer, now)) {
            return Outcome::Verified(caller);
        }
        if let Some(wait) = self.shared.throttle().refused(now, attempt.peer, &attempt.user) {
            return Outcome::Refused { wait };
        }
        let user = match self.users.list() {
            Ok(users) => users.into_iter().find(|user| user.name == attempt.user),
            Err(error) => {
                tracing::error!(%error, "the users cannot be read");
                None
            }
        };
        if let Some(user) = Self::verify(user, &attempt.password) {
            self.shared.throttle().succeeded(attempt.peer, &attempt.user);
            let caller = Caller {
                name: user.name.as_str().into(),
                role: user.role,
                certificates: user.certificates.as_slice().into(),
                mark: Mark::of(&user),
            };
            if let Some(tag) = &attempt.tag {
                self.shared
                    .remember(tag.clone(), attempt.peer, caller.clone(), user);
            }
            // The user may have been changed while the password was hashed.
            if let Ok(users) = self.users.list() {
                self.shared.keep(&users);
            }
            return Outcome::Verified(caller);
        }
        let wait = self.shared.throttle().failed(now, attempt.peer, &attempt.user);
        let shown: String = attempt
            .user
            .chars()
            .filter(|c| !c.is_control())
            .take(64)
            .collect();
        tracing::warn!(peer = %attempt.peer, user = shown, "login failed");
        Outcome::Wrong { wait }
    }

    fn verify(user: Option<User>, password: &str) -> Option<User> {
        // A user that does not exist takes as long.
        let decoy = HashedPassword::decoy();
        let matches = user
            .as_ref()
            .map_or(&decoy, |user| &user.password)
            .matches(password);
        user.filter(|_| matches)
    }
}
