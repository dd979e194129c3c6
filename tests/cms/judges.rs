//! What others say of a message.

use std::ffi::OsStr;
use std::path::Path;

use super::keys::{Identity, must, run};

/// A message to be judged.
pub(crate) struct Case<'a> {
    pub(crate) identity: &'a Identity,
    /// File with the message, DER.
    pub(crate) message: &'a Path,
    /// File with the content, where the message does not have it.
    pub(crate) content: Option<&'a Path>,
    /// It is CAdES-BES.
    pub(crate) cades: bool,
}

/// Whether `openssl cms -verify` takes it, and the content that it found.
pub(crate) fn openssl(case: &Case<'_>) -> Option<Vec<u8>> {
    let authority = case.identity.path("authority.pem");
    let out = case.message.with_extension("out");
    let mut arguments: Vec<&dyn AsRef<OsStr>> = vec![
        &"cms",
        &"-engine",
        &"gost",
        &"-verify",
        &"-binary",
        &"-inform",
        &"DER",
        &"-in",
        &case.message,
        &"-CAfile",
        &authority,
        &"-out",
        &out,
    ];
    if let Some(content) = &case.content {
        arguments.extend([&"-content" as &dyn AsRef<OsStr>, content]);
    }
    if case.cades {
        arguments.push(&"-cades");
    }
    let output = run("openssl", &arguments);
    output.status.success().then(|| std::fs::read(&out).unwrap())
}

/// Whether `certtool --p7-verify` takes it: it says so in its text, and never in its exit code. Version 3.7.9 does not
/// know the curve `paramSetA` of 256 bits.
pub(crate) fn gnutls(case: &Case<'_>) -> bool {
    let authority = case.identity.path("authority.pem");
    let mut arguments: Vec<&dyn AsRef<OsStr>> = vec![
        &"--p7-verify",
        &"--inder",
        &"--infile",
        &case.message,
        &"--load-ca-certificate",
        &authority,
    ];
    if let Some(content) = &case.content {
        arguments.extend([&"--load-data" as &dyn AsRef<OsStr>, content]);
    }
    let output = run("certtool", &arguments);
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let (good, bad) = (
        text.contains("Signature status: ok"),
        text.contains("verification failed"),
    );
    assert!(good != bad, "certtool says neither: {text}");
    good
}

/// What BouncyCastle says, a line for each case: the JVM starts once for all. Version 1.72 does not know the curve
/// `paramSetB` of 256 bits, which is CryptoPro's A under another name.
pub(crate) fn bouncy_castle(cases: &[Case<'_>]) -> Vec<String> {
    const LIBRARIES: &str =
        "/usr/share/java/bcprov.jar:/usr/share/java/bcpkix.jar:/usr/share/java/bcutil.jar";
    let mut arguments: Vec<String> = vec!["-cp".into(), LIBRARIES.into(), "tests/cms/Judge.java".into()];
    for case in cases {
        arguments.push(case.message.to_str().unwrap().to_owned());
        arguments.push(case.content.map_or("-", |path| path.to_str().unwrap()).to_owned());
    }
    let arguments: Vec<&dyn AsRef<OsStr>> = arguments.iter().map(|text| text as &dyn AsRef<OsStr>).collect();
    let output = must("java", &arguments);
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}
