//! Envelopes of SOAP 1.1: requests of the service's two operations, and what it answers.

use roxmltree::Node;
use zeroize::Zeroizing;

use super::wsdl::Service;
use super::xml::{self, Writer};

const ENVELOPE: &str = "http://schemas.xmlsoap.org/soap/envelope/";

/// The most commands in an answer.
const MOST_COMMANDS: usize = 200;

/// The most parameters in a request or a command, those within others included.
const MOST_PARAMETERS: usize = 1000;

/// A parameter of a request or of a command.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Parameter {
    pub(super) name: String,
    /// May be secret.
    pub(super) value: Zeroizing<String>,
    /// `startup`: of the program; otherwise of the session.
    pub(super) scope: String,
    /// The business process.
    pub(super) process: String,
}

impl Parameter {
    pub(super) fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: Zeroizing::new(value.into()),
            ..Self::default()
        }
    }
}

/// Its value may be secret.
impl std::fmt::Debug for Parameter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Parameter({})", self.name)
    }
}

/// Something that the service tells its client to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Command {
    /// In lower case.
    pub(super) name: String,
    pub(super) parameters: Vec<Parameter>,
}

impl Command {
    /// The value of a parameter; case of its name does not count.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let mut named = self.parameters.iter();
        let found = named.find(|parameter| parameter.name.eq_ignore_ascii_case(name));
        found.map(|parameter| parameter.value.as_str())
    }
}

/// An answer that is no success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BadAnswer {
    /// A SOAP Fault, in its own words.
    Fault(String),
    /// It makes no sense: why.
    Nonsense(String),
}

/// The request of the operation `process`.
pub(super) fn process(service: &Service, process: Option<&str>, parameters: &[Parameter]) -> String {
    let mut writer = begun();
    let prefix = if service.form.qualified { "m:" } else { "" };
    let name = |name: &str| format!("{prefix}{name}");
    writer.open("m:processRequest", &[("xmlns:m", &service.namespace)]);
    writer.open(&name("parameters"), &[]);
    for (index, parameter) in parameters.iter().enumerate() {
        let index = index.to_string();
        let mut fields = vec![
            ("name", parameter.name.as_str()),
            ("value", &**parameter.value),
            ("index", &index),
        ];
        fields.extend(process.map(|process| ("bp", process)));
        if service.form.attributes {
            writer.open(&name("parameter"), &fields).close(&name("parameter"));
        } else {
            writer.open(&name("parameter"), &[]);
            for (field, value) in fields {
                writer.text(&name(field), value);
            }
            writer.close(&name("parameter"));
        }
    }
    writer.close(&name("parameters")).close("m:processRequest");
    ended(writer)
}

/// The request of the operation `isConfigurationSupported`.
pub(super) fn is_supported(service: &Service, configuration: &str) -> String {
    let mut writer = begun();
    writer.open("m:isConfigurationSupported", &[("xmlns:m", &service.namespace)]);
    writer.words(configuration).close("m:isConfigurationSupported");
    ended(writer)
}

fn begun() -> Writer {
    let mut writer = Writer::default();
    writer.open("soap:Envelope", &[("xmlns:soap", ENVELOPE)]);
    writer.open("soap:Header", &[]).close("soap:Header");
    writer.open("soap:Body", &[]);
    writer
}

fn ended(mut writer: Writer) -> String {
    writer.close("soap:Body").close("soap:Envelope");
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{}", writer.finish())
}

/// The commands of an answer.
pub(super) fn commands(body: &[u8]) -> Result<Vec<Command>, BadAnswer> {
    answered(body, "processResponse", |node| {
        let mut budget = MOST_PARAMETERS;
        let mut commands = Vec::new();
        // Some servers leave out the element around the commands.
        let around = xml::named(node, "commands").next().unwrap_or(node);
        for command in xml::named(around, "command") {
            if commands.len() == MOST_COMMANDS {
                return Err(format!("it has more than {MOST_COMMANDS} commands"));
            }
            let name = xml::field(command, "name").unwrap_or_default();
            commands.push(Command {
                name: name.to_ascii_lowercase(),
                parameters: parameters(command, &mut budget)?,
            });
        }
        Ok(commands)
    })
}

/// The parameters of a command; those within others follow them.
fn parameters(node: Node<'_, '_>, budget: &mut usize) -> Result<Vec<Parameter>, String> {
    let mut found = Vec::new();
    for around in xml::named(node, "parameters") {
        for parameter in xml::named(around, "parameter") {
            *budget = budget
                .checked_sub(1)
                .ok_or_else(|| format!("it has more than {MOST_PARAMETERS} parameters"))?;
            let field = |name| xml::field(parameter, name).unwrap_or_default();
            found.push(Parameter {
                name: field("name"),
                value: Zeroizing::new(field("value")),
                scope: field("type"),
                process: field("bp"),
            });
            found.extend(parameters(parameter, budget)?);
        }
    }
    Ok(found)
}

/// The truth value of an answer.
pub(super) fn supported(body: &[u8]) -> Result<bool, BadAnswer> {
    answered(body, "isConfigurationSupportedResponse", |node| {
        let inner = xml::elements(node).next();
        let text = xml::text(inner.unwrap_or(node)).to_ascii_lowercase();
        match text.as_str() {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err("it is neither true nor false".into()),
        }
    })
}

/// Takes an answer out of its envelope.
fn answered<T>(
    body: &[u8],
    expected: &str,
    look: impl FnOnce(Node<'_, '_>) -> Result<T, String>,
) -> Result<T, BadAnswer> {
    let answer = xml::read(body, |root| {
        let envelope = Some(root).filter(|root| xml::is(*root, "Envelope"));
        let body = envelope.and_then(|root| xml::named(root, "Body").next());
        let answer = body.and_then(|body| xml::elements(body).next());
        let answer = answer.ok_or("it is no SOAP envelope")?;
        if xml::is(answer, "Fault") {
            return Ok(Err(BadAnswer::Fault(fault(answer))));
        }
        if !xml::is(answer, expected) {
            return Err(format!("expected {expected}"));
        }
        look(answer).map(Ok)
    });
    answer.map_err(BadAnswer::Nonsense)?
}

fn fault(node: Node<'_, '_>) -> String {
    let told = ["faultcode", "faultstring", "faultactor"];
    let told = told.iter().filter_map(|name| xml::field(node, name));
    let told: Vec<String> = told.filter(|text| !text.is_empty()).collect();
    if told.is_empty() {
        "a SOAP Fault without words".into()
    } else {
        told.join(" - ")
    }
}

#[cfg(test)]
mod tests {
    use super::super::wsdl::Form;
    use super::*;

    fn service(attributes: bool, qualified: bool) -> Service {
        Service {
            address: String::new(),
            namespace: "urn:t".into(),
            form: Form {
                attributes,
                qualified,
            },
        }
    }

    fn answer(inner: &str) -> Vec<u8> {
        format!("<S:Envelope xmlns:S=\"{ENVELOPE}\"><S:Body>{inner}</S:Body></S:Envelope>").into_bytes()
    }

    #[test]
    fn requests_have_the_form_that_is_wanted() {
        let parameters = [Parameter::new("a\"", "<1>"), Parameter::new("b", "")];
        let elements = process(&service(false, false), Some("taxcomGetID"), &parameters);
        assert!(elements.contains(
            "<m:processRequest xmlns:m=\"urn:t\"><parameters><parameter><name>a&quot;</name>\
             <value>&lt;1&gt;</value><index>0</index><bp>taxcomGetID</bp></parameter>"
        ));
        let attributes = process(&service(true, true), None, &parameters);
        assert!(attributes.contains(
            "<m:parameters><m:parameter name=\"a&quot;\" value=\"&lt;1&gt;\" index=\"0\"></m:parameter>"
        ));
        let question = is_supported(&service(true, true), "Бухгалтерия & Ко");
        assert!(question.contains(">Бухгалтерия &amp; Ко</m:isConfigurationSupported>"));
    }

    #[test]
    fn answers_of_either_form_are_the_same() {
        let elements = "<p:processResponse xmlns:p=\"urn:t\"><commands><command><name> Store.Put </name><parameters>\
            <parameter><name>a</name><value>1</value><type>startup</type><bp>x</bp></parameter></parameters></command>\
            </commands></p:processResponse>";
        let attributes = "<processResponse><command name=\"store.put\"><parameters>\
            <parameter name=\"a\" value=\"1\" type=\"startup\" bp=\"x\"/></parameters></command></processResponse>";
        let read = commands(&answer(elements)).unwrap();
        assert_eq!(read, commands(&answer(attributes)).unwrap());
        assert_eq!(read[0].name, "store.put");
        assert_eq!(read[0].value("A"), Some("1"));
        assert_eq!(read[0].parameters[0].scope, "startup");
    }

    #[test]
    fn faults_and_nonsense_are_told_apart() {
        let fault = answer("<S:Fault><faultcode>Client</faultcode><faultstring>no</faultstring></S:Fault>");
        assert_eq!(commands(&fault), Err(BadAnswer::Fault("Client - no".into())));
        for bad in ["", "<other/>"] {
            assert!(matches!(commands(&answer(bad)), Err(BadAnswer::Nonsense(_))));
        }
        assert!(matches!(commands(b"<html>"), Err(BadAnswer::Nonsense(_))));
        let many = "<command name=\"a\"/>".repeat(201);
        let many = answer(&format!("<processResponse>{many}</processResponse>"));
        assert!(matches!(commands(&many), Err(BadAnswer::Nonsense(_))));
        let told = |inner: &str| {
            let inner =
                format!("<isConfigurationSupportedResponse>{inner}</isConfigurationSupportedResponse>");
            supported(&answer(&inner)).ok()
        };
        assert_eq!(told("true"), Some(true));
        assert_eq!(told("<return>false</return>"), Some(false));
        assert_eq!(told("maybe"), None);
    }
}
