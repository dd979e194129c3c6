//! The operators' services: organisations, session keys without the keys, connections, processes; how to switch on what is
//! off.

use serde_json::Value;

use crate::console::grid::{Cell, Grid};
use crate::console::markup::Markup;
use crate::console::row::Row;
use crate::console::visit::{Outcome, Trouble, View, Visit};
use crate::console::words::Words;
use crate::events::Topic;

use super::{Page, no_form};

/// The page.
pub(super) const PAGE: Page = Page {
    name: "gateway",
    title: "gateway.title",
    words: include_str!("../words/gateway.toml"),
    topics: &[Topic::Gateway, Topic::Tokens],
    for_admins: false,
    show: |visit| Box::pin(show(visit)),
    act: no_form,
};

/// A list of a service.
struct Section {
    /// Name of its heading in the words.
    title: &'static str,
    /// Where the API has it, and under which name.
    target: &'static str,
    list: &'static str,
    /// Names of the headings.
    heads: &'static [&'static str],
    line: fn(Words, &Value) -> Vec<Cell>,
}

const SECTIONS: [Section; 4] = [
    Section {
        title: "gateway.organizations",
        target: "/api/organizations",
        list: "Organizations",
        heads: &[
            "gateway.itn",
            "gateway.name",
            "gateway.signer",
            "gateway.oms-id",
            "gateway.subscriber",
        ],
        line: organization,
    },
    Section {
        title: "gateway.session-keys",
        target: "/api/ismp/tokens",
        list: "Tokens",
        heads: &[
            "gateway.kind",
            "gateway.itn",
            "gateway.state",
            "gateway.until",
            "gateway.renewal",
        ],
        line: session_key,
    },
    Section {
        title: "gateway.connections",
        target: "/api/crpt/connections",
        list: "Connections",
        heads: &[
            "gateway.name",
            "gateway.itn",
            "gateway.oms-id",
            "gateway.address",
            "gateway.created",
        ],
        line: connection,
    },
    Section {
        title: "gateway.processes",
        target: "/api/taxcom/processes",
        list: "Processes",
        heads: &[
            "gateway.process",
            "gateway.itn",
            "gateway.stage",
            "gateway.request",
            "gateway.created",
        ],
        line: process,
    },
];

async fn show(visit: Visit) -> Outcome {
    if !visit.rest.is_empty() {
        return Err(Trouble::NotFound);
    }
    let w = visit.words;
    let mut live = services(&visit);
    for section in &SECTIONS {
        live = live.and(&section.show(&visit).await?);
    }
    let health = visit.console.api.gateway.health().await;
    let view = View {
        title: w.t("gateway.title").to_owned(),
        summary: match health.as_str() {
            "ok" => w.t("gateway.fine").to_owned(),
            "off" => w.t("gateway.all-off").to_owned(),
            trouble => w.with("gateway.trouble", trouble),
        },
        live,
        ..View::default()
    };
    Ok(view.into())
}

/// Which services are on, and the settings that switch them.
fn services(visit: &Visit) -> Markup {
    let (w, rules) = (visit.words, visit.console.api.gateway.now().rules());
    let on = |enabled: bool| {
        if enabled {
            Cell::state("good", w.t("gateway.on"))
        } else {
            Cell::state("faint", w.t("gateway.off"))
        }
    };
    let tickets = if rules.tickets.issuer {
        w.t("gateway.issuer")
    } else {
        w.t("gateway.portal")
    };
    let service = |name: &str, enabled: bool, setting: &str, how: &str| {
        vec![
            Cell::text(w.t(name)),
            on(enabled),
            Cell::text(setting),
            Cell::text(how),
        ]
    };
    let grid = Grid {
        id: "services",
        title: "",
        caption: w.t("gateway.services"),
        empty: "",
        heads: vec![
            w.t("gateway.service"),
            w.t("gateway.state"),
            w.t("gateway.setting"),
            w.t("gateway.how"),
        ],
        rows: vec![
            service(
                "gateway.tickets",
                rules.tickets.enabled,
                "[tickets] enabled",
                tickets,
            ),
            service(
                "gateway.ismp",
                rules.ismp.enabled,
                "[ismp] enabled",
                w.t("gateway.how-ismp"),
            ),
            service(
                "gateway.crpt",
                rules.crpt.enabled,
                "[crpt] enabled",
                w.t("gateway.how-crpt"),
            ),
            service(
                "gateway.taxcom",
                rules.taxcom.enabled,
                "[taxcom] enabled",
                w.t("gateway.how-taxcom"),
            ),
        ],
    };
    grid.markup()
}

impl Section {
    /// Its table; nothing where the service is off, for the table of services says that.
    async fn show(&self, visit: &Visit) -> Result<Markup, Trouble> {
        let w = visit.words;
        let body = match visit
            .call(actix_web::http::Method::GET, self.target, &Value::Null)
            .await
        {
            Ok(body) => body,
            Err(Trouble::Api(answer)) if answer.status == 503 => return Ok(Markup::default()),
            Err(Trouble::Api(answer)) => {
                let refused = Grid {
                    id: self.list,
                    title: w.t(self.title),
                    caption: "",
                    empty: &answer.body.text("Message"),
                    heads: Vec::new(),
                    rows: Vec::new(),
                };
                return Ok(refused.markup());
            }
            Err(trouble) => return Err(trouble),
        };
        let rows = body.get(self.list).and_then(Value::as_array);
        let grid = Grid {
            id: self.list,
            title: w.t(self.title),
            caption: w.t(self.title),
            empty: w.t("gateway.none"),
            heads: self.heads.iter().map(|name| w.t(name)).collect(),
            rows: rows
                .into_iter()
                .flatten()
                .map(|row| (self.line)(w, row))
                .collect(),
        };
        Ok(grid.markup())
    }
}

fn time(w: Words, row: &Value, field: &str) -> Cell {
    match row.text(field) {
        none if none.is_empty() => Cell::default(),
        iso => Cell::time(w.time(&iso)),
    }
}

fn organization(w: Words, row: &Value) -> Vec<Cell> {
    let signer = if row.truth("Usable") {
        Cell::state("good", w.t("gateway.can-sign"))
    } else {
        Cell::state("bad", w.t("gateway.cannot-sign")).detail(row.text("Reason"))
    };
    vec![
        Cell::text(row.text("ITN")),
        Cell::text(row.text("Name")),
        signer,
        Cell::text(row.text("OmsId")),
        Cell::text(row.text("SubscriberID")),
    ]
}

fn session_key(w: Words, row: &Value) -> Vec<Cell> {
    let state = if row.truth("Отсутствует") {
        Cell::state("bad", w.t("gateway.missing"))
    } else if row.truth("Просрочен") {
        Cell::state("bad", w.t("gateway.over"))
    } else if row.truth("ТребуетсяАктуализация") {
        Cell::state("warn", w.t("gateway.late"))
    } else {
        Cell::state("good", w.t("gateway.valid"))
    };
    let failures = row.number("Failures");
    let trouble = [row.text("ErrorMessage"), row.text("Detail")];
    let trouble: Vec<_> = trouble.into_iter().filter(|text| !text.is_empty()).collect();
    let renewal = time(w, row, "NextRenewal");
    vec![
        Cell::text(row.text("ТипТокенаАвторизации")).detail(row.text("ПроизводственныйОбъект")),
        Cell::text(row.text("Организация")),
        state.detail(trouble.join(": ")),
        time(w, row, "ДатаДействия"),
        if failures > 0 {
            renewal.note(w.with("gateway.failures", failures))
        } else {
            renewal
        },
    ]
}

fn connection(w: Words, row: &Value) -> Vec<Cell> {
    let name = [row.text("Name"), row.text("OmsConnection")];
    let name = name.into_iter().find(|name| !name.is_empty());
    vec![
        Cell::text(name.unwrap_or_default()),
        Cell::text(row.text("ITN")),
        Cell::text(row.text("OmsId")),
        Cell::text(row.text("Address")),
        time(w, row, "Created"),
    ]
}

fn process(w: Words, row: &Value) -> Vec<Cell> {
    let stage = row.text("Stage");
    let class = match stage.as_str() {
        "Stopped" | "Application" | "Status" => "warn",
        "Ended" => "faint",
        _ => "good",
    };
    let said = w.known(&format!("gateway.stage-{stage}"));
    let stage = Cell::state(class, said.map_or_else(|| stage.clone(), str::to_owned));
    let trouble = [row.text("ErrorMessage"), row.text("ErrorDescription")];
    let trouble = trouble.into_iter().find(|text| !text.is_empty());
    vec![
        Cell::text(row.text("Kind")).detail(row.text("ID")),
        Cell::text(row.text("ITN")),
        stage.detail(trouble.unwrap_or_default()),
        Cell::text(row.text("RequestStatus")),
        time(w, row, "Created"),
    ]
}
