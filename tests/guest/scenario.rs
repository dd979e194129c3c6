//! Runs a scenario in the guest, waits until the node tells the truth, and keeps the times.

use std::fmt::Write;
use std::time::{Duration, Instant};

use crate::machine::Machine;
use crate::truth::{Truth, told};

/// Until then the node must tell the truth. Emulation on a busy computer is some twenty times slower than a machine,
/// where a second is the aim.
const PATIENCE: Duration = Duration::from_mins(1);

const LICENCES: &str = "curl -sS --max-time 30 -u admin:admin http://127.0.0.1:9099/api/licences";
/// What the node sees, and what the command sees, which looks for itself.
const DEVICES: [&str; 2] = [
    "curl -sS --max-time 30 -u admin:admin http://127.0.0.1:9099/api/devices",
    "keynode devices list --json",
];

/// What is shown of a node that does not tell the truth.
const EVIDENCE: &str = "journalctl -b -o short-monotonic --no-pager -u 'keynode*' -u dongles | tail -80; \
    dmesg | tail -20; lsusb | grep -v 'root hub'; ls -l /dev/hidraw*; grep . /run/vhci_hcd/port*";

/// The machine, and how long things took there.
pub(crate) struct Guest {
    pub(crate) machine: Machine,
    start: Instant,
    table: String,
}

impl Guest {
    /// `start` is when the preparations began.
    pub(crate) fn new(machine: Machine, start: Instant) -> Self {
        let mut guest = Self {
            machine,
            start,
            table: String::new(),
        };
        guest.row("scenario", "did it", "true", "all");
        guest
    }

    /// Does something in the guest; afterwards the node must tell the truth by itself, and still after a rescan.
    pub(crate) fn scenario(&mut self, name: &str, truth: &Truth, act: impl FnOnce(&mut Machine)) {
        println!("== {name} (at {:.0?})", self.start.elapsed());
        let begun = Instant::now();
        act(&mut self.machine);
        let acted = Instant::now();
        self.until(name, LICENCES, |answer| truth.wrong_licences(answer));
        let took = acted.elapsed();
        for command in DEVICES {
            self.until(name, command, |answer| truth.wrong_devices(answer));
        }
        // A truth of the moment is none: with everything looked at anew, it is the same.
        self.machine.sh("keynode rescan");
        let licences = self.until(name, LICENCES, |answer| truth.wrong_licences(answer));
        println!("   {}", told(&licences));
        let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
        self.row(
            name,
            &seconds(acted - begun),
            &seconds(took),
            &seconds(begun.elapsed()),
        );
    }

    /// The times, as a table: of what was done, from then until GET /api/licences told the truth, and of all checks.
    pub(crate) fn times(&self) -> String {
        format!("{}all in all {:.0?}", self.table, self.start.elapsed())
    }

    /// Runs a command until there is nothing wrong with what it prints; what it printed then.
    fn until(&mut self, name: &str, command: &str, wrong: impl Fn(&str) -> Result<(), String>) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let done = self.machine.run(command);
            match wrong(&done.text) {
                Ok(()) => return done.text,
                Err(wrong) if Instant::now() > end => self.fail(name, &wrong),
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    /// Ends the test, with what the guest has to say to it.
    pub(crate) fn fail(&mut self, name: &str, wrong: &str) -> ! {
        let evidence = self.machine.run(EVIDENCE).text;
        panic!("{name}: {wrong}\n{evidence}\n{}", self.times());
    }

    fn row(&mut self, name: &str, did: &str, told: &str, all: &str) {
        let _ = writeln!(self.table, "{name:<40} {did:>8} {told:>8} {all:>8}");
    }
}
