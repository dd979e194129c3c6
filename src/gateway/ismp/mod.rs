//! Session keys of IS MP (spec, services, sections 2 and 5; seed 001): one sign-in for all who want a token, kept, renewed
//! before its end, and somebody reminded where the node cannot.

mod directory;
mod faults;
mod keeping;
mod keys;
mod kind;
mod live;
mod pace;
mod parameters;
mod reminders;
mod renewal;
mod responsible;
mod sign_in;
mod token;

use std::sync::Arc;

pub use keys::Had;
pub use kind::TokenType;
pub use parameters::{REMINDERS_NAME, RETAIL_SALE, RequestParameters, SETTINGS_NAME};
pub use reminders::{Standing, TokenRow, next_check};
pub use responsible::{MOST_RULES, REFRESH, Rule, Watcher};
pub use token::{Live, Place, SessionKey};

use directory::Organizations;
use keys::Keys;

use crate::licence::Timestamp;

use super::gateway::Shared;
use super::jobs::Next;
use super::outcome::Trouble;
use super::secret::Secret;

/// The job that renews a token.
pub(super) const RENEWAL: &str = "ismp-renewal";

/// A token that is younger is not replaced, in milliseconds: of several who find that the operator refuses the old one, the
/// second would kill what the first was given.
const YOUNG: i64 = 60_000;

/// Gets session keys, shares them, renews them, reminds of those that it cannot renew.
pub struct Ismp {
    keys: Arc<Keys>,
}

impl Ismp {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let keys = Arc::new(Keys::new(shared));
        // Weak, for what is kept is shared by all.
        let following = Arc::downgrade(&keys);
        keys.shared.state.follow(move |state| {
            if let Some(keys) = following.upgrade() {
                keys.directory.changed(state);
            }
        });
        Self { keys }
    }

    /// Reads what is to be at hand at once, and has tokens that a clock that was set back made doubtful looked at.
    pub(super) async fn begin(&self) -> Result<(), Trouble> {
        self.keys.plan_those_of_the_future()?;
        self.read().await
    }

    pub(super) async fn renew_job(&self, name: &str) -> Next {
        self.keys.renew_job(name).await
    }

    /// Reads the tokens that are kept, once; until then none is found.
    ///
    /// # Errors
    /// [`Trouble`]: they cannot be read.
    pub async fn read(&self) -> Result<(), Trouble> {
        self.keys.lives.read(&self.keys.shared).await
    }

    /// Whether the tokens that are kept have been read.
    pub fn is_read(&self) -> bool {
        self.keys.lives.are_read()
    }

    /// The places of production of an organisation; none: it is unknown.
    ///
    /// # Errors
    /// [`Trouble`]: that cannot be read.
    pub fn facilities(&self, itn: &str) -> Result<Option<Vec<String>>, Trouble> {
        let known = self.keys.organizations()?;
        Ok(known.find(itn).map(directory::Known::facilities))
    }

    /// The token for a place, where there is one with more than a minute left. Out of memory.
    ///
    /// # Errors
    /// [`Trouble`]: organisations were changed and cannot be read.
    pub fn find(&self, place: &Place) -> Result<Option<Arc<Live>>, Trouble> {
        self.keys.live(place)
    }

    /// As [`Ismp::find`], only the token.
    pub fn live(&self, kind: TokenType, itn: &str, facility: &str) -> Option<Secret> {
        let place = Place {
            kind,
            itn: itn.into(),
            facility: facility.into(),
        };
        let live = self.find(&place).ok()??;
        Some(live.token.clone())
    }

    /// The live token of a connection of the order management station (`clientToken`).
    pub fn live_of_connection(&self, connection: &str) -> Option<Secret> {
        let place = self.keys.organizations().ok()?.place_with(connection)?;
        self.live(place.kind, &place.itn, &place.facility)
    }

    /// A token for a place: the live one, or a new one.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn have(&self, place: &Place) -> Result<Had, Trouble> {
        self.keys.have(place, None).await
    }

    /// A new token in place of one that does not do. One that came meanwhile (it does not end then, or is younger than a
    /// minute) stays and is shared.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn replace(&self, place: &Place, ends: Option<Timestamp>) -> Result<Had, Trouble> {
        self.read().await?;
        let now = self.keys.shared.now();
        let seconds = |time: Timestamp| time.millis().div_euclid(1000);
        let live = self.find(place)?.filter(|live| {
            let same = ends.is_none_or(|ends| seconds(ends) == seconds(live.valid_until));
            same && now.millis() - live.obtained.millis() >= YOUNG
        });
        self.keys.have(place, live.map(|live| live.number)).await
    }

    /// Has keys that were waited for looked at.
    ///
    /// # Errors
    /// [`Trouble`]: what waits cannot be read.
    pub fn keys_changed(&self) -> Result<(), Trouble> {
        self.keys.keys_changed()
    }

    /// What is known of an organisation is other now: what failed for it is tried again, what nobody can ask for any more goes.
    ///
    /// # Errors
    /// [`Trouble`]: what waits cannot be read.
    pub fn organization_changed(&self, itn: &str) -> Result<(), Trouble> {
        self.keys.organization_changed(itn)
    }

    /// Tokens that were had and are not renewed now, with why.
    ///
    /// # Errors
    /// [`Trouble`]: they cannot be read.
    pub fn failing(&self) -> Result<Vec<(Place, Trouble)>, Trouble> {
        self.keys.failing()
    }

    /// What a 1C program asks for such a token with; none: the organisation is unknown.
    ///
    /// # Errors
    /// [`Trouble`]: organisations cannot be read.
    pub fn request_parameters(&self, place: Place) -> Result<Option<RequestParameters>, Trouble> {
        let known = self.keys.organizations()?;
        Ok(RequestParameters::new(&self.keys.shared, &known, place))
    }

    /// The type of token for an operation with products of a kind.
    pub fn kind_for(&self, operation: &str, at_the_desk: bool, product: &str) -> TokenType {
        parameters::kind_for(&self.keys.shared, operation, at_the_desk, product)
    }
}
