//! Tables that the administrator names, `[tokens.NAME]`, whose fields have kinds of their own.

use toml::{Table, Value};

use super::Kind;
use super::kind::split;

/// Longest name of a table, in characters.
const LONGEST_NAME: usize = 32;

/// A field of each such table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name in the file; as text with dashes.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// A table without it is refused.
    pub required: bool,
}

/// The field of this name, as the file or as a text has it.
pub(super) fn find(fields: &'static [Field], name: &str) -> Option<&'static Field> {
    fields
        .iter()
        .find(|field| field.name == name || field.name.replace('_', "-") == name)
}

pub(super) fn is_name(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.len())
        && name
            .bytes()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
}

/// What to say was expected of a name.
pub(super) const NAMES: &str = "a name of 1 to 32 of a-z, 0-9 and -";

pub(super) fn accepts(entries: &Table, fields: &'static [Field]) -> bool {
    entries.iter().all(|(name, entry)| {
        let Value::Table(entry) = entry else { return false };
        let known = entry.iter().all(|(name, value)| {
            let field = fields.iter().find(|field| field.name == name);
            field.is_some_and(|field| field.kind.accepts(value))
        });
        is_name(name) && known && missing(fields, |name| entry.contains_key(name)).is_none()
    })
}

/// A field that is required and not there.
pub(super) fn missing(fields: &'static [Field], has: impl Fn(&str) -> bool) -> Option<&'static str> {
    let mut required = fields.iter().filter(|field| field.required);
    required.find(|field| !has(field.name)).map(|field| field.name)
}

/// `NAME:field=value,field=value;NAME2:...`; what is given twice is refused, as TOML refuses it.
pub(super) fn parse(text: &str, fields: &'static [Field]) -> Option<Table> {
    let mut entries = Table::new();
    for entry in split(text, ';') {
        let (name, rest) = entry.split_once(':')?;
        let mut table = Table::new();
        for part in split(rest, ',') {
            let (field, value) = part.split_once('=')?;
            let field = find(fields, field.trim())?;
            let value = field.kind.parse(value)?;
            if table.insert(field.name.to_owned(), value).is_some() {
                return None;
            }
        }
        if entries
            .insert(name.trim().to_owned(), Value::Table(table))
            .is_some()
        {
            return None;
        }
    }
    Some(entries)
}

/// `A=1 B=2`.
pub(super) fn parse_variables(text: &str) -> Option<Table> {
    let mut variables = Table::new();
    for variable in text.split_whitespace() {
        let (name, value) = variable.split_once('=')?;
        if variables.insert(name.to_owned(), Value::from(value)).is_some() {
            return None;
        }
    }
    Some(variables)
}

pub(super) fn are_variables(variables: &Table) -> bool {
    variables.iter().all(|(name, value)| {
        let value = value.as_str();
        !name.is_empty() && !name.contains(['=', '\0']) && value.is_some_and(|value| !value.contains('\0'))
    })
}

pub(super) fn expected(fields: &'static [Field]) -> String {
    let names = |required| {
        let names = fields.iter().filter(move |field| field.required == required);
        names.map(|field| field.name).collect::<Vec<_>>().join(", ")
    };
    format!(
        "tables, each with {NAMES}, with the field {} and, where wanted, {}; as text NAME:{}=...,...;NAME2:...",
        names(true),
        names(false),
        fields.first().map_or("", |field| field.name),
    )
}
