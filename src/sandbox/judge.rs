//! The judge: an OpenSSL process says whether a signature holds, over which content, and whose certificate it is.

use std::fs::DirBuilder;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Accepts signatures of certificates that this authority has issued.
#[derive(Clone, Debug)]
pub struct Judge {
    /// Certificates (PEM) that are trusted.
    pub authority: PathBuf,
    /// Where files are made for the process; one for each question, removed after it.
    pub directory: PathBuf,
}

/// A signature that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What was signed.
    pub content: Vec<u8>,
    /// The ITN in the signer's certificate.
    pub itn: Option<String>,
}

impl Judge {
    /// Whether this CMS message holds: over `content` where that lies beside it, over its own content otherwise.
    ///
    /// # Errors
    /// Why not, as OpenSSL says it.
    pub fn verify(&self, message: &[u8], content: Option<&[u8]>) -> Result<Verdict, String> {
        let failed = |error: io::Error| format!("openssl: {error}");
        let place = Place::make(&self.directory).map_err(failed)?;
        let (message_file, signer) = (place.path("message"), place.path("signer"));
        std::fs::write(&message_file, message).map_err(failed)?;
        let mut command = Command::new("openssl");
        command.args([
            "cms", "-verify", "-engine", "gost", "-cades", "-binary", "-inform", "DER",
        ]);
        command.args(["-purpose", "any", "-CAfile"]).arg(&self.authority);
        command.arg("-in").arg(&message_file).arg("-signer").arg(&signer);
        if let Some(content) = content {
            let file = place.path("content");
            std::fs::write(&file, content).map_err(failed)?;
            command.arg("-content").arg(file);
        }
        let told = run(&mut command, &[]).map_err(failed)?;
        if !told.status.success() {
            return Err(words(&told.stderr));
        }
        let mut command = Command::new("openssl");
        command.args([
            "x509",
            "-noout",
            "-subject",
            "-nameopt",
            // Types by their numbers: not all versions know the same names.
            "multiline,utf8,-esc_msb,oid",
            "-in",
        ]);
        let subject = run(command.arg(&signer), &[]).map_err(failed)?;
        Ok(Verdict {
            content: told.stdout,
            itn: itn(&String::from_utf8_lossy(&subject.stdout)),
        })
    }

    /// Whether the message carries its own content.
    ///
    /// # Errors
    /// What OpenSSL says where it is no CMS.
    pub fn is_attached(&self, message: &[u8]) -> Result<bool, String> {
        let mut command = Command::new("openssl");
        command.args(["cms", "-cmsout", "-print", "-noout", "-inform", "DER"]);
        let told = run(&mut command, message).map_err(|error| format!("openssl: {error}"))?;
        if !told.status.success() {
            return Err(words(&told.stderr));
        }
        let text = String::from_utf8_lossy(&told.stdout);
        Ok(!text.contains("eContent: <ABSENT>"))
    }
}

/// The ITN of a company (INNLE), whose number stands beside that of its person in newer certificates.
const COMPANY: &str = "1.2.643.100.4";

/// The ITN of a person, or in older certificates a company's, with zeros in front (INN).
const PERSON: &str = "1.2.643.3.131.1.1";

/// The ITN in a subject, without the zeros that fill it up: a company's has ten digits, a person's twelve.
fn itn(subject: &str) -> Option<String> {
    let value = |kind: &str| {
        let mut fields = subject.lines().filter_map(|line| line.split_once('='));
        let found = fields.find(|(own, _)| own.trim() == kind);
        found.map(|(_, value)| value.trim())
    };
    let value = value(COMPANY).or_else(|| value(PERSON))?;
    let filled = value.strip_prefix("00").filter(|rest| rest.len() == 10);
    Some(filled.unwrap_or(value).to_owned())
}

fn words(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let told = text
        .lines()
        .filter(|line| !line.starts_with("engine ") && !line.starts_with("Engine "));
    told.collect::<Vec<_>>().join("; ").chars().take(400).collect()
}

/// Runs a command that reads `input`.
pub(super) fn run(command: &mut Command, input: &[u8]) -> io::Result<Output> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let mut stdin = child.stdin.take().ok_or_else(|| io::Error::other("no way in"))?;
    let input = input.to_vec();
    let writing = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output();
    let _ = writing.join();
    output
}

/// A directory for one question.
pub(super) struct Place(PathBuf);

impl Place {
    pub(super) fn make(directory: &Path) -> io::Result<Self> {
        let own = directory.join(format!("question-{}", uuid::Uuid::new_v4().simple()));
        DirBuilder::new().mode(0o700).create(&own)?;
        Ok(Self(own))
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
