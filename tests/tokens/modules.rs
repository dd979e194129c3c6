//! The PKCS#11 modules of the tests: examples of this package that are C libraries, built when they are needed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// The module that the example of this name is. A runner that builds tests one by one leaves examples out, so that it
/// may have to be built; cargo itself sees to it that this is done once for tests that run side by side.
pub(crate) fn module(name: &str) -> PathBuf {
    // Tests lie in PROFILE/deps, examples in PROFILE/examples.
    let own = std::env::current_exe().unwrap();
    let profile = own.parent().and_then(Path::parent).unwrap();
    let library = profile.join("examples").join(format!("lib{name}.so"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tokens/modules");
    if changed(&library) < newest(&source) {
        build(name, profile);
    }
    library
}

/// When it was written; a file that is not there is older than all others.
fn changed(path: &Path) -> SystemTime {
    let metadata = fs::metadata(path).and_then(|metadata| metadata.modified());
    metadata.unwrap_or(SystemTime::UNIX_EPOCH)
}

fn newest(directory: &Path) -> SystemTime {
    let entries = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let times = entries.map(|path| {
        if path.is_dir() {
            newest(&path)
        } else {
            changed(&path)
        }
    });
    times.max().unwrap()
}

fn build(name: &str, profile: &Path) {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--locked", "--quiet", "--example", name])
        .arg("--target-dir")
        .arg(profile.parent().unwrap())
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    let output = cargo.output().unwrap();
    assert!(
        output.status.success(),
        "{name} was not built: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
