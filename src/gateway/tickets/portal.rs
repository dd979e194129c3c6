//! Asks the support portal (spec, services, section 1.1).

use serde_json::{Value, json};

use super::super::account::Account;
use super::super::gateway::Shared;
use super::super::outcome::{Code, Detail, Trouble};
use super::super::secret::{Secret, without};
use super::super::upstream::{Ask, Told};
use super::Domain;

/// Longest ticket that is believed, in bytes.
const LONGEST_TICKET: usize = 8 * 1024;

/// Longest login that is believed, in characters.
const LONGEST_LOGIN: usize = 256;

/// What the portal's administrator is to be told when nothing else is known.
const NO_ANSWER: &str = "Портал поддержки не отвечает. Повторите попытку позже.";

/// The portal of a domain.
pub(super) struct Portal<'s> {
    pub(super) shared: &'s Shared,
    pub(super) domain: Domain,
}

impl Portal<'_> {
    /// A ticket for a service, for the user of this account.
    pub(super) async fn get(&self, account: &Account, owner: &str) -> Result<Secret, Trouble> {
        let question = json!({
            "login": account.login, "password": account.password.expose(), "serviceNick": owner,
        });
        let told = self.ask("ticket/get", question).await?;
        if told.status != 200 {
            return Err(self.refusal("ticket/get", &told, &[account.password.expose()]));
        }
        let answer = told.json();
        let ticket = answer.as_ref().and_then(|answer| answer["ticket"].as_str());
        let fits = |ticket: &&str| {
            (1..=LONGEST_TICKET).contains(&ticket.len()) && !ticket.contains(char::is_control)
        };
        ticket
            .filter(fits)
            .map(Secret::from)
            .ok_or_else(|| self.nonsense("ticket/get", "ticket"))
    }

    /// Whose ticket it is; none: it does not hold. The portal counts this as its use.
    pub(super) async fn check(&self, ticket: &Secret, owner: &str) -> Result<Option<String>, Trouble> {
        let question = json!({ "ticket": ticket.expose(), "serviceNick": owner });
        let told = self.ask("ticket/check", question).await?;
        match told.status {
            200 => {
                let answer = told.json();
                let login = answer.as_ref().and_then(|answer| answer["login"].as_str());
                let login = login.and_then(|login| crate::text::clean_up_to(LONGEST_LOGIN, login.as_bytes()));
                login
                    .map(Some)
                    .ok_or_else(|| self.nonsense("ticket/check", "login"))
            }
            401 | 403 => Ok(None),
            _ => Err(self.refusal("ticket/check", &told, &[ticket.expose()])),
        }
    }

    /// Whether the portal knows this login and password.
    pub(super) async fn authenticate(&self, account: &Account) -> Result<bool, Trouble> {
        let question = json!({ "login": account.login, "password": account.password.expose() });
        let told = self.ask("user/auth", question).await?;
        match told.status {
            200 => Ok(true),
            401 | 403 => Ok(false),
            _ => Err(self.refusal("user/auth", &told, &[account.password.expose()])),
        }
    }

    async fn ask(&self, what: &str, question: Value) -> Result<Told, Trouble> {
        let rules = self.shared.rules();
        let base = match self.domain {
            Domain::Ru => &rules.tickets.url,
            Domain::Eu => &rules.tickets.url_eu,
        };
        let url = format!("{}/rest/public/{what}", base.trim_end_matches('/'));
        let told = self.shared.upstream.ask(Ask::post_json(url, &question)).await;
        told.map_err(|unreached| {
            let info = format!("{}: {}", self.named(what), unreached.why);
            Trouble::new(Code::Connection, NO_ANSWER, info)
        })
    }

    /// A request as a log names it.
    fn named(&self, what: &str) -> String {
        format!("the support portal (domain {}), {what}", self.domain.number())
    }

    /// What a status means that is not 200: the seed's code, and beside it the portal's own finer one.
    fn refusal(&self, what: &str, told: &Told, secrets: &[&str]) -> Trouble {
        let code = match told.status {
            400 | 403 | 404 => Code::Connection,
            500 => Code::Service,
            _ => Code::Unknown,
        };
        let (finer, message) = match told.status {
            403 => (
                Code::BadLogin,
                "Портал поддержки не принял логин и пароль узла лицензирования.",
            ),
            429 => (Code::TooMany, super::TOO_MANY),
            500 => (Code::Service, "На портале поддержки произошла ошибка."),
            _ => (Code::Unknown, "Портал поддержки ответил неожиданно."),
        };
        let said = without(&String::from_utf8_lossy(&told.body), secrets);
        let info = format!("{}: HTTP {}. {said}", self.named(what), told.status);
        let trouble = Trouble::new(code, message, info);
        if finer == code {
            return trouble;
        }
        trouble.with(Detail::Finer(finer))
    }

    /// It said yes and made no sense. What it said is not shown: there may be a ticket in it.
    fn nonsense(&self, what: &str, field: &str) -> Trouble {
        let info = format!("{}: HTTP 200 without a usable \"{field}\"", self.named(what));
        Trouble::new(
            Code::Service,
            "Ответ портала поддержки не удалось разобрать.",
            info,
        )
    }
}
