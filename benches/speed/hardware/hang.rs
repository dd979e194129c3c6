//! What a device that hangs in a transfer costs everybody else.

use std::time::Instant;

use super::super::http::Client;
use super::super::report::Row;
use super::dongle::Fault;
use super::world::World;
use super::{Effort, Outcome, median, percentile};

/// Requests in a row.
const REQUESTS: usize = 300;

pub(super) fn measure(effort: &Effort) -> Outcome<Row> {
    let mut world = World::new()?;
    let mut key = world.key(0)?;
    world.plug(&mut key);
    world.until("the key", |world| world.is_workable(key.number))?;
    let mut client = Client::connect(world.node.address)?;
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..effort.plugs / 5 {
        without.extend(answers(&mut client)?);
        key.dongle.set_fault(Fault::Hang);
        world.bed.uevent(&key.described.syspath(), "change");
        // Not Workable for being late: the transfer still hangs, and for some seconds more.
        world.until("the late answer", |world| Ok(!world.is_workable(key.number)?))?;
        with.extend(answers(&mut client)?);
        key.dongle.set_fault(Fault::None);
        world.bed.uevent(&key.described.syspath(), "change");
        world.until("the key", |world| world.is_workable(key.number))?;
    }
    let [plain, hanging] =
        [&without, &with].map(|times| (median(times.iter().copied()), percentile(times, 99)));
    let ratio = hanging.0 / plain.0;
    Ok(Row {
        measure: "GET /api/serverinfo while a device hangs in a transfer".into(),
        target: "as fast as without: at most 1.05 times".into(),
        value: format!("{ratio:.2} times"),
        held: ratio <= 1.05,
        detail: format!(
            "half within {:.2} ms beside {:.2} ms, 99 % within {:.2} ms beside {:.2} ms, of {} answers each",
            hanging.0,
            plain.0,
            hanging.1,
            plain.1,
            with.len()
        ),
    })
}

/// Milliseconds of each of some answers.
fn answers(client: &mut Client) -> Outcome<Vec<f64>> {
    (0..REQUESTS)
        .map(|_| {
            let began = Instant::now();
            client.get("/api/serverinfo")?;
            Ok(began.elapsed().as_secs_f64() * 1000.0)
        })
        .collect()
}
