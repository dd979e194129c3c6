//! The frame around every page: navigation, heading, notices, and the live part.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use sha2::{Digest, Sha256};

use crate::text::hex;

use super::answer;
use super::assets::address;
use super::fragments::{Drawing, Subject};
use super::look::Look;
use super::markup::Markup;
use super::pages::{PAGES, Page};
use super::site::Door;
use super::visit::{Shown, Trouble, View, Visit};
use super::words::Words;

#[derive(Template)]
#[template(path = "layout.html")]
struct Layout<'a> {
    w: Words,
    look: Look,
    title: &'a str,
    frame: &'a Frame<'a>,
    body: Markup,
}

impl Layout<'_> {
    /// Address of a file that pages load.
    #[expect(clippy::unused_self, reason = "templates call methods")]
    fn asset(&self, name: &str) -> String {
        address(name)
    }
}

/// What surrounds a page.
#[derive(Default)]
pub(super) struct Frame<'a> {
    /// Path and query, to come back to.
    at: String,
    /// Who is logged in; "": nobody.
    user: &'a str,
    token: &'a str,
    links: Vec<Link<'a>>,
    /// Names of topics, separated by commas.
    topics: String,
    notice: &'a str,
    /// The page has a plot.
    plot: bool,
}

struct Link<'a> {
    to: String,
    title: &'a str,
    here: bool,
}

#[derive(Template)]
#[template(path = "page.html")]
struct Body<'a> {
    title: &'a str,
    summary: &'a str,
    fixed: &'a Markup,
    live: Markup,
    below: &'a Markup,
}

#[derive(Template)]
#[template(path = "live.html")]
struct Live<'a> {
    body: &'a Markup,
    summary: &'a str,
    target: &'a str,
    trigger: String,
    hash: &'a str,
    /// It is sent by itself, and takes the summary along.
    alone: bool,
}

impl Frame<'_> {
    /// For who is not logged in.
    pub(super) fn at(path: &str) -> Self {
        Self {
            at: path.to_owned(),
            ..Self::default()
        }
    }
}

impl Door {
    /// The frame of a page without a live part.
    pub(super) fn frame(&self) -> Frame<'_> {
        let here = self.path.split('/').next().unwrap_or_default();
        let (w, role) = (self.look.words, self.login.caller.role());
        let pages = PAGES
            .iter()
            .filter(|page| !self.initial && page.title_in_navigation().is_some() && page.is_for(role));
        let links = pages.map(|page| Link {
            to: format!("/console/{}", page.name),
            title: w
                .known(page.title_in_navigation().unwrap_or_default())
                .unwrap_or(page.name),
            here: page.name == here,
        });
        let notice = self.query.get("notice");
        Frame {
            at: self.target(),
            user: self.login.caller.name(),
            token: &self.login.token,
            links: links.collect(),
            notice: w.known(notice).unwrap_or_default(),
            ..Frame::default()
        }
    }

    /// Path and query as the reader sees them.
    fn target(&self) -> String {
        let query = self.query.with("seen", "").with("notice", "").query();
        format!("/console/{}{query}", self.path)
    }
}

/// A page of its own frame: `title` is said in the window, the body has its own heading.
pub(super) fn bare(
    look: Look,
    status: StatusCode,
    title: &str,
    body: Markup,
    frame: &Frame<'_>,
) -> HttpResponse {
    let layout = Layout {
        w: look.words,
        look,
        title,
        frame,
        body,
    };
    answer::html(status, Markup::of(&layout).into_string())
}

/// A page of the registry.
pub(super) fn page(door: &Door, page: &Page, view: &View) -> HttpResponse {
    let live = if view.live.is_empty() {
        Markup::default()
    } else {
        drawn(&door.target(), page, view, false).1
    };
    let topics: Vec<_> = page.topics.iter().map(|topic| topic.name()).collect();
    let frame = Frame {
        topics: if live.is_empty() {
            String::new()
        } else {
            topics.join(",")
        },
        plot: view.plot,
        ..door.frame()
    };
    let body = Body {
        title: &view.title,
        summary: &view.summary,
        fixed: &view.fixed,
        live,
        below: &view.below,
    };
    bare(door.look, StatusCode::OK, &view.title, Markup::of(&body), &frame)
}

/// The live part with its hash.
fn drawn(target: &str, page: &Page, view: &View, alone: bool) -> (String, Markup) {
    let mut digest = Sha256::new();
    for part in [view.summary.as_str(), "\0", view.live.as_str()] {
        digest.update(part);
    }
    let hash = hex(&digest.finalize()[..8]);
    let events: Vec<_> = page
        .topics
        .iter()
        .map(|topic| format!("sse:{}", topic.name()))
        .collect();
    let mark = if target.contains('?') { '&' } else { '?' };
    let live = Live {
        body: &view.live,
        summary: &view.summary,
        target: &format!("{target}{mark}seen={hash}"),
        trigger: events.join(", "),
        hash: &hash,
        alone,
    };
    let markup = Markup::of(&live);
    (hash, markup)
}

/// The live part alone, where it is not what the page shows already.
pub(super) async fn fragment(door: &Door, page: &Page, visit: Visit) -> HttpResponse {
    let console = &door.console;
    let subject = Subject {
        target: door.target(),
        language: door.look.words.language,
        role: door.login.caller.role(),
    };
    let draw = async {
        match (page.show)(visit).await? {
            Shown::View(view) => {
                let (hash, markup) = drawn(&door.target(), page, &view, true);
                let (html, hash) = (markup.into_string().into(), hash.into());
                Ok(Drawing { html, hash })
            }
            Shown::Data(_) | Shown::Go { .. } => Err(Trouble::NotFound),
        }
    };
    let now = || *console.feed.generations().borrow();
    match console.fragments.draw(subject, page.topics, now, draw).await {
        Ok(drawing) if *drawing.hash == *door.query.get("seen") => HttpResponse::NoContent().finish(),
        Ok(drawing) => answer::html(StatusCode::OK, drawing.html.to_string()),
        // What is shown is gone: the whole page says so.
        Err(_) => HttpResponse::NotFound()
            .insert_header(("HX-Refresh", "true"))
            .finish(),
    }
}

/// A path with the name of a notice.
pub(super) fn with_notice(to: &str, notice: &str) -> String {
    let mark = if to.contains('?') { '&' } else { '?' };
    format!("{to}{mark}notice={notice}")
}

#[derive(Template)]
#[template(path = "trouble.html")]
struct TroublePage<'a> {
    w: Words,
    text: &'a str,
    /// What the API said, in its own words.
    said: &'a str,
}

/// What is shown in the place of a page.
pub(super) fn trouble(door: &Door, trouble: &Trouble) -> HttpResponse {
    let w = door.look.words;
    let (status, text, said) = match trouble {
        Trouble::NotFound => (404, w.t("common.not-found"), ""),
        Trouble::Forbidden => (403, w.t("common.forbidden"), ""),
        Trouble::NoForm => (405, w.t("common.no-form"), ""),
        Trouble::Api(answer) if answer.status == 404 => (404, w.t("common.gone"), trouble.said()),
        Trouble::Api(answer) => (answer.status, w.t("common.refused"), trouble.said()),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = TroublePage { w, text, said };
    bare(
        door.look,
        status,
        w.t("common.trouble"),
        Markup::of(&body),
        &door.frame(),
    )
}
