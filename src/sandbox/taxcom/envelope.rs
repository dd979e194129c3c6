//! Envelopes of the stand-in: requests are taken only in the form that its description has.

use roxmltree::{Document, Node};

use super::wsdl::{NAMESPACE, Style};

const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";

/// What a client asks.
pub(super) enum Request {
    Supported(String),
    Process(Vec<(String, String)>),
}

/// A command: its name, and its parameters: name, value, scope.
pub(super) struct Command {
    name: &'static str,
    parameters: Vec<(String, String, &'static str)>,
}

/// A command with parameters of the session.
pub(super) fn command(name: &'static str, parameters: &[(&str, &str)]) -> Command {
    scoped(name, parameters, "sessionParameter")
}

/// A command with parameters of another scope.
pub(super) fn scoped(name: &'static str, parameters: &[(&str, &str)], scope: &'static str) -> Command {
    let parameters = parameters.iter();
    Command {
        name,
        parameters: parameters
            .map(|(name, value)| ((*name).into(), (*value).into(), scope))
            .collect(),
    }
}

/// Takes a request apart.
pub(super) fn read(body: &[u8], style: Style) -> Result<Request, String> {
    let text = std::str::from_utf8(body).map_err(|_| "no UTF-8")?;
    let document = Document::parse(text).map_err(|error| error.to_string())?;
    let body = child(document.root_element(), "Body", Some(SOAP))?;
    let operation = body.children().find(Node::is_element).ok_or("an empty body")?;
    if operation.tag_name().namespace() != Some(NAMESPACE) {
        return Err("the operation has another namespace".into());
    }
    match operation.tag_name().name() {
        "isConfigurationSupported" => Ok(Request::Supported(content(operation))),
        "processRequest" => {
            let parameters = child(operation, "parameters", space(style))?;
            let all = parameters.children().filter(Node::is_element);
            let read = all
                .enumerate()
                .map(|(number, node)| parameter(node, number, style));
            Ok(Request::Process(read.collect::<Result<_, _>>()?))
        }
        other => Err(format!("no operation {other}")),
    }
}

fn parameter(node: Node<'_, '_>, number: usize, style: Style) -> Result<(String, String), String> {
    let field = |name: &str| {
        let own = if style.attributes {
            node.attribute(name).map(str::to_owned)
        } else {
            child(node, name, space(style)).ok().map(content)
        };
        own.ok_or_else(|| format!("cvc-complex-type: a parameter without {name}"))
    };
    if !named(node, "parameter", space(style)) || field("index")? != number.to_string() {
        return Err("cvc-complex-type: no parameter, or not in its place".into());
    }
    Ok((field("name")?, field("value")?))
}

/// The namespace of elements within the operation.
fn space(style: Style) -> Option<&'static str> {
    style.apart.then_some(NAMESPACE)
}

fn named(node: Node<'_, '_>, name: &str, space: Option<&str>) -> bool {
    node.tag_name().name() == name && node.tag_name().namespace() == space
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &str, space: Option<&str>) -> Result<Node<'a, 'i>, String> {
    let found = node.children().find(|child| named(*child, name, space));
    found.ok_or_else(|| format!("no {name}"))
}

fn content(node: Node<'_, '_>) -> String {
    node.children().filter_map(|part| part.text()).collect()
}

/// The answer of `process`.
pub(super) fn response(commands: &[Command], attributes: bool) -> String {
    let element = |name: &str, fields: &[(&str, &str)], inner: &str| {
        let written = fields.iter().map(|(field, value)| {
            let value = escaped(value);
            if attributes {
                format!(" {field}=\"{value}\"")
            } else {
                format!("<{field}>{value}</{field}>")
            }
        });
        let written: String = written.collect();
        if attributes {
            format!("<{name}{written}>{inner}</{name}>")
        } else {
            format!("<{name}>{written}{inner}</{name}>")
        }
    };
    let written = commands.iter().map(|command| {
        let parameters = command.parameters.iter().map(|(name, value, scope)| {
            element(
                "parameter",
                &[("name", name), ("value", value), ("type", scope)],
                "",
            )
        });
        let parameters: String = parameters.collect();
        let parameters = format!("<parameters>{parameters}</parameters>");
        element("command", &[("name", command.name)], &parameters)
    });
    let all: String = written.collect();
    format!("<p:processResponse xmlns:p=\"{NAMESPACE}\"><commands>{all}</commands></p:processResponse>")
}

/// An answer in its envelope.
pub(super) fn answer(inner: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><SOAP-ENV:Envelope \
         xmlns:SOAP-ENV=\"http://schemas.xmlsoap.org/soap/envelope/\"><SOAP-ENV:Header/><SOAP-ENV:Body>{inner}\
         </SOAP-ENV:Body></SOAP-ENV:Envelope>"
    )
}

/// A refusal.
pub(super) fn fault(words: &str) -> String {
    answer(&format!(
        "<SOAP-ENV:Fault><faultcode>SOAP-ENV:Client</faultcode><faultstring>{}</faultstring></SOAP-ENV:Fault>",
        escaped(words)
    ))
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('"', "&quot;").replace('\n', "&#10;")
}
