//! From the event to the verdict.

use std::time::Instant;

use super::super::report::Row;
use super::world::World;
use super::{Effort, Outcome, median, percentile};

/// Plugs a key in and pulls it, again and again, among others that stay.
pub(super) fn measure(effort: &Effort, devices: u32) -> Outcome<Row> {
    let mut world = World::new()?;
    let mut others = Vec::new();
    for number in 1..devices {
        let mut other = world.key(number)?;
        world.plug(&mut other);
        others.push(other);
    }
    world.until("all keys", |world| {
        Ok(world.serials()?.len() + 1 == devices as usize)
    })?;
    if let Some(last) = others.last() {
        let key_no = last.number;
        world.until("the last key", |world| world.is_workable(key_no))?;
    }
    let mut key = world.key(0)?;
    let (mut plugs, mut pulls) = (Vec::new(), Vec::new());
    for _ in 0..effort.plugs {
        for (times, plugged) in [(&mut plugs, true), (&mut pulls, false)] {
            let began = Instant::now();
            if plugged {
                world.plug(&mut key);
            } else {
                world.pull(&mut key);
            }
            world.until("the verdict", |world| {
                Ok(world.is_workable(key.number)? == plugged)
            })?;
            times.push(began.elapsed().as_secs_f64() * 1000.0);
        }
    }
    let all: Vec<f64> = plugs.iter().chain(&pulls).copied().collect();
    let target = if devices == 1 { 400.0 } else { 600.0 };
    let slow = percentile(&all, 99);
    eprintln!("   {devices} devices: p99 {slow:.0} ms");
    let of_those = if devices == 1 {
        "1 device".to_owned()
    } else {
        format!("{devices} devices present")
    };
    Ok(Row {
        measure: format!("udev event to the new verdict in GET /api/licences, {of_those}"),
        target: format!("99 % within {target:.0} ms"),
        value: format!("99 % within {slow:.0} ms"),
        held: slow < target,
        detail: format!(
            "{} plugs and as many pulls; half of the plugs within {:.0} ms, of the pulls within {:.0} ms, of which 200 ms \
             are the wait for quiet; a plug is proof and licence memory read over HID reports",
            effort.plugs,
            median(plugs),
            median(pulls),
        ),
    })
}
