//! A request on its way to a centre without a network: in a file, as a QR code.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::super::failure::Failure;
use super::super::qr::print_qr;

/// Writes it where it is wanted, and says what comes next.
pub(super) fn hand_out(
    text: &str,
    file: Option<&Path>,
    qr: bool,
    out: &mut impl Write,
) -> Result<(), Failure> {
    match file {
        Some(file) if file.as_os_str() == "-" => writeln!(out, "{text}")?,
        Some(file) => {
            write_private(file, text).map_err(|error| Failure::of(format!("{}: {error}", file.display())))?;
            writeln!(out, "the request is in {}", file.display())?;
        }
        None => (),
    }
    if qr {
        print_qr(text, out)?;
    }
    // What stands on standard output may be read by a program.
    let _ = writeln!(
        io::stderr(),
        "next: have the vendor answer it (the page of its centre, or `keynode centre fulfil`), then here: keynode \
         licence add ANSWER"
    );
    Ok(())
}

/// Whole or not at all; for its owner alone, for the activation code is in it.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let mut file = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&part)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    fs::rename(part, path)
}
