//! What a module's process may not do: gain privileges, leave its memory on a disk, outlive the node, eat the machine.

use std::io;
use std::sync::Arc;

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, Signal, getppid, set_dumpable_behavior,
    set_parent_process_death_signal, setrlimit,
};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// Most memory for a module's data.
const MEMORY: u64 = 2 << 30;

/// Restricts this process, and leaves signals that stop the node to the node: it has answers to sign until it closes
/// the socket.
///
/// # Errors
/// The system's.
pub(super) fn enter() -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::default())?;
    }
    rustix::thread::set_no_new_privs(true)?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none)?;
    let memory = Rlimit {
        current: Some(MEMORY),
        maximum: Some(MEMORY),
    };
    setrlimit(Resource::Data, memory)?;
    // Of all that may eat the machine's memory, the module is the first to go. It is no loss where that cannot be said.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    Ok(())
}

/// The signal of the parent's death does not come where the parent had died before it was asked for.
///
/// # Errors
/// The parent is another one.
pub(super) fn stay_with(parent: i32) -> io::Result<()> {
    match getppid() {
        Some(pid) if pid.as_raw_nonzero().get() == parent => Ok(()),
        _ => Err(io::Error::other("the node that started this process has gone")),
    }
}
