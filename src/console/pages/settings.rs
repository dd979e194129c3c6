//! Settings: each with its value, where that came from, and what it is for. To be read only; no secret is among them.

use askama::Template;
use toml::{Table, Value};

use crate::console::markup::Markup;
use crate::console::visit::{Outcome, Trouble, View, Visit};
use crate::console::words::Words;
use crate::settings::{Kind, Loaded, OPTIONS, OptionSpec, Settings};

use super::{Page, no_form};

/// The page.
pub(super) const PAGE: Page = Page {
    name: "settings",
    title: "settings.title",
    words: include_str!("../words/settings.toml"),
    topics: &[],
    for_admins: true,
    show: |visit| Box::pin(async move { show(&visit) }),
    act: no_form,
};

struct Line {
    name: &'static str,
    value: String,
    origin: String,
    help: &'static str,
}

struct Section {
    name: &'static str,
    lines: Vec<Line>,
}

#[derive(Template)]
#[template(path = "settings.html")]
struct Shape<'a> {
    w: Words,
    sections: &'a [Section],
}

fn show(visit: &Visit) -> Outcome {
    if !visit.rest.is_empty() {
        return Err(Trouble::NotFound);
    }
    let w = visit.words;
    let loaded = visit.console.loaded();
    let effective = Settings {
        licence_dir: Some(loaded.settings.licence_dir()),
        vendor_dir: Some(loaded.settings.vendor_dir()),
        ..loaded.settings.clone()
    };
    let table = Table::try_from(&effective).unwrap_or_default();
    let mut sections: Vec<Section> = Vec::new();
    for option in OPTIONS {
        let (name, _) = option.section_and_name();
        let line = line(w, option, &table, &loaded);
        match sections.iter_mut().find(|section| section.name == name) {
            Some(section) => section.lines.push(line),
            None => sections.push(Section {
                name,
                lines: vec![line],
            }),
        }
    }
    let file = loaded.file.as_ref().map(|file| file.display().to_string());
    let shape = Shape {
        w,
        sections: &sections,
    };
    Ok(View {
        title: w.t("settings.title").to_owned(),
        summary: file.map_or_else(
            || w.t("settings.no-file").to_owned(),
            |file| w.with("settings.file", file),
        ),
        fixed: Markup::of(&shape),
        ..View::default()
    }
    .into())
}

fn line(w: Words, option: &OptionSpec, table: &Table, loaded: &Loaded) -> Line {
    let (section, name) = option.section_and_name();
    let table = if section.is_empty() {
        Some(table)
    } else {
        table.get(section).and_then(Value::as_table)
    };
    let value = table.and_then(|table| table.get(name));
    let origin = loaded.origin(option);
    Line {
        name: option.path,
        value: value.map_or_else(String::new, |value| said(w, option.kind, value)),
        origin: match origin.layer() {
            "default" => w.t("settings.default").to_owned(),
            _ => origin.to_string(),
        },
        help: option.help,
    }
}

/// A value without what is nobody's business: access codes open keys, and variables of modules may hold anything.
fn said(w: Words, kind: Kind, value: &Value) -> String {
    match (kind, value) {
        (Kind::AccessCodes, Value::Table(codes)) => w.with("settings.codes", codes.len()),
        (Kind::Tables(_), Value::Table(entries)) => {
            let entries = entries
                .iter()
                .map(|(name, entry)| format!("{name}: {}", fields(entry)));
            entries.collect::<Vec<_>>().join("\n")
        }
        (_, Value::String(text)) => text.clone(),
        (_, other) => other.to_string(),
    }
}

fn fields(entry: &Value) -> String {
    let fields = entry.as_table().into_iter().flatten();
    let said = fields.map(|(name, value)| match value {
        Value::Table(variables) => {
            let names: Vec<_> = variables.keys().map(String::as_str).collect();
            format!("{name} = {}", names.join(" "))
        }
        // Services that take messages put their tickets into the path.
        Value::String(url) if name == "url" => format!("{name} = {}", origin_of(url)),
        Value::String(text) => format!("{name} = {text}"),
        other => format!("{name} = {other}"),
    });
    said.collect::<Vec<_>>().join(", ")
}

/// Scheme and host.
fn origin_of(url: &str) -> String {
    let mut parts = url.splitn(4, '/');
    let (scheme, host) = (parts.next().unwrap_or_default(), parts.nth(1).unwrap_or_default());
    format!("{scheme}//{host}/…")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::words::Language;

    #[test]
    fn codes_variables_and_paths_of_webhooks_are_not_told() {
        let w = Words {
            language: Language::English,
        };
        let table: Table = toml::from_str(
            r#"[access_codes]
            "open sesame" = [1]
            [webhooks.chat]
            url = "https://chat.example/hooks/T0K3N"
            secret_file = "/run/secret"
            [tokens.office]
            module = "/m.so"
            environment = { PIN = "1234" }"#,
        )
        .unwrap();
        let said: String = ["access_codes", "webhooks", "tokens"]
            .map(|path| said(w, OptionSpec::find(path).unwrap().kind, &table[path]))
            .join("\n");
        for secret in ["sesame", "T0K3N", "1234"] {
            assert!(!said.contains(secret), "{said}");
        }
        for shown in ["https://chat.example/…", "/run/secret", "/m.so", "PIN"] {
            assert!(said.contains(shown), "{said}");
        }
    }
}
