//! Answers signed by SoftHSM2, beside what SoftHSM2 signs by itself on the same cores in the same minute.

#[path = "../../tests/tokens/softhsm.rs"]
#[allow(clippy::unwrap_used, reason = "test support")]
pub(crate) mod softhsm;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, ObjectClass};
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;

use self::softhsm::{MODULE, PIN, SoftHsm};
use super::cores::Cores;
use super::http::write_request;
use super::load::{Load, Tally};
use super::node::Node;
use super::report::Row;
use super::state::State;
use super::throughput::public_key;
use super::{Effort, Outcome, median};

/// The flag of the process that signs without a node.
pub(crate) const ALONE: &str = "--sign-with-softhsm";

/// Label of the token.
const LABEL: &str = "node";

/// Of SoftHSM2's own rate.
const TARGET: f64 = 0.85;

/// Numbers of threads of which the best counts.
const THREADS: [usize; 3] = [1, 2, 4];

/// As long as a `DigestInfo` with a SHA-256.
const DIGEST_INFO: [u8; 51] = [0x30; 51];

pub(crate) fn measure(effort: &Effort, cores: &Cores) -> Outcome<Vec<Row>> {
    let hsm = SoftHsm::new(&[LABEL]);
    let state = State::new()?.with_licences(1, 10)?;
    let config = settings(&hsm, &state)?;
    let config = config.to_str().ok_or("a path that is no text")?;
    let made = Command::new(env!("CARGO_BIN_EXE_keynode"))
        .args([
            "signing",
            "init",
            "--token",
            "hsm",
            "--config",
            config,
            "--state-dir",
        ])
        .arg(state.path())
        .output()?;
    if !made.status.success() {
        return Err(String::from_utf8_lossy(&made.stderr).into_owned().into());
    }
    let node = Node::start(
        "serve",
        state.path(),
        &cores.all,
        &["--workers", "2", "--config", config],
    )?;
    let public_key = public_key(&node)?;
    let request = |_: usize, number: u64, out: &mut Vec<u8>| {
        write_request(out, "GET", "/api/serverinfo", &number.to_string(), "");
    };
    let mut rounds: Vec<(Tally, f64)> = Vec::new();
    let mut before = alone(&hsm, cores, effort.length)?;
    for _ in 0..effort.rounds {
        let load = Load {
            address: node.address,
            process: node.id(),
            length: effort.length,
            most: u64::MAX,
            request: &request,
        };
        let tally = load.run()?;
        tally.check(200, &public_key)?;
        let after = alone(&hsm, cores, effort.length)?;
        let own = f64::midpoint(before, after);
        before = after;
        eprintln!(
            "   answers signed by SoftHSM2: {:.0}/s beside {own:.0}/s: {:.3}; p50 {:.1} ms, p99 {:.1} ms",
            tally.per_second(),
            tally.per_second() / own,
            tally.percentile(50),
            tally.percentile(99),
        );
        rounds.push((tally, own));
    }
    let ratio = median(rounds.iter().map(|(tally, own)| tally.per_second() / own));
    let rate = median(rounds.iter().map(|(tally, _)| tally.per_second()));
    let own = median(rounds.iter().map(|(_, own)| *own));
    let slow = median(rounds.iter().map(|(tally, _)| tally.percentile(99)));
    Ok(vec![Row {
        measure: "answers signed by SoftHSM2, 64 clients, two cores: share of its own C_Sign rate".into(),
        target: format!("at least {TARGET:.2}"),
        value: format!("{ratio:.2}, 99 % within {slow:.1} ms"),
        held: ratio >= TARGET,
        detail: format!("{rate:.0}/s beside {own:.0} C_Sign/s with the best number of threads"),
    }])
}

/// A settings file that has the node sign with the token.
fn settings(hsm: &SoftHsm, state: &State) -> Outcome<PathBuf> {
    let token = hsm.settings(LABEL);
    let pin = token.pin_file.ok_or("the token has no PIN file")?;
    let path = state.path().join("keynode.toml");
    let text = format!(
        "[signing]\nprovider = \"pkcs11\"\ntoken = \"hsm\"\n[tokens.hsm]\nmodule = \"{MODULE}\"\nlabel = \"{LABEL}\"\n\
         pin_file = \"{}\"\nenvironment = {{ SOFTHSM2_CONF = \"{}\" }}\n",
        pin.display(),
        hsm.conf().display()
    );
    fs::write(&path, text)?;
    Ok(path)
}

/// SoftHSM2's own rate, in a process of its own, with the number of threads that does best. This process keeps its
/// core busy meanwhile, as its clients do during a load.
fn alone(hsm: &SoftHsm, cores: &Cores, length: Duration) -> Outcome<f64> {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        });
        let rate = alone_undisturbed(hsm, cores, length);
        done.store(true, Ordering::Relaxed);
        rate
    })
}

fn alone_undisturbed(hsm: &SoftHsm, cores: &Cores, length: Duration) -> Outcome<f64> {
    let output = Command::new("taskset")
        .args(["-c", &cores.all])
        .arg(std::env::current_exe()?)
        .args(["--bench", ALONE, &length.as_millis().to_string()])
        .env("SOFTHSM2_CONF", hsm.conf())
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err("SoftHSM2 does not sign by itself".into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// Signs here, for so many milliseconds with each number of threads; prints the best rate.
pub(crate) fn inside(length: &str) -> Outcome<()> {
    let length = Duration::from_millis(length.parse()?);
    let pkcs11 = Pkcs11::new(MODULE)?;
    pkcs11.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))?;
    let mut best = 0.0_f64;
    for threads in THREADS {
        best = best.max(rate(&pkcs11, threads, length)?);
    }
    println!("{best}");
    Ok(())
}

fn rate(pkcs11: &Pkcs11, threads: usize, length: Duration) -> Outcome<f64> {
    let slots = pkcs11.get_slots_with_initialized_token()?;
    let slot = *slots.first().ok_or("there is no token")?;
    let sessions = (0..threads).map(|_| pkcs11.open_rw_session(slot));
    let sessions: Vec<_> = sessions.collect::<Result<_, _>>()?;
    // Logged in once, all sessions are.
    sessions[0].login(UserType::User, Some(&AuthPin::new(PIN.into())))?;
    let wanted = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Sign(true)];
    let key = *sessions[0]
        .find_objects(&wanted)?
        .first()
        .ok_or("there is no key")?;
    let start = Instant::now();
    let count = std::thread::scope(|scope| -> Outcome<u64> {
        let work = sessions.into_iter().map(|session| {
            scope.spawn(move || -> Result<u64, cryptoki::error::Error> {
                let mut count = 0;
                while start.elapsed() < length {
                    session.sign(&Mechanism::RsaPkcs, key, &DIGEST_INFO)?;
                    count += 1;
                }
                Ok(count)
            })
        });
        let work: Vec<_> = work.collect();
        let mut total = 0;
        for thread in work {
            total += thread.join().map_err(|_| "a thread ended in a panic")??;
        }
        Ok(total)
    })?;
    Ok(count as f64 / start.elapsed().as_secs_f64())
}
