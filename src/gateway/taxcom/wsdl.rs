//! What the service says of itself: its address, its namespace, and the form of parameters.

use reqwest::Url;
use roxmltree::Node;

use super::xml;

/// The namespace of a service that names none.
const NAMESPACE: &str = "https://ws.webits.onec.ru";

/// Hosts below these are the operator's own.
const OWN_DOMAINS: [&str; 2] = [".1c.ru", ".1c.eu"];

/// How a parameter is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Form {
    /// Its name, value and index are attributes, not elements.
    pub(super) attributes: bool,
    /// Elements are in the service's namespace.
    pub(super) qualified: bool,
}

/// The service as it describes itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Service {
    pub(super) address: String,
    pub(super) namespace: String,
    pub(super) form: Form,
}

impl Service {
    /// Reads a WSDL that was found beside the configured address.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn read(wsdl: &[u8], configured: &str) -> Result<Self, String> {
        xml::read(wsdl, |root| {
            if !xml::is(root, "definitions") {
                return Err("it is no WSDL".into());
            }
            let address = descendants(root, "address").find_map(|node| xml::field(node, "location"));
            let address = address.ok_or("it names no address of the service")?;
            Ok(Self {
                address: allowed(&address, configured)?,
                namespace: root
                    .attribute("targetNamespace")
                    .filter(|namespace| !namespace.is_empty())
                    .unwrap_or(NAMESPACE)
                    .to_owned(),
                form: form(root),
            })
        })
    }
}

fn descendants<'a, 'i>(node: Node<'a, 'i>, name: &'a str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.descendants()
        .filter(move |node| node.is_element() && xml::is(*node, name))
}

/// The address, where a password may be sent there: the configured host, or one of the operator's over TLS.
fn allowed(address: &str, configured: &str) -> Result<String, String> {
    let parse = |text: &str| Url::parse(text.trim()).map_err(|_| "its address is none".to_owned());
    let (named, known) = (parse(address)?, parse(configured)?);
    let host = named.host_str().unwrap_or_default().to_ascii_lowercase();
    let own = OWN_DOMAINS.iter().any(|domain| host.ends_with(domain)) && named.scheme() == "https";
    let same = named.host_str() == known.host_str()
        && (named.scheme() == "https" || named.scheme() == known.scheme());
    if own || same {
        return Ok(named.into());
    }
    Err(format!("it sends to another server, {}://{host}", named.scheme()))
}

/// Whether the type that has a name and a value has them as attributes. A WSDL that does not say means elements.
fn form(root: Node<'_, '_>) -> Form {
    let types = descendants(root, "complexType");
    let attributes = types.into_iter().find_map(|node| {
        let has = |kind: &str, name: &str| {
            let mut all = descendants(node, kind);
            all.any(|node| node.attribute("name") == Some(name))
        };
        let both = |kind: &str| has(kind, "name") && has(kind, "value");
        match (both("attribute"), both("element")) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        }
    });
    let qualified =
        descendants(root, "schema").any(|node| node.attribute("elementFormDefault") == Some("qualified"));
    Form {
        attributes: attributes.unwrap_or(false),
        qualified,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wsdl(fields: &str, address: &str) -> String {
        format!(
            r#"<w:definitions xmlns:w="http://schemas.xmlsoap.org/wsdl/" xmlns:x="http://www.w3.org/2001/XMLSchema"
                xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/" targetNamespace="urn:t"><w:types>
                <x:schema elementFormDefault="qualified"><x:complexType name="Command"><x:attribute name="name"/></x:complexType>
                <x:complexType name="Parameter">{fields}</x:complexType></x:schema></w:types>
                <w:service><w:port><s:address location="{address}"/></w:port></w:service></w:definitions>"#
        )
    }

    #[test]
    fn both_forms_are_told_apart() {
        let configured = "https://webits.1c.ru/services/S";
        let elements = r#"<x:sequence><x:element name="name"/><x:element name="value"/></x:sequence>"#;
        let attributes = r#"<x:attribute name="name"/><x:attribute name="value"/>"#;
        for (fields, expected) in [(elements, false), (attributes, true), ("", false)] {
            let read = Service::read(wsdl(fields, configured).as_bytes(), configured).unwrap();
            assert_eq!(read.form.attributes, expected);
            assert!(read.form.qualified);
            assert_eq!((&*read.namespace, &*read.address), ("urn:t", configured));
        }
    }

    #[test]
    fn it_may_not_send_passwords_elsewhere() {
        let told = |address: &str, configured: &str| {
            Service::read(wsdl("", address).as_bytes(), configured).map(|service| service.address)
        };
        let configured = "https://webits.1c.ru/services/S";
        assert!(told("https://other.1c.eu/x", configured).is_ok());
        assert!(told("https://webits.1c.ru:8443/x", configured).is_ok());
        for bad in [
            "http://webits.1c.ru/x",
            "http://127.0.0.1:1/x",
            "https://evil.example/x",
            "https://1c.ru.evil.example/x",
            "https://evil1c.ru/x",
            "file:///etc/passwd",
            "",
        ] {
            assert!(told(bad, configured).is_err(), "{bad}");
        }
        assert!(told("http://127.0.0.1:5/x", "http://127.0.0.1:5/s").is_ok());
        assert!(told("http://localhost:5/x", "http://127.0.0.1:5/s").is_err());
        assert!(Service::read(b"<html/>", configured).is_err());
    }
}
