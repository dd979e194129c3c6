//! The way of operations to a token's process: how many go on, which wait, and what becomes of each.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::TokenError;
use super::given::Given;
use super::job::{Job, Outcome, Waiting};
use super::process::Process;
use super::wire::{Answer, Failure, FailureKind};

/// More operations than this do not wait for one token.
const MOST_WAITING: usize = 1024;

/// What the token's own thread is told.
pub(super) enum Event {
    /// The process with this number has ended, or is good for nothing any more.
    Broken(u64, String),
    /// Operations go on, and somebody has to look whether they end.
    Busy,
    /// Look at it now; answered when that is done.
    Look(Sender<()>),
    /// What is on it changed; call this when the snapshot says so.
    Changed(Box<dyn FnOnce() + Send>),
    Stop,
}

/// How operations go.
enum Way {
    /// To this process.
    Open(Arc<Process>),
    /// They wait for a new process.
    Waiting,
    /// The same, and the token's own thread does not know yet that the process is good for nothing any more: so.
    Broken(String),
    /// They are refused: the token is so.
    Closed(String),
}

struct Inner {
    way: Way,
    /// Counts processes, so that what is said of an old one is not taken for the new one's.
    generation: u64,
    /// `CKA_ID` of the keys that the process has told of.
    keys: HashSet<Vec<u8>>,
    /// From when a failed process may be started anew.
    renewable: Instant,
    /// Keys with the words of the module for a failure that a fresh session did not mend; until the key is used with success,
    /// or the token was away.
    lasting: HashSet<(Vec<u8>, String)>,
    next: u64,
    given: Given,
    waiting: VecDeque<Job>,
    /// The token's thread knows that there is something to look after.
    watched: bool,
}

/// More lasting failures are not remembered: a module may have a word of its own for each.
const MOST_LASTING: usize = 1000;

impl Inner {
    /// A fresh session did not mend this before.
    fn lasts(&self, job: &Job, failure: &Failure) -> bool {
        let own = |(key, text): &(Vec<u8>, String)| Some(&key[..]) == job.task.key() && *text == failure.text;
        self.lasting.iter().any(own)
    }

    /// A fresh session has not mended this.
    fn remember(&mut self, job: &Job, failure: &Failure) {
        if let Some(key) = job.task.key().filter(|_| self.lasting.len() < MOST_LASTING) {
            self.lasting.insert((key.to_vec(), failure.text.clone()));
        }
    }
}

/// The way of operations to one token.
pub(super) struct Lane {
    name: String,
    events: Sender<Event>,
    inner: Mutex<Inner>,
}

/// What is told after the lock is given back.
#[derive(Default)]
struct Ends(Vec<(Job, Outcome)>);

impl Drop for Ends {
    fn drop(&mut self) {
        for (job, outcome) in self.0.drain(..) {
            job.end(outcome);
        }
    }
}

impl Lane {
    pub(super) fn new(name: &str, timeout: Duration, events: Sender<Event>) -> Self {
        Self {
            name: name.to_owned(),
            events,
            inner: Mutex::new(Inner {
                way: Way::Closed("was not looked at yet".into()),
                generation: 0,
                keys: HashSet::new(),
                renewable: Instant::now(),
                lasting: HashSet::new(),
                next: 0,
                given: Given::new(timeout),
                waiting: VecDeque::new(),
                watched: false,
            }),
        }
    }

    /// Has something done; whoever waits for it is told, if need be at once.
    pub(super) fn submit(&self, job: Job) {
        let mut ends = Ends::default();
        let mut inner = self.lock();
        if !job.task.fits() {
            ends.0.push((job, Err(self.refused("CKR_DATA_LEN_RANGE"))));
        } else if let Way::Closed(state) = &inner.way {
            let state = state.clone();
            ends.0.push((job, Err(self.not_usable(state))));
        } else if let (Way::Broken(why), true) = (&inner.way, job.is_of_keeper()) {
            job.tell_keeper_of(why);
        } else if job.is_of_keeper() {
            inner.waiting.push_front(job);
            self.pump(&mut inner, &mut ends);
        } else if inner.waiting.len() >= MOST_WAITING {
            ends.0.push((job, Err(TokenError::Busy(self.name.clone()))));
        } else {
            inner.waiting.push_back(job);
            self.pump(&mut inner, &mut ends);
        }
        drop(inner);
    }

    /// Gives waiting operations to the process as long as it has sessions free.
    fn pump(&self, inner: &mut Inner, ends: &mut Ends) {
        let Way::Open(process) = &inner.way else { return };
        let process = process.clone();
        while inner.given.has_room() {
            let Some(job) = inner.waiting.pop_front() else {
                break;
            };
            let now = Instant::now();
            if !job.is_of_keeper() && now > job.asked + inner.given.patience(&job) {
                ends.0.push((job, Err(TokenError::Busy(self.name.clone()))));
                continue;
            }
            inner.next += 1;
            let (ask, bytes) = job.task.message();
            match process.send(inner.next, ask, &bytes) {
                Ok(()) => inner.given.add(inner.next, job),
                // It has ended, which is seen elsewhere, or takes no more for now: the next answer makes room.
                Err(error) if error.kind() != io::ErrorKind::InvalidInput => {
                    inner.waiting.push_front(job);
                    break;
                }
                Err(_) => ends.0.push((job, Err(self.refused("CKR_DATA_LEN_RANGE")))),
            }
        }
        if !inner.given.is_empty() && !std::mem::replace(&mut inner.watched, true) {
            let _ = self.events.send(Event::Busy);
        }
    }

    /// An answer of the process with this number.
    pub(super) fn answered(&self, generation: u64, id: u64, answer: Answer, bytes: &[u8]) {
        let mut ends = Ends::default();
        let mut inner = self.lock();
        if inner.generation != generation {
            return;
        }
        let Some(job) = inner.given.answered(id) else {
            return;
        };
        let failure = match answer {
            Answer::Done if job.length.is_some_and(|length| length != bytes.len()) => Failure {
                kind: FailureKind::Nonsense,
                text: format!("a signature of {} bytes", bytes.len()),
            },
            Answer::Failed(failure) => failure,
            answer => {
                if let Waiting::Keeper(to) = &job.waiting {
                    let last = matches!(answer, Answer::Done);
                    let heard = to.send((answer, bytes.to_vec())).is_ok();
                    if heard && !last {
                        inner.given.add(id, job);
                    }
                } else if job.task.changes_token() {
                    self.tell_after_change(job, bytes.to_vec().into());
                } else {
                    inner.lasting.retain(|(key, _)| Some(&key[..]) != job.task.key());
                    ends.0.push((job, Ok(bytes.to_vec().into())));
                }
                self.pump(&mut inner, &mut ends);
                return;
            }
        };
        self.failed(&mut inner, &mut ends, job, failure);
        self.pump(&mut inner, &mut ends);
        drop(inner);
    }

    /// Whoever changed what is on the token finds it in the snapshot when told that it was done.
    fn tell_after_change(&self, job: Job, bytes: Zeroizing<Vec<u8>>) {
        let _ = self
            .events
            .send(Event::Changed(Box::new(move || job.end(Ok(bytes)))));
    }

    fn failed(&self, inner: &mut Inner, ends: &mut Ends, mut job: Job, mut failure: Failure) {
        let known = job.task.key().is_some_and(|key| inner.keys.contains(key));
        if failure.kind == FailureKind::NoKey && known {
            failure.kind = FailureKind::Gone;
            failure.text = "a key that was there has vanished".into();
        }
        let now = Instant::now();
        let renewable = now >= inner.renewable;
        let broken = match failure.kind {
            FailureKind::Gone | FailureKind::Nonsense => true,
            // What a new session cannot do either is no trouble of the session.
            FailureKind::Unclear => renewable && !job.again && !inner.lasts(&job, &failure),
            _ => false,
        };
        if failure.kind == FailureKind::Unclear && job.again {
            inner.remember(&job, &failure);
        }
        if let Waiting::Keeper(to) = &job.waiting {
            let _ = to.send((Answer::Failed(failure.clone()), Vec::new()));
        } else if broken && renewable && !job.again && job.task.is_repeatable() {
            job.again = true;
            inner.waiting.push_front(job);
        } else {
            let error = self.error(&failure);
            ends.0.push((job, Err(error)));
        }
        if broken {
            self.fall(inner, failure.text);
        }
    }

    /// The process with this number has ended.
    pub(super) fn ended(&self, generation: u64, why: &str) {
        let mut inner = self.lock();
        if inner.generation == generation {
            self.fall(&mut inner, why.to_owned());
        }
    }

    /// Nothing more goes to the process; the token's thread, which may be waiting for its answers, sees to the rest.
    fn fall(&self, inner: &mut Inner, why: String) {
        if !matches!(inner.way, Way::Open(_)) {
            return;
        }
        let Inner { given, waiting, .. } = inner;
        let (keepers, rest) = std::mem::take(waiting)
            .into_iter()
            .partition::<Vec<_>, _>(Job::is_of_keeper);
        *waiting = rest.into();
        for job in given.take_keepers().chain(keepers) {
            job.tell_keeper_of(&why);
        }
        let _ = self.events.send(Event::Broken(inner.generation, why.clone()));
        inner.way = Way::Broken(why);
    }

    fn error(&self, failure: &Failure) -> TokenError {
        let name = self.name.clone();
        match failure.kind {
            FailureKind::NoKey => TokenError::NoKey(name),
            FailureKind::NoRoom => TokenError::NoRoom(name),
            FailureKind::Gone => self.not_usable(format!("is not there any more ({})", failure.text)),
            FailureKind::Nonsense => TokenError::Nonsense {
                name,
                what: failure.text.clone(),
            },
            _ => self.refused(&failure.text),
        }
    }

    fn refused(&self, code: &str) -> TokenError {
        TokenError::Refused {
            name: self.name.clone(),
            code: code.to_owned(),
        }
    }

    fn not_usable(&self, state: String) -> TokenError {
        TokenError::NotUsable {
            name: self.name.clone(),
            state,
        }
    }

    /// The token becomes usable: what is asked of it from now on waits for its process.
    pub(super) fn hold(&self) {
        self.lock().way = Way::Waiting;
    }

    /// These keys are on the token.
    pub(super) fn know(&self, keys: impl Iterator<Item = Vec<u8>>) {
        self.lock().keys = keys.collect();
    }

    /// Opens the way to a new process; returns its number.
    pub(super) fn open(&self, process: Arc<Process>, sessions: usize, renewable: Instant) -> u64 {
        let mut ends = Ends::default();
        let mut inner = self.lock();
        inner.generation += 1;
        inner.way = Way::Open(process);
        inner.given.set_sessions(sessions);
        inner.renewable = renewable;
        self.pump(&mut inner, &mut ends);
        inner.generation
    }

    /// The process has gone: what can be tried again waits for a new one, the rest is told `why`.
    pub(super) fn interrupt(&self, why: &TokenError) {
        let mut ends = Ends::default();
        let mut inner = self.lock();
        inner.way = Way::Waiting;
        inner.generation += 1;
        for (mut job, late) in inner.given.take_all() {
            if job.is_of_keeper() || job.again || late || !job.task.is_repeatable() {
                ends.0.push((job, Err(why.clone())));
            } else {
                job.again = true;
                inner.waiting.push_front(job);
            }
        }
        drop(inner);
    }

    /// Refuses everything: the token is so.
    pub(super) fn close(&self, state: String) {
        let mut ends = Ends::default();
        let mut inner = self.lock();
        inner.generation += 1;
        inner.lasting.clear();
        let Inner { given, waiting, .. } = &mut *inner;
        let given = given.take_all().into_iter().map(|(job, _)| job);
        let all = given.chain(waiting.drain(..));
        ends.0
            .extend(all.map(|job| (job, Err(self.not_usable(state.clone())))));
        inner.way = Way::Closed(state);
        drop(inner);
    }

    /// Ends what has waited for a new process longer than it may.
    pub(super) fn expire(&self) {
        let mut ends = Ends::default();
        let now = Instant::now();
        let mut inner = self.lock();
        let Inner { given, waiting, .. } = &mut *inner;
        let (late, rest) = std::mem::take(waiting)
            .into_iter()
            .partition::<Vec<_>, _>(|job| now >= job.asked + given.patience(job));
        *waiting = rest.into();
        let error = || Err(TokenError::Late(self.name.clone()));
        ends.0.extend(late.into_iter().map(|job| (job, error())));
        drop(inner);
    }

    /// When the first of what goes on has to have ended. None: nothing goes on; the next that does is told.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let mut inner = self.lock();
        let first = inner.given.deadline();
        inner.watched = first.is_some();
        first
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
