//! What is kept of a registration while its outcome is not settled, so that nothing is sent twice whatever happens.
//!
//! The record is made *before* the request goes out. Whoever finds it afterwards in the stage `Asked`, without the request
//! being under way, knows that the node was stopped in between: the operator may have registered a connection. Such a request,
//! and one whose answer never came, is not sent again by itself; the same request is told that its outcome is unknown, and
//! where to look (the operator's list of connections). Whoever has looked can have it sent again by saying so (`Repeat`), and
//! after [`REMEMBERED`] it is forgotten. Nor is a success sent again for some minutes: who asks for the same then did not hear
//! of it.

use serde::{Deserialize, Serialize};

use crate::licence::Timestamp;

use super::super::outcome::{Code, Trouble};
use super::super::state::Kept;
use super::answer::Answered;

/// A registration that the operator answered with HTTP 500 is repeated so much later, in milliseconds (the operator's rule).
pub(super) const PAUSE: i64 = 30_000;

/// For so long an unknown outcome stands in the way of the same request, in milliseconds.
pub(super) const REMEMBERED: i64 = 24 * 60 * 60_000;

/// For so long the result of a repeated registration waits for the request that it belongs to, in milliseconds.
pub(super) const COLLECTED: i64 = 60 * 60_000;

/// For so long the same request gets the connection that was registered for it, in milliseconds: a 1C program gives up after
/// 30 seconds and asks again.
pub(super) const TOLD: i64 = 10 * 60_000;

/// What the user is told whose connection may have been registered.
pub(super) const UNKNOWN: &str = "Неизвестно, зарегистрировано ли соединение: ответ ЦРПТ не получен. Повторно запрос не \
                                  отправлен. Проверьте список соединений в СУЗ.";

/// A registration. Its name among the records is that of its order; the order is its sealed part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attempt {
    /// When it came to this stage.
    pub(super) since: Timestamp,
    pub(super) stage: Stage,
}

/// How far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    /// It is being sent.
    Asked,
    /// It is repeated after [`PAUSE`]; until then callers are told this.
    Repeating(Answered),
    /// No answer came; callers are told this.
    Unknown(Answered),
    /// The repetition succeeded, with this.
    Done(Answered),
    /// The first try succeeded, with this; whoever asked may not have heard it.
    Told(Answered),
}

impl Kept for Attempt {
    const KIND: &'static str = "crpt-attempt";
}

impl Attempt {
    /// How long it is kept, in milliseconds.
    pub(super) fn life(&self) -> i64 {
        match self.stage {
            Stage::Asked | Stage::Unknown(_) => REMEMBERED,
            Stage::Repeating(_) => PAUSE,
            Stage::Done(_) => COLLECTED,
            Stage::Told(_) => TOLD,
        }
    }

    /// Whether its stage has lasted for as long as it may.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        now >= self.since.plus(self.life())
    }

    /// Whether it is waiting to be repeated, and may be now: its time has come, or a clock that was set back has hidden it.
    pub(super) fn is_to_be_repeated(&self, now: Timestamp) -> bool {
        matches!(self.stage, Stage::Repeating(_)) && (self.is_over(now) || now < self.since)
    }

    /// The same as it is kept on after a clock was set back: its life begins anew, so that it ends.
    pub(super) fn kept_on(self, now: Timestamp) -> Self {
        Self {
            since: self.since.min(now),
            ..self
        }
    }

    /// The connection that came of it.
    pub(super) fn registered(&self) -> Option<&str> {
        match &self.stage {
            Stage::Done(answered) | Stage::Told(answered) => answered.registered(),
            _ => None,
        }
    }

    /// What the same request is told, where it is not to be sent (again).
    pub(super) fn told(self, again: bool, now: Timestamp) -> Option<Answered> {
        let over = self.is_over(now);
        // Somebody who asks then may as well be the repetition: the operator has registered nothing.
        let ahead = now < self.since;
        match self.stage {
            Stage::Repeating(_) if ahead || over && again => None,
            Stage::Repeating(answered) => Some(answered),
            // A clock that was set back lengthens what keeps anything from being sent twice: that is the lesser evil.
            _ if again || over => None,
            Stage::Asked => {
                let info = "this node was stopped while it sent the same request";
                Some(Answered::failed(Trouble::new(Code::Service, UNKNOWN, info)))
            }
            Stage::Unknown(answered) | Stage::Done(answered) | Stage::Told(answered) => Some(answered),
        }
    }
}
