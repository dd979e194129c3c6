//! From the start of the process to the first answer.

use std::time::Duration;

use super::cores::Cores;
use super::http::Client;
use super::node::Node;
use super::report::Row;
use super::scale::thousands;
use super::state::State;
use super::{Effort, Outcome, median};

const LICENCES: u32 = 10_000;

pub(crate) fn measure(effort: &Effort, cores: &Cores) -> Outcome<Vec<Row>> {
    let state = State::new()?.with_licences(LICENCES.into(), 5)?;
    let node = Node::start("serve", state.path(), &cores.all, &[])?;
    let mut client = Client::connect(node.address)?;
    let list = std::str::from_utf8(client.get("/api/licences")?.body)?;
    let enabled = list.matches("\"Enabled\":true").count();
    if enabled != LICENCES as usize {
        return Err(format!("{enabled} licences are enabled instead of {LICENCES}").into());
    }
    drop(node);
    let name = format!(
        "start with {} licence files, to the first answer",
        thousands(LICENCES)
    );
    Ok(vec![row(effort, cores, &state, name, Duration::from_secs(2))?])
}

/// The median of several starts on one state.
pub(crate) fn row(
    effort: &Effort,
    cores: &Cores,
    state: &State,
    name: String,
    target: Duration,
) -> Outcome<Row> {
    let mut times = Vec::new();
    for _ in 0..effort.starts {
        let node = Node::start("serve", state.path(), &cores.all, &[])?;
        times.push(node.first_answer.as_secs_f64());
    }
    let slowest = times.iter().copied().fold(0.0, f64::max);
    let detail = format!("median of {}; slowest {slowest:.2} s", times.len());
    Ok(Row::below(
        name,
        target,
        Duration::from_secs_f64(median(times)),
        detail,
    ))
}
