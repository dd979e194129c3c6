//! Gathers what goes into a backup: first the databases, each as of one moment, then the lists of keys, then all files
//! that are there by then: they may be newer, but never lack what a database or a list tells of.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use sha2::{Digest, Sha256};

use crate::clock::SystemClock;
use crate::computer::{Roots, inspect};
use crate::node::StateDir;
use crate::settings::Loaded;
use crate::store::{copy_database, schema_of};
use crate::text::hex;

use super::super::failure::Failure;
use super::contents::{self, LICENCES, Part, VENDORS};
use super::manifest::{Entry, Manifest};
use super::progress;
use super::room;
use super::workplace::Workplace;

/// What every `SQLite` file begins with.
const SQLITE: &[u8] = b"SQLite format 3\0";

/// Names that keys are listed in: they are copied before the keys, which are made before they are listed.
const LISTS: [&str; 1] = ["state/signing.json"];

/// Copies of the files; they go with this.
pub(super) struct Staged {
    place: Workplace,
    pub(super) manifest: Manifest,
}

impl Staged {
    pub(super) fn path(&self) -> &Path {
        self.place.path()
    }

    /// Where the copy of an entry is.
    pub(super) fn copy(&self, index: usize) -> PathBuf {
        self.path().join(index.to_string())
    }
}

/// A file that is to be copied.
struct Wanted {
    name: String,
    from: PathBuf,
    database: bool,
}

/// Copies everything into a new directory in `beside`, which must have room for so many copies.
pub(super) fn gather(loaded: &Loaded, beside: &Path, copies: u64) -> Result<Staged, Failure> {
    let settings = &loaded.settings;
    // It is not opened here: a node of an earlier version may run, and its schema is not ours to change.
    if !StateDir::is_kept_in(&settings.state_dir)? {
        return Err(Failure::no_state(&settings.state_dir));
    }
    let parts = contents::parts(settings);
    room::check(beside, size(&parts)?.saturating_mul(copies)).map_err(Failure::Failed)?;
    let place = Workplace::new(beside)?;
    let computer = inspect(&Roots::host()).fingerprint.computer_id();
    let mut staged = Staged {
        place,
        manifest: Manifest::new(SystemClock::shared().now().wall, computer),
    };
    let manifest = &mut staged.manifest;
    manifest.not_included = contents::elsewhere(settings, &parts);
    manifest.licences = contents::name_of(&settings.licence_dir(), LICENCES, &settings.state_dir);
    manifest.vendors = contents::name_of(&settings.vendor_dir(), VENDORS, &settings.state_dir);
    let left_out = in_order(&parts, |wanted| copy(&mut staged, wanted))?;
    staged.manifest.not_included.extend(left_out);
    if let Some(file) = &loaded.file {
        let settings = Wanted {
            name: contents::SETTINGS.into(),
            from: file.clone(),
            database: false,
        };
        copy(&mut staged, &settings)?;
    }
    Ok(staged)
}

/// Bytes of the parts as they are now.
fn size(parts: &[Part]) -> Result<u64, Failure> {
    let mut bytes = 0_u64;
    for part in parts {
        let files = contents::files(&part.directory);
        for file in files
            .map_err(|(path, error)| Failure::of_file(&path, &error))?
            .files
        {
            // What goes in between wants no room.
            let about = part.directory.join(file).symlink_metadata();
            bytes = bytes.saturating_add(about.map_or(0, |about| about.len()));
        }
    }
    Ok(bytes)
}

/// Has the files copied. What is there is looked for anew before each kind, for a node may be at work; the result is
/// what is left out.
fn in_order(
    parts: &[Part],
    mut copy: impl FnMut(&Wanted) -> Result<(), Failure>,
) -> Result<Vec<String>, Failure> {
    let kinds: [fn(&Wanted) -> bool; 3] = [
        |wanted| wanted.database,
        |wanted| LISTS.contains(&wanted.name.as_str()),
        |_| true,
    ];
    let (mut done, mut left_out) = (HashSet::new(), Vec::new());
    for kind in kinds {
        left_out.clear();
        for wanted in wanted(parts, &mut left_out)? {
            if kind(&wanted) && !done.contains(&wanted.name) {
                copy(&wanted)?;
                done.insert(wanted.name);
            }
        }
    }
    Ok(left_out)
}

/// The files that are there now; what cannot be in a backup goes to what is left out.
fn wanted(parts: &[Part], left_out: &mut Vec<String>) -> Result<Vec<Wanted>, Failure> {
    let mut wanted = Vec::new();
    for Part { name, directory } in parts {
        let found = contents::files(directory).map_err(|(path, error)| Failure::of_file(&path, &error))?;
        let paths = found.left_out.iter().map(|path| directory.join(path));
        left_out.extend(paths.map(|path| path.display().to_string()));
        for file in found.files {
            let from = directory.join(&file);
            let name = contents::below(name, &file);
            contents::check(&name).map_err(Failure::Failed)?;
            let database = is_database(&from).map_err(|error| Failure::of_file(&from, &error))?;
            wanted.push(Wanted { name, from, database });
        }
    }
    Ok(wanted)
}

/// Opens what was a file when it was looked at, and is one now: no link, and no pipe that would wait for its other end.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("it is no file any more"))
    }
}

fn is_database(path: &Path) -> io::Result<bool> {
    let mut head = Vec::new();
    match open(path) {
        Ok(file) => file.take(SQLITE.len() as u64).read_to_end(&mut head)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    Ok(head == SQLITE)
}

fn copy(staged: &mut Staged, wanted: &Wanted) -> Result<(), Failure> {
    let (from, to) = (&wanted.from, staged.copy(staged.manifest.files.len()));
    let failed = |error: &io::Error| Failure::of_file(from, error);
    let about = match fs::symlink_metadata(from) {
        Ok(about) => about,
        // It went since the list was made, as licences that are returned do.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(&error)),
    };
    if wanted.database {
        let bar = progress::bytes(&wanted.name);
        let told = |done, all| {
            bar.set_length(all);
            bar.set_position(done);
        };
        let told = copy_database(from, &to, told);
        bar.finish_and_clear();
        told.map_err(|error| Failure::of(format!("{}: {error}", from.display())))?;
        let schema = schema_of(&to).map_err(Failure::of)?;
        staged.manifest.schemas.insert(wanted.name.clone(), schema);
    } else {
        let copied = open(from).and_then(|mut from| {
            let mut to = File::options()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&to)?;
            io::copy(&mut from, &mut to)
        });
        copied.map_err(|error| failed(&error))?;
    }
    let (size, sha256) = digest(&to).map_err(|error| failed(&error))?;
    staged.manifest.files.push(Entry {
        path: wanted.name.clone(),
        size,
        sha256,
        mode: about.permissions().mode() & 0o644 | 0o600,
    });
    Ok(())
}

/// Size and SHA-256.
fn digest(path: &Path) -> io::Result<(u64, String)> {
    let mut digest = Sha256::new();
    let mut file = File::open(path)?;
    let size = io::copy(&mut file, &mut Hashing(&mut digest))?;
    Ok((size, hex(&digest.finalize())))
}

struct Hashing<'a>(&'a mut Sha256);

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_node_makes_while_its_databases_are_copied_is_in_the_backup() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str| dir.path().join(name);
        fs::write(file("keynode.db"), SQLITE).unwrap();
        fs::write(file("signing.key"), "1").unwrap();
        fs::write(file("signing.json"), "1").unwrap();
        let parts = [Part {
            name: contents::STATE,
            directory: dir.path().into(),
        }];
        let mut copied = Vec::new();
        let left_out = in_order(&parts, |wanted| {
            // A key is made before it is listed, and both while something else is copied.
            if wanted.database {
                fs::write(file("signing-2.key"), "2").unwrap();
            } else if wanted.name == LISTS[0] {
                fs::write(file("signing-3.key"), "3").unwrap();
            }
            copied.push(wanted.name.clone());
            Ok(())
        })
        .unwrap();
        assert!(left_out.is_empty());
        let names = [
            "keynode.db",
            "signing.json",
            "signing-2.key",
            "signing-3.key",
            "signing.key",
        ];
        assert_eq!(copied, names.map(|name| format!("state/{name}")));
    }
}
