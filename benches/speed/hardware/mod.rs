//! How soon the node follows its keys: dongles that are plugged in and pulled under umockdev, whose preload library
//! needs a process of its own.

mod hang;
mod plug;
mod storm;
mod world;

#[path = "../../../tests/hardware/described.rs"]
#[allow(
    dead_code,
    clippy::unwrap_used,
    reason = "test support, of which a part is needed here"
)]
mod described;
#[path = "../../../tests/hardware/dongle.rs"]
#[allow(clippy::unwrap_used, unused_imports, reason = "test support")]
mod dongle;
#[path = "../../../tests/hardware/testbed.rs"]
#[allow(
    dead_code,
    clippy::unwrap_used,
    reason = "test support, of which a part is needed here"
)]
mod testbed;

use std::process::{Command, Stdio};

use super::cores::Cores;
use super::report::Row;
use super::{Effort, Outcome, median};

/// The flag of the process that measures.
pub(crate) const INSIDE: &str = "--inside-umockdev";

/// Measures in another process, and reads its rows.
pub(crate) fn measure(effort: &Effort, _cores: &Cores) -> Outcome<Vec<Row>> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["--bench", INSIDE])
        .args((effort.plugs < 100).then_some("--quick"));
    let output = command
        .env("LD_PRELOAD", "libumockdev-preload.so.0")
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err("the measures of hardware failed".into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Measures here, and prints the rows.
pub(crate) fn inside(effort: &Effort) -> Outcome<()> {
    let mut rows = vec![plug::measure(effort, 1)?, plug::measure(effort, 100)?];
    rows.extend(storm::measure(effort)?);
    rows.push(hang::measure(effort)?);
    println!("{}", serde_json::to_string(&rows)?);
    Ok(())
}

/// The value below which so many of a hundred are.
fn percentile(figures: &[f64], share: usize) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (sorted.len() * share).div_ceil(100).saturating_sub(1);
    sorted.get(place).copied().unwrap_or(f64::NAN)
}
