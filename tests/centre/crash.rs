//! SIGKILL at random moments while licences are given and codes are issued: nothing that was said is lost, no code is
//! used twice.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use keynode::activation::Action;
use keynode::activation::centre::{ActivationFilter, Books, CodeFilter};
use keynode::licence::ActivationCode;
use serde_json::{Value, json};

use crate::child;
use crate::random::Random;
use crate::world::{Node, make, vendor};

const KILLS: u64 = 20;
/// Codes that are asked for before a kill, at most.
const MOST: u32 = 8;
/// Nodes that want each code.
const RIVALS: u64 = 2;
const PATIENCE: Duration = Duration::from_mins(1);

/// A process that serves the centre.
struct Server {
    process: Child,
    input: ChildStdin,
    lines: Receiver<Value>,
}

impl Server {
    /// Starts it, and waits until it serves.
    fn start(dir: &Path) -> Self {
        let mut process = child::command(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let output = BufReader::new(process.stdout.take().unwrap());
        std::thread::spawn(move || read(output, &sender));
        let input = process.stdin.take().unwrap();
        let server = Self {
            process,
            input,
            lines,
        };
        let first = server.lines.recv_timeout(PATIENCE).unwrap();
        assert_eq!(first, json!({ "Serves": true }));
        server
    }

    fn send(&mut self, id: usize, request: &str) {
        let line = json!({ "Id": id, "Request": request });
        // It may have been killed.
        let _ = writeln!(self.input, "{line}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Passes on the lines that came whole.
fn read(mut output: impl BufRead, sender: &Sender<Value>) {
    let mut line = String::new();
    while output.read_line(&mut line).is_ok_and(|read| read > 0) {
        if line.ends_with('\n')
            && let Some(text) = line.strip_prefix(child::MARK)
        {
            let _ = sender.send(serde_json::from_str(text).unwrap());
        }
        line.clear();
    }
}

/// A request, and what is known of it.
struct Sent {
    code: ActivationCode,
    text: String,
    /// The licence that came, or that another has it.
    said: Option<Result<String, String>>,
}

/// What was said so far.
#[derive(Default)]
struct Known {
    sent: Vec<Sent>,
    issued: HashSet<String>,
    /// Codes that nobody has asked for yet.
    fresh: Vec<ActivationCode>,
}

impl Known {
    fn hear(&mut self, line: &Value, seed: u64) {
        if let Some(codes) = line["Issued"].as_array() {
            for code in codes.iter().map(|code| code.as_str().unwrap()) {
                assert!(
                    self.issued.insert(code.into()),
                    "seed {seed}: {code} was issued twice"
                );
                self.fresh.push(ActivationCode::parse(code).unwrap());
            }
            return;
        }
        let sent = &mut self.sent[usize::try_from(line["Id"].as_u64().unwrap()).unwrap()];
        let said = match (line["Licence"].as_str(), line["Refusal"].as_str()) {
            (Some(file), _) => Ok(file.to_owned()),
            (None, refusal) => Err(refusal.unwrap().to_owned()),
        };
        assert!(
            said.as_ref().err().is_none_or(|why| why == "EActivationCodeUsed"),
            "seed {seed}: {said:?}"
        );
        let before = sent.said.get_or_insert_with(|| said.clone());
        assert_eq!(*before, said, "seed {seed}: said otherwise before");
    }

    /// Two nodes ask for a code that nobody has asked for.
    fn ask(&mut self, random: &mut Random, server: &mut Server) {
        if self.fresh.is_empty() {
            return;
        }
        let pick = usize::try_from(random.below(self.fresh.len() as u64)).unwrap();
        let code = self.fresh.swap_remove(pick);
        for _ in 0..RIVALS {
            let text = Node::new().sealed(Action::Activate, &code);
            server.send(self.sent.len(), &text);
            self.sent.push(Sent {
                code: code.clone(),
                text,
                said: None,
            });
        }
    }

    /// Repeats all that was asked, and waits for what is said.
    fn repeat(&mut self, server: &mut Server, seed: u64) {
        for (id, sent) in self.sent.iter().enumerate() {
            server.send(id, &sent.text);
        }
        let mut missing = self.sent.len();
        while missing > 0 {
            let line = server.lines.recv_timeout(PATIENCE).unwrap();
            missing -= usize::from(line["Id"].is_u64());
            self.hear(&line, seed);
        }
    }
}

#[test]
fn what_was_said_survives_sigkill() {
    let (mut random, seed) = Random::seeded();
    let dir = tempfile::tempdir().unwrap();
    drop(make(dir.path()));
    let mut known = Known::default();
    for _ in 0..KILLS {
        let mut server = Server::start(dir.path());
        known.repeat(&mut server, seed);
        let until = Instant::now() + Duration::from_millis(5 + random.below(120));
        let mut codes = 0;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            if codes < MOST {
                codes += 1;
                known.ask(&mut random, &mut server);
            }
            match server.lines.recv_timeout(left) {
                Ok(line) => known.hear(&line, seed),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => panic!("seed {seed}: it ended by itself"),
            }
        }
        server.process.kill().unwrap();
        server.process.wait().unwrap();
        // What it said before it was killed is read to its end.
        while let Ok(line) = server.lines.recv() {
            known.hear(&line, seed);
        }
    }
    let mut server = Server::start(dir.path());
    known.repeat(&mut server, seed);
    drop(server);
    settle(dir.path(), &known, seed);
}

/// Holds what the books say against what is known.
fn settle(dir: &Path, known: &Known, seed: u64) {
    let mut holders: HashMap<&str, usize> = HashMap::new();
    for sent in &known.sent {
        *holders.entry(sent.code.as_str()).or_default() += usize::from(matches!(sent.said, Some(Ok(_))));
    }
    assert!(
        holders.len() > 5,
        "seed {seed}: {} codes only: this was no load",
        holders.len()
    );
    assert!(
        holders.values().all(|holders| *holders == 1),
        "seed {seed}: {holders:?}"
    );

    let mut books = Books::open(dir).unwrap();
    let current = books.activations(&ActivationFilter {
        current: true,
        ..ActivationFilter::default()
    });
    assert_eq!(current.unwrap().len(), holders.len(), "seed {seed}");
    let batches = books.batches().unwrap();
    let interrupted = batches.iter().filter(|batch| batch.issued < batch.count);
    let continued = interrupted.clone().take(2);
    for batch in continued {
        let whole = books.resume(batch.number, &vendor(), |_, _| true).unwrap();
        assert_eq!(whole.issued, batch.count, "seed {seed}");
    }
    let mut exported = HashSet::new();
    let export = books.export(&CodeFilter::default(), vendor().time, |row| {
        assert!(exported.insert(row.code.as_str().to_owned()), "seed {seed}");
        true
    });
    export.unwrap();
    let counted: u64 = books.batches().unwrap().iter().map(|batch| batch.issued).sum();
    assert_eq!(exported.len() as u64, counted, "seed {seed}");
    assert!(known.issued.is_subset(&exported), "seed {seed}: a code is lost");
    books.audit(|_| ()).unwrap();
    println!(
        "{} licences, {} codes of {} batches, of which {} were interrupted",
        holders.len(),
        exported.len(),
        batches.len(),
        interrupted.count()
    );
}
