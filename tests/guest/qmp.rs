//! QEMU's own protocol (QMP): plugs devices into the running machine and ends it.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde_json::{Value, json};

/// The connection.
pub(crate) struct Qmp {
    lines: BufReader<UnixStream>,
}

impl Qmp {
    /// Leaves the greetings behind.
    pub(crate) fn greet(stream: UnixStream) -> Result<Self, String> {
        let patience = stream.set_read_timeout(Some(Duration::from_secs(30)));
        patience.map_err(|error| format!("QMP: {error}"))?;
        let mut qmp = Self {
            lines: BufReader::new(stream),
        };
        qmp.read()?;
        qmp.execute("qmp_capabilities", &json!({}))?;
        Ok(qmp)
    }

    /// Runs a command; events that come meanwhile are of no interest.
    pub(crate) fn execute(&mut self, command: &str, arguments: &Value) -> Result<Value, String> {
        let line = format!("{}\n", json!({ "execute": command, "arguments": arguments }));
        let written = self.lines.get_mut().write_all(line.as_bytes());
        written.map_err(|error| format!("QMP: {error}"))?;
        loop {
            let mut message = self.read()?;
            if let Some(answer) = message.get_mut("return") {
                return Ok(answer.take());
            }
            if let Some(error) = message.get("error") {
                return Err(format!("QMP: {command} {arguments}: {error}"));
            }
        }
    }

    fn read(&mut self) -> Result<Value, String> {
        let mut line = String::new();
        match self.lines.read_line(&mut line) {
            Ok(0) => Err("QMP: the machine is gone".into()),
            Ok(_) => serde_json::from_str(&line).map_err(|error| format!("QMP: {error}: {line}")),
            Err(error) => Err(format!("QMP: {error}")),
        }
    }
}
