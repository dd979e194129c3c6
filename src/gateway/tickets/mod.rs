//! Tickets of the support portal (spec, services, sections 1 and 5; seed 003). They are good for one use, so none is kept and
//! none is shared: everybody who asks gets their own.

mod hold;
mod issuer;
mod portal;

use std::sync::Arc;

pub(super) use issuer::CLEANING;
pub use issuer::Issued;

use super::account::Account;
use super::gateway::Shared;
use super::jobs::Next;
use super::outcome::{Code, Detail, Trouble};
use super::secret::Secret;
use issuer::Issuer;
use portal::Portal;

/// What the user is told who is to wait.
const TOO_MANY: &str = "Превышено количество попыток получения тикета. Повторите попытку через 30 минут.";

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
}

impl Tickets {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            issuer: Issuer::default(),
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
            let info = format!("the support portal said HTTP 429; it is not asked again before {until}");
            let trouble = Trouble::new(Code::Unknown, TOO_MANY, info);
            return Err(trouble.with(Detail::Finer(Code::TooMany)));
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

    /// Whether the portal knows a login and password.
    ///
    /// # Errors
    /// [`Trouble`] where it did not say.
    pub async fn authenticate(&self, account: &Account, domain: Domain) -> Result<bool, Trouble> {
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
