//! The operators' services: a live token over HTTP beside another answer of the node, and a signature for a caller over HTTP
//! beside the token's own.

use std::fmt::Write;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cryptoki::mechanism::Mechanism;
use keynode::cms::Thumbprint;
use keynode::sandbox::{Sandbox, SandboxRules};
use keynode::store::{Author, Database, Role, Users};

use super::cores::Cores;
use super::hsm::softhsm::{MODULE, SoftHsm};
use super::http::{Client, write_request};
use super::load::Load;
use super::node::Node;
use super::own_key::open;
use super::report::Row;
use super::state::State;
use super::throughput::public_key;
use super::{Effort, Outcome, median};

/// The flag of the process that signs beside a node: SoftHSM2 reads its settings from its environment.
pub(crate) const INSIDE: &str = "--signatures-over-http";

/// Of the rate of GET /api/serverinfo.
const TOKEN_TARGET: f64 = 0.95;

/// Of the time of the token's own signature.
const SIGNATURE_TARGET: f64 = 1.3;

/// ITN of the fixtures' certificates.
const ITN: &str = "7707083893";

/// Label of the token.
const LABEL: &str = "robot";

/// Login of the user who may sign.
const SIGNER: (&str, &str) = ("signer", "signs all day");

/// Callers at once, who keep the token busy: it does one thing after the other.
const CALLERS: usize = 8;

/// Pairs that are measured in a round.
const PAIRS: usize = 200;

pub(crate) fn measure(effort: &Effort, cores: &Cores) -> Outcome<Vec<Row>> {
    let mut rows = vec![live_token(effort, cores)?];
    rows.extend(signatures(effort, cores)?);
    Ok(rows)
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/sandbox")
        .join(name)
}

fn live_token(effort: &Effort, cores: &Cores) -> Outcome<Row> {
    let state = State::new()?;
    let sandbox = Sandbox::start(SandboxRules {
        authority: fixture("authorities.pem"),
        directory: state.path().into(),
        account: ("robot".into(), "a password".into()),
        port: 0,
    })?;
    let both = [fs::read(fixture("rsa.pem"))?, fs::read(fixture("rsa.key"))?].concat();
    let key = state.path().join("robot.pem");
    write_private(&key, &both)?;
    let config = state.path().join("keynode.toml");
    let text = format!(
        "[gateway]\nproxy = \"none\"\n[ismp]\nenabled = true\nurl = \"{}\"\n[certificates.robot]\nfile = \"{}\"\n",
        sandbox.url(),
        key.display()
    );
    fs::write(&config, text)?;
    let config = config.to_str().ok_or("a path that is no text")?;
    let arguments = ["--workers", "1", "--config", config];
    let node = Node::start("serve", state.path(), &cores.server, &arguments)?;
    let public_key = public_key(&node)?;
    let mut client = Client::connect(node.address)?;
    let mut ask = |verb: &str, path: &str, body: &str| -> Outcome<()> {
        let mut request = Vec::new();
        write_request(&mut request, verb, path, "1", body);
        let answer = client.exchange(&request)?;
        if answer.status == 201 {
            return Ok(());
        }
        Err(format!("{verb} {path}: {}", String::from_utf8_lossy(answer.body)).into())
    };
    ask("PUT", &format!("/api/organizations/{ITN}"), "{}")?;
    let order = format!("{{\"TokenType\":\"ISMP\",\"ITN\":\"{ITN}\"}}");
    ask("POST", "/api/ismp/session-keys", &order)?;

    let get = |path: String| {
        move |_: usize, number: u64, out: &mut Vec<u8>| {
            write_request(out, "GET", &path, &number.to_string(), "");
        }
    };
    let info = get("/api/serverinfo".into());
    let token = get(format!("/api/ismp/session-keys?TokenType=ISMP&ITN={ITN}"));
    let rate = |request: &dyn Fn(usize, u64, &mut Vec<u8>)| -> Outcome<f64> {
        let load = Load {
            address: node.address,
            process: node.id(),
            length: effort.length,
            most: u64::MAX,
            request,
        };
        let tally = load.run()?;
        tally.check(200, &public_key)?;
        // Others may be at work on the core.
        Ok(tally.per_cpu_second())
    };
    let mut rounds = Vec::with_capacity(effort.rounds);
    let mut before = rate(&info)?;
    for _ in 0..effort.rounds {
        let own = rate(&token)?;
        let after = rate(&info)?;
        let beside = f64::midpoint(before, after);
        before = after;
        eprintln!(
            "   GET of a live token: {own:.0} beside {beside:.0} per second of processor time: {:.3}",
            own / beside
        );
        rounds.push((own, beside));
    }
    let ratio = median(rounds.iter().map(|(own, beside)| own / beside));
    let own = median(rounds.iter().map(|(own, _)| *own));
    let beside = median(rounds.iter().map(|(_, beside)| *beside));
    Ok(Row {
        measure: "GET of a live token, 64 clients: share of GET /api/serverinfo".into(),
        target: format!("at least {TOKEN_TARGET:.2}"),
        value: format!("{ratio:.2}"),
        held: ratio >= TOKEN_TARGET,
        detail: format!("{own:.0} beside {beside:.0} per second of the node's processor time"),
    })
}

fn write_private(path: &Path, bytes: &[u8]) -> Outcome<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, bytes)?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o600))?)
}

fn signatures(effort: &Effort, cores: &Cores) -> Outcome<Vec<Row>> {
    let (hsm, state) = (SoftHsm::new(&[LABEL]), State::new()?);
    let (_, der) = der::pem::decode_vec(&fs::read(fixture("rsa.pem"))?).map_err(|error| error.to_string())?;
    let certificate = hsm.path().join("certificate.der");
    fs::write(&certificate, &der)?;
    hsm.import_key(LABEL, &fixture("rsa.key"), 1, "key");
    hsm.import_certificate(LABEL, &certificate, 1, "certificate");
    let thumbprint = Thumbprint::of(&der);
    let users = Users::open(&Database::open(state.path())?)?;
    let author = Author {
        time: keynode::clock::SystemClock::shared().now().wall,
        name: "bench".into(),
    };
    // Beside the user whom every new node has, which others are not to replace.
    users.ensure_initial()?;
    users.add(SIGNER.0, Role::Signer, SIGNER.1, &author)?;
    users.grant(SIGNER.0, &[thumbprint], &author)?;
    drop(users);
    let config = state.path().join("keynode.toml");
    let text = format!(
        "[tokens.hsm]\nmodule = \"{MODULE}\"\nlabel = \"{LABEL}\"\npin_file = \"{}\"\nenvironment = {{ SOFTHSM2_CONF = \"{}\" }}\nsessions = 1\n",
        hsm.path().join("pin").display(),
        hsm.conf().display()
    );
    fs::write(&config, text)?;
    let config = config.to_str().ok_or("a path that is no text")?;
    let node = Node::start("serve", state.path(), &cores.all, &["--config", config])?;
    let output = Command::new(std::env::current_exe()?)
        .args(["--bench", INSIDE])
        .arg(format!("{} {thumbprint} {}", node.address, PAIRS * effort.rounds))
        .env("SOFTHSM2_CONF", hsm.conf())
        .stderr(Stdio::inherit())
        .output()?;
    let told = String::from_utf8(output.stdout)?;
    let figures: Result<Vec<f64>, _> = told.split_whitespace().map(str::parse).collect();
    let [own, whole, ratio, alone, each, share] = figures?[..] else {
        return Err("signatures over HTTP could not be measured".into());
    };
    let row = |who: &str, ratio: f64, detail: String| Row {
        measure: format!(
            "POST /api/certificates/{{T}}/signatures on an RSA-2048 token key, {who}, beside the token's own signature"
        ),
        target: format!("at most {SIGNATURE_TARGET:.1} times"),
        value: format!("{ratio:.2} times"),
        held: ratio <= SIGNATURE_TARGET,
        detail,
    };
    let callers = format!(
        "{each:.0} us for each beside {alone:.0} us of C_Sign in one session; the answer is signed too, and its audit row is on disk"
    );
    let caller = format!("{whole:.0} us beside {own:.0} us of C_Sign; medians of pairs");
    Ok(vec![
        row(&format!("{CALLERS} callers"), share, callers),
        row("a caller alone", ratio, caller),
    ])
}

/// Measures here: `ADDRESS THUMBPRINT PAIRS`; prints microseconds of `C_Sign` and of a POST, and the median of their ratios.
pub(crate) fn inside(what: &str) -> Outcome<()> {
    let words: Vec<&str> = what.split(' ').collect();
    let [address, thumbprint, pairs] = words[..] else {
        return Err("expected an address, a thumbprint and a number".into());
    };
    let (address, pairs): (SocketAddr, usize) = (address.parse()?, pairs.parse()?);
    let (session, key) = open()?;
    let body = format!(
        "{{\"Data\":\"{}\"}}",
        STANDARD.encode("GNUFBAZBMPIUUMLXNMIOGSHTGFXZMT")
    );
    let mut request = String::new();
    write!(
        request,
        "POST /api/certificates/{thumbprint}/signatures HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {}\r\n\
         Licence-QueryID: 1\r\nContent-Length: {}\r\n\r\n{body}",
        STANDARD.encode(format!("{}:{}", SIGNER.0, SIGNER.1)),
        body.len()
    )?;
    let mut client = Client::connect(address)?;
    let deadline = Instant::now() + Duration::from_secs(20);
    // The token may not have been looked at yet.
    while client.exchange(request.as_bytes())?.status != 201 {
        if Instant::now() > deadline {
            return Err("the node does not sign".into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut measured = Vec::with_capacity(pairs);
    for _ in 0..pairs {
        let start = Instant::now();
        session.sign(&Mechanism::RsaPkcs, key, &[0x30; 51])?;
        let own = start.elapsed();
        let start = Instant::now();
        let status = client.exchange(request.as_bytes())?.status;
        let whole = start.elapsed();
        if status != 201 {
            return Err(format!("a signature was answered with {status}").into());
        }
        measured.push((own.as_secs_f64() * 1e6, whole.as_secs_f64() * 1e6));
    }
    let mut rounds = Vec::new();
    for _ in 0..pairs / PAIRS {
        let start = Instant::now();
        for _ in 0..PAIRS {
            session.sign(&Mechanism::RsaPkcs, key, &[0x30; 51])?;
        }
        let own = start.elapsed();
        let whole = together(address, request.as_bytes())?;
        let each = |time: Duration, number: usize| time.as_secs_f64() * 1e6 / number as f64;
        rounds.push((each(own, PAIRS), each(whole, PAIRS / CALLERS * CALLERS)));
    }
    for pairs in [&measured, &rounds] {
        let own = median(pairs.iter().map(|(own, _)| *own));
        let whole = median(pairs.iter().map(|(_, whole)| *whole));
        let ratio = median(pairs.iter().map(|(own, whole)| whole / own));
        println!("{own} {whole} {ratio}");
    }
    Ok(())
}

/// The time in which all callers together have their requests answered.
fn together(address: SocketAddr, request: &[u8]) -> Outcome<Duration> {
    let mut clients = (0..CALLERS)
        .map(|_| Client::connect(address))
        .collect::<Result<Vec<_>, _>>()?;
    let start = Instant::now();
    let answered = std::thread::scope(|scope| {
        let threads: Vec<_> = clients
            .iter_mut()
            .map(|client| {
                scope.spawn(move || {
                    (0..PAIRS / CALLERS)
                        .all(|_| client.exchange(request).is_ok_and(|answer| answer.status == 201))
                })
            })
            .collect();
        threads.into_iter().all(|thread| thread.join().unwrap_or(false))
    });
    if !answered {
        return Err("a signature was refused to one of several callers".into());
    }
    Ok(start.elapsed())
}
