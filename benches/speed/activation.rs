//! The vendor's centre: activations per second beside its key's signatures on the same core, and what many codes cost.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aws_lc_rs::rsa::KeySize;
use keynode::activation::centre::{Books, IssueOrder, Product, Series, VENDOR_KEY};
use keynode::activation::{
    Action, LicenceAnswer, NodeIdentity, Nonce, REQUEST_VERSION, Request, seal_request,
};
use keynode::clock::SystemClock;
use keynode::licence::binding::{Component, ComponentKind};
use keynode::licence::{ActivationCode, Itn, KeyId, VendorKey, VendorKeys, open};
use keynode::signing::{Message, Signer, SoftwareKey};
use keynode::store::Author;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::cores::Cores;
use super::http::{Answer, Client};
use super::load::{CLIENTS, Load, Tally};
use super::node::processor_time;
use super::openssl::{Signing, while_busy};
use super::report::Row;
use super::throughput::{Goal, Round, mean};
use super::{Effort, Outcome, median};

const SERIES: &str = "672B";
/// The flag of the process that signs, and does nothing else.
pub(crate) const ALONE: &str = "--sign-with-rsa3072-alone";

/// Codes for one round: more than any core here signs in it.
const CODES: u64 = 5_000;

/// Codes of the small centre.
const FEW: u64 = 1_000;

/// Activations in each centre, of which the median counts.
const PAIRS: usize = 300;

/// Of the cost of an activation among a thousand codes.
const GROWTH: f64 = 1.2;

/// For a million codes.
const ISSUING: Duration = Duration::from_mins(1);

pub(crate) fn measure(effort: &Effort, cores: &Cores) -> Outcome<Vec<Row>> {
    let mut rows = vec![activations(effort, cores)?];
    rows.extend(many_codes(effort, cores)?);
    Ok(rows)
}

fn activations(effort: &Effort, cores: &Cores) -> Outcome<Row> {
    let vendor = Centre::new()?;
    let nodes = Nodes::new()?;
    let centre = vendor.serve(&cores.server)?;
    let mut rounds = Vec::new();
    let mut before = vendor.signing(&cores.server, effort.length)?;
    for _ in 0..effort.rounds {
        let issued = vendor.issue(CODES)?;
        let requests: Vec<Vec<u8>> = issued
            .iter()
            .enumerate()
            .map(|(number, code)| nodes.request(number, code))
            .collect::<Outcome<_>>()?;
        let request = |_: usize, number: u64, out: &mut Vec<u8>| {
            let place = usize::try_from(number).unwrap_or_default();
            out.extend_from_slice(&requests[place % requests.len()]);
        };
        let load = Load {
            address: centre.address,
            process: centre.child.id(),
            length: effort.length,
            most: u64::MAX,
            request: &request,
        };
        let tally = load.run()?;
        vendor.check(&tally)?;
        let after = vendor.signing(&cores.server, effort.length)?;
        let round = Round {
            tally,
            openssl: mean(before, after),
        };
        before = after;
        eprintln!("   activations: {}", round.describe());
        rounds.push(round);
    }
    let goal = Goal {
        name: "activations, each durable, 64 nodes, RSA-3072 vendor key",
        than: "that key's own signatures on the same core",
        target: 0.80,
        slowest: None,
    };
    Ok(goal.row(&rounds))
}

/// Signs for a second or so with the key in a file; prints signatures per second, of the wall's clock and of processor time.
pub(crate) fn alone(key: &str) -> Outcome<()> {
    let seconds = std::env::args()
        .skip_while(|argument| argument != ALONE)
        .nth(1)
        .ok_or("no time")?;
    let length = Duration::from_secs(seconds.parse()?);
    let key = SoftwareKey::read(Path::new(key))?;
    let body = [b'x'; 1500];
    let message = Message {
        query_id: b"",
        body: &body,
    };
    let (mut count, began) = (0_u32, Instant::now());
    let before = processor_time(std::process::id())?;
    while began.elapsed() < length {
        key.sign_one(message)?;
        count += 1;
    }
    let cpu = processor_time(std::process::id())?.saturating_sub(before);
    let count = f64::from(count);
    println!(
        "{} {}",
        count / began.elapsed().as_secs_f64(),
        count / cpu.as_secs_f64()
    );
    Ok(())
}

fn many_codes(effort: &Effort, cores: &Cores) -> Outcome<Vec<Row>> {
    let (few, many) = (Centre::new()?, Centre::new()?);
    let mut few_codes = few.issue(FEW)?;
    let file = many.dir.path().join("codes.csv");
    let began = Instant::now();
    let issued = Command::new("taskset")
        .args([
            "-c",
            &cores.all,
            env!("CARGO_BIN_EXE_keynode"),
            "centre",
            "codes",
            "issue",
        ])
        .args(["--series", SERIES, "--count", &effort.codes.to_string(), "--csv"])
        .arg(&file)
        .arg("--centre-dir")
        .arg(many.dir.path())
        .stdout(Stdio::null())
        .status()?;
    let issuing = began.elapsed();
    if !issued.success() {
        return Err("codes could not be issued".into());
    }
    let table = fs::read_to_string(&file)?;
    let mut many_codes: Vec<ActivationCode> = table
        .lines()
        .flat_map(|line| line.split(','))
        .filter_map(|field| ActivationCode::parse(field).ok())
        .collect();
    if many_codes.len() as u64 != effort.codes {
        return Err(format!("{} codes in the table", many_codes.len()).into());
    }
    // Codes are random: in their order they lie all over the table.
    many_codes.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    let step = many_codes.len() / PAIRS;
    let mut many_codes: Vec<_> = many_codes.into_iter().step_by(step).take(PAIRS).collect();

    let nodes = Nodes::new()?;
    let (small, large) = (few.serve(&cores.server)?, many.serve(&cores.server)?);
    let mut clients = (Client::connect(small.address)?, Client::connect(large.address)?);
    let (mut at_few, mut at_many) = (Vec::new(), Vec::new());
    for number in 0..PAIRS {
        for (client, codes, times) in [
            (&mut clients.0, &mut few_codes, &mut at_few),
            (&mut clients.1, &mut many_codes, &mut at_many),
        ] {
            let code = codes.pop().ok_or("too few codes")?;
            let request = nodes.request(number, &code)?;
            let began = Instant::now();
            let status = client.exchange(&request)?.status;
            times.push(began.elapsed().as_secs_f64() * 1e6);
            if status != 201 {
                return Err(format!("an activation gave {status}").into());
            }
        }
    }
    let (few, many) = (median(at_few), median(at_many));
    Ok(vec![
        Row::below(
            format!(
                "issuing {} codes with their table (`keynode centre codes issue --csv`)",
                effort.codes
            ),
            ISSUING,
            issuing,
            format!("{:.0} codes/s", effort.codes as f64 / issuing.as_secs_f64()),
        ),
        Row {
            measure: format!(
                "an activation among {} codes, beside one among {FEW}",
                effort.codes
            ),
            target: format!("at most {GROWTH:.1} times"),
            value: format!("{:.2} times", many / few),
            held: many / few <= GROWTH,
            detail: format!("{many:.0} us beside {few:.0} us; medians of {PAIRS}, in turns"),
        },
    ])
}

/// A vendor's centre with one series.
struct Centre {
    dir: TempDir,
    vendors: VendorKeys,
}

/// A centre that runs.
struct Running {
    child: Child,
    address: SocketAddr,
}

impl Centre {
    fn new() -> Outcome<Self> {
        let dir = tempfile::tempdir()?;
        let key = SoftwareKey::generate(KeySize::Rsa3072)?;
        let vendor = VendorKey::from_pem(&key.public_key().pem)?;
        let mut books = Books::create(dir.path(), None)?;
        key.write_new(&dir.path().join(VENDOR_KEY))?;
        let product = Product {
            article: "1111111111111".into(),
            product_name: "Measured".into(),
            article_name: "Measured, for 5 seats".into(),
            product_version: 1,
            version_name: None,
            service_type: 0,
        };
        books.add_product(&product, &author())?;
        books.add_series(&Series::new(KeyId::parse(SERIES)?, "1111111111111"), &author())?;
        Ok(Self {
            dir,
            vendors: VendorKeys::from_iter([vendor]),
        })
    }

    fn issue(&self, count: u64) -> Outcome<Vec<ActivationCode>> {
        let mut codes = Vec::new();
        let order = IssueOrder::new(KeyId::parse(SERIES)?, count);
        Books::open(self.dir.path())?.issue(&order, &author(), |_, issued| {
            codes.extend(issued.iter().map(|code| code.code.clone()));
            true
        })?;
        Ok(codes)
    }

    /// What this vendor's key signs on this core, with nothing else to do.
    fn signing(&self, core: &str, length: Duration) -> Outcome<Signing> {
        let mut alone = Command::new("taskset");
        alone
            .args(["-c", core])
            .arg(std::env::current_exe()?)
            .args(["--bench", ALONE, &length.as_secs().max(1).to_string()])
            .arg(self.dir.path().join(VENDOR_KEY))
            .stderr(Stdio::inherit());
        let told = while_busy(|| alone.output())?;
        let told = String::from_utf8(told.stdout)?;
        let mut figures = told.split_whitespace().map(str::parse::<f64>);
        match (figures.next(), figures.next()) {
            (Some(Ok(per_second)), Some(Ok(per_cpu_second))) => Ok(Signing {
                per_second,
                per_cpu_second,
            }),
            _ => Err("the vendor key could not be measured".into()),
        }
    }

    /// Starts `keynode centre serve` on this core.
    fn serve(&self, core: &str) -> Outcome<Running> {
        let mut child = Command::new("taskset")
            .args(["-c", core, env!("CARGO_BIN_EXE_keynode"), "centre", "serve"])
            .args([
                "--centre-listen",
                "127.0.0.1:0",
                "--workers",
                "1",
                "--log-format",
                "json",
                "--centre-dir",
            ])
            .arg(self.dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut log = BufReader::new(child.stderr.take().ok_or("no standard error")?);
        let mut said = String::new();
        loop {
            let mut line = String::new();
            if log.read_line(&mut line)? == 0 {
                child.wait()?;
                return Err(format!("the centre did not start:\n{said}").into());
            }
            let event: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
            if let Some(address) = event["address"].as_str() {
                let address = address.parse()?;
                std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
                return Ok(Running { child, address });
            }
            said.push_str(&line);
        }
    }

    /// Fails unless each code gave a licence and the last ones are signed rightly.
    fn check(&self, tally: &Tally) -> Outcome<()> {
        if tally.statuses.keys().any(|status| *status != 201) || tally.statuses.is_empty() {
            return Err(format!("activations gave {:?}", tally.statuses).into());
        }
        for sample in &tally.samples {
            let answer = Answer::find(sample).ok_or("half an answer")?;
            let answer: LicenceAnswer = serde_json::from_slice(answer.body)?;
            open(answer.licence.ok_or("no licence")?.as_bytes(), &self.vendors)?;
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            let _ = kill_process(pid, Signal::TERM);
        }
        let _ = self.child.wait();
    }
}

/// Nodes that ask, each on a computer of its own.
struct Nodes(Vec<NodeIdentity>);

impl Nodes {
    fn new() -> Outcome<Self> {
        let nodes = (0..CLIENTS).map(|_| Outcome::Ok(NodeIdentity::open(tempfile::tempdir()?.path())?));
        Ok(Self(nodes.collect::<Outcome<_>>()?))
    }

    /// The request of one of them, ready to be sent.
    fn request(&self, number: usize, code: &ActivationCode) -> Outcome<Vec<u8>> {
        let node = number % self.0.len();
        let disk = |disk: usize| Component {
            kind: ComponentKind::Disk,
            value: format!("{:032x}", node * 16 + disk),
        };
        let request = Request {
            version: REQUEST_VERSION,
            action: Action::Activate,
            code: code.clone(),
            itn: Itn::parse("1234567894")?,
            iec: None,
            nonce: Nonce::random()?,
            last: None,
            time: SystemClock::shared().now().wall,
            recovery: None,
            computer: Some((0..8).map(disk).collect()),
            carrier: None,
        };
        let body = seal_request(&request, &self.0[node]);
        let length = body.len();
        Ok(format!(
            "POST /v1/activations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/jose+json\r\nContent-Length: \
             {length}\r\n\r\n{body}"
        )
        .into_bytes())
    }
}

fn author() -> Author {
    Author {
        time: SystemClock::shared().now().wall,
        name: "bench".into(),
    }
}
