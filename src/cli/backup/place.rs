//! Where the unpacked files of a backup go that are not simply the state: licences and vendors in directories of their
//! own, and the settings.

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, lchown};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, Gid, Mode, OFlags, Uid, chownat, fchown, open, openat};
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::files;
use crate::settings::Settings;

use super::super::failure::Failure;
use super::contents::{self, STATE};
use super::manifest::Manifest;

/// How a directory is opened that nobody may have put a link in the place of.
const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Mode of a settings file that was not there: the service reads it as a member of the group.
const SETTINGS_MODE: u32 = 0o640;

/// Puts licences and vendors where `settings` have them. The backup's node had them perhaps elsewhere. What belongs into
/// the state directory is moved there within `staging`; the rest is the result, as pairs from where to where.
pub(super) fn arrange(
    staging: &Path,
    manifest: &Manifest,
    settings: &Settings,
) -> Result<Vec<(PathBuf, PathBuf)>, Failure> {
    let mut outside = Vec::new();
    for (name, directory) in [
        (&manifest.licences, settings.licence_dir()),
        (&manifest.vendors, settings.vendor_dir()),
    ] {
        let from = staging.join(name);
        // Files among all others of the state cannot be told from them.
        if name == STATE || !from.is_dir() {
            continue;
        }
        match directory.strip_prefix(&settings.state_dir) {
            Ok(rest) => {
                let to = staging.join(contents::below(STATE, rest));
                if to != from {
                    move_files(&from, &to)?;
                }
            }
            Err(_) => outside.push((from, directory)),
        }
    }
    Ok(outside)
}

fn move_files(from: &Path, to: &Path) -> Result<(), Failure> {
    for file in found(from)? {
        let target = to.join(&file);
        let moved = files::create_directories(target.parent().unwrap_or(to), 0o700)
            .and_then(|()| fs::rename(from.join(&file), &target));
        moved.map_err(|error| Failure::of_file(&target, &error))?;
    }
    Ok(())
}

fn found(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let found = contents::files(directory).map_err(|(path, error)| Failure::of_file(&path, &error))?;
    Ok(found.files)
}

/// Adds files to a directory outside of the state. None goes: one of the same name that says something else is kept
/// beside under another name, with `time` in it.
pub(super) fn add_files(
    from: &Path,
    to: &Path,
    owner: (u32, u32),
    time: &str,
    told: &mut Vec<String>,
) -> Result<(), Failure> {
    for file in found(from)? {
        let target = to.join(&file);
        let failed = |error: io::Error| Failure::of_file(&target, &error);
        make_directory(target.parent().unwrap_or(to), owner).map_err(failed)?;
        let bytes = fs::read(from.join(&file)).map_err(failed)?;
        if target.exists() {
            if fs::read(&target).map_err(failed)? == bytes {
                continue;
            }
            told.push(keep(&target, time).map_err(failed)?);
        }
        files::replace_as(&target, &bytes, 0o644, owner).map_err(failed)?;
    }
    // It would be in the state, too, where nobody looks for it.
    fs::remove_dir_all(from).map_err(|error| Failure::of_file(from, &error))
}

/// Copies a file that is to be replaced; the result says so.
fn keep(path: &Path, time: &str) -> io::Result<String> {
    let kept = PathBuf::from(format!("{}.before-restore-{time}", path.display()));
    fs::copy(path, &kept)?;
    let about = fs::metadata(path)?;
    give_one(&kept, (about.uid(), about.gid()))?;
    Ok(format!(
        "{} was replaced; the one from before is {}",
        path.display(),
        kept.display()
    ))
}

/// Makes a directory that the node can use, and those above it that are missing.
fn make_directory(path: &Path, owner: (u32, u32)) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(above) = path.parent() {
        make_directory(above, owner)?;
    }
    fs::DirBuilder::new().mode(0o755).create(path)?;
    give_one(path, owner)
}

/// Puts the settings in place of those that are there; `told` gets where both are.
pub(super) fn put_settings(
    from: &Path,
    to: &Path,
    time: &str,
    told: &mut Vec<String>,
) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::of_file(to, &error);
    let parent = to.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(parent).map_err(failed)?;
    let (like, mode) = if to.exists() {
        told.push(keep(to, time).map_err(failed)?);
        let like = fs::metadata(to).map_err(failed)?;
        let mode = like.permissions().mode() & 0o777;
        (like, mode)
    } else {
        (fs::metadata(parent).map_err(failed)?, SETTINGS_MODE)
    };
    let bytes = fs::read(from).map_err(failed)?;
    files::replace_as(to, &bytes, mode, (like.uid(), like.gid())).map_err(failed)?;
    told.push(format!("the settings are in {}", to.display()));
    Ok(())
}

/// What root unpacks belongs to whom the state belongs: the node could not use it else. That user may write beside it, so
/// no link is followed, and a directory is given when all that is in it is.
pub(super) fn give(path: &Path, owner: (u32, u32)) -> io::Result<()> {
    give_all(open(path, DIRECTORY, Mode::empty())?, owner)
}

fn give_all(directory: OwnedFd, owner: (u32, u32)) -> io::Result<()> {
    let (uid, gid) = (Some(Uid::from_raw(owner.0)), Some(Gid::from_raw(owner.1)));
    for entry in Dir::read_from(&directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        match openat(&directory, name, DIRECTORY, Mode::empty()) {
            Ok(below) => give_all(below, owner)?,
            Err(Errno::NOTDIR | Errno::LOOP) if geteuid().is_root() => {
                chownat(&directory, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW)?;
            }
            Err(Errno::NOTDIR | Errno::LOOP) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if geteuid().is_root() {
        fchown(&directory, uid, gid)?;
    }
    File::from(directory).sync_all()
}

fn give_one(path: &Path, owner: (u32, u32)) -> io::Result<()> {
    if geteuid().is_root() {
        lchown(path, Some(owner.0), Some(owner.1))?;
    }
    Ok(())
}
