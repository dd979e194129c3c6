//! CAdES-BES with an RSA-2048 key on SoftHSM2, beside SoftHSM2's own signature, in turns.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cryptoki::mechanism::Mechanism;
use keynode::clock::SystemClock;
use keynode::cms::{Profile, Thumbprint};
use keynode::tokens::{CertificatesHandle, ToSign, TokenRules, TokensHandle, Workers};

use super::cores::Cores;
use super::hsm::softhsm::{MODULE, SoftHsm};
use super::own_key::open;
use super::report::Row;
use super::{Effort, Outcome, median};

/// The flag of the process that measures: SoftHSM2 reads its settings from its environment.
pub(crate) const INSIDE: &str = "--cades-with-softhsm";

/// Label of the token.
const LABEL: &str = "node";

/// Of SoftHSM2's own signature.
const TARGET: f64 = 1.3;

/// Pairs that are measured in a round.
const PAIRS: usize = 200;

pub(crate) fn measure(effort: &Effort, _: &Cores) -> Outcome<Vec<Row>> {
    let hsm = SoftHsm::new(&[LABEL]);
    let at = |name: &str| hsm.path().join(name);
    let openssl = |arguments: &[&str]| -> Outcome<()> {
        let made = Command::new("openssl")
            .args(arguments)
            .current_dir(hsm.path())
            .output()?;
        if made.status.success() {
            return Ok(());
        }
        Err(String::from_utf8_lossy(&made.stderr).into_owned().into())
    };
    openssl(&[
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "30",
        "-subj",
        "/CN=Bench",
        "-keyout",
        "key.pem",
        "-out",
        "certificate.pem",
    ])?;
    openssl(&[
        "x509",
        "-in",
        "certificate.pem",
        "-outform",
        "DER",
        "-out",
        "certificate.der",
    ])?;
    hsm.import_key(LABEL, &at("key.pem"), 1, "key");
    hsm.import_certificate(LABEL, &at("certificate.der"), 1, "certificate");
    let output = Command::new(std::env::current_exe()?)
        .args(["--bench", INSIDE, &(PAIRS * effort.rounds).to_string()])
        .env("SOFTHSM2_CONF", hsm.conf())
        .stderr(Stdio::inherit())
        .output()?;
    let told = String::from_utf8(output.stdout)?;
    let mut figures = told.split_whitespace().map(str::parse::<f64>);
    let (Some(Ok(own)), Some(Ok(whole)), Some(Ok(ratio))) = (figures.next(), figures.next(), figures.next())
    else {
        return Err("CAdES could not be measured".into());
    };
    Ok(vec![Row {
        measure: "CAdES-BES on an RSA-2048 token key, beside the token's own signature".into(),
        target: format!("at most {TARGET:.1} times"),
        value: format!("{ratio:.2} times"),
        held: ratio <= TARGET,
        detail: format!("{whole:.0} us beside {own:.0} us of C_Sign; medians of pairs"),
    }])
}

/// Measures here so many pairs; prints microseconds of `C_Sign` and of CAdES-BES, and the median of their ratios.
pub(crate) fn inside(pairs: &str) -> Outcome<()> {
    let pairs: usize = pairs.parse()?;
    let conf = std::env::var("SOFTHSM2_CONF")?;
    let directory = Path::new(&conf).parent().ok_or("no directory")?;
    let thumbprint = Thumbprint::of(&fs::read(directory.join("certificate.der"))?);
    let rules = TokenRules {
        name: "hsm".into(),
        module: MODULE.into(),
        label: Some(LABEL.into()),
        serial: None,
        pin: Some(directory.join("pin")),
        environment: [("SOFTHSM2_CONF".to_owned(), conf.clone())].into(),
        sessions: 4,
        timeout: Duration::from_secs(10),
        probe: Duration::from_secs(1),
    };
    let workers = Workers {
        program: env!("CARGO_BIN_EXE_keynode").into(),
        state_dir: None,
    };
    let tokens = TokensHandle::start(vec![rules], workers);
    tokens.rescan();
    let certificates = CertificatesHandle::start(Vec::new(), tokens.clone());
    let (session, key) = open()?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let what = ToSign {
        content: b"GNUFBAZBMPIUUMLXNMIOGSHTGFXZMT",
        profile: Profile::CadesBes,
        detached: false,
        chain: false,
    };
    let now = SystemClock::shared().now().wall.plus(60_000);
    let mut measured = Vec::with_capacity(pairs);
    for _ in 0..pairs {
        let start = Instant::now();
        session.sign(&Mechanism::RsaPkcs, key, &[0x30; 51])?;
        let own = start.elapsed();
        let start = Instant::now();
        runtime.block_on(certificates.sign_cms(thumbprint, what, now))?;
        measured.push((own.as_secs_f64() * 1e6, start.elapsed().as_secs_f64() * 1e6));
    }
    tokens.stop();
    let own = median(measured.iter().map(|(own, _)| *own));
    let whole = median(measured.iter().map(|(_, whole)| *whole));
    let ratio = median(measured.iter().map(|(own, whole)| whole / own));
    println!("{own} {whole} {ratio}");
    Ok(())
}
