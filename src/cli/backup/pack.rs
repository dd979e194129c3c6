//! Writes a backup: a tar of plain files, gzipped, the manifest first.

use std::fs::File;
use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

use super::manifest::{Manifest, NAME};
use super::progress;
use super::stage::Staged;

pub(super) fn write(staged: &Staged, to: impl Write) -> io::Result<()> {
    let manifest = &staged.manifest;
    let text = serde_json::to_vec_pretty(manifest)?;
    let mut tar = Builder::new(GzEncoder::new(to, Compression::fast()));
    append(&mut tar, manifest, NAME, text.len() as u64, 0o600, &text[..])?;
    let bar = progress::bytes("backup");
    bar.set_length(manifest.bytes().unwrap_or(0));
    for (index, entry) in manifest.files.iter().enumerate() {
        // Not a byte more than what was hashed.
        let copy = File::open(staged.copy(index))?.take(entry.size);
        append(
            &mut tar,
            manifest,
            &entry.path,
            entry.size,
            entry.mode,
            bar.wrap_read(copy),
        )?;
    }
    bar.finish_and_clear();
    tar.into_inner()?.finish()?.flush()
}

fn append(
    tar: &mut Builder<impl Write>,
    manifest: &Manifest,
    path: &str,
    size: u64,
    mode: u32,
    from: impl Read,
) -> io::Result<()> {
    // The plain format has one head for a file, and nothing in it that a reader would have to expand.
    let mut header = Header::new_ustar();
    header.set_path(path)?;
    header.set_entry_type(EntryType::Regular);
    header.set_size(size);
    header.set_mode(mode);
    header.set_mtime(u64::try_from(manifest.time.millis() / 1000).unwrap_or(0));
    header.set_cksum();
    tar.append(&header, from)
}
