//! Rows for people, and files of codes for nobody else.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::licence::Timestamp;

use super::super::failure::Failure;
use super::super::table::Cell;

/// Writes rows as one JSON array.
pub(super) fn json(rows: impl Iterator<Item = Value>, out: &mut impl Write) -> Result<(), Failure> {
    writeln!(out, "{}", Value::from(rows.collect::<Vec<_>>()))?;
    Ok(())
}

/// The minute of a moment, for tables.
pub(super) fn minute(moment: Timestamp) -> Cell {
    begin(&moment.to_string(), 16)
}

/// The day of a moment, for tables.
pub(super) fn day(moment: Option<Timestamp>) -> Cell {
    begin(&moment.map(|moment| moment.to_string()).unwrap_or_default(), 10)
}

fn begin(text: &str, characters: usize) -> Cell {
    Cell::new(&text.chars().take(characters).collect::<String>())
}

/// A CSV file that is written.
pub(super) struct CsvFile {
    writer: csv::Writer<Sink>,
    path: PathBuf,
}

/// A new file, or standard output.
enum Sink {
    File(File),
    Out(io::Stdout),
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Out(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Out(out) => out.flush(),
        }
    }
}

impl CsvFile {
    /// Begins a file that only its owner may read, for codes are worth money; "-" is standard output. What is there is
    /// not overwritten.
    pub(super) fn create(path: &Path, columns: &[&str]) -> Result<Self, Failure> {
        let sink = if path == Path::new("-") {
            Sink::Out(io::stdout())
        } else {
            let file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path);
            Sink::File(file.map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => Failure::Failed(format!(
                    "{}: there is such a file already, and it is left as it is: name another",
                    path.display()
                )),
                _ => Failure::of(format!("{}: {error}", path.display())),
            })?)
        };
        let mut own = Self {
            writer: csv::Writer::from_writer(sink),
            path: path.into(),
        };
        own.write(columns)?;
        Ok(own)
    }

    pub(super) fn write<T: AsRef<[u8]>>(&mut self, row: impl IntoIterator<Item = T>) -> io::Result<()> {
        self.writer.write_record(row).map_err(io::Error::from)
    }

    /// Removes the file, for there is nothing to be in it.
    pub(super) fn discard(self) {
        if let Sink::File(_) = self.writer.get_ref() {
            // It has but its heading: if it stays, nothing is lost.
            let _ = std::fs::remove_file(&self.path);
        }
    }

    /// Brings what was written to the disk.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.writer.flush()?;
        match self.writer.get_ref() {
            // What is no file, such as a pipe with a name, cannot be synced.
            Sink::File(file) => match file.sync_all() {
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
                synced => synced,
            },
            Sink::Out(_) => Ok(()),
        }
    }
}
