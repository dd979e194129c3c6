//! Answers per second of a node on one core, each load beside openssl on the same core in the same minute.

use std::cell::RefCell;
use std::fmt::Write;
use std::time::Duration;

use super::cores::Cores;
use super::http::{Answer, write_request};
use super::load::{CLIENTS, Load, Tally};
use super::node::Node;
use super::openssl::Signing;
use super::report::Row;
use super::state::{SERIES, State};
use super::{Effort, Outcome, median};

/// Sessions that are renewed, over all clients.
const RENEWED: u64 = 64 * 64;

/// Less of a core than this for openssl, and others were at work on it.
const QUIET: f64 = 0.97;

/// Less than this, and the round says nothing of the node.
const DISTURBED: f64 = 0.95;

/// Kind of the key that signs answers, as openssl names it.
const KEY: &str = "rsa2048";

/// One kind of request.
struct Kind<'a> {
    goal: Goal,
    status: u16,
    request: &'a dyn Fn(usize, u64, &mut Vec<u8>),
}

/// A load and the mean of openssl before and after it.
pub(crate) struct Round {
    pub(crate) tally: Tally,
    pub(crate) openssl: Signing,
}

/// What many rounds are to show.
pub(crate) struct Goal {
    pub(crate) name: &'static str,
    /// What the rate is a share of.
    pub(crate) than: &'static str,
    /// Of those signatures per second.
    pub(crate) target: f64,
    /// For the slowest answer of a hundred, in milliseconds.
    pub(crate) slowest: Option<f64>,
}

pub(crate) fn measure(effort: &Effort, cores: &Cores) -> Outcome<Vec<Row>> {
    let state = State::new()?.with_licences(1, 10_000_000)?;
    let node = Node::start("serve", state.path(), &cores.server, &["--workers", "1"])?;
    let public_key = public_key(&node)?;
    let ids = take_sessions(&node)?;
    let round = RefCell::new(0);

    let info = |_: usize, number: u64, out: &mut Vec<u8>| {
        write_request(out, "GET", "/api/serverinfo", &number.to_string(), "");
    };
    let new = |_: usize, number: u64, out: &mut Vec<u8>| {
        let client = format!("new-{}-{number}", round.borrow());
        write_request(
            out,
            "POST",
            "/api/sessions",
            &number.to_string(),
            &session(&client),
        );
    };
    let again = |_: usize, number: u64, out: &mut Vec<u8>| {
        let body = session(&format!("kept-{}", number % RENEWED));
        write_request(out, "POST", "/api/sessions", &number.to_string(), &body);
    };
    let put = |_: usize, number: u64, out: &mut Vec<u8>| {
        let id = &ids[usize::try_from(number).unwrap_or_default() % ids.len()];
        write_request(
            out,
            "PUT",
            &format!("/api/sessions/{id}"),
            &number.to_string(),
            "",
        );
    };
    let kinds = [
        kind("GET /api/serverinfo, 64 clients", 0.90, None, 200, &info),
        kind(
            "POST /api/sessions, new and durable, 64 clients",
            0.80,
            Some(60.0),
            201,
            &new,
        ),
        kind(
            "renewals by POST /api/sessions, 64 clients",
            0.85,
            None,
            200,
            &again,
        ),
        kind(
            "renewals by PUT /api/sessions/{ID}, 64 clients",
            0.85,
            None,
            202,
            &put,
        ),
    ];

    let mut rounds: Vec<Vec<Round>> = kinds.iter().map(|_| Vec::new()).collect();
    let mut before = Signing::measure(&cores.server, KEY, effort.length)?;
    for number in 1..=effort.rounds {
        round.replace(number);
        for (kind, rounds) in kinds.iter().zip(&mut rounds) {
            let load = Load {
                address: node.address,
                process: node.id(),
                length: effort.length,
                most: u64::MAX,
                request: kind.request,
            };
            let tally = load.run()?;
            tally.check(kind.status, &public_key)?;
            let after = Signing::measure(&cores.server, KEY, effort.length)?;
            let round = Round {
                tally,
                openssl: mean(before, after),
            };
            before = after;
            eprintln!("   {}: {}", kind.goal.name, round.describe());
            rounds.push(round);
        }
    }
    Ok(kinds
        .iter()
        .zip(&rounds)
        .map(|(kind, rounds)| kind.goal.row(rounds))
        .collect())
}

fn kind<'a>(
    name: &'static str,
    target: f64,
    slowest: Option<f64>,
    status: u16,
    request: &'a dyn Fn(usize, u64, &mut Vec<u8>),
) -> Kind<'a> {
    let goal = Goal {
        name,
        than: "`openssl speed rsa2048`",
        target,
        slowest,
    };
    Kind {
        goal,
        status,
        request,
    }
}

impl Goal {
    /// Medians over the rounds in which others left the core alone; over all where those are too few.
    pub(crate) fn row(&self, all: &[Round]) -> Row {
        let quiet: Vec<&Round> = all
            .iter()
            .filter(|round| round.openssl.share() >= DISTURBED)
            .collect();
        let rounds = if quiet.len() * 3 >= all.len() {
            quiet
        } else {
            all.iter().collect()
        };
        let rounds = || rounds.iter().copied();
        let ratio = median(rounds().map(Round::ratio));
        let rate = median(rounds().map(|round| round.tally.per_second()));
        let openssl = median(rounds().map(|round| round.openssl.per_second));
        let by_cpu = median(rounds().map(Round::ratio_by_cpu));
        let share = median(rounds().map(|round| round.openssl.share()));
        let [half, slow] = [50, 99].map(|share| median(rounds().map(|round| round.tally.percentile(share))));
        let mut detail = format!("{rate:.0}/s beside {openssl:.0} signatures/s; half within {half:.1} ms");
        if share < QUIET {
            let _ = write!(
                detail,
                "; others took {:.0} % of the core; by processor time the ratio is {by_cpu:.2}",
                (1.0 - share) * 100.0
            );
        }
        let mut target = format!("at least {:.2}", self.target);
        let mut held = ratio >= self.target;
        if let Some(slowest) = self.slowest {
            let _ = write!(target, ", 99 % within {slowest:.0} ms");
            held &= slow < slowest;
        }
        Row {
            measure: format!("{}: share of {}", self.name, self.than),
            target,
            value: format!("{ratio:.2}, 99 % within {slow:.1} ms"),
            held,
            detail,
        }
    }
}

impl Round {
    fn ratio(&self) -> f64 {
        self.tally.per_second() / self.openssl.per_second
    }

    fn ratio_by_cpu(&self) -> f64 {
        self.tally.per_cpu_second() / self.openssl.per_cpu_second
    }

    pub(crate) fn describe(&self) -> String {
        format!(
            "{:.0}/s beside {:.0}/s: {:.3}; by processor time {:.0}/s beside {:.0}/s: {:.3}; p50 {:.1} ms, p99 {:.1} ms",
            self.tally.per_second(),
            self.openssl.per_second,
            self.ratio(),
            self.tally.per_cpu_second(),
            self.openssl.per_cpu_second,
            self.ratio_by_cpu(),
            self.tally.percentile(50),
            self.tally.percentile(99),
        )
    }
}

pub(crate) fn mean(before: Signing, after: Signing) -> Signing {
    Signing {
        per_second: f64::midpoint(before.per_second, after.per_second),
        per_cpu_second: f64::midpoint(before.per_cpu_second, after.per_cpu_second),
    }
}

/// The body that asks for a session.
pub(crate) fn session(client: &str) -> String {
    format!(
        "{{\"KeyID\":\"{SERIES}\",\"ClientSessionID\":\"{client}\",\"AppName\":\"MobileClient\",\
         \"UserName\":\"MobileUser\",\"ComputerName\":\"Androud Table Sevice\",\
         \"SessionStarted\":\"2020-01-01T12:52:20\"}}"
    )
}

pub(crate) fn public_key(node: &Node) -> Outcome<String> {
    let mut client = super::http::Client::connect(node.address)?;
    let answer: serde_json::Value = serde_json::from_slice(client.get("/api/publickey")?.body)?;
    let pem = answer.as_object().and_then(|fields| {
        fields
            .values()
            .find_map(|value| value.as_str().filter(|text| text.contains("BEGIN")))
    });
    Ok(pem.ok_or("no public key")?.to_owned())
}

/// Takes the sessions that are renewed later; the result is the identifiers of some, one of each client.
fn take_sessions(node: &Node) -> Outcome<Vec<String>> {
    let take = |_: usize, number: u64, out: &mut Vec<u8>| {
        let body = session(&format!("kept-{number}"));
        write_request(out, "POST", "/api/sessions", &number.to_string(), &body);
    };
    let load = Load {
        address: node.address,
        process: node.id(),
        length: Duration::from_mins(1),
        most: RENEWED,
        request: &take,
    };
    let samples = load.run()?.samples;
    let ids: Option<Vec<String>> = samples
        .iter()
        .map(|sample| Some(Answer::find(sample)?.header("Licence-SessionID")?.to_owned()))
        .collect();
    Ok(ids
        .filter(|ids| ids.len() == CLIENTS)
        .ok_or("a session has no identifier")?)
}
