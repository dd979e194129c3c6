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
    /// Reads a WSDL that was found beside the configured address, with the documents that it imports.
    ///
    /// # Errors
    /// What is wrong with them, in words.
    pub(super) fn read(wsdl: &[u8], imported: &[Vec<u8>], configured: &str) -> Result<Self, String> {
        let mut found = xml::read(wsdl, |root| {
            if !xml::is(root, "definitions") {
                return Err("it is no WSDL".into());
            }
            Ok(Found::of(root))
        })?;
        for document in imported {
            found.add(xml::read(document, |root| Ok(Found::of(root)))?);
        }
        let address = found.address.ok_or("it names no address of the service")?;
        let (namespace, qualified) = match found.schema {
            Some(schema) => schema,
            None => (found.target, false),
        };
        Ok(Self {
            address: allowed(&address, configured)?,
            namespace: namespace.unwrap_or_else(|| NAMESPACE.to_owned()),
            form: Form {
                attributes: found.attributes.unwrap_or(false),
                qualified,
            },
        })
    }

    /// Where the documents are that a WSDL or a schema imports, as far as they are at the same server: a description
    /// leads its reader nowhere else.
    ///
    /// # Errors
    /// What is wrong with the document, in words.
    pub(super) fn imports(document: &[u8], at: &Url) -> Result<Vec<Url>, String> {
        xml::read(document, |root| {
            let all = root
                .descendants()
                .filter(|node| node.is_element() && (xml::is(*node, "import") || xml::is(*node, "include")));
            let named = all.filter_map(|node| {
                xml::field(node, "schemaLocation").or_else(|| xml::field(node, "location"))
            });
            let urls = named.filter_map(|location| at.join(&location).ok());
            Ok(urls.filter(|url| url.origin() == at.origin()).collect())
        })
    }
}

/// What one document of a description tells.
struct Found {
    address: Option<String>,
    /// The document's own namespace.
    target: Option<String>,
    /// The namespace of the schema that parameters are described in, and whether elements are in it.
    schema: Option<(Option<String>, bool)>,
    attributes: Option<bool>,
}

impl Found {
    fn of(root: Node<'_, '_>) -> Self {
        let target = |node: Node<'_, '_>| {
            let named = node.attribute("targetNamespace");
            named.filter(|name| !name.is_empty()).map(str::to_owned)
        };
        let described = parameters(root);
        let schema = described.and_then(|(node, _)| node.ancestors().find(|node| xml::is(*node, "schema")));
        Self {
            address: descendants(root, "address").find_map(|node| xml::field(node, "location")),
            target: target(root),
            schema: schema.map(|schema| {
                let qualified = schema.attribute("elementFormDefault") == Some("qualified");
                (target(schema).or_else(|| target(root)), qualified)
            }),
            attributes: described.map(|(_, attributes)| attributes),
        }
    }

    /// Adds what another document tells; what is known stays.
    fn add(&mut self, other: Self) {
        self.address = self.address.take().or(other.address);
        self.target = self.target.take().or(other.target);
        self.schema = self.schema.take().or(other.schema);
        self.attributes = self.attributes.or(other.attributes);
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

/// The type that has a name and a value, and whether it has them as attributes.
fn parameters<'a, 'i>(root: Node<'a, 'i>) -> Option<(Node<'a, 'i>, bool)> {
    let mut types = root
        .descendants()
        .filter(|node| node.is_element() && xml::is(*node, "complexType"));
    types.find_map(|node| {
        let has = |kind: &str, name: &str| {
            let mut all = node
                .descendants()
                .filter(|node| node.is_element() && xml::is(*node, kind));
            all.any(|node| node.attribute("name") == Some(name))
        };
        let both = |kind: &str| has(kind, "name") && has(kind, "value");
        match (both("attribute"), both("element")) {
            (true, _) => Some((node, true)),
            (_, true) => Some((node, false)),
            _ => None,
        }
    })
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
            let read = Service::read(wsdl(fields, configured).as_bytes(), &[], configured).unwrap();
            assert_eq!(read.form.attributes, expected);
            // A schema without parameters says nothing of how they are written.
            assert_eq!(read.form.qualified, !fields.is_empty());
            assert_eq!((&*read.namespace, &*read.address), ("urn:t", configured));
        }
    }

    #[test]
    fn it_may_not_send_passwords_elsewhere() {
        let told = |address: &str, configured: &str| {
            Service::read(wsdl("", address).as_bytes(), &[], configured).map(|service| service.address)
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
        assert!(Service::read(b"<html/>", &[], configured).is_err());
    }

    #[test]
    fn a_schema_may_stand_in_a_document_of_its_own() {
        let configured = "https://webits.1c.ru/services/S";
        let wsdl = format!(
            r#"<w:definitions xmlns:w="http://schemas.xmlsoap.org/wsdl/" xmlns:x="http://www.w3.org/2001/XMLSchema"
                targetNamespace="urn:outer"><w:types><x:schema><x:import schemaLocation="S?xsd=1"/>
                <x:import schemaLocation="https://evil.example/x"/></x:schema></w:types><w:import location="/more"/>
                <w:service><w:port><address location="{configured}"/></w:port></w:service></w:definitions>"#
        );
        let at = Url::parse(&format!("{configured}?wsdl")).unwrap();
        let imports = Service::imports(wsdl.as_bytes(), &at).unwrap();
        let imports: Vec<&str> = imports.iter().map(Url::as_str).collect();
        assert_eq!(
            imports,
            [
                "https://webits.1c.ru/services/S?xsd=1",
                "https://webits.1c.ru/more"
            ]
        );
        let schema = br#"<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:inner"
            elementFormDefault="qualified"><x:complexType name="P"><x:sequence><x:element name="name"/>
            <x:element name="value"/></x:sequence></x:complexType></x:schema>"#;
        let read = Service::read(wsdl.as_bytes(), &[schema.to_vec()], configured).unwrap();
        assert_eq!(read.namespace, "urn:inner");
        assert!(read.form.qualified && !read.form.attributes);
    }
}
