//! GET /api/openapi.json: all that the node answers is as the document says.

use std::collections::BTreeSet;

use keynode::store::Role;
use serde_json::{Value, json};

use crate::common::TestNode;
use crate::common::http::Answer;
use crate::common::keys::{KEY_NO, licence};
use crate::common::plug::loaded;

/// The document, held against answers.
struct Document(Value);

impl Document {
    fn of(node: &TestNode) -> Self {
        Self(node.get("/api/openapi.json").expect(200).json())
    }

    /// The answer to this operation with this status, as the document has it.
    #[track_caller]
    fn response(&self, verb: &str, path: &str, status: u16) -> &Value {
        let response = &self.0["paths"][path][verb.to_lowercase()]["responses"][status.to_string()];
        assert!(
            response.is_object(),
            "{verb} {path} has no {status} in the document"
        );
        response
    }

    /// Holds an answer against the document: status, headers, body; fields that the document names and are not there are
    /// none where it says that they are.
    #[track_caller]
    fn assert_fits(&self, verb: &str, path: &str, answer: &Answer) {
        let response = self.response(verb, path, answer.status);
        for (name, header) in response["headers"].as_object().unwrap() {
            let header = self.resolve(header);
            let there = answer.header(name).is_some();
            assert!(there || header["required"] != true, "{verb} {path}: no {name}");
        }
        let schema = &response["content"]["application/json"]["schema"];
        self.check(schema, &answer.json(), &format!("{verb} {path}"));
    }

    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        let Some(reference) = value["$ref"].as_str() else {
            return value;
        };
        let found = self.0.pointer(reference.strip_prefix('#').unwrap());
        found.unwrap_or_else(|| panic!("nothing at {reference}"))
    }

    #[track_caller]
    fn check(&self, schema: &Value, value: &Value, at: &str) {
        let schema = self.resolve(schema);
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_f64() => "number",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let kinds: Vec<&str> = match &schema["type"] {
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            own => own.as_str().into_iter().collect(),
        };
        assert!(
            kinds.is_empty() || kinds.contains(&kind),
            "{at}: {value} is no {kinds:?}"
        );
        if let Some(words) = schema["enum"].as_array() {
            assert!(words.contains(value), "{at}: {value} is none of {words:?}");
        }
        if let Some(fields) = value.as_object() {
            for name in schema["required"].as_array().into_iter().flatten() {
                assert!(fields.contains_key(name.as_str().unwrap()), "{at}: no {name}");
            }
            for (name, value) in fields {
                match &schema["properties"][name] {
                    Value::Null => {
                        assert!(
                            schema["additionalProperties"] != false,
                            "{at}: {name} is not described"
                        );
                    }
                    own => self.check(own, value, &format!("{at}.{name}")),
                }
            }
        }
        for row in value.as_array().into_iter().flatten() {
            self.check(&schema["items"], row, at);
        }
    }
}

#[test]
fn answers_of_a_node_are_as_the_document_says() {
    let node = TestNode::licensed();
    node.plug(vec![loaded("A1", &licence())]);
    let document = Document::of(&node);
    let session = node.take("till");
    document.assert_fits("POST", "/api/sessions", &session);
    document.assert_fits("POST", "/api/sessions", &node.take("till").expect(200));
    let id = session.header("Location").unwrap();
    document.assert_fits("PUT", "/api/sessions/{ID}", &node.put_to(id).expect(202));
    let connection = node.post("/api/connections", &json!({})).expect(201);
    document.assert_fits("POST", "/api/connections", &connection);
    let place = connection.header("Location").unwrap();
    document.assert_fits("PUT", "/api/connections/{ID}", &node.put_to(place).expect(202));
    document.assert_fits(
        "POST",
        "/api/rescan",
        &node.ask("POST", "/api/rescan").send().expect(200),
    );
    let sign = |status: &str| {
        let header = &document.0["paths"]["/api/licences"]["get"]["responses"][status]["headers"];
        document.resolve(&header["Licence-Signature"])["required"] == true
    };
    assert!(
        sign("200") && sign("403") && !sign("500"),
        "a node that cannot sign says so unsigned"
    );
    for (path, operations) in document.0["paths"].as_object().unwrap() {
        if operations["get"].is_null() {
            continue;
        }
        let target = path.replace("{KeyNo}", &KEY_NO.to_string());
        let target = match target.as_str() {
            "/api/sessions/{ID}" => id.to_owned(),
            "/api/connections/{ID}" => place.to_owned(),
            other => other.replace(['{', '}'], ""),
        };
        document.assert_fits("GET", path, &node.get(&target));
    }
    document.assert_fits("DELETE", "/api/connections/{ID}", &node.delete(place).expect(200));
    document.assert_fits("DELETE", "/api/sessions/{ID}", &node.delete(id).expect(200));
}

#[test]
fn all_fields_of_an_object_are_in_the_document_and_no_others() {
    let node = TestNode::licensed();
    node.seat("till");
    let document = Document::of(&node);
    let names = |value: &Value| -> BTreeSet<String> { value.as_object().unwrap().keys().cloned().collect() };
    for (kind, target) in [
        ("Licence", "/api/licences"),
        ("Session", "/api/sessions"),
        ("Connection", "/api/connections"),
    ] {
        let described = &document.0["components"]["schemas"][kind]["properties"];
        assert_eq!(names(&node.get(target).rows()[0]), names(described), "{kind}");
    }
}

#[test]
fn errors_are_as_the_document_says_and_each_operation_names_its_roles() {
    let node = TestNode::start();
    node.add_user("watch", Role::Monitor, "a password");
    let document = Document::of(&node);
    for (verb, path, answer) in [
        (
            "GET",
            "/api/licences",
            node.ask("GET", "/api/licences").anonymous().send(),
        ),
        ("GET", "/api/licences", node.get("/api/licences?Nonsense=1")),
        ("GET", "/api/licences/{KeyNo}", node.get("/api/licences/7")),
        ("POST", "/api/sessions", node.take("till")),
        (
            "POST",
            "/api/sessions",
            node.ask("POST", "/api/sessions")
                .login("watch", "a password")
                .body("{}")
                .send(),
        ),
        ("GET", "/api/organizations", node.get("/api/organizations")),
    ] {
        assert!(answer.status >= 400);
        document.assert_fits(verb, path, &answer);
    }
    for (path, operations) in document.0["paths"].as_object().unwrap() {
        for operation in operations.as_object().unwrap().values() {
            let roles = operation["description"].as_str().unwrap();
            assert!(
                roles.starts_with("Roles: ") && roles.len() > "Roles: .".len(),
                "{path}: {roles}"
            );
        }
    }
}

#[test]
fn any_role_reads_the_document_and_it_is_signed_like_all_answers() {
    let node = TestNode::start();
    for (name, role) in [
        ("till", Role::Client),
        ("signer", Role::Signer),
        ("gate", Role::Gateway),
    ] {
        node.add_user(name, role, "a password");
        let ask = node.ask("GET", "/api/openapi.json").login(name, "a password");
        let document = ask.query_id("1").send().expect(200).json();
        assert_eq!(document["openapi"], "3.1.0");
    }
}
