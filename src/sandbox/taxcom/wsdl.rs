//! The description of the stand-in, with parameters as attributes or as elements.

/// Its namespace.
pub(super) const NAMESPACE: &str = "https://ws.webits.onec.ru";

/// The document.
pub(super) fn document(address: &str, attributes: bool) -> String {
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
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="{NAMESPACE}" targetNamespace="{NAMESPACE}">
  <wsdl:types><xs:schema targetNamespace="{NAMESPACE}">{command}{parameter}
    <xs:complexType name="Parameters"><xs:sequence>
      <xs:element name="parameter" type="t:Parameter" maxOccurs="unbounded"/></xs:sequence></xs:complexType>
    <xs:element name="isConfigurationSupported" type="xs:string"/>
    <xs:element name="isConfigurationSupportedResponse" type="xs:boolean"/>
  </xs:schema></wsdl:types>
  <wsdl:service name="WebItsSimpleService"><wsdl:port name="WebItsSimplePort" binding="t:WebItsSimple">
    <soap:address location="{address}"/></wsdl:port></wsdl:service>
</wsdl:definitions>"#
    )
}
