//! `keynode devices watch`: a line for each device that comes, goes or changes.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::mpsc::channel;

use serde_json::{Value, json};

use crate::clock::SystemClock;
use crate::keyring::read_vendor_keys;
use crate::node;
use crate::settings::{DeviceArgs, Settings};

use super::super::interrupt::UntilInterrupted;
use super::seen::Seen;
use super::{Failure, to_row};

type Rows = BTreeMap<String, Value>;

pub(super) fn run(args: &DeviceArgs, as_json: bool, out: &mut impl Write) -> Result<(), Failure> {
    let interrupted = UntilInterrupted::new()?;
    let settings = Settings::load(&args.0)?.settings;
    let (sender, changes) = channel();
    let tokens = node::host_tokens(&settings);
    let devices = node::watch(&settings, &tokens, move || {
        let _ = sender.send(());
    });
    let mut before = Rows::new();
    loop {
        let seen = Seen::new(devices.hardware(), &read_vendor_keys(&settings.vendor_dir()));
        let now: Rows = seen
            .rows()
            .into_iter()
            .map(|row| (super::text(&row["ID"]), row))
            .collect();
        let mut lines = Vec::new();
        for (event, row) in differences(&before, &now) {
            let time = SystemClock::shared().now().wall;
            if as_json {
                writeln!(
                    lines,
                    "{}",
                    json!({ "Time": time, "Event": event, "Device": row })
                )?;
            } else {
                writeln!(lines, "{time} {event:<8} {}", to_row(row))?;
            }
        }
        interrupted.write(&lines, out)?;
        before = now;
        if changes.recv().is_err() {
            return Err(Failure::of("the devices' thread has ended"));
        }
    }
}

/// What came, changed and went, in the order of the names.
fn differences<'r>(before: &'r Rows, now: &'r Rows) -> Vec<(&'static str, &'r Value)> {
    let gone = before.iter().filter(|(id, _)| !now.contains_key(*id));
    let present = now.iter().filter_map(|(id, row)| match before.get(id) {
        None => Some(("added", row)),
        Some(old) if old != row => Some(("changed", row)),
        Some(_) => None,
    });
    gone.map(|(_, row)| ("removed", row)).chain(present).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_difference_is_told_once() {
        let rows = |pairs: &[(&str, u32)]| -> Rows {
            pairs
                .iter()
                .map(|(id, value)| ((*id).to_owned(), json!(value)))
                .collect()
        };
        let (before, now) = (
            rows(&[("a", 1), ("b", 1), ("c", 1)]),
            rows(&[("b", 2), ("c", 1), ("d", 1)]),
        );
        let told: Vec<_> = differences(&before, &now)
            .into_iter()
            .map(|(event, row)| format!("{event} {row}"))
            .collect();
        assert_eq!(told, ["removed 1", "changed 2", "added 1"]);
        assert!(differences(&now, &now).is_empty());
    }
}
