//! The service: whether a node runs and is well, and whether it can have its port.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use crate::devices::holders;

use super::line::Line;

/// What was heard of a node at its second address.
pub(super) enum Heard {
    /// It runs; what it says is wrong with it, nothing where all is well.
    Node {
        version: String,
        pid: u32,
        wrong: Vec<String>,
        /// What it says of its webhooks.
        webhooks: String,
    },
    /// Something answers that is no node of this version.
    Stranger(String),
    /// Nobody answers.
    Nothing,
}

/// Whether a node runs. `unit` is what systemd says of the service, none where there is no systemd.
pub(super) fn node(heard: &Heard, address: SocketAddr, unit: Option<&str>) -> Line {
    let check = "service";
    match heard {
        Heard::Node {
            version, pid, wrong, ..
        } if wrong.is_empty() => Line::ok(check, format!("keynode {version} serves (process {pid})")),
        Heard::Node { wrong, .. } => {
            let text = format!("the node is not healthy: {}", wrong.join("; "));
            Line::failure(check, text, "journalctl --unit keynode says more")
        }
        Heard::Stranger(what) => {
            let todo = "end that program, or give the node another admin_listen";
            Line::failure(check, what.clone(), todo)
        }
        Heard::Nothing => {
            let (unit, todo) = match unit {
                Some("failed") => (
                    "; the service has failed",
                    "journalctl --unit keynode says why; then systemctl start keynode",
                ),
                Some("active" | "activating" | "reloading") => (
                    ", though the service is active",
                    "compare admin_listen with what `keynode config show` says; systemctl restart keynode",
                ),
                Some(_) => ("; the service is not started", "systemctl enable --now keynode"),
                None => ("", "keynode serve"),
            };
            Line::failure(check, format!("no node answers at {address}{unit}"), todo)
        }
    }
}

/// Whether the API's address is the node's or can be. `bound`: what came of an attempt to take it.
pub(super) fn port(
    address: SocketAddr,
    serves: bool,
    bound: Result<(), io::Error>,
    holder: Option<String>,
) -> Line {
    let check = "port";
    match bound {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let holder = holder.unwrap_or_else(|| "a program that this user cannot see".into());
            if serves {
                return Line::ok(check, format!("{address} is served by {holder}"));
            }
            let todo = "end that program, or set another `listen`";
            Line::failure(check, format!("{address} is taken by {holder}"), todo)
        }
        Err(error) => Line::failure(
            check,
            format!("{address}: {error}"),
            "set `listen` to an address of this computer",
        ),
        Ok(()) if serves => Line::warning(
            check,
            format!("the node that answers does not serve {address}"),
            "its settings are others than these: `keynode config show`, then restart it",
        ),
        Ok(()) => Line::ok(check, format!("{address} is free")),
    }
}

/// Which program listens on a port, as far as /proc shows it to this user.
pub(super) fn listener(port: u16) -> Option<String> {
    ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| socket(&fs::read_to_string(table).ok()?, port))
        .find_map(|inode| holders::of(Path::new(&format!("socket:[{inode}]"))))
}

/// The inode of the socket that listens on a port, by a table of /proc/net.
fn socket(table: &str, port: u16) -> Option<u64> {
    const LISTENS: &str = "0A";
    table.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (_, local_port) = fields.get(1)?.rsplit_once(':')?;
        let found = u16::from_str_radix(local_port, 16) == Ok(port) && *fields.get(3)? == LISTENS;
        found.then(|| fields.get(9)?.parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::cli::doctor::line::State;

    fn address() -> SocketAddr {
        "127.0.0.1:9099".parse().unwrap()
    }

    #[test]
    fn a_node_is_well_unwell_or_not_there() {
        let runs = |wrong: &[&str]| Heard::Node {
            version: "1.0".into(),
            pid: 7,
            wrong: wrong.iter().map(|&text| text.into()).collect(),
            webhooks: "ok".into(),
        };
        assert_eq!(node(&runs(&[]), address(), None).state, State::Ok);
        let unwell = node(&runs(&["store: disk full"]), address(), Some("active"));
        assert!(
            unwell.state == State::Failure && unwell.text.contains("disk full"),
            "{unwell:?}"
        );
        for (unit, todo) in [
            (Some("failed"), "journalctl"),
            (Some("inactive"), "enable --now"),
            (Some("active"), "admin_listen"),
            (None, "keynode serve"),
        ] {
            let line = node(&Heard::Nothing, address(), unit);
            assert_eq!(line.state, State::Failure);
            assert!(line.todo.as_ref().unwrap().contains(todo), "{line:?}");
        }
        let stranger = node(&Heard::Stranger("no keynode".into()), address(), None);
        assert_eq!(stranger.state, State::Failure);
    }

    #[test]
    fn a_port_is_served_free_or_taken() {
        let taken = || Err(io::ErrorKind::AddrInUse.into());
        let by = || Some("nginx (pid 3)".to_owned());
        assert_eq!(port(address(), true, taken(), by()).state, State::Ok);
        assert_eq!(port(address(), false, Ok(()), None).state, State::Ok);
        assert_eq!(port(address(), true, Ok(()), None).state, State::Warning);
        let line = port(address(), false, taken(), by());
        assert!(
            line.state == State::Failure && line.text.contains("nginx (pid 3)"),
            "{line:?}"
        );
        let line = port(
            address(),
            false,
            Err(io::ErrorKind::AddrNotAvailable.into()),
            None,
        );
        assert_eq!(line.state, State::Failure);
    }

    #[test]
    fn who_listens_is_found() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let holder = listener(socket.local_addr().unwrap().port()).unwrap();
        assert!(
            holder.contains(&format!("(pid {})", std::process::id())),
            "{holder}"
        );
        assert_eq!(super::socket("nonsense\n1: x y\n", 80), None);
    }
}
