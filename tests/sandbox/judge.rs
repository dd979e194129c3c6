//! The judge, OpenSSL: which signatures it accepts, of whom, and that it leaves nothing behind.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use keynode::cms::Certificate;
use keynode::sandbox::Judge;
use tempfile::TempDir;

use crate::keys::{certificate, fixture};

const CONTENT: &[u8] = b"GNUFBAZBMPIUUMLXNMIOGSHTGFXZMT\r\n\0\xff";

/// A judge who trusts the authorities of the fixtures.
fn judge() -> (Judge, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let judge = Judge {
        authority: fixture("authorities.pem"),
        directory: directory.path().to_owned(),
    };
    (judge, directory)
}

/// What `openssl` signs with a certificate of the fixtures and this key.
fn sign(name: &str, key: &str, detached: bool, cades: bool) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let (content, out) = (directory.path().join("content"), directory.path().join("out"));
    fs::write(&content, CONTENT).unwrap();
    let digest = match name {
        "gost" => "md_gost12_256",
        "gost512" => "md_gost12_512",
        _ => "sha256",
    };
    let mut command = Command::new("openssl");
    command.args([
        "cms", "-sign", "-engine", "gost", "-binary", "-outform", "DER", "-md", digest,
    ]);
    command
        .args(cades.then_some("-cades"))
        .args((!detached).then_some("-nodetach"));
    command.arg("-signer").arg(fixture(&format!("{name}.pem")));
    command.arg("-inkey").arg(fixture(&format!("{key}.key")));
    let done = command
        .arg("-in")
        .arg(content)
        .arg("-out")
        .arg(&out)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    fs::read(out).unwrap()
}

#[test]
fn every_kind_of_key_is_accepted_attached_and_detached() {
    let (judge, directory) = judge();
    for name in ["rsa", "gost", "gost512"] {
        for detached in [false, true] {
            let message = sign(name, name, detached, true);
            assert_eq!(judge.is_attached(&message).unwrap(), !detached);
            let verdict = judge.verify(&message, detached.then_some(CONTENT)).unwrap();
            assert_eq!(verdict.content, CONTENT, "{name}");
            assert_eq!(verdict.itn.as_deref(), Some("7707083893"), "{name}");
        }
    }
    let left = fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(left, 0, "files of questions that were answered");
}

#[test]
fn what_was_altered_is_refused() {
    let (judge, directory) = judge();
    for name in ["rsa", "gost"] {
        let detached = sign(name, name, true, true);
        judge.verify(&detached, Some(b"another")).unwrap_err();
        // Without its content there is nothing to verify.
        judge.verify(&detached, None).unwrap_err();
        let mut attached = sign(name, name, false, true);
        let at = attached
            .windows(CONTENT.len())
            .position(|part| part == CONTENT)
            .unwrap();
        attached[at] ^= 1;
        let why = judge.verify(&attached, None).unwrap_err();
        assert!(why.contains("erification failure"), "{why}");
        let mut signature = sign(name, name, false, true);
        *signature.last_mut().unwrap() ^= 1;
        judge.verify(&signature, None).unwrap_err();
    }
    for garbage in [&b""[..], b"0", b"MIIB", &[0x30, 0x80]] {
        judge.verify(garbage, None).unwrap_err();
        judge.is_attached(garbage).unwrap_err();
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn an_attached_message_is_not_taken_for_a_signature_of_other_content() {
    let (judge, _directory) = judge();
    let attached = sign("rsa", "rsa", false, true);
    let verdict = judge.verify(&attached, Some(b"another"));
    assert!(verdict.is_err(), "{verdict:?}");
}

#[test]
fn who_is_not_trusted_or_not_valid_is_refused() {
    let (judge, _directory) = judge();
    let foreign = judge
        .verify(&sign("stranger", "stranger", false, true), None)
        .unwrap_err();
    assert!(foreign.contains("certificate verify error"), "{foreign}");
    let expired = judge
        .verify(&sign("expired", "rsa", false, true), None)
        .unwrap_err();
    assert!(expired.contains("expired"), "{expired}");
    // CAdES-BES is due: a plain signature does not say with which certificate it was made.
    judge.verify(&sign("rsa", "rsa", false, false), None).unwrap_err();
    let nobody_trusted = Judge {
        authority: fixture("stranger.pem"),
        ..judge.clone()
    };
    nobody_trusted
        .verify(&sign("rsa", "rsa", false, true), None)
        .unwrap_err();
}

#[test]
fn it_finds_the_itn_that_the_node_finds() {
    let (judge, _directory) = judge();
    for (name, itn) in [
        ("rsa", Some("7707083893")),
        ("both", Some("7707083893")),
        ("person", Some("500100732259")),
        ("nobody", None),
    ] {
        let verdict = judge.verify(&sign(name, "rsa", false, true), None).unwrap();
        assert_eq!(verdict.itn.as_deref(), itn, "{name}");
        let own = Certificate::read(&certificate(name)).unwrap();
        assert_eq!(own.itn.as_deref(), itn, "{name}");
    }
}

#[test]
fn many_questions_at_once_do_not_disturb_each_other_and_are_private() {
    let (judge, directory) = judge();
    let messages = ["rsa", "gost"].map(|name| (name, sign(name, name, true, true)));
    std::thread::scope(|scope| {
        for (name, message) in &messages {
            for content in [CONTENT, b"another"] {
                let judge = &judge;
                scope.spawn(move || {
                    let good = judge.verify(message, Some(content)).is_ok();
                    assert_eq!(good, content == CONTENT, "{name}");
                });
            }
        }
        for _ in 0..50 {
            for entry in fs::read_dir(directory.path()).unwrap() {
                // It may be gone already.
                if let Ok(about) = entry.unwrap().metadata() {
                    assert_eq!(about.mode() & 0o777, 0o700);
                }
            }
        }
    });
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}
