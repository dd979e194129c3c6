//! Tickets of the support portal (spec, services, sections 1 and 5; seed 003). They are good for one use, so none is kept and
//! none is shared: everybody who asks gets their own.

mod hold;
mod issuer;
mod portal;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

pub(super) use issuer::CLEANING;
pub use issuer::Issued;

use crate::licence::Timestamp;

use super::account::{Account, SupportAccount};
use super::gateway::Shared;
use super::jobs::Next;
use super::outcome::{Code, Detail, Trouble};
use super::secret::Secret;
use issuer::Issuer;
use portal::Portal;

/// What the user is told who is to wait.
const TOO_MANY: &str = "Превышено количество попыток получения тикета. Повторите попытку через 30 минут.";

/// Tickets of strangers that are checked at once.
const STRANGERS: usize = 4;

/// A stranger whose ticket does not hold waits so long, and with them one place of [`STRANGERS`].
const GUESS: Duration = Duration::from_millis(200);

/// Which portal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Domain {
    /// `login.1c.ru`.
    #[default]
    Ru,
    /// `login.1c.eu`.
    Eu,
}

impl Domain {
    /// The one of this number, as 1C programs keep it.
    pub fn from_number(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Ru),
            1 => Some(Self::Eu),
            _ => None,
        }
    }

    fn number(self) -> u8 {
        match self {
            Self::Ru => 0,
            Self::Eu => 1,
        }
    }
}

/// A ticket that somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketOrder {
    /// The service that is to accept it (`ВладелецТикета`).
    pub owner: String,
    /// The area of data, whose account is used where it has one.
    pub area: Option<i64>,
    /// The portal.
    pub domain: Domain,
    /// Who gets it where this node is the issuer and there is no account.
    pub user: String,
}

/// Gets tickets, checks them, and issues its own where there is no portal.
pub struct Tickets {
    shared: Arc<Shared>,
    issuer: Issuer,
    /// Tickets of people whom nobody knows are checked so many at once.
    strangers: Semaphore,
}

impl Tickets {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            issuer: Issuer::default(),
            strangers: Semaphore::new(STRANGERS),
        }
    }

    /// A ticket: the portal's, or where this node is the issuer its own.
    ///
    /// # Errors
    /// [`Trouble`] with the codes of the seed; its detail is the portal's finer code.
    pub async fn get(&self, order: &TicketOrder) -> Result<Secret, Trouble> {
        let not_read = Trouble::from;
        let account = self.shared.state.account(order.area).await.map_err(not_read)?;
        if self.shared.rules().tickets.issuer {
            let login = account.map_or_else(|| order.user.clone(), |account| account.login);
            return self.issue(&order.owner, &login, order.area);
        }
        let Some(account) = account.filter(|account| !account.login.is_empty()) else {
            let message = "На узле лицензирования не заданы логин и пароль портала поддержки.";
            let info =
                "no support account is set for this area of data, nor for all (PUT /api/support-account)";
            let trouble = Trouble::new(Code::Connection, message, info);
            return Err(trouble.with(Detail::Finer(Code::BadLogin)));
        };
        let (state, domain) = (&self.shared.state, order.domain);
        if let Some(until) =
            hold::until(state, domain, &account.login, self.shared.now()).map_err(not_read)?
        {
            return Err(held(until));
        }
        let got = self.portal(domain).get(&account, &order.owner).await;
        if let Err(trouble) = &got
            && trouble.detail == Some(Detail::Finer(Code::TooMany))
            && self.is_current(order.area, &account).await.map_err(not_read)?
        {
            hold::begin(state, domain, &account.login, self.shared.now()).map_err(not_read)?;
        }
        got
    }

    /// Whether an account is still the one that is set: what the portal said is about its password.
    async fn is_current(&self, area: Option<i64>, asked: &Account) -> Result<bool, super::StateError> {
        let now = self.shared.state.account(area).await?;
        Ok(now.is_some_and(|now| now.login == asked.login && now.password == asked.password))
    }

    /// Whose ticket it is; none: it does not hold for this service. It is used up by that.
    ///
    /// # Errors
    /// [`Trouble`] where the portal did not say.
    pub async fn check(
        &self,
        ticket: &Secret,
        owner: &str,
        domain: Domain,
    ) -> Result<Option<String>, Trouble> {
        if self.shared.rules().tickets.issuer {
            let issued = self.redeem(ticket, |own| own == owner)?;
            return Ok(issued.map(|issued| issued.login));
        }
        self.portal(domain).check(ticket, owner).await
    }

    /// As [`Tickets::check`], for somebody who has shown nothing but the ticket, and who therefore must be one of the support
    /// accounts that are set here: the portal knows many who have no business with this node. Whoever guesses does not make
    /// this node ask the portal without end.
    ///
    /// # Errors
    /// [`Trouble`] where the portal did not say, or too many ask.
    pub async fn check_of_stranger(&self, ticket: &Secret, owner: &str) -> Result<Option<String>, Trouble> {
        let _one = self.strangers.try_acquire().map_err(|_| {
            let info = "too many tickets of strangers are being checked";
            Trouble::new(Code::Unknown, TOO_MANY, info).with(Detail::Finer(Code::TooMany))
        })?;
        let login = self.check(ticket, owner, Domain::default()).await?;
        let accounts = self.shared.state.all::<SupportAccount>();
        let accounts = accounts.map_err(|error| Trouble::not_saved(&error))?;
        let login = login.filter(|login| accounts.iter().any(|(_, own)| own.login == *login));
        if login.is_none() {
            tokio::time::sleep(GUESS).await;
        }
        Ok(login)
    }

    /// Leaves the portal in peace about a login that it said had too many tries, unless that is so already.
    ///
    /// # Errors
    /// [`Trouble`]: it cannot be kept.
    pub fn leave_in_peace(&self, domain: Domain, login: &str) -> Result<(), Trouble> {
        let (state, now) = (&self.shared.state, self.shared.now());
        if hold::until(state, domain, login, now)?.is_none() {
            hold::begin(state, domain, login, now)?;
        }
        Ok(())
    }

    /// Whether the portal knows a login and password. It is not asked about those that are set while it is left in peace.
    ///
    /// # Errors
    /// [`Trouble`] where it did not say.
    pub async fn authenticate(&self, account: &Account, domain: Domain) -> Result<bool, Trouble> {
        let (state, now) = (&self.shared.state, self.shared.now());
        if let Some(until) = hold::until(state, domain, &account.login, now)?
            && state.has_account(account).await?
        {
            return Err(held(until));
        }
        self.portal(domain).authenticate(account).await
    }

    /// A ticket of this node's own.
    ///
    /// # Errors
    /// [`Trouble`]: it cannot be kept, or too many are out.
    pub fn issue(&self, owner: &str, login: &str, area: Option<i64>) -> Result<Secret, Trouble> {
        self.issuer.issue(&self.shared, owner, login, area)
    }

    /// Uses up a ticket of this node's own, where it is good for a service that `is_for` takes.
    ///
    /// # Errors
    /// [`Trouble`]: it cannot be read.
    pub fn redeem(&self, ticket: &Secret, is_for: impl Fn(&str) -> bool) -> Result<Option<Issued>, Trouble> {
        let redeemed = self.issuer.redeem(&self.shared, ticket, is_for);
        redeemed.map_err(Trouble::from)
    }

    pub(super) fn clean_job(&self) -> Next {
        self.issuer.clean_job(&self.shared)
    }

    fn portal(&self, domain: Domain) -> Portal<'_> {
        Portal {
            shared: &self.shared,
            domain,
        }
    }
}

/// What is told instead of asking the portal before a time.
fn held(until: Timestamp) -> Trouble {
    let info = format!("the support portal said HTTP 429; it is not asked again before {until}");
    Trouble::new(Code::Unknown, TOO_MANY, info).with(Detail::Finer(Code::TooMany))
}
