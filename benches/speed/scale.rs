//! Many sessions: memory, restart, listings.

use std::time::{Duration, Instant};

use super::cores::Cores;
use super::http::{Client, write_request};
use super::load::Load;
use super::node::Node;
use super::report::Row;
use super::state::State;
use super::throughput::session;
use super::{Effort, Outcome, median};

/// Of each listing.
const REPEATS: usize = 15;

/// Sessions of the small node.
const FEW: u32 = 1_000;

/// Sessions of the list that is fetched whole.
const LISTED: u32 = 100_000;

/// Memory that a session may cost, in bytes.
const BYTES: f64 = 1024.0;

pub(crate) fn measure(effort: &Effort, cores: &Cores) -> Outcome<Vec<Row>> {
    let state = |sessions| {
        State::new()?
            .with_licences(1, 10_000_000)?
            .with_sessions(sessions)
    };
    let many = effort.sessions;
    let empty = Node::start("serve", state(0)?.path(), &cores.all, &[])?.settled_memory()?;

    let few = restart(effort, cores, &state(FEW)?, Duration::from_millis(300), FEW)?;
    let large = state(many)?;
    let row_many = restart(effort, cores, &large, Duration::from_secs(4), many)?;
    let node = Node::start("serve", large.path(), &cores.all, &[])?;
    let restarted = each(node.settled_memory()?, empty, many);
    let (part, worst) = list(&node, "/api/sessions?_limit=100", "UsedLicence", 100)?;
    drop(node);
    drop(large);

    let tenth = many / 10;
    let growing = state(many - tenth)?;
    let node = Node::start("serve", growing.path(), &cores.all, &[])?;
    grow(&node, tenth)?;
    let grown = each(node.settled_memory()?, empty, many);
    drop(node);

    let node = Node::start("serve", state(LISTED)?.path(), &cores.all, &[])?;
    let (whole, whole_worst) = list(&node, "/api/sessions", "UsedLicence", LISTED as usize)?;
    Ok(vec![
        Row {
            measure: format!("memory of a session among {}", thousands(many)),
            target: "at most 1,024 bytes".into(),
            value: format!("{:.0} bytes", restarted.max(grown)),
            held: restarted.max(grown) <= BYTES,
            detail: format!(
                "{restarted:.0} after a restart, {grown:.0} after the last {} came over the API; resident memory \
                 beyond the {:.0} MB of a node without sessions",
                thousands(tenth),
                empty as f64 / 1e6
            ),
        },
        row_many,
        few,
        Row::below(
            format!("GET /api/sessions?_limit=100 among {}", thousands(many)),
            Duration::from_millis(10),
            part,
            format!("median of {REPEATS}; slowest {:.1} ms", millis(worst)),
        ),
        Row::below(
            format!("GET /api/sessions, all {}, to the last byte", thousands(LISTED)),
            Duration::from_millis(200),
            whole,
            format!("median of {REPEATS}; slowest {:.0} ms", millis(whole_worst)),
        ),
    ])
}

impl Node {
    /// Resident memory, once what the start needed has been given back.
    fn settled_memory(&self) -> Outcome<u64> {
        std::thread::sleep(Duration::from_secs(1));
        self.memory()
    }
}

fn each(memory: u64, empty: u64, sessions: u32) -> f64 {
    memory.saturating_sub(empty) as f64 / f64::from(sessions)
}

fn restart(effort: &Effort, cores: &Cores, state: &State, target: Duration, sessions: u32) -> Outcome<Row> {
    let name = format!(
        "restart with {} sessions, to the first answer",
        thousands(sessions)
    );
    super::start::row(effort, cores, state, name, target)
}

/// Median and slowest time of a listing; it must hold `field` exactly `count` times.
fn list(node: &Node, path: &str, field: &str, count: usize) -> Outcome<(Duration, Duration)> {
    let mut client = Client::connect(node.address)?;
    let mut times = Vec::new();
    for _ in 0..REPEATS {
        let began = Instant::now();
        let answer = client.get(path)?;
        times.push(began.elapsed().as_secs_f64());
        if times.len() == 1 {
            let found = std::str::from_utf8(answer.body)?.matches(field).count();
            if found != count {
                return Err(format!("{path}: {found} objects instead of {count}").into());
            }
        }
    }
    let slowest = times.iter().copied().fold(0.0, f64::max);
    Ok((
        Duration::from_secs_f64(median(times)),
        Duration::from_secs_f64(slowest),
    ))
}

/// Takes so many sessions over the API.
fn grow(node: &Node, sessions: u32) -> Outcome<()> {
    let take = |_: usize, number: u64, out: &mut Vec<u8>| {
        let body = session(&format!("grown-{number:010}"));
        write_request(out, "POST", "/api/sessions", &number.to_string(), &body);
    };
    let load = Load {
        address: node.address,
        process: node.id(),
        length: Duration::from_mins(30),
        most: sessions.into(),
        request: &take,
    };
    let statuses = load.run()?.statuses;
    if statuses.keys().any(|status| *status != 201) {
        return Err(format!("expected 201, found {statuses:?}").into());
    }
    Ok(())
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// A number with a comma before each three digits.
pub(crate) fn thousands(number: u32) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
