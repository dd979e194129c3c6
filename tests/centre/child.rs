//! The process that the crash test kills: it serves what comes by its standard input, and issues codes all the while.

use std::io::{BufRead, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::Command;

use keynode::activation::centre::{Answer, Books, Centre, IssuedCode, VENDOR_KEY, VendorSigner};
use keynode::activation::open_request;
use keynode::clock::SystemClock;
use serde_json::{Value, json};

use crate::world::{order, vendor};

/// Where its centre is.
const DIR: &str = "KEYNODE_TEST_CENTRE";

/// What its own lines begin with.
pub(crate) const MARK: &str = "child ";

/// This program again, as the process that serves.
pub(crate) fn command(dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "child::serves", "--ignored", "--nocapture"])
        .env(DIR, dir);
    command
}

/// One write for a line: it goes out whole.
fn say(line: &Value) {
    let text = format!("\n{MARK}{line}\n");
    std::io::stdout().write_all(text.as_bytes()).unwrap();
}

#[test]
#[ignore = "the crash test starts it"]
fn serves() {
    let Some(dir) = std::env::var_os(DIR).map(PathBuf::from) else {
        return;
    };
    let signer = VendorSigner::from_file(&dir.join(VENDOR_KEY)).unwrap();
    let (centre, _thread) = Centre::start(&dir, signer, SystemClock::shared()).unwrap();
    let (sender, mut requests) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            sender.send(line.unwrap()).unwrap();
        }
        // Whoever started it is gone.
        std::process::exit(0);
    });
    say(&json!({ "Serves": true }));
    std::thread::spawn(move || issue(&dir));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async move {
        while let Some(line) = requests.recv().await {
            tokio::spawn(answer(centre.clone(), line));
        }
    });
}

async fn answer(centre: Centre, line: String) {
    let line: Value = serde_json::from_str(&line).unwrap();
    let (request, key) = open_request(line["Request"].as_str().unwrap().as_bytes()).unwrap();
    let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let id = &line["Id"];
    say(&match centre.answer(request, key, peer).await {
        Ok(Answer::Licence { file, .. }) => json!({ "Id": id, "Licence": file }),
        Ok(other) => panic!("{other:?}"),
        Err(refusal) => json!({ "Id": id, "Refusal": refusal.exception() }),
    });
}

/// Small batches, and some that take several transactions.
fn issue(dir: &Path) {
    let mut books = Books::open(dir).unwrap();
    let visit = |_: &_, part: &[IssuedCode]| {
        let codes: Vec<&str> = part.iter().map(|issued| issued.code.as_str()).collect();
        say(&json!({ "Issued": codes }));
        true
    };
    for count in [40, 12_000, 40, 40, 11_000] {
        books.issue(&order(count), &vendor(), visit).unwrap();
    }
}
