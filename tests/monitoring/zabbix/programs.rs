//! The programs that a Zabbix is made of, each as somebody who may nothing, and ended with the test.

use std::ffi::OsStr;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::api::Api;
use super::database;

/// Longer than any of them takes to start or to end, however busy the computer is.
const PATIENCE: Duration = Duration::from_mins(1);

/// Looks again after this time at what cannot tell by itself that it has changed.
const LOOK: Duration = Duration::from_millis(20);

/// `nobody`: neither `PostgreSQL` nor Zabbix runs as root.
const NOBODY: u32 = 65534;

/// A command that runs without root's rights, in an environment of its own.
pub(crate) fn unprivileged(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    command
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LC_ALL", "C");
    command.current_dir("/");
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// Lets unprivileged programs write into a folder, and others read it.
pub(crate) fn given_to_nobody(folder: &Path) {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    if rustix::process::geteuid().is_root() {
        chown(folder, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

/// A program that runs until it is dropped.
pub(crate) struct Program {
    child: Child,
    log: PathBuf,
    /// What has it end in order, with all that it started.
    farewell: Signal,
}

impl Program {
    /// Starts it; what it says goes into `log`.
    pub(crate) fn start(mut command: Command, log: &Path, farewell: Signal) -> Self {
        let out = fs::File::create(log).unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}; packaging/setup.sh test installs it"));
        Self {
            child,
            log: log.into(),
            farewell,
        }
    }

    /// What it has said so far.
    pub(crate) fn said(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Waits until it says this, and returns what it said.
    pub(crate) fn until_it_says(&self, words: &str) -> String {
        let start = Instant::now();
        loop {
            let said = self.said();
            if said.contains(words) {
                return said;
            }
            let running = fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
            let ended = running.map_or(true, |stat| stat.contains(") Z "));
            assert!(
                !ended && start.elapsed() < PATIENCE,
                "it never said {words}:\n{said}"
            );
            std::thread::sleep(LOOK);
        }
    }

    /// Ends what it started and, at last, itself.
    fn force(&mut self) {
        let pid = self.child.id();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        for child in children.unwrap_or_default().split_whitespace() {
            if let Some(child) = child.parse().ok().and_then(Pid::from_raw) {
                let _ = kill_process(child, Signal::KILL);
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.child), self.farewell);
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            match self.child.try_wait() {
                Ok(None) => std::thread::sleep(LOOK),
                _ => return,
            }
        }
        self.force();
    }
}

/// A Zabbix server with its database and its frontend. They end in this order: who asks before who answers.
pub(crate) struct Zabbix {
    frontend: Program,
    server: Program,
    _database: Program,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Zabbix {
    /// Starts them.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        given_to_nobody(folder.path());
        let database = database::start(folder.path());
        let server = server(folder.path());
        let (frontend, address) = frontend(folder.path());
        Self {
            frontend,
            server,
            _database: database,
            address,
            _folder: folder,
        }
    }

    /// A session of its API.
    pub(crate) fn log_in(&self) -> Api {
        Api::log_in(self.address)
    }

    /// The last of what they said.
    pub(crate) fn log(&self) -> String {
        let tail = |program: &Program| {
            let said = program.said();
            let lines: Vec<&str> = said.lines().collect();
            lines[lines.len().saturating_sub(40)..].join("\n")
        };
        format!(
            "server:\n{}\nfrontend:\n{}",
            tail(&self.server),
            tail(&self.frontend)
        )
    }
}

/// The server: it asks a few hosts, and listens to nobody.
fn server(folder: &Path) -> Program {
    let shown = folder.display();
    let mut settings = format!(
        "LogType=console\nPidFile={shown}/server.pid\nSocketDir={shown}\nDBHost={shown}\nDBName=zabbix\n\
         DBUser=zabbix\nCacheUpdateFrequency=1\nHousekeepingFrequency=0\nStartPollers=3\n\
         StartPollersUnreachable=1\nStartPreprocessors=1\n"
    );
    for unused in [
        "Trappers",
        "Pingers",
        "Discoverers",
        "HTTPPollers",
        "ReportWriters",
        "VMwareCollectors",
        "ODBCPollers",
    ] {
        settings.extend(["Start", unused, "=0\n"]);
    }
    for cache in ["", "History", "HistoryIndex", "Trend", "Value"] {
        settings.extend([cache, "CacheSize=8M\n"]);
    }
    let file = folder.join("server.conf");
    fs::write(&file, settings).unwrap();
    let mut command = unprivileged("zabbix_server");
    command.arg("--foreground").arg("--config").arg(file);
    let program = Program::start(command, &folder.join("server.log"), Signal::TERM);
    program.until_it_says("server #1 started");
    program
}

/// The frontend, served by PHP itself. Debian's looks for its settings in /etc alone: the class that says so is read in
/// before, with another path in it.
fn frontend(folder: &Path) -> (Program, SocketAddr) {
    let shown = folder.display();
    let settings = format!(
        "<?php\n$DB = ['TYPE' => 'POSTGRESQL', 'SERVER' => '{shown}', 'PORT' => '0', 'DATABASE' => 'zabbix',\n\
         'USER' => 'zabbix', 'PASSWORD' => '', 'SCHEMA' => '', 'ENCRYPTION' => false, 'KEY_FILE' => '',\n\
         'CERT_FILE' => '', 'CA_FILE' => '', 'VERIFY_HOST' => false, 'CIPHER_LIST' => '', 'VAULT_URL' => '',\n\
         'VAULT_DB_PATH' => '', 'VAULT_TOKEN' => '', 'DOUBLE_IEEE754' => true];\n\
         $ZBX_SERVER_NAME = 'test';\n$IMAGE_FORMAT_DEFAULT = IMAGE_FORMAT_PNG;\n"
    );
    fs::write(folder.join("zabbix.conf.php"), settings).unwrap();
    let before = format!(
        "<?php\n$source = file_get_contents('/usr/share/zabbix/include/classes/core/CConfigFile.php');\n\
         eval('?>'.preg_replace(\"/CONFIG_FILE_PATH = '[^']*'/\", \
         \"CONFIG_FILE_PATH = '{shown}/zabbix.conf.php'\", $source, 1));\n"
    );
    fs::write(folder.join("before.php"), before).unwrap();
    let mut command = unprivileged("php");
    command
        .arg("-d")
        .arg(format!("auto_prepend_file={shown}/before.php"));
    // Without it every request would compile a thousand files anew.
    command.args([
        "-d",
        "opcache.enable_cli=1",
        "-d",
        "opcache.validate_timestamps=0",
    ]);
    command.args(["-S", "127.0.0.1:0", "-t", "/usr/share/zabbix"]);
    let program = Program::start(command, &folder.join("frontend.log"), Signal::TERM);
    let said = program.until_it_says(") started");
    let (_, rest) = said.split_once("http://127.0.0.1:").unwrap();
    let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (
        program,
        SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().unwrap())),
    )
}
