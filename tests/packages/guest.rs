//! A fresh Debian with the packages at hand, and what every test asks of a node in there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::container::{Container, run};

/// Where the packages lie in there.
pub(crate) const PACKAGES: &str = "/srv/packages";

/// The packages of the program that the tests are about; they are made once.
pub(crate) fn packages() -> PathBuf {
    let made = run(Command::new("tests/packages/built.sh").arg(env!("CARGO_BIN_EXE_keynode"))).ok();
    PathBuf::from(made.trim())
}

/// Boots it; nothing of keynode is installed.
pub(crate) fn boot() -> Container {
    boot_with(&packages())
}

/// Boots it with the packages of a directory at hand.
pub(crate) fn boot_with(packages: &Path) -> Container {
    Container::boot_from("tests/packages/rootfs.sh", |root| {
        let target = root.join(PACKAGES.trim_start_matches('/'));
        fs::create_dir_all(&target).unwrap();
        for entry in fs::read_dir(packages).unwrap() {
            let package = entry.unwrap().path();
            fs::copy(&package, target.join(package.file_name().unwrap())).unwrap();
        }
    })
}

/// What every installation must give: a node that serves, answers for itself, and shows its console.
#[track_caller]
pub(crate) fn serves(guest: &Container, version: &str) {
    assert_eq!(guest.property("keynode", "ActiveState"), "active");
    assert_eq!(guest.sh("systemctl is-enabled keynode").ok().trim(), "enabled");
    assert_ne!(guest.sh("systemctl is-enabled keynode-centre").code, Some(0));
    let health = guest.sh("curl --silent --fail http://127.0.0.1:9098/health").ok();
    assert!(health.contains("ok"), "{health}");
    guest
        .sh("curl --silent --fail --location http://127.0.0.1:9098/console/ | grep --quiet --ignore-case password")
        .ok();
    doctor_is_content(guest);
    let owners = guest
        .sh("stat --format '%a %U %G %n' /etc/keynode /etc/keynode/keynode.toml /var/lib/keynode /usr/bin/keynode")
        .ok();
    assert_eq!(
        owners.lines().collect::<Vec<_>>(),
        [
            "750 root keynode /etc/keynode",
            "640 root keynode /etc/keynode/keynode.toml",
            "700 keynode keynode /var/lib/keynode",
            "755 root root /usr/bin/keynode"
        ]
    );
    for file in [
        "share/man/man1/keynode.1.gz",
        "share/bash-completion/completions/keynode",
        "share/fish/vendor_completions.d/keynode.fish",
        "share/doc/keynode/copyright",
        "share/doc/keynode/docs/packages.md",
        "lib/udev/rules.d/70-keynode.rules",
    ] {
        assert!(guest.path("/usr").join(file).exists(), "{file} is missing");
    }
    // Debian's zsh looks elsewhere than others.
    let zsh = ["vendor-completions", "site-functions"].map(|place| guest.path("/usr/share/zsh").join(place));
    assert!(zsh.iter().any(|place| place.join("_keynode").exists()));
    let asked = guest.sh(
        "dpkg-query --show --showformat '${Version}' keynode 2>/dev/null || rpm --query --queryformat '%{VERSION}' keynode",
    );
    assert_eq!(asked.ok().trim(), version);
}

fn doctor_is_content(guest: &Container) {
    // Succeeds where nothing fails. The initial password is a warning on loopback, and a container has neither USB nor a board.
    let report = guest.sh("keynode doctor --json").ok();
    let lines: Value = serde_json::from_str(&report).unwrap();
    for line in lines.as_array().unwrap() {
        if ["udev rules", "permissions", "service", "port", "state directory"]
            .iter()
            .any(|check| line["check"] == *check)
        {
            assert_eq!(line["state"], "ok", "{line:#}");
        }
    }
}

/// Gives the node a licence of a vendor made in there, without a computer that it is bound to, and a user for those who
/// take its seats: the administrator's password is changed by who looks at the console.
pub(crate) fn licence(guest: &Container) {
    guest
        .sh("keynode vendor init --dir /srv/vendor >/dev/null
             keynode vendor public-key --dir /srv/vendor >/srv/vendor.pem
             keynode vendor trust /srv/vendor.pem
             keynode vendor issue --dir /srv/vendor --itn 7707083893 --key-id 672B --key-no 7131766 --out /srv 2>/dev/null
             keynode licence add /srv/672B.7131766.licence
             echo 'a program' | keynode user add program --role client --password-file -")
        .ok();
}

/// Takes a seat, as a program on the network does.
pub(crate) fn take_seat(guest: &Container, session: &str) {
    let body = format!(
        r#"{{"KeyID":"672B","ClientSessionID":"{session}","AppName":"Mobile","UserName":"{session}","ComputerName":"PC","SessionStarted":"2026-01-01T10:00:00"}}"#
    );
    guest
        .sh(&format!(
            "for try in $(seq 100); do
                 curl --silent --fail --user 'program:a program' --json '{body}' http://127.0.0.1:9099/api/sessions && exit
                 sleep 0.1
             done; exit 1"
        ))
        .ok();
}

/// IDs of the sessions and the times of their ends, in milliseconds since 1970.
pub(crate) fn sessions(guest: &Container) -> Vec<(String, i64)> {
    let told = guest
        .sh("curl --silent --fail --user 'program:a program' http://127.0.0.1:9099/api/sessions")
        .ok();
    let told: Value = serde_json::from_str(&told).unwrap();
    let mut sessions: Vec<_> = told["Sessions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|session| {
            let end: jiff::Timestamp = session["ExpireTime"].as_str().unwrap().parse().unwrap();
            (session["ID"].as_str().unwrap().to_owned(), end.as_millisecond())
        })
        .collect();
    sessions.sort();
    sessions
}

/// The same sessions live, and none of them for less long; a restart adds up to a minute, and the time that it took.
#[track_caller]
pub(crate) fn sessions_are_kept(before: &[(String, i64)], now: &[(String, i64)]) {
    assert_eq!(before.len(), now.len(), "{before:?} {now:?}");
    for ((id, end), (now_id, now_end)) in before.iter().zip(now) {
        assert_eq!(id, now_id);
        assert!((0..=300_000).contains(&(now_end - end)), "{before:?} {now:?}");
    }
}

/// What the administrator wrote into the settings.
pub(crate) fn edit_settings(guest: &Container) {
    guest
        .sh("sed -i '1i# Mine.\\nworkers = 1' /etc/keynode/keynode.toml && systemctl restart keynode")
        .ok();
}

/// Whether that is still there.
#[track_caller]
pub(crate) fn settings_are_kept(guest: &Container) {
    guest.sh("grep --quiet '^# Mine' /etc/keynode/keynode.toml").ok();
}

/// Whether something is there, in the container.
pub(crate) fn exists(guest: &Container, path: &str) -> bool {
    Path::new(&guest.path(path)).exists()
}
