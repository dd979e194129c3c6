//! What a node costs that nobody asks.

use std::time::{Duration, Instant};

use super::cores::Cores;
use super::node::Node;
use super::report::Row;
use super::state::State;
use super::{Effort, Outcome};

/// Until what belongs to the start is over.
const SETTLE: Duration = Duration::from_secs(3);

pub(crate) fn measure(effort: &Effort, cores: &Cores) -> Outcome<Vec<Row>> {
    let state = State::new()?;
    let node = Node::start("demo", state.path(), &cores.all, &[])?;
    std::thread::sleep(SETTLE);
    let (began, before) = (Instant::now(), node.processor_time()?);
    std::thread::sleep(effort.idle);
    let used = node.processor_time()?.saturating_sub(before);
    let share = used.as_secs_f64() / began.elapsed().as_secs_f64() * 100.0;
    let memory = node.memory()? as f64 / 1e6;
    let watched = format!(
        "over {} s, with the licences of `keynode demo`",
        effort.idle.as_secs()
    );
    Ok(vec![
        Row {
            measure: "idle: processor time".into(),
            target: "below 0.2 % of a core".into(),
            value: format!("{share:.3} %"),
            held: share < 0.2,
            detail: watched,
        },
        Row {
            measure: "idle: resident memory".into(),
            target: "below 40 MB".into(),
            value: format!("{memory:.1} MB"),
            held: memory < 40.0,
            detail: "with the licences of `keynode demo`, after its first answer".into(),
        },
    ])
}
