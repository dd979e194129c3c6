//! Which core serves and which one asks: neither may take time from the other.

use std::process::Command;

use super::Outcome;

/// Lists of cores as `taskset -c` takes them.
pub(crate) struct Cores {
    /// Of the node under load, and of openssl.
    pub(crate) server: String,
    /// All that this process may use: for nodes that are not compared with one core.
    pub(crate) all: String,
}

impl Cores {
    /// Gives the first core to the server and moves this process to the last. To be called before any thread
    /// is started.
    pub(crate) fn share_out() -> Outcome<Self> {
        let status = std::fs::read_to_string("/proc/self/status")?;
        let all = status
            .lines()
            .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))
            .ok_or("/proc/self/status has no Cpus_allowed_list")?
            .trim()
            .to_owned();
        let number = |c: char| !c.is_ascii_digit();
        let first = all.split(number).next().unwrap_or_default().to_owned();
        let last = all.rsplit(number).next().unwrap_or_default();
        if first == last {
            return Err("two cores are needed: one serves, one asks".into());
        }
        let own = std::process::id().to_string();
        let moved = Command::new("taskset").args(["-cp", last, &own]).output()?;
        if !moved.status.success() {
            return Err(String::from_utf8_lossy(&moved.stderr).into_owned().into());
        }
        Ok(Self { server: first, all })
    }
}
