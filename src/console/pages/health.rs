//! Health: everything that the node reports of itself.

use actix_web::http::Method;
use askama::Template;
use serde_json::Value;

use crate::api::HealthReport;
use crate::console::markup::Markup;
use crate::console::visit::{Outcome, Shown, Trouble, View, Visit};
use crate::console::words::Words;
use crate::events::Topic;

use super::Page;

/// The page.
pub(super) const PAGE: Page = Page {
    name: "health",
    title: "health.title",
    words: include_str!("../words/health.toml"),
    topics: &[
        Topic::Keys,
        Topic::Devices,
        Topic::Tokens,
        Topic::Sessions,
        Topic::Connections,
        Topic::Gateway,
        Topic::Activations,
        Topic::Health,
    ],
    for_admins: false,
    show: |visit| Box::pin(show(visit)),
    act: |visit| Box::pin(act(visit)),
};

/// A part of the node and how it is.
pub(super) struct Part {
    pub(super) name: String,
    /// `ok`, `off`, or what is wrong, in the node's words.
    pub(super) state: String,
    /// Without it the node is not healthy.
    pub(super) matters: bool,
}

impl Part {
    /// Something is wrong with it.
    pub(super) fn is_bad(&self) -> bool {
        !matches!(&*self.state, "ok" | "off")
    }

    fn is_off(&self) -> bool {
        self.state == "off"
    }
}

/// All parts.
pub(super) fn parts(w: Words, health: &HealthReport) -> Vec<Part> {
    let all = [
        (w.t("health.store"), &health.store, true),
        (w.t("health.signer"), &health.signer, true),
        (w.t("health.keyring"), &health.keyring, true),
        (w.t("health.devices"), &health.devices, true),
        (w.t("health.activation"), &health.activation, false),
        (w.t("health.gateway"), &health.gateway, false),
        (w.t("health.webhooks"), &health.webhooks, false),
    ];
    let part = |(name, state, matters): (&str, &String, bool)| Part {
        name: name.to_owned(),
        state: state.clone(),
        matters,
    };
    all.into_iter().map(part).collect()
}

#[derive(Template)]
#[template(path = "health.html")]
struct Shape<'a> {
    w: Words,
    parts: &'a [Part],
    health: &'a HealthReport,
    started: Markup,
}

#[derive(Template)]
#[template(path = "rescan.html")]
struct Rescan<'a> {
    w: Words,
    token: &'a str,
}

async fn show(visit: Visit) -> Outcome {
    if !visit.rest.is_empty() {
        return Err(Trouble::NotFound);
    }
    let w = visit.words;
    let health = visit.console.report().await;
    let rescan = Rescan {
        w,
        token: &visit.token,
    };
    let shape = Shape {
        w,
        parts: &parts(w, &health),
        health: &health,
        started: w.time(&health.started.to_string()),
    };
    let summary = if health.healthy {
        "health.well"
    } else {
        "overview.unhealthy"
    };
    Ok(View {
        title: w.t("health.title").to_owned(),
        summary: w.t(summary).to_owned(),
        fixed: if visit.may_change() {
            Markup::of(&rescan)
        } else {
            Markup::default()
        },
        live: Markup::of(&shape),
        ..View::default()
    }
    .into())
}

async fn act(visit: Visit) -> Outcome {
    match visit.names()[..] {
        ["rescan"] => {
            visit.call(Method::POST, "/api/rescan", &Value::Null).await?;
            Ok(Shown::Go {
                to: "/console/health".into(),
                notice: "health.rescanned",
            })
        }
        _ => Err(Trouble::NoForm),
    }
}
