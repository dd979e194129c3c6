//! The marker by which a client shows that it has the certificate's key: OpenSSL encrypts it.

use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::super::judge::{Judge, Place, run};

/// A text, encrypted to a certificate (DER, Base64): Base64 of the message, and the certificate's thumbprint in Base64.
pub(super) fn encrypted(judge: &Judge, certificate: &str, text: &str) -> Result<(String, String), String> {
    let failed = |error: std::io::Error| format!("openssl: {error}");
    let der = STANDARD
        .decode(certificate)
        .map_err(|_| "the certificate is no Base64")?;
    let place = Place::make(&judge.directory).map_err(failed)?;
    let (own, pem) = (place.path("der"), place.path("pem"));
    std::fs::write(&own, &der).map_err(failed)?;
    let told = openssl(
        &["x509", "-inform", "DER", "-in"],
        &own,
        &["-out"],
        Some(&pem),
        b"",
    )?;
    drop(told);
    let text_form = openssl(&["x509", "-noout", "-text", "-in"], &pem, &[], None, b"")?;
    // Keys of GOST take ciphers of GOST only.
    let gost = String::from_utf8_lossy(&text_form).contains("GOST R 34.10");
    let cipher = if gost { "-gost89" } else { "-aes-256-cbc" };
    let begin = [
        "cms", "-encrypt", "-engine", "gost", "-binary", "-outform", "DER", cipher, "-recip",
    ];
    let message = openssl(&begin, &pem, &[], None, text.as_bytes())?;
    let print = openssl(
        &["x509", "-noout", "-fingerprint", "-sha1", "-in"],
        &pem,
        &[],
        None,
        b"",
    )?;
    let print = String::from_utf8_lossy(&print);
    let digits = print.split('=').nth(1).unwrap_or_default().trim().split(':');
    let bytes: Vec<u8> = digits
        .filter_map(|byte| u8::from_str_radix(byte, 16).ok())
        .collect();
    Ok((STANDARD.encode(message), STANDARD.encode(bytes)))
}

fn openssl(
    begin: &[&str],
    file: &Path,
    more: &[&str],
    last: Option<&Path>,
    input: &[u8],
) -> Result<Vec<u8>, String> {
    let mut command = Command::new("openssl");
    command.args(begin).arg(file).args(more).args(last);
    let output = run(&mut command, input).map_err(|error| format!("openssl: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(String::from_utf8_lossy(&output.stderr)
        .chars()
        .take(400)
        .collect())
}
