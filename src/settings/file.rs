//! Reads the settings file: every value with its line and column, unknown keys refused.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{
    Spanned, Table, Value,
    de::{DeArray, DeString, DeTable, DeValue, ValueDeserializer},
};

use super::{Field, Kind, OPTIONS, OptionSpec, Origin, SettingsError, load::Given, tables};

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
        if let (Kind::Tables(fields), DeValue::Table(tables)) = (spec.kind, value.get_ref()) {
            self.tables(spec, fields, tables)?;
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
        Ok(Given {
            spec,
            value: self.placed(spec.kind, value),
            origin: self.origin(key),
        })
    }

    /// A value whose relative paths are meant from where the file lies.
    fn placed(&self, kind: Kind, value: Value) -> Value {
        match (kind, value) {
            (Kind::Path, Value::String(path)) => Value::String(self.beside(&path)),
            (Kind::Tables(fields), Value::Table(mut tables)) => {
                for (_, table) in &mut tables {
                    for (name, value) in table.as_table_mut().into_iter().flatten() {
                        if let Some(field) = tables::find(fields, name) {
                            *value = self.placed(field.kind, value.clone());
                        }
                    }
                }
                Value::Table(tables)
            }
            (_, value) => value,
        }
    }

    /// Looks at each field of each table by itself, so that the wrong one among many is pointed at.
    fn tables(
        &self,
        spec: &OptionSpec,
        fields: &'static [Field],
        tables: &DeTable<'_>,
    ) -> Result<(), SettingsError> {
        for (name, table) in tables {
            let (path, at) = (format!("{}.{}", spec.path, name.get_ref()), name.span().start);
            if !tables::is_name(name.get_ref()) {
                let message = format!("{path}: expected {}", tables::NAMES);
                return Err(SettingsError::refused(self.origin(at), message));
            }
            let DeValue::Table(table) = table.get_ref() else {
                let message = format!("{path}: expected a section [{path}]");
                return Err(SettingsError::refused(self.origin(table.span().start), message));
            };
            for (name, value) in table {
                let Some(field) = fields.iter().find(|field| field.name == name.get_ref().as_ref()) else {
                    let known: Vec<_> = fields.iter().map(|field| field.name).collect();
                    let message = format!(
                        "unknown key {:?} in [{path}]: expected one of {}",
                        name.get_ref(),
                        known.join(", ")
                    );
                    return Err(SettingsError::refused(self.origin(name.span().start), message));
                };
                let origin = self.origin(value.span().start);
                let value = Value::deserialize(ValueDeserializer::from(value.clone()))
                    .map_err(|error| SettingsError::refused(origin.clone(), error.message()))?;
                if !field.kind.accepts(&value) {
                    let expected = field.kind.expected();
                    let message = format!("{path}.{}: {value}: expected {expected}", field.name);
                    return Err(SettingsError::refused(origin, message));
                }
            }
            if let Some(missing) = tables::missing(fields, |name| table.contains_key(name)) {
                let message = format!("[{path}] has no {missing}");
                return Err(SettingsError::refused(self.origin(at), message));
            }
        }
        Ok(())
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
