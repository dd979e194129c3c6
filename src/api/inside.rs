//! The API from inside the process: the same resources, roles and audit rows, without HTTP and signature. What the console
//! shows and does goes this way, so it can never say anything else than the API.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::http::Method;
use actix_web::web;
use serde_json::Value;
use zeroize::Zeroizing;

use super::auth::Caller;
use super::entry;
use super::error::ApiError;
use super::query::Query;
use super::route::Action;
use super::{Api, Request};
use crate::store::{Author, UserError};

/// What the API answers inside the process.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status as over HTTP.
    pub status: u16,
    /// Body as over HTTP.
    pub body: Value,
}

impl Answer {
    /// What the API would answer where something that is no fault of the caller went wrong.
    pub fn failed(sentence: &str) -> Self {
        ApiError::internal(sentence).into()
    }
}

impl From<ApiError> for Answer {
    fn from(error: ApiError) -> Self {
        Self {
            status: error.status.as_u16(),
            body: serde_json::from_slice(&error.body()).unwrap_or(Value::Null),
        }
    }
}

impl Api {
    /// Does what a request of this caller would do. `target` is path and query.
    pub async fn call(
        &self,
        caller: &Caller,
        peer: IpAddr,
        verb: &Method,
        target: &str,
        body: &Value,
    ) -> Answer {
        match self.try_call(caller, peer, verb, target, body).await {
            Ok(answer) => answer,
            Err(error) => error.into(),
        }
    }

    async fn try_call(
        &self,
        caller: &Caller,
        peer: IpAddr,
        verb: &Method,
        target: &str,
        body: &Value,
    ) -> Result<Answer, ApiError> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let action = Action::find(verb, path)?;
        if !action.allows(caller.role) {
            let sentence = format!("The role {} may not {verb} {path}.", caller.role);
            return Err(ApiError::forbidden(sentence));
        }
        let request = Request {
            caller: caller.clone(),
            peer,
            query: Query::parse(query)?,
            body: if body.is_null() {
                Vec::new()
            } else {
                body.to_string().into_bytes()
            },
        };
        let mut reply = entry::perform(self, action, &request).await?;
        if let Some(kept) = reply.kept.take() {
            kept.await?;
        }
        Ok(Answer {
            status: reply.status.as_u16(),
            body: serde_json::from_slice(&reply.body).unwrap_or(Value::Null),
        })
    }

    /// Finds out whether this is a user's password, with the same patience, counts and audit rows as HTTP Basic. It is
    /// hashed each time.
    ///
    /// # Errors
    /// What to answer instead.
    pub async fn log_in(
        &self,
        peer: IpAddr,
        user: &str,
        password: &Zeroizing<String>,
    ) -> Result<Caller, Answer> {
        Ok(self.auth.check_typed(peer, user, password).await?)
    }

    /// Changes the caller's own password. The one that holds now is checked as at a login.
    ///
    /// # Errors
    /// What to answer instead: 403 where the old password is wrong, 400 where the new one will not do.
    pub async fn change_password(
        self: &Arc<Self>,
        caller: &Caller,
        peer: IpAddr,
        old: &Zeroizing<String>,
        new: Zeroizing<String>,
    ) -> Result<Caller, Answer> {
        if *old == new {
            return Err(ApiError::bad_request("The new password is the old one.").into());
        }
        let wrong = |answer: Answer| match answer.status {
            401 => ApiError::forbidden("The present password is wrong.").into(),
            _ => answer,
        };
        self.log_in(peer, caller.name(), old).await.map_err(wrong)?;
        let (api, name, password) = (self.clone(), caller.name.clone(), new.clone());
        let by = Author {
            time: self.now(),
            name: format!("{name}@{peer}"),
        };
        let changed = web::block(move || api.auth.set_password(&name, &password, &by)).await;
        match changed {
            Ok(Ok(())) => self.log_in(peer, caller.name(), &new).await,
            Ok(Err(UserError::Store(error))) => {
                tracing::error!(%error, "a password could not be changed");
                Err(ApiError::internal("The node cannot save its state.").into())
            }
            Ok(Err(error)) => Err(ApiError::bad_request(format!("{error}.")).into()),
            Err(_) => Err(ApiError::internal("The node is stopping.").into()),
        }
    }
}
