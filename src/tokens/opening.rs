//! Opens a token in a fresh process: loads the module, finds the token, gives it its PIN, reads what is on it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::contents::Contents;
use super::process::{Process, Received};
use super::refused::{Attempt, Held, RefusedPins};
use super::token::{PinWanted, TokenState};
use super::wire::{Answer, Ask, Facts, Failure, FailureKind, Inbox};
use super::{TokenRules, pin};

/// While a token is opened, operations that wait for it are looked after this often.
const TICK: Duration = Duration::from_millis(250);

/// Between looks whether another still gives the token its PIN.
const PAUSE: Duration = Duration::from_millis(20);

/// A PIN of which it is not known whether the token counted it as wrong (the module crashed or hung over it, or failed with a
/// code that may mean anything) is tried so often, as long as the token does not say that it did.
const MOST_UNCERTAIN: u8 = 2;

/// What came of opening a token.
pub(super) struct Opening {
    pub(super) state: TokenState,
    /// Where the token is there.
    pub(super) facts: Option<Facts>,
    /// Where it is usable.
    pub(super) open: Option<Contents>,
}

/// What the next opening has to know of those before it.
#[derive(Default)]
pub(super) struct Caution {
    /// The token and PIN that went into a login whose outcome is not known, and how often since the token
    /// was away.
    uncertain: Option<(String, zeroize::Zeroizing<String>, u8)>,
    /// The PIN that is known not to be accepted, and how it stands with the token since, so that it is neither tried nor
    /// hashed at each look.
    refused: Option<(String, zeroize::Zeroizing<String>, TokenState)>,
}

/// An attempt to open a token.
pub(super) struct Opener<'a> {
    pub(super) rules: &'a TokenRules,
    pub(super) refused: &'a RefusedPins,
    pub(super) caution: &'a mut Caution,
    pub(super) process: &'a Arc<Process>,
    /// Called now and then.
    pub(super) tick: &'a dyn Fn(),
}

/// The process has ended or did not answer.
struct Lost(String);

impl<'a> Opener<'a> {
    /// Opens it.
    pub(super) fn open(mut self) -> Opening {
        let ended = |state| Opening {
            state,
            facts: None,
            open: None,
        };
        let facts = match self.find() {
            Ok(Answer::Found(facts)) => facts,
            Ok(Answer::Absent) => {
                // When it is back it may be given the PIN anew, unless it says then that the last one was wrong.
                if let Some((_, _, times)) = &mut self.caution.uncertain {
                    *times = 0;
                }
                return ended(TokenState::Absent);
            }
            Ok(Answer::Failed(failure)) => return ended(TokenState::Faulty(failure.text)),
            Ok(_) => return ended(TokenState::Faulty("its module answers nonsense".into())),
            Err(Lost(why)) => return ended(TokenState::Faulty(why)),
        };
        let outcome = self.log_in(&facts).and_then(|()| self.list());
        let (state, open) = match outcome {
            Ok(contents) => (TokenState::Usable, Some(contents)),
            Err(state) => (state, None),
        };
        Opening {
            state,
            facts: Some(facts),
            open,
        }
    }

    fn find(&mut self) -> Result<Answer, Lost> {
        let rules = self.rules;
        let ask = Ask::Open {
            module: rules.module.clone(),
            label: rules.label.clone(),
            serial: rules.serial.clone(),
            parent: rustix::process::getpid().as_raw_nonzero().get(),
        };
        self.ask(ask, &[])
    }

    fn log_in(&mut self, facts: &Facts) -> Result<(), TokenState> {
        if facts.locked {
            return Err(TokenState::Locked);
        }
        let name = name(self.rules, facts);
        let (pin, attempt) = if facts.wants_login {
            let pin = self.pin(facts, &name)?;
            let attempt = self.begin(&name, &pin)?;
            (Some(pin), Some(attempt))
        } else {
            (None, None)
        };
        let ask = Ask::LogIn {
            with_pin: pin.is_some(),
            sessions: self.rules.sessions,
        };
        self.process.hush(true);
        let bytes = pin.as_ref().map_or(&[][..], |pin| pin.as_bytes());
        let answer = self.ask(ask, bytes);
        self.process.hush(false);
        if let Some(attempt) = attempt {
            match &answer {
                Ok(Answer::Done) => attempt.accepted(),
                Ok(Answer::Failed(failure)) if failure.kind == FailureKind::WrongPin => attempt.refused(),
                _ => attempt.ended(),
            }
        }
        match (answer, pin) {
            (Ok(Answer::Done), _) => {
                *self.caution = Caution::default();
                Ok(())
            }
            (Ok(Answer::Failed(failure)), pin) => Err(self.login_failed(failure, name, pin)),
            (Ok(_), _) => Err(TokenState::Faulty("its module answers nonsense".into())),
            (Err(Lost(why)), pin) => {
                if let Some(pin) = pin {
                    self.note_uncertain(name, pin);
                }
                Err(TokenState::Faulty(format!("{why} (while it was given its PIN)")))
            }
        }
    }

    fn login_failed(
        &mut self,
        failure: Failure,
        name: String,
        pin: Option<zeroize::Zeroizing<String>>,
    ) -> TokenState {
        match (failure.kind, pin) {
            (FailureKind::WrongPin, Some(pin)) => {
                self.caution.refused = Some((name, pin, refused_state()));
                refused_state()
            }
            // Whether the PIN is wrong is not known: after the administrator has unlocked the token it may be tried, by
            // the next run of the node.
            (FailureKind::LockedPin, pin) => {
                self.caution.refused = pin.map(|pin| (name, pin, TokenState::Locked));
                TokenState::Locked
            }
            (_, _) if failure.text == "CKR_USER_PIN_NOT_INITIALIZED" => no_pin_on_token(),
            (_, Some(pin)) if failure.text == "CKR_PIN_EXPIRED" => {
                let state = refused(
                    "its PIN has expired: change it with its maker's tool, and put the new one into the PIN file",
                );
                self.caution.refused = Some((name, pin, state.clone()));
                state
            }
            (FailureKind::NoSession, _) => TokenState::Faulty(failure.text),
            // All else may be a maker's word for a wrong PIN, also that it went: whether it did shows at the next look.
            (_, pin) => {
                if let Some(pin) = pin {
                    self.note_uncertain(name, pin);
                }
                TokenState::Faulty(format!("{} (while it was given its PIN)", failure.text))
            }
        }
    }

    /// The PIN, if there is one that may be tried.
    fn pin(&mut self, facts: &Facts, name: &str) -> Result<zeroize::Zeroizing<String>, TokenState> {
        if !facts.has_pin {
            return Err(no_pin_on_token());
        }
        let Some(path) = &self.rules.pin else {
            return Err(missing("no PIN is set for it: set pin_file or pin_credential"));
        };
        let pin = pin::read(path).map_err(missing)?;
        if let Some((token, refused, state)) = &self.caution.refused
            && token == name
            && **refused == *pin
        {
            return Err(state.clone());
        }
        if let Some((token, tried, times)) = &self.caution.uncertain
            && token == name
            && **tried == *pin
        {
            if facts.wrong_before {
                self.refused.add(name, &pin);
                self.caution.uncertain = None;
            } else if *times >= MOST_UNCERTAIN {
                return Err(refused(format!(
                    "its module failed or crashed each of the {times} times that it was given the PIN, see the log; the PIN is \
                     not tried again, for it may be wrong, before the PIN file has another, the token was away, or the node \
                     starts anew"
                )));
            }
        }
        if self.refused.has(name, &pin) {
            self.caution.refused = Some((name.to_owned(), pin, refused_state()));
            return Err(refused_state());
        }
        if facts.final_try {
            return Err(refused(
                "one more wrong PIN locks it, so none is tried: log in by other means (such as pkcs11-tool --login) with the \
                 right PIN, see that the PIN file has it, and have the node look again",
            ));
        }
        Ok(pin)
    }

    /// Nobody else gives the token a PIN from now on.
    fn begin(&mut self, name: &str, pin: &str) -> Result<Attempt<'a>, TokenState> {
        let until = Instant::now() + self.rules.timeout;
        let wait = || {
            (self.tick)();
            let now = Instant::now();
            // Whoever stops the node ends the process.
            now < until && !self.process.wait(Some(now + PAUSE))
        };
        self.refused.begin(name, pin, wait).map_err(|held| match held {
            Held::Refused => refused_state(),
            Held::Begun => refused(
                "the node ended each time that it gave it the PIN, which is not tried again, for it may be wrong, before the \
                 PIN file has another",
            ),
            Held::Busy => TokenState::Faulty("it is being given a PIN by another program of the node".into()),
        })
    }

    fn note_uncertain(&mut self, name: String, pin: zeroize::Zeroizing<String>) {
        let times = match self.caution.uncertain.take() {
            Some((token, tried, times)) if token == name && tried == pin => times.saturating_add(1),
            _ => 1,
        };
        self.caution.uncertain = Some((name, pin, times));
    }

    fn list(&mut self) -> Result<Contents, TokenState> {
        let mut contents = Contents::default();
        let mut inbox = Inbox::new();
        let faulty = |text: String| TokenState::Faulty(text);
        let sent = self.process.send(0, Ask::List, &[]);
        sent.map_err(|_| faulty(CRASHED.into()))?;
        loop {
            match self.next(&mut inbox).map_err(|Lost(why)| faulty(why))? {
                (Answer::Done, _) => return Ok(contents),
                (Answer::Failed(failure), _) => return Err(faulty(failure.text)),
                (answer, bytes) => contents.add(answer, bytes),
            }
        }
    }

    fn ask(&mut self, ask: Ask, bytes: &[u8]) -> Result<Answer, Lost> {
        let sent = self.process.send(0, ask, bytes);
        sent.map_err(|_| Lost(CRASHED.into()))?;
        let mut inbox = Inbox::new();
        Ok(self.next(&mut inbox)?.0)
    }

    /// The next answer, which has to come within the time-out.
    fn next<'i>(&self, inbox: &'i mut Inbox) -> Result<(Answer, &'i [u8]), Lost> {
        let until = Instant::now() + self.rules.timeout;
        loop {
            (self.tick)();
            let now = Instant::now();
            if now >= until {
                return Err(Lost(HUNG.into()));
            }
            if self.process.wait(Some((now + TICK).min(until))) {
                break;
            }
        }
        match self.process.receive(inbox, Some(until)) {
            Received::Answer(_, answer, bytes) => Ok((answer, bytes)),
            Received::Late => Err(Lost(HUNG.into())),
            Received::Ended => Err(Lost(CRASHED.into())),
        }
    }
}

pub(super) const CRASHED: &str = "its module crashed";
pub(super) const HUNG: &str = "its module did not answer in time";

fn missing(text: impl Into<String>) -> TokenState {
    TokenState::NeedsPin(PinWanted::Missing(text.into()))
}

fn refused(text: impl Into<String>) -> TokenState {
    TokenState::NeedsPin(PinWanted::Refused(text.into()))
}

fn refused_state() -> TokenState {
    refused("it refused the PIN that is set, which is not tried again: put the right one into the PIN file")
}

fn no_pin_on_token() -> TokenState {
    missing("it has no user PIN yet: give it one with its maker's tool")
}

/// What a token is remembered by.
fn name(rules: &TokenRules, facts: &Facts) -> String {
    if facts.serial.is_empty() {
        format!("{} {}", rules.module.display(), facts.label)
    } else {
        format!("{} {} {}", facts.manufacturer, facts.model, facts.serial)
    }
}
