//! A container with a real systemd, in which keynode is installed as `make install` does it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process};

/// Longer than anything takes, however busy the computer is.
const PATIENCE: Duration = Duration::from_mins(1);

/// Looks again after this time at what cannot tell by itself that it has changed.
const LOOK: Duration = Duration::from_millis(20);

/// How a command ended in there.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) said: String,
    pub(crate) complained: String,
}

impl Done {
    /// What it said; it must have succeeded.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.said, self.complained);
        self.said
    }
}

/// A container; ended and removed when dropped.
pub(crate) struct Container {
    nspawn: Child,
    /// systemd in there, by its number out here.
    leader: u32,
    root: tempfile::TempDir,
    _alone: fs::File,
}

/// Whether this user may start one. Where tests must be whole, a user who may not is a failure.
pub(crate) fn possible() -> bool {
    let root = rustix::process::geteuid().is_root();
    assert!(
        root || std::env::var("CI").as_deref() != Ok("true"),
        "the tests in systemd-nspawn need root"
    );
    if !root {
        eprintln!("NOT DONE: the tests in systemd-nspawn need root");
    }
    root
}

impl Container {
    /// Installs and boots; systemd has started everything when this returns.
    pub(crate) fn boot() -> Self {
        Self::boot_from("tests/guest/rootfs.sh", |root| {
            run(Command::new("make").args(["--silent", "install"]).args([
                format!("DESTDIR={}", root.display()),
                format!("BINARY={}", env!("CARGO_BIN_EXE_keynode")),
            ]))
            .ok();
        })
    }

    /// Boots what `made_by` printed the tar of, once `prepare` has put more into it.
    pub(crate) fn boot_from(made_by: &str, prepare: impl FnOnce(&Path)) -> Self {
        // Containers without a manager outside would share their control groups, and end one another's services.
        let alone = fs::File::create(std::env::temp_dir().join("keynode-container.lock")).unwrap();
        flock(&alone, FlockOperation::LockExclusive).unwrap();
        let root = tempfile::tempdir().unwrap();
        let made = run(&mut Command::new(made_by)).ok();
        run(Command::new("tar")
            .args(["-xf", made.trim(), "-C"])
            .arg(root.path()))
        .ok();
        prepare(root.path());
        let log = fs::File::create(root.path().join("boot.log")).unwrap();
        let nspawn = Command::new("systemd-nspawn")
            .args([
                "--quiet",
                "--register=no",
                "--keep-unit",
                "--private-network",
                "--console=pipe",
            ])
            .arg("--directory")
            .arg(root.path())
            .args(["--boot", "systemd.show_status=no"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("systemd-nspawn: {error}; packaging/setup.sh test installs it"));
        let mut container = Self {
            nspawn,
            leader: 0,
            root,
            _alone: alone,
        };
        container.leader = container.eventually("the first process of the container", Self::find_leader);
        container.eventually("the end of the boot", |this| {
            let state = this.sh("systemctl is-system-running").said;
            ["running", "degraded"].contains(&state.trim()).then_some(())
        });
        container
    }

    fn find_leader(&self) -> Option<u32> {
        let nspawn = self.nspawn.id();
        fs::read_to_string(format!("/proc/{nspawn}/task/{nspawn}/children"))
            .ok()?
            .split_whitespace()
            .filter_map(|pid| pid.parse().ok())
            .find(|pid| is_first_in_a_name_space(*pid))
    }

    /// A path in there as it is seen from out here.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path.trim_start_matches('/'))
    }

    /// Runs a script of the shell as root in there.
    pub(crate) fn sh(&self, script: &str) -> Done {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.leader.to_string()]);
        command.args([
            "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd",
        ]);
        command.args(["/bin/sh", "-euc", script]);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        run(&mut command)
    }

    /// A program of this computer, with the network of the container: what listens on loopback in there, it reaches.
    pub(crate) fn beside(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.leader.to_string(), "--net", "--", program]);
        command
    }

    /// A property of a unit: `ActiveState`, `MainPID`, ...
    pub(crate) fn property(&self, unit: &str, name: &str) -> String {
        let shown = self
            .sh(&format!("systemctl show --value --property={name} {unit}"))
            .ok();
        shown.trim().to_owned()
    }

    /// Writes a drop-in for a unit, for as long as the container runs.
    pub(crate) fn drop_in(&self, unit: &str, lines: &str) {
        let script = format!(
            "mkdir -p /run/systemd/system/{unit}.d && printf '{lines}' >/run/systemd/system/{unit}.d/test.conf && \
             systemctl daemon-reload"
        );
        self.sh(&script).ok();
    }

    /// Waits until a look finds something.
    pub(crate) fn eventually<T>(&mut self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            let ended = self.nspawn.try_wait().unwrap();
            assert!(ended.is_none(), "the container ended: {ended:?}\n{}", self.log());
            assert!(
                start.elapsed() < PATIENCE,
                "waited in vain for: {what}\n{}",
                self.log()
            );
            std::thread::sleep(LOOK);
        }
    }

    /// What it said while it booted, and what keynode logged.
    fn log(&self) -> String {
        let boot = fs::read(self.path("boot.log")).unwrap_or_default();
        let journal = if self.leader == 0 {
            String::new()
        } else {
            self.sh("journalctl --no-pager --lines=50").said
        };
        String::from_utf8_lossy(&boot).into_owned() + &journal
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
        // With its first process all others of a container end, and nspawn tidies up behind them. Killed itself, it
        // would leave them running.
        let leader = self
            .find_leader()
            .and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        let ended = match leader {
            Some(pid) => kill_process(pid, Signal::KILL).is_ok(),
            None => false,
        };
        if !ended {
            let _ = self.nspawn.kill();
        }
        let _ = self.nspawn.wait();
    }
}

/// The outermost process of nspawn in there is no systemd; systemd is number 1.
fn is_first_in_a_name_space(pid: u32) -> bool {
    let status =
        fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status")).unwrap_or_default();
    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    numbers.is_some_and(|numbers| numbers.split_whitespace().last() == Some("1"))
}

pub(crate) fn run(command: &mut Command) -> Done {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    Done {
        code: output.status.code(),
        said: String::from_utf8_lossy(&output.stdout).into_owned(),
        complained: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
