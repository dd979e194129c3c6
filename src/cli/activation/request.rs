//! A request on its way to a centre without a network: in a file, as a QR code.

use std::io::{self, Write};
use std::path::Path;

use crate::files;

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
            // For its owner alone, for the activation code is in it.
            let written = files::replace(file, format!("{text}\n").as_bytes(), 0o600);
            written.map_err(|error| Failure::of(format!("{}: {error}", file.display())))?;
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
