//! A `PostgreSQL` cluster with Zabbix's tables. To load them takes long, so a loaded one is kept below target/ for as long as
//! what it was made of stays the same.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::{FlockOperation, flock};
use sha2::{Digest, Sha256};

use super::programs::{Program, given_to_nobody, unprivileged};

/// The tables, and what a new installation has in them.
const TABLES: [&str; 3] = ["schema", "images", "data"];

fn tables(name: &str) -> PathBuf {
    Path::new("/usr/share/zabbix-server-pgsql").join(format!("{name}.sql.gz"))
}

/// Where the newest `PostgreSQL` has its programs.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql")
        .unwrap_or_else(|error| panic!("PostgreSQL: {error}; packaging/setup.sh test installs it"));
    let newest = versions
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .max();
    Path::new("/usr/lib/postgresql")
        .join(newest.unwrap().to_string())
        .join("bin")
}

/// Starts a cluster whose socket is in `folder`, with a database `zabbix` of a user `zabbix`.
pub(crate) fn start(folder: &Path) -> Program {
    let kept = kept();
    copy(&kept, &folder.join("data"));
    serve(folder)
}

fn serve(folder: &Path) -> Program {
    let shown = folder.display();
    let mut command = unprivileged(programs().join("postgres"));
    command.arg("-D").arg(folder.join("data"));
    for setting in [
        "listen_addresses=",
        &format!("unix_socket_directories={shown}"),
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
        "autovacuum=off",
        "shared_buffers=64MB",
        "max_connections=60",
    ] {
        command.args(["-c", setting]);
    }
    let program = Program::start(
        command,
        &folder.join("postgres.log"),
        rustix::process::Signal::INT,
    );
    program.until_it_says("database system is ready to accept connections");
    program
}

/// A loaded cluster, made where there is none yet.
fn kept() -> PathBuf {
    let shelf = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .unwrap()
        .join("zabbix-database");
    fs::create_dir_all(&shelf).unwrap();
    let alone = fs::File::create(shelf.join("lock")).unwrap();
    flock(&alone, FlockOperation::LockExclusive).unwrap();
    let kept = shelf.join(inputs());
    if !kept.exists() {
        // What was made of something else is of no use any more.
        for old in fs::read_dir(&shelf).unwrap().map(|entry| entry.unwrap().path()) {
            if old.is_dir() {
                fs::remove_dir_all(old).unwrap();
            }
        }
        let new = shelf.join("new");
        let folder = tempfile::tempdir().unwrap();
        given_to_nobody(folder.path());
        make(folder.path());
        copy(&folder.path().join("data"), &new);
        fs::rename(&new, &kept).unwrap();
    }
    kept
}

/// Names all that a loaded cluster depends on.
fn inputs() -> String {
    let mut hash = Sha256::new();
    hash.update(include_bytes!("database.rs"));
    hash.update(programs().to_str().unwrap());
    for name in TABLES {
        let path = tables(name);
        hash.update(fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())));
    }
    let user = rustix::process::geteuid().as_raw();
    hash.update(user.to_le_bytes());
    let mut name = String::new();
    for byte in hash.finalize().iter().take(10) {
        write!(name, "{byte:02x}").unwrap();
    }
    name
}

fn make(folder: &Path) {
    let mut init = unprivileged(programs().join("initdb"));
    init.arg("-D").arg(folder.join("data"));
    init.args([
        "--username=zabbix",
        "--auth=trust",
        "--encoding=UTF8",
        "--no-locale",
        "--no-sync",
    ]);
    init.arg("--wal-segsize=4");
    must(&mut init);
    let server = serve(folder);
    must(client(folder, "postgres").args(["-c", "CREATE DATABASE zabbix"]));
    for name in TABLES {
        let mut unpacked = Command::new("gzip")
            .arg("-dc")
            .arg(tables(name))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        must(client(folder, "zabbix").stdin(unpacked.stdout.take().unwrap()));
        assert!(unpacked.wait().unwrap().success());
    }
    must(client(folder, "zabbix").args(["-c", "VACUUM ANALYZE"]));
    drop(server);
}

fn client(folder: &Path, database: &str) -> Command {
    let mut client = unprivileged(programs().join("psql"));
    client.arg("-h").arg(folder);
    client.args([
        "-U",
        "zabbix",
        "-d",
        database,
        "-q",
        "-v",
        "ON_ERROR_STOP=1",
        "-o",
        "/dev/null",
    ]);
    client.stdin(Stdio::null());
    client
}

fn must(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Copies a folder with its owners.
fn copy(from: &Path, to: &Path) {
    must(Command::new("cp").arg("-a").arg(from).arg(to));
}
