//! The real program as a process: started, watched, stopped.

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::Outcome;
use super::http::Client;

/// A node that runs.
pub(crate) struct Node {
    child: Child,
    pub(crate) address: SocketAddr,
    /// Where it answers to /health.
    pub(crate) admin: SocketAddr,
    /// From the start of the process to its first answer.
    pub(crate) first_answer: Duration,
}

impl Node {
    /// Starts `keynode serve` or `keynode demo` on these cores; returns when it has answered once.
    pub(crate) fn start(command: &str, state: &Path, cores: &str, more: &[&str]) -> Outcome<Self> {
        let began = Instant::now();
        let mut child = Command::new("taskset")
            .args(["-c", cores, env!("CARGO_BIN_EXE_keynode"), command])
            .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
            .args(["--log-format", "json", "--sessions-life", "2h", "--state-dir"])
            .arg(state)
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = child.stderr.take().ok_or("the node has no standard error")?;
        let mut log = BufReader::new(stderr);
        let (address, admin) = match find_addresses(&mut log) {
            Ok(addresses) => addresses,
            Err(error) => {
                child.kill()?;
                child.wait()?;
                return Err(error);
            }
        };
        // Nobody reads on, but the node must be able to write.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        let mut node = Self {
            child,
            address,
            admin,
            first_answer: Duration::ZERO,
        };
        Client::connect(address)?.get("/api/serverinfo")?;
        node.first_answer = began.elapsed();
        Ok(node)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Resident memory in bytes.
    pub(crate) fn memory(&self) -> Outcome<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let resident = status.lines().find_map(|line| {
            let kib = line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?;
            kib.parse::<u64>().ok()
        });
        Ok(resident.ok_or("the node's memory is not known")? * 1024)
    }

    /// Open files and sockets, without Unix sockets: umockdev's preload library keeps one for each opening that
    /// failed.
    pub(crate) fn files(&self) -> Outcome<usize> {
        let table = fs::read_to_string("/proc/net/unix")?;
        let of_umockdev: HashSet<String> = table
            .lines()
            .filter_map(|line| Some(format!("socket:[{}]", line.split_whitespace().nth(6)?)))
            .collect();
        let mut count = 0;
        for file in fs::read_dir(format!("/proc/{}/fd", self.id()))? {
            // What was closed since is not open.
            let what = fs::read_link(file?.path()).unwrap_or_default();
            count += usize::from(!of_umockdev.contains(&*what.to_string_lossy()));
        }
        Ok(count)
    }

    /// Processor time that it has used so far.
    pub(crate) fn processor_time(&self) -> Outcome<Duration> {
        processor_time(self.id())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            let _ = kill_process(pid, Signal::TERM);
        }
        let _ = self.child.wait();
    }
}

/// Processor time of all threads of a process, to the nanosecond: `/proc/PID/stat` counts in hundredths of a second.
pub(crate) fn processor_time(process: u32) -> Outcome<Duration> {
    let mut total = 0;
    for task in fs::read_dir(format!("/proc/{process}/task"))? {
        let figures = fs::read_to_string(task?.path().join("schedstat"))?;
        total += figures.split(' ').next().unwrap_or_default().parse::<u64>()?;
    }
    Ok(Duration::from_nanos(total))
}

/// Reads the log up to the line that names the addresses.
fn find_addresses(log: &mut impl BufRead) -> Outcome<(SocketAddr, SocketAddr)> {
    let mut said = String::new();
    loop {
        let mut line = String::new();
        if log.read_line(&mut line)? == 0 {
            return Err(format!("the node did not start:\n{said}").into());
        }
        if let Ok(event) = serde_json::from_str::<serde_json::Value>(&line)
            && event["message"] == "keynode serves"
            && let (Some(address), Some(admin)) = (event["address"].as_str(), event["admin"].as_str())
        {
            return Ok((address.parse()?, admin.parse()?));
        }
        said.push_str(&line);
    }
}
