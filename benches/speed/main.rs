//! Measures what the node promises of its speed, on the real program: `cargo bench --bench speed`.
//!
//! `-- --quick` takes seconds instead of minutes; further words choose parts (load, hsm, cades, carriers, activation, services, consoles, scale, start, idle, hardware). Only a
//! whole run that was not quick is written to docs/benchmarks.md.
#![expect(clippy::cast_precision_loss, reason = "figures are shown with four digits")]

mod activation;
mod cades;
mod carriers;
mod consoles;
mod cores;
mod hardware;
mod hsm;
mod http;
mod idle;
mod load;
mod node;
mod openssl;
mod own_key;
mod report;
mod scale;
mod services;
mod start;
mod state;
mod throughput;

use std::process::ExitCode;
use std::time::Duration;

use cores::Cores;
use report::Row;

/// Anything that keeps a measure from being taken.
type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// How thorough a run is.
struct Effort {
    /// Comparisons of each load with openssl.
    rounds: usize,
    /// Of one load, and of one run of openssl.
    length: Duration,
    /// How long an idle node is watched.
    idle: Duration,
    /// Starts of which the median counts.
    starts: usize,
    /// Sessions of the large node.
    sessions: u32,
    /// Times that a key is plugged in and pulled.
    plugs: usize,
    /// Random events of the storm.
    storm: usize,
    /// Codes of the large centre.
    codes: u64,
}

const WHOLE: Effort = Effort {
    rounds: 15,
    length: Duration::from_secs(1),
    idle: Duration::from_secs(20),
    starts: 5,
    sessions: 1_000_000,
    plugs: 100,
    storm: 1_000,
    codes: 1_000_000,
};

const QUICK: Effort = Effort {
    rounds: 3,
    length: Duration::from_secs(1),
    idle: Duration::from_secs(5),
    starts: 1,
    sessions: 1_000_000,
    plugs: 10,
    storm: 200,
    codes: 100_000,
};

type Part = fn(&Effort, &Cores) -> Outcome<Vec<Row>>;

const PARTS: [(&str, Part); 11] = [
    ("load", throughput::measure),
    ("hsm", hsm::measure),
    ("cades", cades::measure),
    ("carriers", carriers::measure),
    ("activation", activation::measure),
    ("services", services::measure),
    ("consoles", consoles::measure),
    ("scale", scale::measure),
    ("start", start::measure),
    ("idle", idle::measure),
    ("hardware", hardware::measure),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    if !has("--bench") {
        println!("speed is measured by `cargo bench`");
        return ExitCode::SUCCESS;
    }
    if has(hardware::INSIDE) {
        return match hardware::inside(if has("--quick") { &QUICK } else { &WHOLE }) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&*error),
        };
    }
    if has(activation::ALONE) {
        return match activation::alone(arguments.last().map_or("", String::as_str)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&*error),
        };
    }
    if has(cades::INSIDE) {
        return match cades::inside(arguments.last().map_or("", String::as_str)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&*error),
        };
    }
    if has(services::INSIDE) {
        return match services::inside(arguments.last().map_or("", String::as_str)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&*error),
        };
    }
    if has(hsm::ALONE) {
        return match hsm::inside(arguments.last().map_or("", String::as_str)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&*error),
        };
    }
    let chosen: Vec<&String> = arguments.iter().filter(|word| !word.starts_with("--")).collect();
    let quick = has("--quick");
    match run(if quick { &QUICK } else { &WHOLE }, &chosen) {
        Ok(rows) => {
            println!("\n{}", report::table(&rows));
            if quick || !chosen.is_empty() {
                return ExitCode::SUCCESS;
            }
            match report::write(&rows) {
                Ok(path) => {
                    println!("written to {}", path.display());
                    ExitCode::SUCCESS
                }
                Err(error) => fail(&*error),
            }
        }
        Err(error) => fail(&*error),
    }
}

fn fail(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("speed: {error}");
    ExitCode::FAILURE
}

fn run(effort: &Effort, chosen: &[&String]) -> Outcome<Vec<Row>> {
    if let Some(unknown) = chosen
        .iter()
        .find(|word| !PARTS.iter().any(|(name, _)| name == **word))
    {
        return Err(format!(
            "\"{unknown}\" is no part: load, hsm, cades, carriers, activation, services, consoles, scale, start, idle, hardware"
        )
        .into());
    }
    let cores = Cores::share_out()?;
    let mut rows = Vec::new();
    for (name, measure) in PARTS {
        if chosen.is_empty() || chosen.iter().any(|word| *word == name) {
            eprintln!("== {name}");
            rows.extend(measure(effort, &cores)?);
        }
    }
    Ok(rows)
}

/// The middle of some figures, the upper one of two.
fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
