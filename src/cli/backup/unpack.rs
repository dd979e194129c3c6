//! Reads a backup that anybody may have made: every entry is what the manifest says, in its order, and nothing else is
//! in it.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use flate2::bufread::GzDecoder;
use sha2::{Digest, Sha256};
use tar::{Archive, Entries, EntryType};

use crate::text::hex;

use super::manifest::{Entry, LONGEST, Manifest, NAME};
use super::progress;

/// What can be wrong with an archive, as a sentence.
type Told<T> = Result<T, String>;

const MORE: &str = "it holds more than its manifest says";

/// Other programs fill the last block of a tar with zeros; not with more than this.
const LONGEST_PADDING: u64 = 1 << 20;

/// Checks everything and writes nothing.
pub(super) fn check(from: impl Read) -> Told<Manifest> {
    read(from, |_| Ok(()), |_| Ok(Box::new(io::sink())))
}

/// Writes the files below `directory`, which exists and is empty; `may` can refuse when the manifest is known.
pub(super) fn unpack(
    from: impl Read,
    directory: &Path,
    may: impl FnOnce(&Manifest) -> Told<()>,
) -> Told<Manifest> {
    let named = |path: &Path, error: &io::Error| format!("{}: {error}", path.display());
    read(from, may, |entry| {
        let path = directory.join(&entry.path);
        let parent = path.parent().unwrap_or(directory);
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(parent);
        made.map_err(|error| named(parent, &error))?;
        let mut options = File::options();
        let options = options
            .write(true)
            .create_new(true)
            .mode(entry.mode & 0o644 | 0o600);
        let file = options.open(&path).map_err(|error| named(&path, &error))?;
        Ok(Box::new(Synced(file)))
    })
}

/// A file that is on the disk when it is flushed.
struct Synced(File);

impl Write for Synced {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.sync_all()
    }
}

fn read(
    from: impl Read,
    may: impl FnOnce(&Manifest) -> Told<()>,
    mut open: impl FnMut(&Entry) -> Told<Box<dyn Write>>,
) -> Told<Manifest> {
    let mut archive = Archive::new(GzDecoder::new(BufReader::new(from)));
    // Raw: heads that would stand for long names, links or holes are entries of a kind that is refused.
    let entries = archive.entries().map_err(|error| damaged(&error))?;
    let mut entries = entries.raw(true);
    let mut text = Vec::new();
    let size = next(&mut entries, NAME, |from, size| {
        if size > LONGEST {
            return Err(format!("its {NAME} is longer than any"));
        }
        from.take(LONGEST)
            .read_to_end(&mut text)
            .map(drop)
            .map_err(|error| damaged(&error))?;
        Ok(size)
    })?;
    if text.len() as u64 != size {
        return Err("it ends too early".into());
    }
    let manifest = Manifest::read(&text)?;
    may(&manifest)?;
    let bar = progress::bytes("backup");
    bar.set_length(manifest.bytes().unwrap_or(0));
    for entry in &manifest.files {
        next(&mut entries, &entry.path, |from, size| {
            if size != entry.size {
                return Err(format!("{} has another size than the manifest says", entry.path));
            }
            copy(bar.wrap_read(from), entry, open(entry)?)
        })?;
    }
    bar.finish_and_clear();
    if entries.next().is_some() {
        return Err(MORE.into());
    }
    ends(archive.into_inner())?;
    Ok(manifest)
}

/// Whether nothing follows, neither in the tar nor behind the gzip: programs that read on would see something else than
/// what is checked here.
fn ends(mut rest: GzDecoder<impl BufRead>) -> Told<()> {
    let mut padding = Vec::new();
    let read = rest.by_ref().take(LONGEST_PADDING).read_to_end(&mut padding);
    read.map_err(|error| damaged(&error))?;
    let is_padding = padding.iter().all(|byte| *byte == 0);
    let mut behind = rest.into_inner();
    if is_padding && behind.fill_buf().map_err(|error| damaged(&error))?.is_empty() {
        Ok(())
    } else {
        Err(MORE.into())
    }
}

/// The next entry, which must be a file of this name.
fn next<R: Read, T>(
    entries: &mut Entries<'_, R>,
    name: &str,
    then: impl FnOnce(&mut dyn Read, u64) -> Told<T>,
) -> Told<T> {
    let Some(entry) = entries.next() else {
        return Err(format!("it ends before {name}"));
    };
    let mut entry = entry.map_err(|error| damaged(&error))?;
    if entry.header().entry_type() != EntryType::Regular {
        return Err(format!("where {name} should be is something that is no file"));
    }
    if entry.path_bytes() != name.as_bytes() {
        return Err(format!("{name} is not where its manifest has it"));
    }
    let size = entry.header().entry_size().map_err(|error| damaged(&error))?;
    then(&mut entry, size)
}

fn copy(mut from: impl Read, entry: &Entry, mut to: Box<dyn Write>) -> Told<()> {
    let written = |error: io::Error| format!("{}: {error}", entry.path);
    let mut digest = Sha256::new();
    let mut left = entry.size;
    let mut buffer = vec![0; 64 << 10];
    while left > 0 {
        let read = from.read(&mut buffer).map_err(|error| damaged(&error))?;
        if read == 0 {
            return Err(format!("it ends within {}", entry.path));
        }
        digest.update(&buffer[..read]);
        to.write_all(&buffer[..read]).map_err(written)?;
        left = left.saturating_sub(read as u64);
    }
    to.flush().map_err(written)?;
    if hex(&digest.finalize()) == entry.sha256 {
        Ok(())
    } else {
        Err(format!(
            "{} is damaged: its SHA-256 is not that of the manifest",
            entry.path
        ))
    }
}

fn damaged(error: &io::Error) -> String {
    format!("it is damaged, or no backup: {error}")
}
