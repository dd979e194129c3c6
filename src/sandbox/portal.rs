//! A stand-in for the support portal, login.1c.ru: tickets are good for one check by the service that they were made for.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use super::server::{Asked, Said};
use super::world::World;

/// Wrong logins after which it wants to be left in peace.
const PATIENCE: u32 = 5;

/// What it remembers.
#[derive(Default)]
pub(super) struct Memory {
    /// The service and the login of each ticket that was not used.
    tickets: HashMap<String, (String, String)>,
    /// Wrong passwords by login.
    wrong: HashMap<String, u32>,
}

impl Memory {
    /// Uses a ticket up that was made out to a service that `is_for` takes.
    pub(super) fn redeem(&mut self, ticket: &str, is_for: impl Fn(&str) -> bool) -> bool {
        let fits = self.tickets.get(ticket).is_some_and(|(owner, _)| is_for(owner));
        fits && self.tickets.remove(ticket).is_some()
    }
}

/// Answers what is its own.
pub(super) fn answer(world: &Mutex<World>, asked: &Asked) -> Option<Said> {
    let what = asked.path.strip_prefix("/rest/public/")?;
    let mut world = world.lock().unwrap_or_else(PoisonError::into_inner);
    let said = asked.json();
    Some(match (asked.method.as_str(), what) {
        ("POST", "ticket/get") => world.get_ticket(&said),
        ("POST", "ticket/check") => world.check_ticket(&said),
        ("POST", "user/auth") => match world.log_in(&said) {
            Ok(login) => Said::json(200, &json!({ "login": login })),
            Err(refusal) => refusal,
        },
        _ => refusal(404, "there is no such operation"),
    })
}

impl World {
    fn get_ticket(&mut self, said: &Value) -> Said {
        let owner = text(said, "serviceNick").to_owned();
        if owner.is_empty() {
            return refusal(400, "serviceNick is empty");
        }
        match self.log_in(said) {
            Ok(login) => {
                let ticket = format!("ticket-{}", uuid::Uuid::new_v4());
                self.portal.tickets.insert(ticket.clone(), (owner, login));
                Said::json(200, &json!({ "ticket": ticket }))
            }
            Err(refusal) => refusal,
        }
    }

    fn check_ticket(&mut self, said: &Value) -> Said {
        let (ticket, owner) = (text(said, "ticket"), text(said, "serviceNick"));
        let tickets = &mut self.portal.tickets;
        if tickets.get(ticket).is_none_or(|(own, _)| own != owner) {
            return refusal(403, "the ticket does not hold");
        }
        let login = tickets.remove(ticket).map(|(_, login)| login);
        Said::json(200, &json!({ "login": login }))
    }

    fn log_in(&mut self, said: &Value) -> Result<String, Said> {
        let (login, password) = (text(said, "login"), text(said, "password"));
        let wrong = self.portal.wrong.entry(login.to_owned()).or_default();
        if *wrong >= PATIENCE {
            return Err(refusal(429, "try again in 30 minutes"));
        }
        if (login, password) != (self.account.0.as_str(), self.account.1.as_str()) {
            *wrong += 1;
            return Err(refusal(403, "login or password is wrong"));
        }
        *wrong = 0;
        Ok(login.to_owned())
    }
}

fn text<'s>(said: &'s Value, name: &str) -> &'s str {
    said[name].as_str().unwrap_or_default()
}

fn refusal(status: u16, why: &str) -> Said {
    Said::json(status, &json!({ "error": why }))
}
