//! The table, and its place in docs/benchmarks.md.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use keynode::clock::SystemClock;
use serde::{Deserialize, Serialize};

use super::Outcome;

const BEGIN: &str = "<!-- bench: what follows is written by `make bench` -->";
const END: &str = "<!-- bench: end -->";

/// One measure.
#[derive(Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) measure: String,
    pub(crate) target: String,
    pub(crate) value: String,
    /// The target is reached.
    pub(crate) held: bool,
    pub(crate) detail: String,
}

impl Row {
    /// A time that is to stay below another.
    pub(crate) fn below(measure: String, target: Duration, value: Duration, detail: String) -> Self {
        Self {
            measure,
            target: format!("below {}", shown(target)),
            value: shown(value),
            held: value < target,
            detail,
        }
    }
}

fn shown(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 0.1 {
        format!("{:.3} ms", seconds * 1000.0)
    } else {
        format!("{seconds:.2} s")
    }
}

/// The table in Markdown.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut text = String::from("| measure | target | measured | | remarks |\n|---|---|---|---|---|\n");
    for row in rows {
        let verdict = if row.held { "held" } else { "**missed**" };
        let written = writeln!(
            text,
            "| {} | {} | {} | {verdict} | {} |",
            row.measure, row.target, row.value, row.detail
        );
        written.expect("memory takes any text");
    }
    text
}

/// Puts the table in the place of the last one.
pub(crate) fn write(rows: &[Row]) -> Outcome<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/benchmarks.md");
    let old = fs::read_to_string(&path)?;
    let missing = || {
        format!(
            "{}: the lines \"{BEGIN}\" and \"{END}\" are missing",
            path.display()
        )
    };
    let (introduction, rest) = old.split_once(BEGIN).ok_or_else(missing)?;
    let (_, after) = rest.split_once(END).ok_or_else(missing)?;
    let block = format!("{BEGIN}\n\n{}\n{}\n{END}", circumstances()?, table(rows));
    fs::write(&path, format!("{introduction}{block}{after}"))?;
    Ok(path)
}

/// When, where and what.
fn circumstances() -> Outcome<String> {
    let cpu = fs::read_to_string("/proc/cpuinfo")?;
    let models: Vec<&str> = cpu
        .lines()
        .filter_map(|line| Some(line.strip_prefix("model name")?.split_once(':')?.1.trim()))
        .collect();
    let model = models.first().copied().unwrap_or("unknown processor");
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    Ok(format!(
        "- date: {}\n- machine: {model}, {} cores, Linux {}\n- openssl: {}\n- commit: {}\n",
        SystemClock::shared().now().wall,
        std::thread::available_parallelism()?.max(models.len().try_into()?),
        kernel.trim(),
        said("openssl", &["version"])?,
        said(
            "git",
            &["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
        )?,
    ))
}

fn said(program: &str, arguments: &[&str]) -> Outcome<String> {
    let output = Command::new(program).args(arguments).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
