//! The API: its document as pages to read. A list of what can be asked for, and a page for each.

use actix_web::http::Method;
use askama::Template;
use serde_json::Value;

use crate::console::markup::Markup;
use crate::console::visit::{Outcome, Trouble, View, Visit};
use crate::console::words::Words;

use super::{Page, no_form};

/// The page.
pub(super) const PAGE: Page = Page {
    name: "api",
    title: "api.title",
    words: include_str!("../words/api.toml"),
    topics: &[],
    for_admins: false,
    show: |visit| Box::pin(show(visit)),
    act: no_form,
};

/// Something that can be asked for.
struct Operation {
    name: String,
    verb: String,
    path: String,
    summary: String,
    roles: String,
}

#[derive(Template)]
#[template(path = "api.html")]
struct List<'a> {
    w: Words,
    operations: &'a [Operation],
}

/// A parameter of an address or a header.
struct Parameter {
    name: String,
    place: String,
    required: bool,
    schema: String,
    description: String,
}

/// A status and what comes with it.
struct Response {
    status: String,
    description: String,
    headers: String,
    schema: String,
}

#[derive(Template)]
#[template(path = "operation.html")]
struct One<'a> {
    w: Words,
    operation: &'a Operation,
    parameters: &'a [Parameter],
    body: String,
    responses: &'a [Response],
}

async fn show(visit: Visit) -> Outcome {
    let w = visit.words;
    let document = visit.call(Method::GET, "/api/openapi.json", &Value::Null).await?;
    let all = operations(&document);
    match visit.names()[..] {
        [] => {
            let operations: Vec<Operation> = all.into_iter().map(|(operation, _)| operation).collect();
            let shape = List {
                w,
                operations: &operations,
            };
            Ok(View {
                title: w.t("api.title").to_owned(),
                summary: w.with("api.version", text(&document["info"]["version"])),
                fixed: Markup::of(&shape),
                ..View::default()
            }
            .into())
        }
        [name] => {
            let found = all.into_iter().find(|(operation, _)| operation.name == name);
            let (operation, described) = found.ok_or(Trouble::NotFound)?;
            let of = |name: &str| described[name].as_array().into_iter().flatten();
            let parameters: Vec<Parameter> = of("parameters").map(|own| parameter(&document, own)).collect();
            let responses = described["responses"].as_object().into_iter().flatten();
            let responses: Vec<Response> = responses
                .map(|(status, own)| response(&document, status, own))
                .collect();
            let shape = One {
                w,
                operation: &operation,
                parameters: &parameters,
                body: schema(&document, &described["requestBody"]),
                responses: &responses,
            };
            Ok(View {
                title: format!("{} {}", operation.verb, operation.path),
                summary: operation.summary.clone(),
                fixed: Markup::of(&shape),
                ..View::default()
            }
            .into())
        }
        _ => Err(Trouble::NotFound),
    }
}

/// All operations, each with what the document says of it.
fn operations(document: &Value) -> Vec<(Operation, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let all = paths.flat_map(|(path, verbs)| {
        let verbs = verbs.as_object().into_iter().flatten();
        verbs.map(move |(verb, described)| {
            let operation = Operation {
                name: text(&described["operationId"]),
                verb: verb.to_uppercase(),
                path: path.clone(),
                summary: text(&described["summary"]),
                roles: text(&described["description"])
                    .trim_start_matches("Roles: ")
                    .trim_end_matches('.')
                    .to_owned(),
            };
            (operation, described)
        })
    });
    all.collect()
}

fn parameter(document: &Value, own: &Value) -> Parameter {
    let own = resolved(document, own);
    Parameter {
        name: text(&own["name"]),
        place: text(&own["in"]),
        required: own["required"] == true,
        schema: own["schema"].to_string(),
        description: text(&own["description"]),
    }
}

fn response(document: &Value, status: &str, own: &Value) -> Response {
    let headers = own["headers"].as_object().into_iter().flatten();
    let headers: Vec<&str> = headers.map(|(name, _)| name.as_str()).collect();
    Response {
        status: status.to_owned(),
        description: text(&own["description"]),
        headers: headers.join(", "),
        schema: schema(document, own),
    }
}

/// The schema of a body, indented; empty where there is none.
fn schema(document: &Value, of: &Value) -> String {
    let schema = resolved(document, &of["content"]["application/json"]["schema"]);
    if schema.is_null() {
        return String::new();
    }
    serde_json::to_string_pretty(schema).unwrap_or_default()
}

/// What a reference refers to; anything else is itself.
fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    let reference = value["$ref"]
        .as_str()
        .and_then(|reference| reference.strip_prefix('#'));
    reference.and_then(|path| document.pointer(path)).unwrap_or(value)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
