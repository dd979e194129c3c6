//! State directories that earlier keynodes left: the present program takes each of them over with all that is in it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::harness::{Node, keynode, run};
use crate::http::Client;

/// A restart adds this much to every life, for the node cannot know who renewed within it; and the time it did not run.
const ADDED: i64 = 60_000;

/// A node that is killed has noted its time so long before at most, while it is asked: it had not lived longer.
const UNNOTED: i64 = 5_000;

/// A copy of what one of them left, at work as if it had been left just now.
struct Earlier {
    fixture: PathBuf,
    root: tempfile::TempDir,
    /// By how much its times were moved, in milliseconds.
    moved: i64,
    /// From then on time goes by in there too.
    since: Instant,
}

impl Earlier {
    fn of(schema: u32) -> Self {
        let fixture = Path::new("tests/fixtures/states").join(schema.to_string());
        let root = tempfile::tempdir().unwrap();
        copy(&fixture.join("state"), &root.path().join("state"));
        let made: i64 = fs::read_to_string(fixture.join("made"))
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let moved = i64::try_from(now).unwrap() - made;
        let since = Instant::now();
        let earlier = Self {
            fixture,
            root,
            moved,
            since,
        };
        earlier.move_times(schema);
        earlier
    }

    /// Sessions that were made years ago would have ended long since.
    fn move_times(&self, schema: u32) {
        let database = rusqlite::Connection::open(self.root.path().join("state/keynode.db")).unwrap();
        let found: u32 = database
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .unwrap();
        assert_eq!(found, schema);
        for (table, column) in [
            ("sessions", "started"),
            ("sessions", "created"),
            ("sessions", "expires"),
            ("ledger", "time"),
            ("highest_time", "wall"),
        ] {
            let update = format!("UPDATE {table} SET {column} = {column} + ?1");
            database.execute(&update, [self.moved]).unwrap();
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = keynode(arguments);
        command.arg("--state-dir").arg(self.root.path().join("state"));
        command
    }

    fn start(&self) -> Node {
        let mut command = self.command(&["serve"]);
        command.args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
        Node::start(command)
    }

    fn expected(&self, name: &str) -> Value {
        serde_json::from_str(&fs::read_to_string(self.fixture.join(name)).unwrap()).unwrap()
    }

    /// Everything that was there is there, after so many starts.
    fn is_whole(&self, node: &Node, schema: u32, starts: i64) {
        let user = |name: &str, password: &str| Client::of(node.address, name, password);
        let mut admin = user("admin", "admin-of-fixtures");
        assert_eq!(Client::new(node.address).get("/api/sessions").status, 401);

        let keys = admin.get("/api/licences").json();
        let keys = keys["Licences"].as_array().unwrap();
        let expected = self.expected("licences.json");
        assert_eq!(keys.len(), expected.as_array().unwrap().len());
        for key in expected.as_array().unwrap() {
            let now = keys.iter().find(|now| now["KeyNo"] == key["KeyNo"]).unwrap();
            assert_eq!(
                (&now["Enabled"], &now["Workable"]),
                (&true.into(), &true.into()),
                "{now:#}"
            );
            assert_eq!(now["LicenceCount"], key["LicenceCount"]);
        }

        let sessions = admin.get("/api/sessions").json();
        let sessions = sessions["Sessions"].as_array().unwrap();
        let expected = self.expected("sessions.json");
        let expected = expected["Sessions"].as_array().unwrap();
        assert_eq!((sessions.len(), expected.len()), (5, 5));
        for session in expected {
            self.is_kept(session, sessions, starts);
        }

        for (role, first) in [("client", 1), ("monitor", 1), ("signer", 2), ("gateway", 4)] {
            if schema >= first {
                // Whether or not its role may see this, it is known.
                let seen =
                    user(&format!("the-{role}"), &format!("{role}-of-fixtures")).get("/api/serverinfo");
                assert!([200, 403].contains(&seen.status), "{role}: {}", seen.body);
                assert_eq!(user(&format!("the-{role}"), "wrong").get("/api").status, 401);
            }
        }
    }

    fn is_kept(&self, session: &Value, sessions: &[Value], starts: i64) {
        let now = sessions.iter().find(|now| now["ID"] == session["ID"]);
        let now = now.unwrap_or_else(|| panic!("{session:#} is gone"));
        for (name, value) in session.as_object().unwrap() {
            if name == "ExpireTime" {
                let gained = millis(&now[name]) - millis(value) - self.moved;
                let passed = i64::try_from(self.since.elapsed().as_millis()).unwrap();
                assert!(
                    (0..=starts * (ADDED + UNNOTED) + passed).contains(&gained),
                    "{gained} ms: {now:#}"
                );
            } else if name != "SessionStarted" && name != "SessionConnection" {
                assert_eq!(&now[name], value, "{name}");
            }
        }
    }
}

fn millis(time: &Value) -> i64 {
    let time: jiff::Timestamp = time.as_str().unwrap().parse().unwrap();
    time.as_millisecond()
}

/// As a node leaves it: for its owner alone.
fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    fs::set_permissions(to, fs::Permissions::from_mode(0o700)).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
            fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
}

fn is_taken_over(schema: u32) {
    let earlier = Earlier::of(schema);
    // The second start finds what the first one made of it; the third what a kill left.
    for starts in 1..=3 {
        let node = earlier.start();
        earlier.is_whole(&node, schema, starts);
        if starts == 1 {
            let (status, _) = node.stop();
            assert!(status.success());
        } else {
            node.kill();
        }
    }
    let verified = run(earlier.command(&["audit", "verify"]));
    let verified = verified.ok();
    assert!(verified.contains("none changed, none missing"), "{verified}");
    let key = run(earlier.command(&["public-key"])).ok();
    assert_eq!(
        key,
        fs::read_to_string(earlier.fixture.join("public-key.pem")).unwrap()
    );
    if schema >= 3 {
        let activations = run(earlier.command(&["activation", "list", "--json"])).ok();
        assert!(activations.contains("7707083893"), "{activations}");
    }
}

#[test]
fn the_first_schema_is_taken_over() {
    is_taken_over(1);
}

#[test]
fn the_second_schema_is_taken_over_from_a_node_that_was_killed() {
    is_taken_over(2);
}

#[test]
fn the_third_schema_is_taken_over_with_its_activations() {
    is_taken_over(3);
}

#[test]
fn the_fourth_schema_is_taken_over() {
    is_taken_over(4);
}
