//! The shell in the guest: runs commands there, each to its end, and brings back what they printed.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// Longer than any single command takes under emulation on a busy computer.
const PATIENCE: Duration = Duration::from_mins(2);

/// How a command in the guest ended.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    /// Standard output and standard error.
    pub(crate) text: String,
}

/// The shell. It is one, so commands run one after the other.
pub(crate) struct Agent {
    stream: UnixStream,
    commands: u32,
    heard: Vec<u8>,
}

impl Agent {
    /// Waits until the shell answers, for at most `patience`: the guest's boot.
    pub(crate) fn greet(stream: UnixStream, patience: Duration) -> Result<Self, String> {
        let mut agent = Self {
            stream,
            commands: 0,
            heard: Vec::new(),
        };
        agent.run_for("true", patience)?;
        Ok(agent)
    }

    /// Runs a command of the guest's shell.
    pub(crate) fn run(&mut self, command: &str) -> Result<Done, String> {
        self.run_for(command, PATIENCE)
    }

    fn run_for(&mut self, command: &str, patience: Duration) -> Result<Done, String> {
        self.commands += 1;
        // In a shell of its own: neither `cd` nor `exit` nor an unclosed quote outlives the command.
        let quoted = command.replace('\'', r"'\''");
        let mark = format!("\n@@{}@@", self.commands);
        let line = format!(
            "( eval '{quoted}' ) </dev/null 2>&1; printf '\\n@@%s@@%s@@\\n' {} $?\n",
            self.commands
        );
        let broken = |error: std::io::Error| format!("the shell in the guest: {error}");
        self.stream.write_all(line.as_bytes()).map_err(broken)?;
        let end = Instant::now() + patience;
        loop {
            if let Some(done) = self.finished(mark.as_bytes()) {
                return Ok(done);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let text = String::from_utf8_lossy(&self.heard);
                return Err(format!(
                    "`{command}` did not end within {patience:?}; it said: {text}"
                ));
            }
            self.stream.set_read_timeout(Some(left)).map_err(broken)?;
            let mut some = [0; 16384];
            match self.stream.read(&mut some) {
                Ok(0) => return Err("the guest is gone".into()),
                Ok(length) => self.heard.extend_from_slice(&some[..length]),
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                    ) => {}
                Err(error) => return Err(broken(error)),
            }
        }
    }

    /// What was heard up to the mark, once the exit code behind it is whole.
    fn finished(&mut self, mark: &[u8]) -> Option<Done> {
        let at = self.heard.windows(mark.len()).position(|window| window == mark)?;
        let rest = &self.heard[at + mark.len()..];
        let close = rest.windows(3).position(|window| window == b"@@\n")?;
        let code = std::str::from_utf8(&rest[..close]).ok()?.parse().ok()?;
        let text = String::from_utf8_lossy(&self.heard[..at]).trim().to_owned();
        self.heard.drain(..at + mark.len() + close + 3);
        Some(Done { code, text })
    }
}
