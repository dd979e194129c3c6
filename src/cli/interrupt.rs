//! Ctrl-C at a command that goes on until then: its proper end, not a failure.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::failure::Failure;

/// The output of a command that an interrupt ends with 0, but not in the middle of a line: whoever reads lines gets whole
/// ones.
pub(super) struct UntilInterrupted {
    writing: Arc<Mutex<()>>,
}

impl UntilInterrupted {
    /// From now on Ctrl-C ends this process.
    pub(super) fn new() -> Result<Self, Failure> {
        let writing = Arc::new(Mutex::new(()));
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        let held = writing.clone();
        thread::Builder::new().name("interrupt".into()).spawn(move || {
            let mut signals = signals.forever();
            if signals.next().is_none() {
                return;
            }
            let ending = thread::Builder::new().name("end".into()).spawn(move || {
                let _whole = held.lock().unwrap_or_else(PoisonError::into_inner);
                std::process::exit(0);
            });
            // A reader that takes nothing holds up the end; a second signal does not wait for it.
            if ending.is_err() || signals.next().is_some() {
                std::process::exit(0);
            }
        })?;
        Ok(Self { writing })
    }

    /// Writes whole lines.
    pub(super) fn write(&self, lines: &[u8], out: &mut impl Write) -> io::Result<()> {
        let _whole = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        out.write_all(lines)?;
        out.flush()
    }
}
