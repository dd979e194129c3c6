//! Gathers what goes into a backup: first the databases, each as of one moment, then the files beside them, which may
//! be newer but never lack what a database tells of.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::clock::SystemClock;
use crate::computer::{Roots, inspect};
use crate::settings::Loaded;
use crate::store::{FILE_NAME, copy_database, schema_of};
use crate::text::hex;

use super::super::failure::Failure;
use super::contents::{self, Part};
use super::manifest::{Entry, Manifest};
use super::progress;

/// What every `SQLite` file begins with.
const SQLITE: &[u8] = b"SQLite format 3\0";

/// A directory with copies of the files, for this process alone; it goes with this.
pub(super) struct Staged {
    directory: PathBuf,
    pub(super) manifest: Manifest,
}

impl Staged {
    pub(super) fn path(&self) -> &Path {
        &self.directory
    }

    /// Where the copy of an entry is.
    pub(super) fn copy(&self, index: usize) -> PathBuf {
        self.directory.join(index.to_string())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // What cannot be removed is seen by whoever looks into the directory; its name says what it is.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// A file that is to be copied.
struct Wanted {
    name: String,
    from: PathBuf,
    database: bool,
}

/// Copies everything into a new directory in `beside`.
pub(super) fn gather(loaded: &Loaded, beside: &Path) -> Result<Staged, Failure> {
    let settings = &loaded.settings;
    let database = settings.state_dir.join(FILE_NAME);
    match database.try_exists() {
        Ok(true) => {}
        Ok(false) => {
            return Err(Failure::NotFound(format!(
                "{}: no node has kept its state here; --state-dir names another place",
                settings.state_dir.display()
            )));
        }
        Err(error) => return Err(Failure::of_file(&settings.state_dir, &error)),
    }
    let parts = contents::parts(settings);
    let directory = beside.join(format!(".keynode-backup-{}.part", uuid::Uuid::new_v4().simple()));
    let made = fs::DirBuilder::new().mode(0o700).create(&directory);
    made.map_err(|error| Failure::of_file(beside, &error))?;
    let computer = inspect(&Roots::host()).fingerprint.computer_id();
    let mut staged = Staged {
        directory,
        manifest: Manifest::new(SystemClock::shared().now().wall, computer),
    };
    staged.manifest.not_included = contents::elsewhere(settings, &parts);
    for wanted in wanted(&parts, loaded, &mut staged.manifest.not_included)? {
        copy(&mut staged, &wanted)?;
    }
    Ok(staged)
}

/// The files, databases first; links go to those that are left out.
fn wanted(parts: &[Part], loaded: &Loaded, left_out: &mut Vec<String>) -> Result<Vec<Wanted>, Failure> {
    let mut wanted = Vec::new();
    for Part { name, directory } in parts {
        let found = contents::files(directory).map_err(|error| Failure::of_file(directory, &error))?;
        left_out.extend(
            found
                .links
                .iter()
                .map(|link| directory.join(link).display().to_string()),
        );
        for file in found.files {
            let from = directory.join(&file);
            let name = format!("{name}/{}", file.display());
            contents::check(&name).map_err(Failure::Failed)?;
            let database = is_database(&from).map_err(|error| Failure::of_file(&from, &error))?;
            wanted.push(Wanted { name, from, database });
        }
    }
    if let Some(file) = &loaded.file {
        wanted.push(Wanted {
            name: contents::SETTINGS.into(),
            from: file.clone(),
            database: false,
        });
    }
    wanted.sort_by_key(|wanted| !wanted.database);
    Ok(wanted)
}

/// Opens what was no link when it was looked at, and is none now.
fn open(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW.bits();
    let flags = i32::try_from(flags).map_err(io::Error::other)?;
    File::options().read(true).custom_flags(flags).open(path)
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
    let about = match fs::metadata(from) {
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
