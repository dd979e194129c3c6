//! `keynode computer`: prints the components and the `ComputerID`, and reads them back for `vendor issue`.

use std::io::{self, Write};
use std::path::Path;

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::computer::{FindingState, Inspection, Roots, inspect};
use crate::licence::binding::{Binding, Component, ComponentKind, Fingerprint};
use crate::licence::inspect as inspect_licence;

use super::failure::Failure;
use super::table::{Cell, Table};

/// What `keynode computer` can do.
#[derive(Debug, Clone, Subcommand)]
pub enum ComputerCommand {
    /// Print the components of this computer and the identifier made of them
    Show {
        /// Print JSON, which `vendor issue --computer FILE` takes
        #[arg(long)]
        json: bool,
    },
    /// Name what changed on this computer since a licence was bound to it
    Diff {
        /// The licence file
        file: std::path::PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// The JSON form of `computer show`.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(rename = "ComputerID")]
    computer_id: String,
    components: &'a [Component],
    unreadable: &'a [ComponentKind],
    strong: usize,
    container: Option<&'a str>,
    warning: Option<String>,
}

/// Prints what was found, as a table or as JSON.
///
/// # Errors
/// Only those of writing to `out`.
pub fn show(json: bool, inspection: &Inspection, out: &mut impl Write) -> io::Result<()> {
    if json {
        show_json(inspection, out)
    } else {
        show_table(inspection, out)
    }
}

fn show_json(inspection: &Inspection, out: &mut impl Write) -> io::Result<()> {
    let report = Report {
        computer_id: inspection.fingerprint.computer_id(),
        components: &inspection.fingerprint.components,
        unreadable: &inspection.fingerprint.unreadable,
        strong: inspection.fingerprint.strong_count(),
        container: inspection.container.as_deref(),
        warning: inspection.warning(),
    };
    serde_json::to_writer_pretty(&mut *out, &report)?;
    writeln!(out)
}

fn show_table(inspection: &Inspection, out: &mut impl Write) -> io::Result<()> {
    let mut table = Table::new(&["COMPONENT", "STRENGTH", "SOURCE", "VALUE"]);
    for finding in &inspection.findings {
        let strength = if finding.kind.is_strong() {
            "strong"
        } else {
            "weak"
        };
        table.push(vec![
            Cell::new(finding.kind.label()),
            Cell::new(strength),
            Cell::new(&finding.source),
            Cell::new(&in_words(&finding.state)),
        ]);
    }
    table.print(out)?;
    writeln!(out, "\nComputerID: {}", inspection.fingerprint.computer_id())?;
    if let Some(manager) = &inspection.container {
        writeln!(out, "Container:  {manager}")?;
    }
    if let Some(warning) = inspection.warning() {
        writeln!(out, "Warning:    {warning}")?;
    }
    Ok(())
}

fn in_words(state: &FindingState) -> String {
    match state {
        FindingState::Found { text } => text.clone(),
        FindingState::Absent => "- absent".to_owned(),
        FindingState::Denied => "- no permission".to_owned(),
        FindingState::Placeholder(text) => format!("- not counted: {text}"),
        FindingState::Unreadable(error) => format!("- could not be read: {error}"),
    }
}

/// Names what changed on this computer since the licence in `file` was bound to it. The signature is not
/// looked at: `vendor inspect` does that.
pub(super) fn diff(file: &Path, as_json: bool, out: &mut impl Write) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::of(format!("{}: {error}", file.display()));
    let bytes = std::fs::read(file).map_err(|error| failed(&error))?;
    let (licence, _) = inspect_licence(&bytes).map_err(|error| failed(&error))?;
    let Binding::Computer(binding) = &licence.binding else {
        if as_json {
            writeln!(
                out,
                "{}",
                json!({ "KeyNo": licence.key_no, "Bound": false, "Matches": true })
            )?;
        } else {
            writeln!(out, "licence {} is not bound to a computer", licence.key_no)?;
        }
        return Ok(());
    };
    let comparison = binding.compare(&inspect(&Roots::host()).fingerprint);
    if as_json {
        let kinds =
            |components: &[Component]| components.iter().map(|one| json!(one.kind)).collect::<Value>();
        let told = json!({
            "KeyNo": licence.key_no,
            "Bound": true,
            "Matches": comparison.matches,
            "Gone": kinds(&comparison.gone),
            "Added": kinds(&comparison.added),
        });
        writeln!(out, "{told}")?;
        return if comparison.matches {
            Ok(())
        } else {
            Err(Failure::Quiet(1))
        };
    }
    for component in &comparison.gone {
        writeln!(out, "- {}", component.kind.label())?;
    }
    for component in &comparison.added {
        writeln!(out, "+ {}", component.kind.label())?;
    }
    let (there, bound) = (comparison.present.len(), binding.components.len());
    if comparison.matches {
        writeln!(
            out,
            "licence {} fits this computer: {there} of {bound} components are there",
            licence.key_no
        )?;
        return Ok(());
    }
    writeln!(out, "licence {}: {}", licence.key_no, comparison.describe())?;
    Err(Failure::Quiet(1))
}

/// Reads the JSON of `computer show --json`. Only `components` must be there; a `ComputerID` must fit them.
///
/// # Errors
/// Names what is wrong, for the person who gave the file.
pub fn read_fingerprint(json: &str) -> Result<Fingerprint, String> {
    let value: Value = serde_json::from_str(json).map_err(|error| format!("not JSON: {error}"))?;
    let report = value
        .as_object()
        .ok_or("not a JSON object, as `keynode computer show --json` prints it")?;

    let listed = report.get("components").ok_or("`components` is missing")?;
    let listed = listed.as_array().ok_or("`components` is not a list")?;
    let mut components = Vec::new();
    for (index, entry) in listed.iter().enumerate() {
        let component =
            Component::deserialize(entry).map_err(|error| format!("components[{index}]: {error}"))?;
        component
            .validate()
            .map_err(|error| format!("components[{index}]: {error}"))?;
        components.push(component);
    }
    if components.is_empty() {
        return Err("`components` is empty: a licence bound to nothing would fit no computer".to_owned());
    }
    let unreadable = match report.get("unreadable") {
        Some(kinds) => Vec::deserialize(kinds).map_err(|error| format!("unreadable: {error}"))?,
        None => Vec::new(),
    };

    let fingerprint = Fingerprint::new(components, unreadable);
    let computer_id = fingerprint.computer_id();
    match report.get("ComputerID") {
        Some(given) if given.as_str() != Some(&computer_id) => Err(format!(
            "ComputerID is {given}, but the components give \"{computer_id}\": the file was changed"
        )),
        _ => Ok(fingerprint),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::computer::Finding;

    fn inspection() -> Inspection {
        let found = FindingState::Found {
            text: "S4EWNX0R123456".to_owned(),
        };
        let findings = vec![
            Finding {
                kind: ComponentKind::ProductUuid,
                source: "dmi/product_uuid".into(),
                state: FindingState::Denied,
            },
            Finding {
                kind: ComponentKind::Disk,
                source: "block/sda".into(),
                state: found,
            },
        ];
        let disk = Component {
            kind: ComponentKind::Disk,
            value: "0123456789abcdef0123456789abcdef".into(),
        };
        let ram = Component {
            kind: ComponentKind::Ram,
            value: "16".into(),
        };
        let fingerprint = Fingerprint::new(vec![ram, disk], vec![ComponentKind::ProductUuid]);
        Inspection {
            findings,
            fingerprint,
            container: Some("lxc".into()),
        }
    }

    fn shown(json: bool) -> String {
        let mut out = Vec::new();
        show(json, &inspection(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_table_names_each_look_the_id_and_the_warning() {
        let table = shown(false);
        let id = inspection().fingerprint.computer_id();
        for part in [
            "product UUID",
            "no permission",
            "S4EWNX0R123456",
            &id,
            "Container:  lxc",
            "Warning:    this computer",
        ] {
            assert!(table.contains(part), "{part} is not in\n{table}");
        }
    }

    #[test]
    fn the_json_has_the_documented_keys_and_reads_back() {
        let json = shown(true);
        let value: Value = serde_json::from_str(&json).unwrap();
        let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
        assert_eq!(
            keys,
            [
                "ComputerID",
                "components",
                "unreadable",
                "strong",
                "container",
                "warning"
            ]
        );
        assert_eq!(read_fingerprint(&json).unwrap(), inspection().fingerprint);
    }

    #[test]
    fn extra_keys_are_ignored_and_most_may_be_missing() {
        let read =
            read_fingerprint(r#"{"components":[{"kind":"ram","value":"8"}],"note":"by hand"}"#).unwrap();
        assert_eq!(read.components.len(), 1);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let ram = r#"{"kind":"ram","value":"8"}"#;
        for (json, named) in [
            ("", "not JSON"),
            ("[]", "not a JSON object"),
            ("{}", "`components` is missing"),
            (r#"{"components":{}}"#, "`components` is not a list"),
            (r#"{"components":[]}"#, "`components` is empty"),
            (
                &format!(r#"{{"components":[{ram},{{"kind":"hat","value":"8"}}]}}"#),
                "components[1]: unknown variant `hat`",
            ),
            (
                r#"{"components":[{"kind":"ram"}]}"#,
                "components[0]: missing field `value`",
            ),
            (
                r#"{"components":[{"kind":"disk","value":"XY"}]}"#,
                "components[0]: the value of disk is not 32",
            ),
            (
                &format!(r#"{{"components":[{ram}],"unreadable":["hat"]}}"#),
                "unreadable: unknown variant `hat`",
            ),
            (
                &format!(r#"{{"components":[{ram}],"ComputerID":"ABC"}}"#),
                "the file was changed",
            ),
        ] {
            let error = read_fingerprint(json).unwrap_err();
            assert!(error.contains(named), "{json}: {error}");
        }
    }
}
