//! What the guest boots: the cached image, and the files of this run, installed as a user would.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// The root of the repository.
const HOUSE: &str = env!("CARGO_MANIFEST_DIR");

/// Files to boot from.
pub(crate) struct Image {
    pub(crate) kernel: PathBuf,
    pub(crate) initrd: PathBuf,
    pub(crate) root: PathBuf,
    /// A tar that is laid over the root before systemd starts.
    pub(crate) files: PathBuf,
    _directory: TempDir,
}

impl Image {
    /// Makes the image, or takes it from the cache, with the files below `overlay`.
    pub(crate) fn make(overlay: &Overlay) -> Self {
        let script = Path::new(HOUSE).join("tests/guest/image.sh");
        let cached = PathBuf::from(output(Command::new(script).stdin(Stdio::null())));
        let directory = tempfile::tempdir().unwrap();
        let files = directory.path().join("files.tar");
        let mut tar = Command::new("tar");
        tar.arg("-cf")
            .arg(&files)
            .args(["--owner=0", "--group=0", "-C"])
            .arg(overlay.0.path())
            .arg(".");
        output(&mut tar);
        Self {
            kernel: cached.join("vmlinuz"),
            initrd: cached.join("initrd.img"),
            root: cached.join("root.ext4"),
            files,
            _directory: directory,
        }
    }
}

/// Files that the guest has besides the system: a directory on the host.
pub(crate) struct Overlay(TempDir);

impl Overlay {
    /// The program installed by `make install`, and enabled.
    pub(crate) fn installed() -> Self {
        let overlay = Self(tempfile::tempdir().unwrap());
        fs::set_permissions(overlay.0.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let mut make = Command::new("make");
        make.args(["--no-print-directory", "-C", HOUSE, "install"]);
        make.arg(format!("DESTDIR={}", overlay.0.path().display()));
        make.arg(concat!("BINARY=", env!("CARGO_BIN_EXE_keynode")));
        output(&mut make);
        overlay.enable("keynode.service");
        overlay
    }

    /// Has systemd start a unit at boot, as `systemctl enable` does.
    pub(crate) fn enable(&self, unit: &str) {
        let wants = self.path("etc/systemd/system/multi-user.target.wants");
        fs::create_dir_all(&wants).unwrap();
        let place = ["etc", "usr/lib", "lib"].map(|root| format!("{root}/systemd/system/{unit}"));
        let place = place.iter().find(|place| self.path(place).exists());
        symlink(format!("/{}", place.unwrap()), wants.join(unit)).unwrap();
    }

    /// Puts a file there.
    pub(crate) fn write(&self, path: &str, content: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Puts a program there.
    pub(crate) fn program(&self, path: &str, from: &Path) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let copied = fs::copy(from, &path);
        assert!(copied.is_ok(), "{}: {copied:?}", from.display());
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }
}

/// What a program of the host prints; it must succeed, and its complaints are shown as they come.
pub(crate) fn output(command: &mut Command) -> String {
    let done = command.stderr(Stdio::inherit()).output();
    let done = done.unwrap_or_else(|error| {
        panic!("{command:?} does not start: {error}; packaging/setup.sh test installs what the tests need")
    });
    assert!(done.status.success(), "{command:?}: {}", done.status);
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}
