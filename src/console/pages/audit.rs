//! The audit log: looking for rows, the newest first, and checking on demand that none was changed. For administrators.

use actix_web::web;
use askama::Template;

use crate::api::Answer;
use crate::console::grid::{Cell, Grid};
use crate::console::markup::Markup;
use crate::console::params::Params;
use crate::console::row::plain;
use crate::console::table::ROWS;
use crate::console::visit::{Outcome, Trouble, View, Visit};
use crate::console::words::Words;
use crate::events::Topic;
use crate::licence::{DAY, Timestamp};
use crate::signing::{KeyList, Message, verify};
use crate::store::{
    AuditError, AuditRow, AuditSearch, CHECKPOINT_NAME, FoundAudit, search_audit, verify_audit,
};

use super::Page;

/// The page.
pub(super) const PAGE: Page = Page {
    name: "audit",
    title: "audit.title",
    words: include_str!("../words/audit.toml"),
    topics: &[Topic::Audit],
    for_admins: true,
    show: |visit| Box::pin(show(visit)),
    act: |visit| Box::pin(check(visit)),
};

#[derive(Template)]
#[template(path = "audit_form.html")]
struct Form<'a> {
    w: Words,
    query: &'a Params,
    token: &'a str,
    /// What a check found.
    verdict: Option<Verdict>,
}

struct Verdict {
    whole: bool,
    text: String,
}

#[derive(Template)]
#[template(path = "audit_parts.html")]
struct Parts {
    w: Words,
    /// Nothing was found so far.
    none: bool,
    newest: String,
    older: String,
}

async fn show(visit: Visit) -> Outcome {
    page(&visit, None).await
}

async fn page(visit: &Visit, verdict: Option<Verdict>) -> Outcome {
    if !visit.rest.is_empty() {
        return Err(Trouble::NotFound);
    }
    let (w, query) = (visit.words, &visit.query);
    let wanted = search(query);
    let database = visit.console.api.database.clone();
    let read = move || {
        let connection = database.connect_to_read().map_err(|error| error.to_string())?;
        search_audit(&connection, &wanted).map_err(|error| error.to_string())
    };
    let found = blocking(read).await?;
    let form = Form {
        w,
        query,
        token: &visit.token,
        verdict,
    };
    let view = View {
        title: w.t("audit.title").to_owned(),
        summary: w.t("audit.summary").to_owned(),
        fixed: Markup::of(&form),
        live: table(w, &found).and(&parts(w, query, &found)),
        ..View::default()
    };
    Ok(view.into())
}

/// What the form asks for. A day that is none is not looked at.
fn search(query: &Params) -> AuditSearch {
    let day = |name: &str| Timestamp::parse(query.get(name)).ok();
    AuditSearch {
        text: query.get("text").to_owned(),
        event: query.get("event").trim().to_owned(),
        actor: query.get("actor").trim().to_owned(),
        from: day("from"),
        until: day("until").map(|until| until.plus(DAY)),
        before: query.get("before").parse().ok(),
        limit: ROWS,
        look_at: None,
    }
}

fn table(w: Words, found: &FoundAudit) -> Markup {
    let line = |row: &AuditRow| {
        let entry = &row.entry;
        vec![
            Cell::text(row.seq.to_string()),
            Cell::time(w.time(&entry.time.to_string())),
            Cell::text(plain(&entry.event)),
            Cell::text(plain(&entry.actor)),
            Cell::text(plain(&entry.object)),
            Cell::text(plain(&entry.detail)),
        ]
    };
    // To have found nothing is not to have looked at all.
    let empty = match found.rest {
        Some(_) => w.with("audit.empty-so-far", found.looked_at),
        None => w.t("audit.empty").to_owned(),
    };
    let grid = Grid {
        id: "audit",
        title: "",
        caption: w.t("audit.table"),
        empty: &empty,
        heads: vec![
            w.t("audit.number"),
            w.t("audit.time"),
            w.t("audit.event"),
            w.t("audit.actor"),
            w.t("audit.object"),
            w.t("audit.detail"),
        ],
        rows: found.rows.iter().map(line).collect(),
    };
    grid.markup()
}

/// Where to look on.
fn parts(w: Words, query: &Params, found: &FoundAudit) -> Markup {
    let link = |before: &str| format!("/console/audit{}", query.with("before", before).query());
    let newest = if query.get("before").is_empty() {
        String::new()
    } else {
        link("")
    };
    let older = found.rest.map(|seq| link(&seq.to_string())).unwrap_or_default();
    let none = found.rows.is_empty();
    Markup::of(&Parts {
        w,
        none,
        newest,
        older,
    })
}

/// Checks the whole chain and its signatures, as `keynode audit verify` does.
async fn check(visit: Visit) -> Outcome {
    let database = visit.console.api.database.clone();
    let state_dir = visit.console.settings.state_dir.clone();
    let walk = move || {
        let connection = database.connect_to_read().map_err(|error| error.to_string())?;
        let keys = KeyList::load(&state_dir).map_err(|error| error.to_string())?.keys;
        let signed = |hash: &str, signature: &str| {
            let message = Message {
                query_id: CHECKPOINT_NAME,
                body: hash.as_bytes(),
            };
            let mut newest_first = keys.iter().rev();
            newest_first.any(|key| verify(&key.public_key, message, signature).is_ok())
        };
        let mut rows = 0_u64;
        match verify_audit(&connection, signed, |_| rows += 1) {
            Ok(()) => Ok(Ok(rows)),
            Err(AuditError::Sqlite(error)) => Err(error.to_string()),
            Err(broken) => Ok(Err(broken.to_string())),
        }
    };
    let w = visit.words;
    let verdict = match blocking(walk).await? {
        Ok(rows) => Verdict {
            whole: true,
            text: w.with("audit.whole", rows),
        },
        Err(broken) => Verdict {
            whole: false,
            text: w.with("audit.broken", broken),
        },
    };
    page(&visit, Some(verdict)).await
}

/// Does what has to wait for the disk on a thread that may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, Trouble> {
    let done = web::block(work).await;
    let done = done.unwrap_or_else(|_| Err("the node is stopping".into()));
    done.map_err(|error| Trouble::Api(Answer::failed(&format!("The audit log cannot be read: {error}"))))
}
