//! What random plugging and pulling leaves behind.

use std::time::{Duration, Instant};

use super::super::report::Row;
use super::world::{Key, World};
use super::{Effort, Outcome};

/// Keys that take part.
const KEYS: u32 = 16;

/// A generator that gives the same events in each run (Knuth's MMIX numbers).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

pub(super) fn measure(effort: &Effort) -> Outcome<Vec<Row>> {
    let mut world = World::new()?;
    let mut keys = (0..KEYS)
        .map(|number| world.key(number))
        .collect::<Outcome<Vec<Key>>>()?;
    let mut chance = Chance(20_261_122);
    // What is made once, such as buffers and stacks, is made by a first storm.
    storm(&mut world, &mut keys, &mut chance, effort.storm / 4)?;
    let before = world.at_rest()?;
    let began = Instant::now();
    let settled = storm(&mut world, &mut keys, &mut chance, effort.storm)?;
    let elapsed = began.elapsed();
    let after = world.at_rest()?;
    // Without the one that being at rest took.
    let scans = after.scans - before.scans - 1;
    let most = elapsed.as_millis() / 200 + 1;
    let grown = (after.memory as f64 - before.memory as f64) / 1e6;
    let events = effort.storm;
    Ok(vec![
        Row {
            measure: format!("{events} random plug and pull events: final inventory"),
            target: "equal to the truth".into(),
            value: "equal".into(),
            held: true,
            detail: format!(
                "{:.0} ms after the last event; {KEYS} keys",
                settled.as_secs_f64() * 1000.0
            ),
        },
        Row {
            measure: format!("{events} random plug and pull events: scans"),
            target: "at most one per 200 ms".into(),
            value: format!("{scans} in {:.1} s", elapsed.as_secs_f64()),
            held: u128::from(scans) <= most,
            detail: format!("{most} would be allowed"),
        },
        Row {
            measure: format!("{events} random plug and pull events: growth"),
            target: "no memory, no files".into(),
            value: format!(
                "{grown:.1} MB, {} files",
                i128::try_from(after.files)? - i128::try_from(before.files)?
            ),
            held: grown < 1.0 && after.files <= before.files,
            detail: format!(
                "resident memory from {:.1} MB, after a first storm of {} events",
                before.memory as f64 / 1e6,
                events / 4
            ),
        },
    ])
}

/// Plugs and pulls at random, then waits for the node to know the truth; the time that took.
fn storm(world: &mut World, keys: &mut [Key], chance: &mut Chance, events: usize) -> Outcome<Duration> {
    for _ in 0..events {
        let key = &mut keys[usize::try_from(chance.below(u64::from(KEYS)))?];
        if key.plugged {
            world.pull(key);
        } else {
            world.plug(key);
        }
        std::thread::sleep(Duration::from_millis(chance.below(12)));
    }
    let mut truth: Vec<String> = keys
        .iter()
        .filter(|key| key.plugged)
        .filter_map(|key| key.described.serial.clone())
        .collect();
    truth.sort();
    world.until("the truth", |world| Ok(world.serials()? == truth))
}
