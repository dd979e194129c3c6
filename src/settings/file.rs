//! Reads the settings file: every value with its line and column, unknown keys refused.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{
    Spanned, Table, Value,
    de::{DeArray, DeString, DeTable, DeValue, ValueDeserializer},
};

use super::{Kind, OPTIONS, OptionSpec, Origin, SettingsError, load::Given};

/// Reads a file's text.
///
/// # Errors
/// The first thing wrong with it, with line and column.
pub(super) fn read(path: &Path, text: &str) -> Result<Vec<Given>, SettingsError> {
    let reader = Reader { path, text };
    let root = DeTable::parse(text).map_err(|error| {
        SettingsError::refused(
            reader.origin(error.span().map_or(0, |span| span.start)),
            error.message(),
        )
    })?;
    let mut given = Vec::new();
    reader.section("", root.into_inner(), &mut given)?;
    Ok(given)
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Reader<'_> {
    fn section(
        &self,
        section: &str,
        table: DeTable<'_>,
        given: &mut Vec<Given>,
    ) -> Result<(), SettingsError> {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let path = if section.is_empty() {
                name.to_owned()
            } else {
                format!("{section}.{name}")
            };
            if let Some(spec) = OptionSpec::find(&path) {
                given.push(self.option(spec, key.span().start, value)?);
            } else if section.is_empty() && sections().any(|section| section == name) {
                let start = value.span().start;
                let DeValue::Table(table) = value.into_inner() else {
                    let message = format!("{name}: expected a section [{name}]");
                    return Err(SettingsError::refused(self.origin(start), message));
                };
                self.section(name, table, given)?;
            } else {
                return Err(self.unknown(section, &key));
            }
        }
        Ok(())
    }

    fn option(
        &self,
        spec: &'static OptionSpec,
        key: usize,
        value: Spanned<DeValue<'_>>,
    ) -> Result<Given, SettingsError> {
        let start = value.span().start;
        let origin = self.origin(start);
        if let (Kind::AccessCodes, DeValue::Table(codes)) = (spec.kind, value.get_ref()) {
            self.codes(spec, codes)?;
        }
        if let (Kind::Families, DeValue::Array(families)) = (spec.kind, value.get_ref()) {
            self.entries(spec, families)?;
        }
        let value = Value::deserialize(ValueDeserializer::from(value))
            .map_err(|error| SettingsError::refused(origin.clone(), error.message()))?;
        if !spec.kind.accepts(&value) {
            let message = format!("{}: {value}: expected {}", spec.path, spec.kind.expected());
            return Err(SettingsError::refused(origin, message));
        }
        let value = match (spec.kind, value) {
            (Kind::Path, Value::String(path)) => Value::String(self.beside(&path)),
            (_, value) => value,
        };
        Ok(Given {
            spec,
            value,
            origin: self.origin(key),
        })
    }

    /// Looks at each entry of a list by itself, so that the wrong one among many is pointed at.
    fn entries(&self, spec: &OptionSpec, entries: &DeArray<'_>) -> Result<(), SettingsError> {
        for entry in entries {
            let origin = self.origin(entry.span().start);
            let value = Value::deserialize(ValueDeserializer::from(entry.clone()))
                .map_err(|error| SettingsError::refused(origin.clone(), error.message()))?;
            if !spec.kind.accepts(&Value::Array(vec![value.clone()])) {
                let message = format!("{}: {value}: expected {}", spec.path, spec.kind.expected());
                return Err(SettingsError::refused(origin, message));
            }
        }
        Ok(())
    }

    /// Looks at each access code by itself, so that the wrong one among many is pointed at.
    fn codes(&self, spec: &OptionSpec, codes: &DeTable<'_>) -> Result<(), SettingsError> {
        for (code, keys) in codes {
            let origin = self.origin(code.span().start);
            let keys = Value::deserialize(ValueDeserializer::from(keys.clone()))
                .map_err(|error| SettingsError::refused(origin.clone(), error.message()))?;
            let entry = Table::from_iter([(code.get_ref().to_string(), keys)]);
            if !spec.kind.accepts(&Value::Table(entry.clone())) {
                let message = format!(
                    "{}: {}: expected {}",
                    spec.path,
                    entry.to_string().trim(),
                    spec.kind.expected()
                );
                return Err(SettingsError::refused(origin, message));
            }
        }
        Ok(())
    }

    fn unknown(&self, section: &str, key: &Spanned<DeString<'_>>) -> SettingsError {
        let place = if section.is_empty() {
            String::new()
        } else {
            format!(" in [{section}]")
        };
        let names = OPTIONS.iter().map(OptionSpec::section_and_name);
        let mut known: Vec<_> = names
            .filter(|(of, _)| *of == section)
            .map(|(_, name)| name.to_owned())
            .collect();
        if section.is_empty() {
            known.extend(sections().map(|section| format!("[{section}]")));
        }
        known.dedup();
        let message = format!(
            "unknown key {:?}{place}: expected one of {}",
            key.get_ref(),
            known.join(", ")
        );
        SettingsError::refused(self.origin(key.span().start), message)
    }

    /// A relative path in the file is meant from where the file lies.
    fn beside(&self, path: &str) -> String {
        let directory = self.path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
        directory.join(path).to_string_lossy().into_owned()
    }

    fn origin(&self, offset: usize) -> Origin {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Origin::File {
            path: self.path.to_path_buf(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

fn sections() -> impl Iterator<Item = &'static str> {
    OPTIONS
        .iter()
        .map(|option| option.section_and_name().0)
        .filter(|section| !section.is_empty())
}
