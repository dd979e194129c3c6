//! XML as the service speaks it: written by a few lines, read within bounds, without document types and entities.

use roxmltree::{Document, Node, ParsingOptions};

/// The largest document that is read, in bytes.
const LARGEST: usize = 2 * 1024 * 1024;

/// The most nodes of a document.
const MOST_NODES: u32 = 50_000;

/// The deepest nesting.
const DEEPEST: usize = 64;

/// Writes elements one after another.
#[derive(Debug, Default)]
pub(super) struct Writer(String);

impl Writer {
    /// Begins an element with these attributes.
    pub(super) fn open(&mut self, name: &str, attributes: &[(&str, &str)]) -> &mut Self {
        self.0.push('<');
        self.0.push_str(name);
        for (name, value) in attributes {
            self.0.push(' ');
            self.0.push_str(name);
            self.0.push_str("=\"");
            escape(&mut self.0, value);
            self.0.push('"');
        }
        self.0.push('>');
        self
    }

    /// Ends the element that was begun last.
    pub(super) fn close(&mut self, name: &str) -> &mut Self {
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
        self
    }

    /// An element with a text.
    pub(super) fn text(&mut self, name: &str, text: &str) -> &mut Self {
        self.open(name, &[]).words(text).close(name)
    }

    /// Words in the element that was begun last.
    pub(super) fn words(&mut self, text: &str) -> &mut Self {
        escape(&mut self.0, text);
        self
    }

    /// The document.
    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// Puts a text where neither its quotes nor its line breaks are lost; what XML cannot hold is left out.
fn escape(into: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => into.push_str("&amp;"),
            '<' => into.push_str("&lt;"),
            '>' => into.push_str("&gt;"),
            '"' => into.push_str("&quot;"),
            '\t' => into.push_str("&#9;"),
            '\n' => into.push_str("&#10;"),
            '\r' => into.push_str("&#13;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => into.push(c),
        }
    }
}

/// Reads a document and has `look` look at its root.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn read<T>(
    body: &[u8],
    look: impl FnOnce(Node<'_, '_>) -> Result<T, String>,
) -> Result<T, String> {
    if body.len() > LARGEST {
        return Err(format!("it has more than {LARGEST} bytes"));
    }
    let text = std::str::from_utf8(body).map_err(|_| "it is not UTF-8".to_owned())?;
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: MOST_NODES,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(text, options).map_err(|error| error.to_string())?;
    if too_deep(document.root_element()) {
        return Err(format!("it is nested deeper than {DEEPEST} elements"));
    }
    look(document.root_element())
}

/// Whether elements are nested too deep; walks without recursion.
fn too_deep(root: Node<'_, '_>) -> bool {
    let mut waiting = vec![(root, 1)];
    while let Some((node, depth)) = waiting.pop() {
        if depth > DEEPEST {
            return true;
        }
        waiting.extend(elements(node).map(|child| (child, depth + 1)));
    }
    false
}

/// The elements in an element.
pub(super) fn elements<'a, 'i>(node: Node<'a, 'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(Node::is_element)
}

/// The elements of this local name in an element, whatever their namespace.
pub(super) fn named<'a, 'i>(node: Node<'a, 'i>, name: &str) -> impl Iterator<Item = Node<'a, 'i>> {
    elements(node).filter(move |child| is(*child, name))
}

/// Whether an element has this local name; case does not count.
pub(super) fn is(node: Node<'_, '_>, name: &str) -> bool {
    node.tag_name().name().eq_ignore_ascii_case(name)
}

/// All text in an element, trimmed.
pub(super) fn text(node: Node<'_, '_>) -> String {
    let parts = node
        .children()
        .filter(Node::is_text)
        .filter_map(|part| part.text());
    parts.collect::<String>().trim().to_owned()
}

/// A field of an element: the attribute or the element of that name. Attributes of a namespace, such as `xsi:type`, are not the
/// service's own.
pub(super) fn field(node: Node<'_, '_>, name: &str) -> Option<String> {
    let own = node
        .attributes()
        .find(|attribute| attribute.namespace().is_none() && attribute.name().eq_ignore_ascii_case(name));
    let own = own.map(|attribute| attribute.value().trim().to_owned());
    own.or_else(|| named(node, name).next().map(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let hostile = "a<b>&\"'\n\t]]> \u{1} конец";
        let mut writer = Writer::default();
        writer.open("r", &[("a", hostile)]).text("t", hostile).close("r");
        let document = writer.finish();
        read(document.as_bytes(), |root| {
            let expected = "a<b>&\"'\n\t]]>  конец";
            assert_eq!(field(root, "A").as_deref(), Some(expected));
            assert_eq!(field(root, "t").as_deref(), Some(expected));
            Ok(())
        })
        .unwrap();
    }

    #[test]
    fn an_attribute_of_another_namespace_is_no_field() {
        let text = r#"<p xmlns:x="urn:x" x:type="t:Parameter"><type>startup</type></p>"#;
        read(text.as_bytes(), |root| {
            assert_eq!(field(root, "type").as_deref(), Some("startup"));
            Ok(())
        })
        .unwrap();
    }

    #[test]
    fn hostile_documents_are_refused() {
        let bomb = r#"<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><a>&c;</a>"#;
        let file = r#"<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>"#;
        let deep = "<a>".repeat(100_000) + &"</a>".repeat(100_000);
        let nested = "<a>".repeat(80) + &"</a>".repeat(80);
        let wide = format!("<a>{}</a>", "<b/>".repeat(60_000));
        let large = format!("<a>{}</a>", "b".repeat(LARGEST));
        for bad in [
            bomb,
            file,
            &deep,
            &nested,
            &wide,
            &large,
            "",
            "<a>",
            "<a>&b;</a>",
            "{}",
        ] {
            let read = read(bad.as_bytes(), |_| Ok(()));
            assert!(read.is_err(), "{}", bad.chars().take(60).collect::<String>());
        }
        assert!(read(b"<a>\xff</a>", |_| Ok(())).is_err());
        assert!(read("\u{feff}<a/>".as_bytes(), |_| Ok(())).is_ok());
    }
}
