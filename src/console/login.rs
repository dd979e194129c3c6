//! Logging in and out.

use std::net::IpAddr;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;

use crate::store::Role;

use super::Console;
use super::answer;
use super::cookie::LoginCookie;
use super::frame::{Frame, bare};
use super::look::{self, Look};
use super::markup::Markup;
use super::params::Params;

#[derive(Template)]
#[template(path = "login.html")]
struct LoginForm<'a> {
    w: super::words::Words,
    user: &'a str,
    back: &'a str,
    error: &'a str,
}

/// The form.
pub(super) fn form(look: Look, back: &str) -> HttpResponse {
    page(look, StatusCode::OK, "", look::back(back), "")
}

fn page(look: Look, status: StatusCode, user: &str, back: &str, error: &str) -> HttpResponse {
    let w = look.words;
    let form = LoginForm { w, user, back, error };
    bare(
        look,
        status,
        w.t("common.login-title"),
        Markup::of(&form),
        &Frame::at("/console/login"),
    )
}

/// What was typed in. The login that the browser had (`old`) ends with a new one.
pub(super) async fn submit(
    console: &Data<Console>,
    look: Look,
    peer: IpAddr,
    (cookie, old): (&LoginCookie, &str),
    mut form: Params,
) -> HttpResponse {
    let password = form.take("password");
    let (user, back) = (form.get("user"), look::back(form.get("back")));
    let w = look.words;
    let caller = match console.api.log_in(peer, user, &password).await {
        Ok(caller) => caller,
        Err(answer) => {
            let error = match answer.status {
                401 => w.t("common.wrong-password"),
                403 | 429 => w.t("common.too-many-logins"),
                _ => w.t("common.no-login-now"),
            };
            let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::UNAUTHORIZED);
            // A browser must not ask with its own window.
            let status = if status == StatusCode::UNAUTHORIZED {
                StatusCode::FORBIDDEN
            } else {
                status
            };
            return page(look, status, user, back, error);
        }
    };
    if !matches!(caller.role(), Role::Admin | Role::Monitor) {
        let error = w.with("common.role-without-console", caller.role());
        return page(look, StatusCode::FORBIDDEN, user, back, &error);
    }
    let mut response = answer::see_other(back);
    console.logins.end(old);
    let value = console.logins.begin(caller, console.now());
    let _ = response.add_cookie(&cookie.with(value));
    response
}

/// Ends a login.
pub(super) fn log_out(console: &Console, cookie: &LoginCookie, value: &str) -> HttpResponse {
    console.logins.end(value);
    let mut response = answer::see_other("/console/login");
    let _ = response.add_cookie(&cookie.gone());
    response
}
