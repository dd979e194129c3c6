//! The description of the stand-in, with parameters as attributes or as elements.

/// Its namespace.
pub(super) const NAMESPACE: &str = "https://ws.webits.onec.ru";

/// How it writes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Style {
    /// Parameters have attributes and not elements.
    pub(super) attributes: bool,
    /// The schema stands in a document of its own, and its elements are in its namespace.
    pub(super) apart: bool,
}

/// The description.
pub(super) fn document(address: &str, style: Style) -> String {
    // Where the schema is elsewhere, the namespace of the description is not that of the service.
    let (types, target) = if style.apart {
        let import = format!("<xs:import namespace=\"{NAMESPACE}\" schemaLocation=\"{address}?xsd=1\"/>");
        (format!("<xs:schema>{import}</xs:schema>"), "urn:description")
    } else {
        (schema(style), NAMESPACE)
    };
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="{NAMESPACE}" targetNamespace="{target}">
  <wsdl:types>{types}</wsdl:types>
  <wsdl:service name="WebItsSimpleService"><wsdl:port name="WebItsSimplePort" binding="t:WebItsSimple">
    <soap:address location="{address}"/></wsdl:port></wsdl:service>
</wsdl:definitions>"#
    )
}

/// The schema.
pub(super) fn schema(style: Style) -> String {
    let attributes = style.attributes;
    let fields = |names: &[&str]| {
        let field = |name: &&str| {
            if attributes {
                format!("<xs:attribute name=\"{name}\" type=\"xs:string\"/>")
            } else {
                format!("<xs:element name=\"{name}\" type=\"xs:string\" minOccurs=\"0\"/>")
            }
        };
        names.iter().map(field).collect::<String>()
    };
    let within = r#"<xs:element name="parameters" type="t:Parameters" minOccurs="0"/>"#;
    let kind = |name: &str, own: &[&str]| {
        let own = fields(own);
        let inner = if attributes {
            format!("<xs:sequence>{within}</xs:sequence>{own}")
        } else {
            format!("<xs:sequence>{own}{within}</xs:sequence>")
        };
        format!("<xs:complexType name=\"{name}\">{inner}</xs:complexType>")
    };
    let (parameter, command) = (
        kind("Parameter", &["name", "value", "index", "type", "bp"]),
        kind("Command", &["name"]),
    );
    let form = if style.apart { "qualified" } else { "unqualified" };
    format!(
        r#"<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="{NAMESPACE}" targetNamespace="{NAMESPACE}"
    elementFormDefault="{form}">{command}{parameter}
    <xs:complexType name="Parameters"><xs:sequence>
      <xs:element name="parameter" type="t:Parameter" maxOccurs="unbounded"/></xs:sequence></xs:complexType>
    <xs:element name="isConfigurationSupported" type="xs:string"/>
    <xs:element name="isConfigurationSupportedResponse" type="xs:boolean"/>
  </xs:schema>"#
    )
}
