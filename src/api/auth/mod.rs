//! Who is calling: HTTP Basic against the users of the node. A [`Caller`] is only ever made here.

mod clerk;
mod throttle;

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use actix_web::http::header::HeaderValue;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::clock::Millis;
use crate::cms::Thumbprint;
use crate::seats::DeskHandle;
use crate::store::{AuditEntry, Author, ChangeWatch, Database, Role, StoreError, User, UserError, Users};

use super::error::ApiError;
use clerk::{Attempt, Clerk, Outcome};
pub use throttle::LoginRules;
use throttle::{Throttle, network};

/// Changes of users are looked for this often at most.
const REFRESH: Millis = 500;

/// Logins that may wait for their turn.
const QUEUE: usize = 1024;

/// A user whose password was verified.
#[derive(Clone, Debug)]
pub struct Caller {
    pub(super) name: Arc<str>,
    pub(super) role: Role,
    /// What a signer is bound to.
    pub(super) certificates: Arc<[Thumbprint]>,
    mark: Mark,
}

/// Tells one password of a user from the next, and nothing more.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Mark([u8; 32]);

impl Mark {
    fn of(user: &User) -> Self {
        Self(Sha256::digest(user.password.as_str()).into())
    }
}

impl std::fmt::Debug for Mark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mark")
    }
}

/// How a caller stands now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The password is still the one that every new node has.
    pub initial: bool,
}

/// Peers that are remembered with credentials; more of them are looked at anew each time.
const MOST_PEERS: usize = 1024;

/// Credentials that verified.
struct Entry {
    caller: Caller,
    user: User,
    /// Networks of the peers that gave them while they were not refused: those go on working even when they are.
    peers: HashSet<IpAddr>,
}

/// Credentials that verified, under a hash with a key that only this process knows.
type Verified = HashMap<Vec<u8>, Entry>;

impl Caller {
    /// The user's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the user may do.
    pub fn role(&self) -> Role {
        self.role
    }
}

/// What the clerk and the requests share.
struct Shared {
    verified: RwLock<Verified>,
    /// The users as they were last read.
    known: RwLock<Vec<User>>,
    throttle: Mutex<Throttle>,
}

/// Checks credentials.
pub struct Auth {
    key: hmac::Key,
    shared: Arc<Shared>,
    queue: SyncSender<Attempt>,
    users: Mutex<UserWatch>,
    desk: DeskHandle,
}

/// Notices that a user was changed by somebody else.
struct UserWatch {
    file: ChangeWatch,
    users: Users,
    /// Not looked at again before this time.
    next: Millis,
}

impl Auth {
    /// Starts the thread that hashes passwords.
    ///
    /// # Errors
    /// [`StoreError`] where the users cannot be read.
    pub fn start(database: &Database, desk: DeskHandle, rules: LoginRules) -> Result<Self, StoreError> {
        let shared = Arc::new(Shared {
            verified: RwLock::default(),
            known: RwLock::new(Users::open(database)?.list()?),
            throttle: Mutex::new(Throttle::new(rules)),
        });
        let clerk = Clerk::new(Users::open(database)?, shared.clone(), desk.clock().clone());
        let (queue, attempts) = sync_channel(QUEUE);
        std::thread::Builder::new()
            .name("logins".into())
            .spawn(move || clerk.run(&attempts))
            .expect("a process that cannot start a thread cannot serve");
        let key =
            hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).expect("the system has randomness");
        let users = Mutex::new(UserWatch {
            file: ChangeWatch::new(database)?,
            users: Users::open(database)?,
            next: 0,
        });
        Ok(Self {
            key,
            shared,
            queue,
            users,
            desk,
        })
    }

    /// Finds out who is calling. Slow only for credentials that have not been verified since the users last
    /// changed.
    pub(super) async fn check(&self, peer: IpAddr, header: Option<&HeaderValue>) -> Result<Caller, ApiError> {
        let header =
            header.ok_or_else(|| ApiError::unauthorized("This address wants HTTP Basic authentication."))?;
        self.forget_changed_users();
        let tag = hmac::sign(&self.key, header.as_bytes()).as_ref().to_vec();
        if let Some(caller) = self.shared.find(&tag, peer, self.now()) {
            return Ok(caller);
        }
        let (user, password) = basic(header).ok_or_else(wrong)?;
        self.log_in(peer, Some(tag), user, password).await
    }

    /// The same for credentials that came in another way than HTTP Basic.
    pub(super) async fn check_plain(
        &self,
        peer: IpAddr,
        user: &str,
        password: &Zeroizing<String>,
    ) -> Result<Caller, ApiError> {
        self.forget_changed_users();
        let mut both = hmac::Context::with_key(&self.key);
        // No header has a zero byte in it, and no name of a user.
        for part in [b"plain\0", user.as_bytes(), b"\0", password.as_bytes()] {
            both.update(part);
        }
        let tag = both.sign().as_ref().to_vec();
        match self.shared.find(&tag, peer, self.now()) {
            Some(caller) => Ok(caller),
            None if user.contains('\0') => Err(wrong()),
            None => {
                self.log_in(peer, Some(tag), user.to_owned(), password.clone())
                    .await
            }
        }
    }

    /// The same for credentials that a person typed in: they are hashed each time, so that nothing shows whether somebody
    /// used them before.
    pub(super) async fn check_typed(
        &self,
        peer: IpAddr,
        user: &str,
        password: &Zeroizing<String>,
    ) -> Result<Caller, ApiError> {
        self.log_in(peer, None, user.to_owned(), password.clone()).await
    }

    /// Has something else than a password looked at by which a peer shows who it is, `None` being that it does not hold.
    /// Failures are counted and slowed as those of logins are. `what`: under what they are counted.
    pub(super) async fn check_shown<T>(
        &self,
        peer: IpAddr,
        what: &str,
        check: impl Future<Output = Result<Option<T>, ApiError>>,
    ) -> Result<Option<T>, ApiError> {
        // No name of a user begins so.
        let what = format!("\0{what}");
        if let Some(wait) = self.shared.throttle().refused(self.now(), peer, &what) {
            return Err(ApiError::too_many_requests(wait.div_ceil(1000).max(1)));
        }
        let shown = check.await?;
        if shown.is_some() {
            self.shared.throttle().succeeded(peer, &what);
        } else {
            let wait = self.shared.throttle().failed(self.now(), peer, &what);
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
        Ok(shown)
    }

    fn now(&self) -> Millis {
        self.desk.clock().now().mono
    }

    /// Has the clerk look at credentials.
    async fn log_in(
        &self,
        peer: IpAddr,
        tag: Option<Vec<u8>>,
        user: String,
        password: Zeroizing<String>,
    ) -> Result<Caller, ApiError> {
        let (reply, outcome) = oneshot::channel();
        let claimed: String = user.chars().take(64).collect();
        let attempt = Attempt {
            tag,
            peer,
            user,
            password,
            reply,
        };
        self.queue.try_send(attempt).map_err(|error| match error {
            TrySendError::Full(_) => ApiError::too_many_logins(1),
            TrySendError::Disconnected(_) => ApiError::internal("Logins cannot be checked."),
        })?;
        match outcome.await {
            Ok(Outcome::Verified(caller)) => Ok(caller),
            Ok(Outcome::Wrong { wait }) => {
                self.desk.note(AuditEntry {
                    time: self.desk.clock().now().wall,
                    actor: peer.to_string(),
                    event: "login-failure".into(),
                    object: claimed,
                    detail: String::new(),
                });
                // The wait is the client's alone: no thread is held.
                tokio::time::sleep(Duration::from_millis(wait)).await;
                Err(wrong())
            }
            Ok(Outcome::Refused { wait }) => Err(ApiError::too_many_logins(wait.div_ceil(1000).max(1))),
            Err(_) => Err(ApiError::internal("Logins cannot be checked.")),
        }
    }

    /// Whether this caller, who may have logged in long ago, is still a user with the same role and password; as of the
    /// last look at the users ([`Auth::is_due`], [`Auth::look`]).
    pub fn standing(&self, caller: &Caller) -> Option<Standing> {
        let known = self.shared.known.read().unwrap_or_else(PoisonError::into_inner);
        let user = known.iter().find(|user| *user.name == *caller.name)?;
        let same = user.role == caller.role && Mark::of(user) == caller.mark;
        same.then_some(Standing {
            initial: user.initial,
        })
    }

    /// The users were last looked at so long ago that they may have changed.
    pub fn is_due(&self) -> bool {
        let now = self.desk.clock().now().mono;
        self.users.try_lock().is_ok_and(|watch| watch.next <= now)
    }

    /// Looks at the users, where that is due. Reads the state file: not for threads that may not wait.
    pub fn look(&self) {
        self.forget_changed_users();
    }

    /// Changes a user's password. Hashes it and writes the state file: not for threads that may not wait.
    ///
    /// # Errors
    /// As [`Users::set_password`].
    pub(super) fn set_password(&self, name: &str, password: &str, by: &Author) -> Result<(), UserError> {
        let mut watch = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        watch.users.set_password(name, password, by)?;
        watch.next = 0;
        drop(watch);
        self.forget_changed_users();
        Ok(())
    }

    /// Forgets the credentials of users that are gone or changed. The others stay: the file changes with each
    /// session, and whoever verified before goes on working (row 39).
    fn forget_changed_users(&self) {
        let now = self.desk.clock().now().mono;
        // Whoever holds the lock is looking already.
        let Ok(mut watch) = self.users.try_lock() else {
            return;
        };
        if now < watch.next {
            return;
        }
        watch.next = now + REFRESH;
        if !watch.file.changed() {
            return;
        }
        match watch.users.list() {
            Ok(users) => self.shared.keep(&users),
            Err(error) => tracing::error!(%error, "the users cannot be read; those from before still count"),
        }
    }
}

impl Shared {
    fn throttle(&self) -> MutexGuard<'_, Throttle> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose credentials these are, if they verified before: for a peer that had them then, or that is not refused.
    fn find(&self, tag: &[u8], peer: IpAddr, now: Millis) -> Option<Caller> {
        let verified = self.verified.read().unwrap_or_else(PoisonError::into_inner);
        let entry = verified.get(tag)?;
        let caller = entry.caller.clone();
        let (known, full) = (
            entry.peers.contains(&network(peer)),
            entry.peers.len() >= MOST_PEERS,
        );
        drop(verified);
        if known {
            return Some(caller);
        }
        if self.throttle().refused(now, peer, &caller.name).is_some() {
            return None;
        }
        if !full {
            let mut verified = self.verified.write().unwrap_or_else(PoisonError::into_inner);
            verified.get_mut(tag)?.peers.insert(network(peer));
        }
        Some(caller)
    }

    fn remember(&self, tag: Vec<u8>, peer: IpAddr, caller: Caller, user: User) {
        let mut verified = self.verified.write().unwrap_or_else(PoisonError::into_inner);
        let entry = Entry {
            caller,
            user,
            peers: HashSet::from([network(peer)]),
        };
        verified.insert(tag, entry);
    }

    fn keep(&self, users: &[User]) {
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = users.to_vec();
        let mut verified = self.verified.write().unwrap_or_else(PoisonError::into_inner);
        verified.retain(|_, entry| users.contains(&entry.user));
    }
}

fn wrong() -> ApiError {
    ApiError::unauthorized("User or password is wrong.")
}

/// User and password of a Basic header (RFC 7617).
fn basic(header: &HeaderValue) -> Option<(String, Zeroizing<String>)> {
    let (scheme, encoded) = header.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = Zeroizing::new(STANDARD.decode(encoded.trim()).ok()?);
    let text = std::str::from_utf8(&decoded).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), Zeroizing::new(password.to_owned())))
}
