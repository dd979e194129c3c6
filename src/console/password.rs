//! /console/password: one's own password. Who has the one that every new node has, sees nothing else first.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::answer;
use super::frame::bare;
use super::markup::Markup;
use super::site::Door;
use super::words::Words;

#[derive(Template)]
#[template(path = "password.html")]
struct PasswordForm<'a> {
    w: Words,
    token: &'a str,
    user: &'a str,
    initial: bool,
    error: &'a str,
}

/// The form.
pub(super) fn form(door: &Door) -> HttpResponse {
    page(door, StatusCode::OK, "")
}

fn page(door: &Door, status: StatusCode, error: &str) -> HttpResponse {
    let w = door.look.words;
    let form = PasswordForm {
        w,
        token: &door.login.token,
        user: door.login.caller.name(),
        initial: door.initial,
        error,
    };
    bare(
        door.look,
        status,
        w.t("common.password-title"),
        Markup::of(&form),
        &door.frame(),
    )
}

/// What was typed in. Every login of the user ends; this one begins anew.
pub(super) async fn submit(door: &mut Door) -> HttpResponse {
    let w = door.look.words;
    let [old, new, again] = ["old", "new", "again"].map(|name| door.form.take(name));
    if new != again {
        return page(door, StatusCode::BAD_REQUEST, w.t("common.passwords-differ"));
    }
    if new == old {
        return page(door, StatusCode::BAD_REQUEST, w.t("common.password-same"));
    }
    if new.chars().count() < crate::store::MIN_PASSWORD {
        return page(door, StatusCode::BAD_REQUEST, w.t("common.password-short"));
    }
    let api = Arc::clone(&door.console.api);
    match api
        .change_password(&door.login.caller, door.peer, &old, new)
        .await
    {
        Ok(caller) => {
            door.console.logins.end_all_of(caller.name());
            let mut response = answer::see_other("/console/?notice=common.password-changed");
            let cookie = door.console.logins.begin(caller, door.console.now());
            let _ = response.add_cookie(&door.way.with(cookie));
            response
        }
        Err(refusal) => {
            let words = match refusal.status {
                403 => w.t("common.password-wrong"),
                _ => w.t("common.not-now"),
            };
            page(door, StatusCode::FORBIDDEN, words)
        }
    }
}
