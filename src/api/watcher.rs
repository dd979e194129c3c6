//! Who may look at what the second listener tells besides health: whoever is on this computer where it listens there only,
//! else an administrator or a monitor. And how: they look, and change nothing.

use std::sync::Arc;

use actix_web::http::header::{ALLOW, AUTHORIZATION};
use actix_web::http::{Method, StatusCode};
use actix_web::web;
use actix_web::{HttpRequest, HttpResponse};

use crate::store::Role;

use super::error::ApiError;
use super::{Api, Caller, host};

/// Whether this request only looks: a GET or a HEAD.
///
/// # Errors
/// What to answer instead.
pub fn looks(request: &HttpRequest) -> Result<(), HttpResponse> {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(());
    }
    let mut refusal = HttpResponse::MethodNotAllowed();
    refusal.insert_header((ALLOW, "GET, HEAD"));
    let error = format!("{} is read with GET", request.path());
    Err(refusal.json(serde_json::json!({ "error": error })))
}

impl Api {
    /// Looks at the users where that is due, on a thread that may wait: the second listener has one worker.
    pub async fn look_at_users(self: &Arc<Self>) {
        if self.auth.is_due() {
            let api = self.clone();
            let _ = web::block(move || api.auth.look()).await;
        }
    }

    /// Whether this request, which came over the second listener, may see what watchers may, and who asks where they say.
    ///
    /// # Errors
    /// What to answer instead.
    pub async fn admit_watcher(
        self: &Arc<Self>,
        request: &HttpRequest,
    ) -> Result<Option<Caller>, HttpResponse> {
        self.try_watcher(request).await.map_err(|error| {
            let mut answer = HttpResponse::build(error.status);
            if error.status == StatusCode::UNAUTHORIZED {
                answer.insert_header(("WWW-Authenticate", "Basic realm=\"keynode\", charset=\"UTF-8\""));
            }
            answer
                .content_type("application/json;charset=utf-8")
                .body(error.body())
        })
    }

    /// Whether somebody who was admitted would be so still: is a user with the same role and password.
    pub async fn admits_still(self: &Arc<Self>, caller: &Caller) -> bool {
        self.look_at_users().await;
        self.auth.standing(caller).is_some()
    }

    async fn try_watcher(self: &Arc<Self>, request: &HttpRequest) -> Result<Option<Caller>, ApiError> {
        if !host::is_allowed(request, &self.settings.load().allowed_hosts) {
            return Err(ApiError::forbidden(
                "The Host header is none of this node's names: see allowed_hosts in the settings.",
            ));
        }
        let header = request.headers().get(AUTHORIZATION);
        if header.is_none() && request.app_config().local_addr().ip().is_loopback() {
            return Ok(None);
        }
        let peer = request.peer_addr().map(|address| address.ip().to_canonical());
        let peer = peer.ok_or_else(|| ApiError::internal("The connection has no peer."))?;
        self.look_at_users().await;
        let caller = self.auth.check(peer, header).await?;
        match caller.role {
            Role::Admin | Role::Monitor => Ok(Some(caller)),
            role => Err(ApiError::forbidden(format!(
                "The role {role} may not GET {}.",
                request.path()
            ))),
        }
    }
}
