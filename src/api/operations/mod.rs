//! The one table of what the API can do: paths and verbs, by which requests find their way, and what the document of the API
//! says of each. What is not in it cannot be asked for, and nothing is in it that cannot be.

mod certificates;
mod node;
mod seats;
mod services;
mod taxcom;

use actix_web::http::Method;
use serde_json::Value;

use super::record::{Holds, Record};
use super::route::Action;

/// Makes a JSON Schema.
pub(super) type Schema = fn() -> Value;

/// Something that can be asked for.
#[derive(Clone, Copy)]
pub(super) struct Operation {
    pub(super) verb: Verb,
    /// Below /api; at most one part of it is a name, as in `/licences/{KeyNo}`.
    pub(super) path: &'static str,
    /// What is done, with the name out of the path.
    pub(super) action: fn(String) -> Action,
    /// One word, unique.
    pub(super) name: &'static str,
    /// What it does, in one sentence.
    pub(super) summary: &'static str,
    pub(super) query: QueryOf,
    pub(super) parameters: &'static [Parameter],
    pub(super) body: Option<Body>,
    /// One or two.
    answers: [Option<Given>; 2],
    /// Names of headers of these beside those of all answers.
    pub(super) headers: &'static [&'static str],
    /// Statuses of errors beside those of all requests.
    pub(super) refuses: &'static [u16],
}

/// Verbs of HTTP. A HEAD is answered like a GET.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Post,
    Put,
    Delete,
}

/// What may stand behind the question mark besides parameters of its own.
#[derive(Clone, Copy)]
pub(super) enum QueryOf {
    /// `_pretty`.
    Plain,
    /// `_fields` too.
    Object(Columns),
    /// Filters, order and place in the list too.
    List(Columns),
}

/// The fields of a kind of object.
#[derive(Clone, Copy)]
pub(super) struct Columns {
    /// Name of the kind of object.
    pub(super) name: &'static str,
    pub(super) names: &'static [&'static str],
    pub(super) hold: &'static [Holds],
}

/// Those of a record.
pub(super) const fn columns<R: Record>(name: &'static str) -> Columns {
    Columns {
        name,
        names: R::FIELDS,
        hold: R::HOLD,
    }
}

/// A parameter of an address.
#[derive(Clone, Copy)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) required: bool,
    pub(super) schema: Schema,
    pub(super) description: &'static str,
}

/// The body of a request.
#[derive(Clone, Copy)]
pub(super) struct Body {
    pub(super) required: bool,
    pub(super) schema: Schema,
}

/// An answer that is no error.
#[derive(Clone, Copy)]
pub(super) struct Given {
    pub(super) status: u16,
    pub(super) description: &'static str,
    pub(super) shape: Shape,
}

/// What an answer is.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    /// One object of this kind.
    Object(Columns),
    /// A list of them under this name.
    List(&'static str, Columns),
    Schema(Schema),
}

impl Verb {
    pub(super) fn method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Post => Method::POST,
            Self::Put => Method::PUT,
            Self::Delete => Method::DELETE,
        }
    }
}

impl Operation {
    const fn new(verb: Verb, path: &'static str, name: &'static str, action: fn(String) -> Action) -> Self {
        Self {
            verb,
            path,
            action,
            name,
            summary: "",
            query: QueryOf::Plain,
            parameters: &[],
            body: None,
            answers: [None; 2],
            headers: &[],
            refuses: &[],
        }
    }

    const fn does(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    /// Answers with a list of such objects under this name.
    const fn lists(mut self, name: &'static str, description: &'static str, columns: Columns) -> Self {
        self.query = QueryOf::List(columns);
        self.answers(200, description, Shape::List(name, columns))
    }

    /// Answers with such an object.
    const fn shows(mut self, status: u16, description: &'static str, columns: Columns) -> Self {
        self.query = QueryOf::Object(columns);
        self.answers(status, description, Shape::Object(columns))
    }

    /// Answers with something of its own.
    const fn gives(self, status: u16, description: &'static str, schema: Schema) -> Self {
        self.answers(status, description, Shape::Schema(schema))
    }

    const fn answers(mut self, status: u16, description: &'static str, shape: Shape) -> Self {
        let next = if self.answers[0].is_none() { 0 } else { 1 };
        self.answers[next] = Some(Given {
            status,
            description,
            shape,
        });
        self
    }

    /// With these headers.
    const fn with(mut self, headers: &'static [&'static str]) -> Self {
        self.headers = headers;
        self
    }

    /// Takes what lists of such objects take behind the question mark.
    const fn filters(mut self, columns: Columns) -> Self {
        self.query = QueryOf::List(columns);
        self
    }

    const fn parameters(mut self, parameters: &'static [Parameter]) -> Self {
        self.parameters = parameters;
        self
    }

    const fn takes(mut self, schema: Schema) -> Self {
        self.body = Some(Body {
            required: true,
            schema,
        });
        self
    }

    const fn may_take(mut self, schema: Schema) -> Self {
        self.body = Some(Body {
            required: false,
            schema,
        });
        self
    }

    const fn refuses(mut self, statuses: &'static [u16]) -> Self {
        self.refuses = statuses;
        self
    }

    /// How it answers where it is no error.
    pub(super) fn given(&self) -> impl Iterator<Item = &Given> {
        self.answers.iter().flatten()
    }

    /// Whether the names of a path are those of this one; if so, the name that stands for the one in braces.
    pub(super) fn fits<'n>(&self, names: &[&'n str]) -> Option<&'n str> {
        let mut own = self.path.split('/').skip(1);
        let mut found = "";
        for name in names {
            match own.next()? {
                part if part.starts_with('{') => {
                    if name.is_empty() {
                        return None;
                    }
                    found = name;
                }
                part if part == *name => {}
                _ => return None,
            }
        }
        own.next().is_none().then_some(found)
    }
}

/// All of them: what the node itself does, then the operators' services. A path without a name in braces comes before one that
/// fits it with a name.
pub(super) fn all() -> impl Iterator<Item = &'static Operation> {
    let parts: [&'static [Operation]; 5] = [
        node::OPERATIONS,
        seats::OPERATIONS,
        certificates::OPERATIONS,
        services::OPERATIONS,
        taxcom::OPERATIONS,
    ];
    parts.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_operation_is_found_by_its_own_path_and_verb() {
        for operation in all() {
            let path = format!("/api{}", operation.path);
            let found = Action::find(&operation.verb.method(), &path);
            let name = operation.path.split('/').find(|part| part.starts_with('{'));
            let own = (operation.action)(name.unwrap_or_default().to_owned());
            assert_eq!(found, Ok(own), "{path}");
        }
    }

    #[test]
    fn each_says_what_it_does_and_how_it_ends_under_a_name_of_its_own() {
        let mut names = HashSet::new();
        for operation in all() {
            let name = operation.name;
            assert!(names.insert(name), "{name} is there twice");
            assert!(
                operation.summary.ends_with('.') && operation.given().next().is_some(),
                "{name}"
            );
            let braces = operation.path.matches('{').count();
            assert!(braces <= 1, "{name}: one name in a path");
        }
    }
}
