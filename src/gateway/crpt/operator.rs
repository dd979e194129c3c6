//! The operator's own list of connections, and their removal there (spec, services, section 3.1). Both want a live token of
//! the order management station.

use reqwest::Method;
use serde_json::Value;

use crate::settings::CrptRoute;

use super::super::gateway::Gateway;
use super::super::organization::Organization;
use super::super::outcome::{Code, Trouble};
use super::super::secret::Secret;
use super::super::state::{Changes, StateError};
use super::super::upstream::{Ask, Told};
use super::answer::{self, Fate};
use super::attempt::Attempt;
use super::registration::leave;
use super::{Connection, Crpt, not_kept, send};

impl Gateway {
    /// A live token of a station, whichever of its connections it belongs to.
    ///
    /// # Errors
    /// [`Trouble`]: there is none now.
    pub async fn client_token(&self, oms_id: &str) -> Result<Secret, Trouble> {
        self.ismp.read().await?;
        let connections = self.crpt.connections_of(oms_id).map_err(not_kept)?;
        let mut tokens = connections
            .iter()
            .filter_map(|own| self.ismp.live_of_connection(own));
        tokens.next().ok_or_else(|| {
            let message = "Нет действующего токена СУЗ. Получите его и повторите попытку.";
            let info = format!("no token of the station {oms_id} is live: POST /api/ismp/session-keys (СУЗ)");
            Trouble::new(Code::BadLogin, message, info)
        })
    }
}

impl Crpt {
    /// All connections of a station that are known here: those that were registered here, and those of organisations.
    fn connections_of(&self, oms_id: &str) -> Result<Vec<String>, StateError> {
        let state = &self.shared.state;
        let registered = state.all::<Connection>()?.into_iter();
        let registered = registered.filter(|(_, own)| own.oms_id.eq_ignore_ascii_case(oms_id));
        let mut connections: Vec<String> = registered.map(|(name, _)| name).collect();
        for (_, own) in state.all::<Organization>()? {
            if own.oms_id.is_some_and(|own| own.eq_ignore_ascii_case(oms_id)) {
                let facilities = own.facilities.into_iter();
                connections.extend(facilities.filter_map(|facility| facility.oms_connection));
                connections.extend(own.oms_connection);
            }
        }
        Ok(connections)
    }

    /// The connections that the operator has of a station, as it tells them.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn list_of_operator(
        &self,
        oms_id: &str,
        page: (usize, usize),
        token: &Secret,
    ) -> Result<Value, Trouble> {
        let (limit, offset) = page;
        let parameters = [
            ("omsId".to_owned(), oms_id.to_owned()),
            ("limit".to_owned(), limit.to_string()),
            ("offset".to_owned(), offset.to_string()),
        ];
        let told = self.ask(Method::GET, &parameters, token).await?;
        let list = told.json().filter(|list| list["omsConnectionInfos"].is_array());
        list.ok_or_else(|| {
            let info = "CRPT: HTTP 200 without a list of connections";
            Trouble::new(Code::Service, "Сервис ЦРПТ ответил неожиданно.", info)
        })
    }

    /// Removes a connection there, and then here. Its token is of no use then.
    ///
    /// # Errors
    /// [`Trouble`]; what is kept here stays then.
    pub async fn remove(&self, oms_id: &str, oms_connection: &str, token: &Secret) -> Result<(), Trouble> {
        let parameters = [
            ("omsId".to_owned(), oms_id.to_owned()),
            ("omsConnection".to_owned(), oms_connection.to_owned()),
        ];
        self.ask(Method::DELETE, &parameters, token).await?;
        self.forget(oms_id, oms_connection).map(drop)
    }

    /// Removes what is kept here of a connection; whether there was anything.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn forget(&self, oms_id: &str, oms_connection: &str) -> Result<bool, Trouble> {
        let state = &self.shared.state;
        let known = state.find::<Connection>(oms_connection).map_err(not_kept)?;
        if known.is_none_or(|known| !known.oms_id.eq_ignore_ascii_case(oms_id)) {
            return Ok(false);
        }
        let mut gone = Changes::new().remove::<Connection>(oms_connection);
        // What waits to be told of it is not told any more.
        for (name, attempt) in state.all::<Attempt>().map_err(not_kept)? {
            if attempt.registered() == Some(oms_connection) {
                gone = leave(gone, &name);
            }
        }
        state.commit(gone).map_err(not_kept)?;
        Ok(true)
    }

    async fn ask(
        &self,
        method: Method,
        parameters: &[(String, String)],
        token: &Secret,
    ) -> Result<Told, Trouble> {
        let url = send::address(&self.shared.rules().crpt.url, parameters);
        let ask = Ask::new(method, url, Vec::new())
            .header("Accept", "application/json")
            .header("clientToken", token.expose());
        let told = send::exchange(&self.shared, ask).await;
        if let Ok(told) = &told
            && matches!(told.status, 200 | 204)
        {
            return Ok(told.clone());
        }
        let (answered, fate) = answer::read(CrptRoute::Direct, &told);
        let trouble = answered.trouble.unwrap_or_else(|| {
            Trouble::new(
                Code::Unknown,
                "Сервис ЦРПТ ответил неожиданно.",
                "CRPT: no answer",
            )
        });
        Err(match (told, fate) {
            // To look, or to remove, may be tried again at any time.
            (Err(unreached), Fate::Unknown) => {
                let message = "Сервис ЦРПТ не ответил. Повторите попытку позже.";
                Trouble::new(Code::Connection, message, unreached.why)
            }
            _ => trouble,
        })
    }
}
