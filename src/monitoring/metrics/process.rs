//! Figures of the process, named as every program names them.

use std::fs;

use crate::licence::Timestamp;

use super::text::Page;

/// What the kernel tells of this process; what it does not tell is none.
#[derive(Default)]
struct Process {
    cpu_seconds: Option<f64>,
    virtual_bytes: Option<u64>,
    resident_bytes: Option<u64>,
    open_files: Option<usize>,
    most_files: Option<u64>,
}

pub(super) async fn tell(page: &mut Page, started: Timestamp) {
    // To count thousands of open files takes a while.
    let process = actix_web::web::block(Process::look).await.unwrap_or_default();
    page.gauge("process_start_time_seconds", "When the node started, since 1970.")
        .is(super::seconds(started.millis()));
    let mut family = page.counter("process_cpu_seconds_total", "Processor time used.");
    process.cpu_seconds.into_iter().for_each(|value| family.is(value));
    let mut family = page.gauge("process_resident_memory_bytes", "Memory in use.");
    process
        .resident_bytes
        .into_iter()
        .for_each(|value| family.is(value));
    let mut family = page.gauge("process_virtual_memory_bytes", "Memory that has addresses.");
    process
        .virtual_bytes
        .into_iter()
        .for_each(|value| family.is(value));
    let mut family = page.gauge("process_open_fds", "Open files and connections.");
    process.open_files.into_iter().for_each(|value| family.is(value));
    let mut family = page.gauge("process_max_fds", "Files and connections that may be open.");
    process.most_files.into_iter().for_each(|value| family.is(value));
}

impl Process {
    fn look() -> Self {
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        // The name of the program, in brackets, may hold anything.
        let fields: Vec<&str> = stat
            .rsplit_once(')')
            .map(|(_, rest)| rest.split_ascii_whitespace().collect())
            .unwrap_or_default();
        let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
        let page = u64::try_from(rustix::param::page_size()).unwrap_or(4096);
        #[expect(clippy::cast_precision_loss, reason = "centuries of processor time are exact")]
        let cpu_seconds = match (number(11), number(12)) {
            (Some(user), Some(system)) => {
                Some((user + system) as f64 / rustix::param::clock_ticks_per_second() as f64)
            }
            _ => None,
        };
        Self {
            cpu_seconds,
            virtual_bytes: number(20),
            resident_bytes: number(21).map(|pages| pages * page),
            open_files: fs::read_dir("/proc/self/fd").ok().map(Iterator::count),
            most_files: rustix::process::getrlimit(rustix::process::Resource::Nofile).current,
        }
    }
}
