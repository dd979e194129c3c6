//! GET /api/openapi.json: the API as a document that programs read, made from the table of operations and from the fields of
//! the objects, so that it cannot say anything else than the node does.

pub(super) mod bodies;
mod schema;
pub(super) mod services;
pub(super) mod taxcom;

use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use super::Request;
use super::operations::{self, Columns, Given, Operation, QueryOf, Shape};
use super::reply::Reply;
use super::server::VERSION;
use crate::store::Role;

/// Statuses of errors that any request may get.
const ALWAYS: [u16; 5] = [400, 401, 403, 500, 503];

/// Headers of all answers.
const HEADERS: [&str; 4] = [
    "Licence-Signature",
    "Licence-QuerySignature",
    "Licence-QueryID",
    "Licence-ServerVersion",
];

pub(super) fn answer(request: &Request) -> Reply {
    static BODY: OnceLock<Vec<u8>> = OnceLock::new();
    let body = BODY.get_or_init(|| document().to_string().into_bytes());
    Reply::json(body.clone(), &request.query)
}

/// The whole document.
pub(super) fn document() -> Value {
    let mut paths = Map::new();
    let mut records = Vec::new();
    for operation in operations::all() {
        let path = paths
            .entry(format!("/api{}", operation.path))
            .or_insert_with(|| json!({}));
        path[operation.verb.method().as_str().to_lowercase()] = describe(operation);
        for columns in kinds(operation) {
            records.push((columns.name.to_owned(), schema::record(columns)));
        }
    }
    let mut schemas: Map<String, Value> = records.into_iter().collect();
    schemas.insert("Error".into(), bodies::error());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "External API of the licence node keynode",
            "version": VERSION,
            "license": { "name": "MIT", "identifier": "MIT" },
            "description": DESCRIPTION,
        },
        "servers": [{ "url": "/" }],
        "security": [{ "basic": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "basic": { "type": "http", "scheme": "basic" } },
            "parameters": { "QueryID": query_id() },
            "headers": headers(),
        },
    })
}

const DESCRIPTION: &str = "Every answer is signed: Licence-Signature is RSASSA-PKCS1-v1_5 with SHA-256 in Base64 over the \
    request's Licence-QueryID, if any, and the exact bytes of the body. A HEAD is answered like a GET; any other verb that an \
    address does not have is answered with 501 and Allow. Fields of a body that are not described are ignored, unless said \
    otherwise. A body has at most 64 KiB.";

/// The kinds of objects that an operation shows.
fn kinds(operation: &Operation) -> impl Iterator<Item = Columns> + '_ {
    operation.given().filter_map(|given| match given.shape {
        Shape::Object(columns) | Shape::List(_, columns) => Some(columns),
        Shape::Schema(_) => None,
    })
}

fn describe(operation: &Operation) -> Value {
    let mut described = json!({
        "operationId": operation.name,
        "summary": operation.summary,
        "description": roles(operation),
        "tags": [tag(operation)],
        "parameters": parameters(operation),
        "responses": responses(operation),
    });
    if let Some(body) = operation.body {
        described["requestBody"] = json!({
            "required": body.required,
            "content": { "application/json": { "schema": (body.schema)() } },
        });
    }
    described
}

/// The first part of its path, by which readers find it.
fn tag(operation: &Operation) -> &'static str {
    match operation.path.split('/').nth(1) {
        None | Some("serverinfo" | "publickey" | "openapi.json" | "rescan") => "node",
        Some(first) => first,
    }
}

/// Which roles may.
fn roles(operation: &Operation) -> String {
    let action = (operation.action)("x".into());
    let roles = Role::ALL.into_iter().filter(|role| action.allows(*role));
    let roles: Vec<String> = roles.map(|role| role.to_string()).collect();
    format!("Roles: {}.", roles.join(", "))
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let mut all = vec![json!({ "$ref": "#/components/parameters/QueryID" })];
    let own = operation
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{'));
    all.extend(own.map(|name| {
        let name = name.trim_end_matches('}');
        let schema = match name {
            "KeyNo" => json!({ "type": "integer", "minimum": 0 }),
            "ITN" => services::itn_text(),
            _ => json!({
                "type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[^\\u0000-\\u001F\\u007F-\\u009F]+$",
            }),
        };
        json!({ "name": name, "in": "path", "required": true, "schema": schema })
    }));
    let query = |name: &str, schema: Value, description: &str| json!({ "name": name, "in": "query", "schema": schema, "description": description });
    all.extend(operation.parameters.iter().map(|own| {
        let mut parameter = query(own.name, (own.schema)(), own.description);
        parameter["required"] = own.required.into();
        parameter
    }));
    if let QueryOf::List(columns) = operation.query {
        for name in columns.names {
            let values = json!({ "type": "array", "items": { "type": "string" } });
            all.push(query(
                name,
                values,
                "Only objects with this value; repeated: with one of them.",
            ));
        }
        let down = columns.names.iter().map(|name| format!("-{name}"));
        let order: Vec<String> = columns
            .names
            .iter()
            .map(|name| (*name).into())
            .chain(down)
            .collect();
        let sorted = json!({ "type": "string", "enum": order });
        all.push(query(
            "_sort",
            sorted,
            "Order by this field, downwards with a minus.",
        ));
        let number = json!({ "type": "integer", "minimum": 0, "maximum": u64::MAX });
        all.push(query("_limit", number.clone(), "At most so many objects."));
        all.push(query("_offset", number, "Without the first so many objects."));
    }
    if let QueryOf::Object(columns) | QueryOf::List(columns) = operation.query {
        // An empty name is passed over.
        let names: Vec<&str> = columns.names.iter().copied().chain([""]).collect();
        let names = json!({ "type": "array", "items": { "type": "string", "enum": names } });
        let mut fields = query("_fields", names, "Only these fields.");
        fields["style"] = "form".into();
        fields["explode"] = false.into();
        all.push(fields);
    }
    all.push(query("_pretty", json!({ "type": "boolean" }), "Indented."));
    all
}

fn responses(operation: &Operation) -> Value {
    let mut all = Map::new();
    for given in operation.given() {
        all.insert(given.status.to_string(), success(given, operation.headers));
    }
    for status in ALWAYS.into_iter().chain(operation.refuses.iter().copied()) {
        let mut named: Vec<&str> = HEADERS.to_vec();
        match status {
            401 => named.push("WWW-Authenticate"),
            403 | 503 => named.push("Retry-After"),
            _ => {}
        }
        let error = json!({ "$ref": "#/components/schemas/Error" });
        let mut refusal = response(bodies::refusal(status), &error, &named);
        if status == 500 {
            // That an answer cannot be signed is said without a signature.
            for name in ["Licence-Signature", "Licence-QuerySignature"] {
                refusal["headers"][name] = json!({ "$ref": "#/components/headers/Signature-If-Signed" });
            }
        }
        all.insert(status.to_string(), refusal);
    }
    all.sort_keys();
    all.into()
}

fn success(given: &Given, headers: &[&str]) -> Value {
    let kind = |columns: Columns| json!({ "$ref": format!("#/components/schemas/{}", columns.name) });
    let schema = match given.shape {
        Shape::Object(columns) => kind(columns),
        Shape::List(name, columns) => {
            let rows = json!({ "type": "array", "items": kind(columns) });
            json!({
                "type": "object",
                "properties": { name: rows },
                "required": [name],
                "additionalProperties": false,
            })
        }
        Shape::Schema(schema) => schema(),
    };
    let named: Vec<&str> = HEADERS.iter().chain(headers).copied().collect();
    response(given.description, &schema, &named)
}

fn response(description: &str, schema: &Value, named: &[&str]) -> Value {
    let headers: Map<String, Value> = named
        .iter()
        .map(|name| {
            let reference = json!({ "$ref": format!("#/components/headers/{name}") });
            ((*name).to_owned(), reference)
        })
        .collect();
    json!({
        "description": description,
        "headers": headers,
        "content": { "application/json": { "schema": schema } },
    })
}

fn query_id() -> Value {
    json!({
        "name": "Licence-QueryID",
        "in": "header",
        "schema": { "type": "string", "pattern": "^[!-~]{1,256}$" },
        "description": "Comes back in the answer and takes part in its signature.",
    })
}

fn headers() -> Value {
    let header = |required: bool, schema: Value, description: &str| json!({ "required": required, "schema": schema, "description": description });
    let text = schema::text;
    let signature = json!({ "type": "string", "pattern": "^[A-Za-z0-9+/]+={0,2}$" });
    json!({
        "Licence-Signature": header(true, signature.clone(), "Signature over QueryID and body."),
        "Licence-QuerySignature": header(true, signature.clone(), "The same."),
        "Signature-If-Signed": header(false, signature, "Signature over QueryID and body, unless the node could not sign."),
        "Licence-QueryID": header(false, text(), "That of the request."),
        "Licence-ServerVersion": header(true, text(), "Version, system and CPU of the node."),
        "Location": header(false, text(), "Address of what was made or used."),
        "Licence-SessionID": header(false, text(), "ID of the session."),
        "Licence-SessionExpireTime": header(false, schema::time(), "End of the session's life."),
        "WWW-Authenticate": header(true, text(), "HTTP Basic."),
        "Retry-After": header(false, schema::count(), "Seconds until it is worth another try."),
    })
}
