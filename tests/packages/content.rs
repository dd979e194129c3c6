//! What is in the packages, looked at without installing them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::container::run;
use crate::guest::packages;

fn deb() -> PathBuf {
    packages().join("keynode_1.0.1_amd64.deb")
}

/// The files that end so, below a directory, links followed.
fn files(root: &Path, end: &str) -> Vec<PathBuf> {
    let name = format!("*{end}");
    let found = run(Command::new("find")
        .args(["-L".as_ref(), root.as_os_str()])
        .args(["-type", "f", "-name", &name]));
    found.ok().lines().map(PathBuf::from).collect()
}

#[test]
fn lintian_finds_no_error() {
    run(Command::new("lintian")
        .args([
            "--fail-on",
            "error",
            "--suppress-tags",
            "statically-linked-binary",
        ])
        .arg(deb()))
    .ok();
}

/// That of the last commit: whoever makes the package of the same sources gets the same bytes.
#[test]
fn all_files_are_of_one_time() {
    let told = run(Command::new("dpkg-deb").arg("--contents").arg(deb())).ok();
    let mut times: Vec<_> = told
        .lines()
        .map(|line| line.split_whitespace().skip(3).take(2).collect::<Vec<_>>())
        .collect();
    assert!(times.len() > 100, "{told}");
    times.dedup();
    assert_eq!(times.len(), 1, "{times:?}");
}

#[test]
fn links_in_the_documents_lead_to_what_is_installed() {
    let root = tempfile::tempdir().unwrap();
    run(Command::new("dpkg-deb")
        .arg("--extract")
        .arg(deb())
        .arg(root.path()))
    .ok();
    let documents = root.path().join("usr/share/doc/keynode");
    let mut seen = 0;
    for document in files(&documents, ".md") {
        for target in fs::read_to_string(&document).unwrap().split("](").skip(1) {
            let target = target.split([')', '#', ' ']).next().unwrap();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            let place = plain(&document.with_file_name(target));
            assert!(place.exists(), "{}: {target} is not there", document.display());
            seen += 1;
        }
    }
    assert!(seen > 100, "only {seen} links");
}

/// Without its `..`, as a browser understands a path: of links it knows nothing.
fn plain(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut plain, part| {
        if part.as_os_str() == ".." {
            plain.pop();
        } else {
            plain.push(part);
        }
        plain
    })
}

#[test]
fn what_all_may_read_does_not_depend_on_the_mask_of_who_installs() {
    let root = tempfile::tempdir().unwrap();
    run(Command::new("sh")
        .args(["-c", "umask 077 && exec packaging/install.sh \"$0\" /usr"])
        .arg(env!("CARGO_BIN_EXE_keynode"))
        .env("DESTDIR", root.path()))
    .ok();
    let closed = run(Command::new("find")
        .arg(root.path().join("usr"))
        .args(["-not", "-perm", "-o=r"]));
    assert_eq!(closed.ok(), "");
}
