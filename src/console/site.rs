//! The way of every request to the console: host, files, origin, login, the initial password, role, page.

use std::net::IpAddr;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::StreamExt;
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use crate::api::{Standing, host_is_allowed};
use crate::clock::Millis;

use super::cookie::LoginCookie;
use super::frame;
use super::login;
use super::logins::Login;
use super::look::{self, Look};
use super::pages::Page;
use super::params::{Params, encode};
use super::visit::{Shown, Trouble, Visit};
use super::{Console, answer, assets, live, origin, password};

/// The longest form in bytes: a thousand chosen rows.
const LONGEST_FORM: usize = 128 * 1024;

/// How long a browser may take to send one.
const FORM_PATIENCE: Duration = Duration::from_secs(10);

/// A request of somebody who is logged in.
pub(super) struct Door {
    pub(super) console: Data<Console>,
    pub(super) look: Look,
    pub(super) login: Login,
    pub(super) cookie: String,
    /// The password is still the one of every new node.
    pub(super) initial: bool,
    pub(super) peer: IpAddr,
    pub(super) way: LoginCookie,
    pub(super) query: Params,
    pub(super) form: Params,
    /// Below /console/, as it was sent.
    pub(super) path: String,
}

impl Console {
    /// The node's monotonic time.
    pub(super) fn now(&self) -> Millis {
        self.api.desk.clock().now().mono
    }

    /// After how long a login that is not used is over.
    pub(super) fn idle(&self) -> Millis {
        u64::try_from(self.settings.console.idle.as_millis()).unwrap_or(Millis::MAX)
    }
}

/// Answers a request below /console/.
pub(super) async fn answer(request: HttpRequest, payload: Payload, console: Data<Console>) -> HttpResponse {
    answer::harden(route(&request, payload, console).await)
}

async fn route(request: &HttpRequest, payload: Payload, console: Data<Console>) -> HttpResponse {
    let path = request
        .path()
        .strip_prefix("/console/")
        .unwrap_or_default()
        .to_owned();
    if !host_is_allowed(request, &console.api.settings.load().allowed_hosts) {
        return HttpResponse::Forbidden().body("This name is not listed in api.allowed_hosts.");
    }
    if let Some(name) = path.strip_prefix("assets/") {
        return assets::answer(request, name).unwrap_or_else(|| HttpResponse::NotFound().finish());
    }
    let Some(peer) = request.peer_addr().map(|address| address.ip()) else {
        return HttpResponse::BadRequest().finish();
    };
    let (look, way) = (Look::of(request), LoginCookie::of(request));
    let form = match *request.method() {
        Method::HEAD if path == "live" => return HttpResponse::MethodNotAllowed().finish(),
        Method::GET | Method::HEAD => None,
        Method::POST if !origin::is_own(request) => {
            return HttpResponse::Forbidden().body("This form was sent from another site.");
        }
        Method::POST => match read(payload).await {
            Some(form) => Some(form),
            None => return HttpResponse::PayloadTooLarge().finish(),
        },
        _ => return HttpResponse::MethodNotAllowed().finish(),
    };
    let query = Params::parse(request.query_string().as_bytes());
    let cookie = way.read(request);
    let follows = matches!(path.as_str(), "live" | "usage.json") || !query.get("seen").is_empty();
    let known = find(&console, &cookie, !follows).await;
    match (path.as_str(), form.is_some()) {
        ("look", true) => return look::choose(&form.unwrap_or_default(), way.secure()),
        ("login", true) => {
            return login::submit(&console, look, peer, (&way, &cookie), form.unwrap_or_default()).await;
        }
        ("login", false) if known.is_none() => return login::form(look, query.get("back")),
        ("login", false) => return answer::see_other("/console/"),
        _ => {}
    }
    let Some((login, standing)) = known else {
        return stranger(request, &path, &query, form.is_some());
    };
    if form.as_ref().is_some_and(|form| !login.owns(form.get("token"))) {
        return HttpResponse::Forbidden().body("This form is not of this login: open the page again.");
    }
    let posts = form.is_some();
    let door = Door {
        console,
        look,
        login,
        cookie,
        initial: standing.initial,
        peer,
        way,
        query,
        path,
        form: form.unwrap_or_default(),
    };
    enter(door, posts).await
}

/// The login of a cookie, and how its user stands.
async fn find(console: &Console, cookie: &str, uses: bool) -> Option<(Login, Standing)> {
    let login = console.logins.find(cookie, console.now(), console.idle(), uses)?;
    console.api.look_at_users().await;
    let standing = console.api.auth.standing(&login.caller);
    if standing.is_none() {
        console.logins.end(cookie);
    }
    Some((login, standing?))
}

/// Who is not logged in gets the form; what a page asks by itself is told in its own way.
fn stranger(request: &HttpRequest, path: &str, query: &Params, posts: bool) -> HttpResponse {
    if path == "live" {
        // The page was open when its login ended, as after a restart of the node: it loads anew, and shows the form.
        return live::end();
    }
    let back = if posts {
        "/console/".to_owned()
    } else {
        format!("/console/{path}{}", query.with("seen", "").query())
    };
    let to = format!("/console/login?back={}", encode(&back));
    if request.headers().contains_key("hx-request") {
        return HttpResponse::Unauthorized()
            .insert_header(("HX-Redirect", to))
            .finish();
    }
    answer::see_other(&to)
}

/// What somebody who is logged in asks.
async fn enter(mut door: Door, posts: bool) -> HttpResponse {
    match (door.path.as_str(), posts) {
        ("live", false) => {
            let topics = door.query.get("topics").to_owned();
            return live::answer(door.console, door.cookie, &door.login, &topics);
        }
        ("logout", true) => return login::log_out(&door.console, &door.way, &door.cookie),
        ("password", false) => return password::form(&door),
        ("password", true) => return password::submit(&mut door).await,
        _ if door.initial => return answer::see_other("/console/password"),
        _ => {}
    }
    let mut names = door
        .path
        .split('/')
        .map(|name| percent_decode_str(name).decode_utf8_lossy().into_owned());
    let page = Page::find(&names.next().unwrap_or_default());
    let rest: Vec<String> = names.collect();
    let Some(page) = page else {
        return frame::trouble(&door, &Trouble::NotFound);
    };
    let role = door.login.caller.role();
    if !page.is_for(role) || posts && role != crate::store::Role::Admin {
        return frame::trouble(&door, &Trouble::Forbidden);
    }
    let visit = Visit {
        console: door.console.clone(),
        caller: door.login.caller.clone(),
        peer: door.peer,
        words: door.look.words,
        rest,
        live_only: !posts && !door.query.get("seen").is_empty(),
        query: door.query.with("seen", "").with("notice", ""),
        form: std::mem::take(&mut door.form),
        token: door.login.token.clone(),
    };
    let seen = door.query.get("seen");
    if !seen.is_empty() && !posts {
        return frame::fragment(&door, page, visit).await;
    }
    let outcome = if posts {
        (page.act)(visit).await
    } else {
        (page.show)(visit).await
    };
    match outcome {
        Ok(Shown::View(view)) => frame::page(&door, page, &view),
        Ok(Shown::Data(data)) => HttpResponse::Ok().json(data),
        Ok(Shown::Go { to, notice }) => answer::see_other(&frame::with_notice(&to, notice)),
        Err(trouble) => frame::trouble(&door, &trouble),
    }
}

async fn read(mut payload: Payload) -> Option<Params> {
    let reading = async {
        // There may be a password in it: nothing of it is left in memory, nor of a smaller place that it grew out of.
        let mut body = Zeroizing::new(Vec::with_capacity(LONGEST_FORM));
        while let Some(piece) = payload.next().await {
            let piece = piece.ok()?;
            if body.len() + piece.len() > LONGEST_FORM {
                return None;
            }
            body.extend_from_slice(&piece);
        }
        Some(Params::parse(&body))
    };
    tokio::time::timeout(FORM_PATIENCE, reading).await.ok().flatten()
}
