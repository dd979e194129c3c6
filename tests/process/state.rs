//! A state directory with a signing key and a vendor whose keys were made beforehand: making RSA keys takes
//! seconds.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{Done, Node, keynode, run};

/// Files for a node and its vendor; gone when dropped.
pub(crate) struct State {
    root: tempfile::TempDir,
}

impl State {
    /// A node that trusts no vendor yet.
    pub(crate) fn distrustful() -> Self {
        let root = tempfile::tempdir().unwrap();
        let state = Self { root };
        for directory in [
            state.path("state/licences"),
            state.path("vendor"),
            state.path("out"),
        ] {
            fs::create_dir_all(directory).unwrap();
        }
        private_key("node.key.pem", &state.path("state/signing.key"));
        private_key("vendor.key.pem", &state.path("vendor/vendor.key"));
        fs::copy(fixture("vendor.pub.pem"), state.path("vendor/vendor.pem")).unwrap();
        state
    }

    /// A node that trusts the vendor.
    pub(crate) fn new() -> Self {
        let state = Self::distrustful();
        state.trust();
        state
    }

    /// A path in the directory of all of this: `state`, `vendor`, `out`, ...
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// The same as text.
    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Puts the vendor's key where the node looks for keys that it trusts.
    pub(crate) fn trust(&self) {
        fs::create_dir_all(self.path("state/vendors")).unwrap();
        fs::copy(self.path("vendor/vendor.pem"), self.path("state/vendors/v.pem")).unwrap();
    }

    /// A command with `--state-dir`.
    pub(crate) fn keynode(&self, arguments: &[&str]) -> Command {
        let mut command = keynode(arguments);
        command.arg("--state-dir").arg(self.path("state"));
        command.env("HOME", self.root.path());
        command
    }

    /// Runs a command with `--state-dir`.
    pub(crate) fn run(&self, arguments: &[&str]) -> Done {
        run(self.keynode(arguments))
    }

    /// Issues a licence of series 672B into `out`, as the vendor does it; the result is its file.
    pub(crate) fn issue(&self, key_no: u64, more: &[&str]) -> PathBuf {
        let (vendor, out, key_no) = (self.text("vendor"), self.text("out"), key_no.to_string());
        let mut command = keynode(&["vendor", "issue", "--key-id", "672B", "--key-no", &key_no]);
        command.args(["--dir", &vendor, "--out", &out]).args(more);
        run(command).ok();
        self.path(&format!("out/672B.{key_no}.licence"))
    }

    /// Where the node looks for a licence of series 672B.
    pub(crate) fn licence(&self, key_no: u64) -> PathBuf {
        self.path(&format!("state/licences/672B.{key_no}.licence"))
    }

    /// Issues a licence and gives it to the node.
    pub(crate) fn install(&self, key_no: u64, more: &[&str]) {
        fs::rename(self.issue(key_no, more), self.licence(key_no)).unwrap();
    }

    /// The command that serves this state on free ports.
    pub(crate) fn serve(&self, more: &[&str]) -> Command {
        let mut command = self.keynode(&["serve"]);
        // A flag that is given twice is an error: the ports are for those who do not choose.
        for flag in ["--listen", "--admin-listen"] {
            if !more.contains(&flag) {
                command.args([flag, "127.0.0.1:0"]);
            }
        }
        command.args(more);
        command
    }

    /// Serves this state on free ports.
    pub(crate) fn start(&self, more: &[&str]) -> Node {
        Node::start(self.serve(more))
    }
}

/// A file of `tests/fixtures`.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

/// Copies a private key so that nobody else may read it.
pub(crate) fn private_key(name: &str, to: &Path) {
    fs::copy(fixture(name), to).unwrap();
    fs::set_permissions(to, fs::Permissions::from_mode(0o600)).unwrap();
}
