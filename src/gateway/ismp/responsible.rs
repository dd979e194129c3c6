//! Whoever is responsible for the tokens: of which ones to be reminded and how long before, and when each user looked last.

use serde::{Deserialize, Serialize};

use crate::licence::Timestamp;

use super::super::outcome::Trouble;
use super::super::state::{Changes, Kept};
use super::Ismp;
use super::kind::TokenType;
use super::token::Place;

/// Settings are read anew so often, in milliseconds.
pub const REFRESH: i64 = 3_600_000;

/// There are no more rules than that.
pub const MOST_RULES: usize = 1000;

/// Of which token somebody is to be reminded. Its name among the records is whatever its maker calls it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Rule {
    /// The type of token.
    pub token_type: TokenType,
    /// The organisation.
    #[serde(rename = "ITN")]
    pub itn: String,
    /// The place of production; empty: none.
    pub production_facility: String,
    /// So many seconds before its end; 0: never.
    pub notify_before: u32,
}

impl Kept for Rule {
    const KIND: &'static str = "ismp-responsible";
}

impl Rule {
    /// The token that it is about.
    pub fn place(&self) -> Place {
        Place {
            kind: self.token_type,
            itn: self.itn.clone(),
            facility: self.production_facility.clone(),
        }
    }
}

/// What is kept of a user who looks after tokens. Its name among the records is the user's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Watcher {
    /// When the settings were read last.
    pub refreshed: Option<Timestamp>,
    /// They were read for the form that only shows.
    pub for_view: bool,
    /// No reminders before.
    pub snoozed_until: Option<Timestamp>,
}

impl Kept for Watcher {
    const KIND: &'static str = "ismp-watcher";
}

impl Watcher {
    /// When the settings are to be read next; a time of reading in the future counts as none.
    pub fn next_refresh(&self, now: Timestamp) -> Timestamp {
        let read = self.refreshed.filter(|read| *read <= now);
        read.map_or(now, |read| read.plus(REFRESH))
    }
}

impl Ismp {
    /// All rules with their names.
    ///
    /// # Errors
    /// [`Trouble`]: they cannot be read.
    pub fn rules(&self) -> Result<Vec<(String, Rule)>, Trouble> {
        Ok(self.keys.shared.state.all()?)
    }

    /// Keeps a rule; true: it is new; none: there are too many already.
    ///
    /// # Errors
    /// [`Trouble`]: it was not kept.
    pub fn set_rule(&self, id: &str, rule: &Rule) -> Result<Option<bool>, Trouble> {
        let state = &self.keys.shared.state;
        let new = state.find::<Rule>(id)?.is_none();
        if new && state.all::<Rule>()?.len() >= MOST_RULES {
            return Ok(None);
        }
        state.commit(Changes::new().put(id, rule))?;
        Ok(Some(new))
    }

    /// Removes a rule; none: there was none.
    ///
    /// # Errors
    /// [`Trouble`]: it was not removed.
    pub fn remove_rule(&self, id: &str) -> Result<Option<Rule>, Trouble> {
        Ok(self.keys.shared.state.take(id)?)
    }

    /// What is kept of a user.
    ///
    /// # Errors
    /// [`Trouble`]: it cannot be read.
    pub fn watcher(&self, user: &str) -> Result<Watcher, Trouble> {
        let kept = self.keys.shared.state.find(user)?;
        Ok(kept.unwrap_or_default())
    }

    fn set_watcher(&self, user: &str, watcher: &Watcher) -> Result<(), Trouble> {
        let changes = Changes::new().put(user, watcher);
        Ok(self.keys.shared.state.commit(changes)?)
    }

    /// Begins to remind a user, once: who is reminded already stays so.
    ///
    /// # Errors
    /// [`Trouble`]: it was not kept.
    pub fn initialize(&self, user: &str) -> Result<Watcher, Trouble> {
        let (mut watcher, now) = (self.watcher(user)?, self.keys.shared.now());
        if watcher.next_refresh(now) <= now {
            watcher.refreshed = Some(now);
            self.set_watcher(user, &watcher)?;
        }
        Ok(watcher)
    }

    /// Reads the settings anew for a user: for the form that only shows, or for reminders.
    ///
    /// # Errors
    /// [`Trouble`]: it was not kept.
    pub fn refresh(&self, user: &str, for_view: bool) -> Result<Watcher, Trouble> {
        let mut watcher = self.watcher(user)?;
        watcher.refreshed = Some(self.keys.shared.now());
        watcher.for_view = for_view;
        self.set_watcher(user, &watcher)?;
        Ok(watcher)
    }

    /// Leaves a user alone until then; what is missing or has ended is told all the same.
    ///
    /// # Errors
    /// [`Trouble`]: it was not kept.
    pub fn snooze(&self, user: &str, until: Timestamp) -> Result<(), Trouble> {
        let mut watcher = self.watcher(user)?;
        watcher.snoozed_until = Some(until);
        self.set_watcher(user, &watcher)
    }
}
