//! What one core can do at all: `openssl speed`.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::Outcome;

/// Signatures of one run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signing {
    /// Per second of the clock on the wall.
    pub(crate) per_second: f64,
    /// Per second that openssl got from its core: what a quiet machine would show.
    pub(crate) per_cpu_second: f64,
}

impl Signing {
    /// The part of its core that openssl got.
    pub(crate) fn share(&self) -> f64 {
        self.per_second / self.per_cpu_second
    }

    /// Signs on one core for `length` with a `key` that openssl knows by this name.
    pub(crate) fn measure(core: &str, key: &str, length: Duration) -> Outcome<Self> {
        while_busy(|| Self::undisturbed(core, key, length))
    }

    fn undisturbed(core: &str, key: &str, length: Duration) -> Outcome<Self> {
        let seconds = length.as_secs().max(1);
        let mut child = Command::new("taskset")
            .args(["-c", core, "openssl", "speed", "-mr", "-seconds"])
            .args([&seconds.to_string(), key])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        // "+R1:14219:2048:3.00": signatures, bits, seconds of processor time.
        let said = BufReader::new(child.stderr.take().ok_or("openssl has no standard error")?);
        let signatures = said
            .lines()
            .map_while(Result::ok)
            .find_map(|line| Some(line.strip_prefix("+R1:")?.to_owned()));
        // What follows are verifications: nobody waits for them.
        child.kill()?;
        child.wait()?;
        let signatures = signatures.ok_or("openssl speed says nothing of signatures")?;
        let fields: Vec<&str> = signatures.split(':').collect();
        let [count, _, cpu] = fields[..] else {
            return Err(format!("openssl speed says \"{signatures}\"").into());
        };
        let count: f64 = count.parse()?;
        Ok(Self {
            per_second: count / seconds as f64,
            per_cpu_second: count / cpu.parse::<f64>()?,
        })
    }
}

/// Does something while this process keeps its own core busy, as its clients do during a load: what else the machine has
/// to do would otherwise go to the idle core, and spare alone what is measured on the other.
pub(crate) fn while_busy<T>(work: impl FnOnce() -> T) -> T {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        });
        let result = work();
        done.store(true, Ordering::Relaxed);
        result
    })
}
