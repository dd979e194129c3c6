//! `keynode config`: checks the settings, shows those in force, prints the sample.

use std::io::{self, Write};

use clap::{Args, Subcommand};
use serde_json::json;
use toml::{Table, Value};

use crate::settings::{Kind, Loaded, OPTIONS, OptionSpec, SAMPLE, Settings, SettingsArgs, SettingsError};

/// The commands under `keynode config`.
#[derive(Debug, Clone, Subcommand)]
pub enum ConfigCommand {
    /// Check the settings: file, environment and flags
    Check(SettingsArgs),
    /// Print the settings in force, each with where it came from
    Show(ShowArgs),
    /// Print a settings file with every option and its default
    Sample,
}

/// Which settings, and how to print.
#[derive(Debug, Clone, Args)]
pub struct ShowArgs {
    /// Print JSON: a list of {Name, Value, Origin}
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// Why a `config` command failed.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The settings were refused: exit code 78.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The output could not be written.
    #[error("cannot write: {0}")]
    Output(#[from] io::Error),
}

impl ConfigCommand {
    /// Runs the command and writes what it has to say.
    ///
    /// # Errors
    /// Refused settings, or an output that cannot be written to.
    pub fn run(&self, out: &mut impl Write) -> Result<(), ConfigError> {
        match self {
            Self::Check(args) => match Settings::load(args)?.file {
                Some(file) => writeln!(out, "ok: {}", file.display())?,
                None => writeln!(out, "ok: no settings file")?,
            },
            Self::Show(args) => {
                let loaded = Settings::load(&args.settings)?;
                if args.json {
                    show_json(&loaded, out)?;
                } else {
                    show(&loaded, out)?;
                }
            }
            Self::Sample => out.write_all(SAMPLE.as_bytes())?,
        }
        Ok(())
    }
}

/// The settings with the directories that follow from others.
fn effective(loaded: &Loaded) -> io::Result<Table> {
    let effective = Settings {
        licence_dir: Some(loaded.settings.licence_dir()),
        vendor_dir: Some(loaded.settings.vendor_dir()),
        ..loaded.settings.clone()
    };
    Table::try_from(&effective).map_err(io::Error::other)
}

/// Where an option has its value from.
fn origin(loaded: &Loaded, option: &OptionSpec) -> String {
    let origin = loaded.origin(option);
    match origin.layer() {
        "default" => "default".to_owned(),
        layer => format!("{layer} {origin}"),
    }
}

/// An option's value; none where nobody set it and it has no default.
fn value<'s>(settings: &'s Table, option: &OptionSpec) -> Option<&'s Value> {
    let (section, name) = option.section_and_name();
    let table = match section {
        "" => Some(settings),
        section => settings[section].as_table(),
    };
    table.and_then(|table| table.get(name))
}

fn show_json(loaded: &Loaded, out: &mut impl Write) -> io::Result<()> {
    let settings = effective(loaded)?;
    let rows = OPTIONS.iter().map(|option| {
        json!({
            "Name": option.path,
            "Value": value(&settings, option),
            "Origin": origin(loaded, option),
        })
    });
    writeln!(out, "{}", rows.collect::<serde_json::Value>())
}

/// As TOML that could be loaded again; options that nobody set and that have no default are comments.
fn show(loaded: &Loaded, out: &mut impl Write) -> io::Result<()> {
    let settings = effective(loaded)?;
    let mut current = "";
    for option in OPTIONS {
        let (section, name) = option.section_and_name();
        let origin = origin(loaded, option);
        if matches!(option.kind, Kind::AccessCodes | Kind::Tables(_)) {
            current = name;
            writeln!(out, "\n[{name}]  # {origin}")?;
            table(name, settings[name].as_table().into_iter().flatten(), out)?;
            continue;
        }
        if section != current {
            current = section;
            writeln!(out, "\n[{section}]")?;
        }
        match value(&settings, option) {
            Some(value) => writeln!(out, "{name} = {value}  # {origin}")?,
            None => writeln!(out, "# {name} is not set")?,
        }
    }
    Ok(())
}

/// Entries of the section `name`: values, or sections of their own.
fn table<'t>(
    name: &str,
    entries: impl Iterator<Item = (&'t String, &'t Value)>,
    out: &mut impl Write,
) -> io::Result<()> {
    for (key, value) in entries {
        match value {
            Value::Table(fields) => {
                writeln!(out, "[{name}.{key}]")?;
                for (field, value) in fields {
                    writeln!(out, "{field} = {value}")?;
                }
            }
            value => writeln!(out, "{} = {value}", Value::from(key.as_str()))?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(subcommand)]
        command: ConfigCommand,
    }

    fn run(arguments: &[&str]) -> Result<String, ConfigError> {
        let cli = Cli::try_parse_from(std::iter::once("config").chain(arguments.iter().copied())).unwrap();
        let mut out = Vec::new();
        cli.command.run(&mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, text).unwrap();
        file
    }

    #[test]
    fn check_names_the_file_or_what_is_wrong_in_it() {
        let good = file("workers = 2\n");
        let path = good.path().to_str().unwrap();
        assert_eq!(
            run(&["check", "--config", path]).unwrap(),
            format!("ok: {path}\n")
        );

        let bad = file("[api]\n\nfoo = 1\n");
        let path = bad.path().to_str().unwrap();
        let error = run(&["check", "--config", path]).unwrap_err();
        assert!(matches!(error, ConfigError::Settings(_)));
        let expected = format!(
            "{path}:3:1: unknown key \"foo\" in [api]: expected one of enabled, allowed_hosts, body_timeout, \
             header_timeout, keep_alive, max_connections"
        );
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn show_names_each_origin_and_loads_again() {
        let given = file(
            "[sessions]\nlife = \"2m\"\n[access_codes]\n\"A \\\" B\" = [1, 2]\n\
             [tokens.office]\nmodule = \"/m.so\"\nenvironment = { HOME = \"/h\" }\n",
        );
        let path = given.path().to_str().unwrap();
        let shown = run(&[
            "show",
            "--config",
            path,
            "--state-dir",
            "/srv/node",
            "--workers",
            "3",
        ])
        .unwrap();
        for line in [
            "listen = \"127.0.0.1:9099\"  # default".to_owned(),
            "licence_dir = \"/srv/node/licences\"  # default".to_owned(),
            "workers = 3  # flag --workers".to_owned(),
            format!("life = \"2m\"  # file {path}:2:1"),
            format!("[access_codes]  # file {path}:3:2"),
            "# certificate is not set".to_owned(),
        ] {
            assert!(
                shown.lines().any(|shown| shown == line),
                "{line} is not in\n{shown}"
            );
        }
        let again = file(&shown);
        let again = run(&["show", "--config", again.path().to_str().unwrap()]).unwrap();
        let values = |text: &str| toml::from_str::<Settings>(text).unwrap();
        assert_eq!(values(&again), values(&shown));
        assert_eq!(values(&shown).access_codes["A \" B"], [1, 2]);
        assert_eq!(values(&shown).tokens["office"].environment["HOME"], "/h");
    }

    #[test]
    fn sample_is_printed_as_it_is() {
        assert_eq!(run(&["sample"]).unwrap(), SAMPLE);
    }
}
