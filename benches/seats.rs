//! Measures seats with 1,000 and with 1,000,000 live sessions: the ledger alone, the desk over its store, the
//! load at start, and the memory a session takes. Prints one table.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use keynode::clock::{Millis, Moment, SystemClock};
use keynode::events::Feed;
use keynode::licence::{KeyId, KeyType, Timestamp};
use keynode::seats::{DeskHandle, Ledger, LedgerRules, Offer, Release, Rules};
use keynode::store::{
    Batch, Database, Id, LedgerTime, SeatStore, Session, SessionFields, SqliteSeats, Write,
};

const FEW: u64 = 1_000;
const MANY: u64 = 1_000_000;

/// Seats of each key: a million sessions sit on a thousand keys.
const SEATS: u32 = 1_000;

/// Sessions that are taken and released again in one round.
const ROUND: u64 = 16_384;
const ROUNDS: usize = 5;
const CLIENTS: u64 = 64;

const RULES: LedgerRules = LedgerRules {
    life: 900_000,
    grace: 600_000,
};

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    // cargo test --benches runs this as well: there is nothing to test.
    if std::env::args().any(|argument| argument == "--test") {
        return Ok(());
    }
    let few = tempfile::tempdir()?;
    let many = tempfile::tempdir()?;
    fill(few.path(), FEW)?;
    fill(many.path(), MANY)?;

    let (few_load, _, mut few_ledger) = load(few.path(), FEW)?;
    let (many_load, memory, mut many_ledger) = load(many.path(), MANY)?;
    println!("{:<46} {:>12} {:>12} {:>7}", "", "1,000", "1,000,000", "ratio");
    row("load at start, ms", millis(few_load), millis(many_load));
    println!(
        "{:<46} {:>12} {:>12}",
        "memory, bytes a session",
        "",
        memory / MANY
    );
    let (few_costs, many_costs) = alternate(|| in_ledger(&mut few_ledger), || in_ledger(&mut many_ledger));
    row("ledger: new session, ns", few_costs.0, many_costs.0);
    row("ledger: release, ns", few_costs.1, many_costs.1);
    row("ledger: renewal, ns", few_costs.2, many_costs.2);
    drop((few_ledger, many_ledger));

    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let (few_desk, few_thread) = desk(few.path(), FEW)?;
    let (many_desk, many_thread) = desk(many.path(), MANY)?;
    let (few_costs, many_costs) = alternate(
        || runtime.block_on(at_desk(&few_desk)),
        || runtime.block_on(at_desk(&many_desk)),
    );
    row(
        "desk and store, 64 clients: new session, ns",
        few_costs.0,
        many_costs.0,
    );
    row(
        "desk and store, 64 clients: release, ns",
        few_costs.1,
        many_costs.1,
    );
    row(
        "desk and store, 64 clients: renewal, ns",
        few_costs.2,
        many_costs.2,
    );
    for (desk, thread) in [(few_desk, few_thread), (many_desk, many_thread)] {
        desk.stop();
        thread.join().map_err(|_| "the desk panicked")?;
    }
    Ok(())
}

/// Costs in nanoseconds: of a new session, a release, a renewal.
type Costs = (f64, f64, f64);

/// Measures both in turn, so that the machine's moods hit them alike, and takes the medians.
fn alternate(mut few: impl FnMut() -> Costs, mut many: impl FnMut() -> Costs) -> (Costs, Costs) {
    let rounds: Vec<(Costs, Costs)> = (0..ROUNDS).map(|_| (few(), many())).collect();
    let median = |cost: fn(&(Costs, Costs)) -> f64| {
        let mut costs: Vec<f64> = rounds.iter().map(cost).collect();
        costs.sort_by(f64::total_cmp);
        costs[ROUNDS / 2]
    };
    (
        (median(|c| c.0.0), median(|c| c.0.1), median(|c| c.0.2)),
        (median(|c| c.1.0), median(|c| c.1.1), median(|c| c.1.2)),
    )
}

fn row(name: &str, few: f64, many: f64) {
    println!("{name:<46} {few:>12.0} {many:>12.0} {:>7.2}", many / few);
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Nanoseconds for each of [`ROUND`] operations since `start`.
fn each(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e9 / f64::from(u32::try_from(ROUND).unwrap_or(1))
}

fn series() -> KeyId {
    KeyId::parse("672B").expect("it is a series")
}

fn fields(client: &str) -> SessionFields {
    SessionFields {
        key_id: series(),
        client_session_id: client.into(),
        started: Timestamp::from_millis(1_700_000_000_000),
        connection: Some(Id::random()),
        is_server: false,
        session_number: None,
        infobase: None,
        app_name: Some("MobileClient".into()),
        computer_name: Some("Android Table Service".into()),
        user_name: Some("MobileUser".into()),
        access_code: None,
    }
}

/// Keys for `live` sessions and those of a round.
fn offers(live: u64) -> Vec<Offer> {
    let keys = (live + ROUND).div_ceil(u64::from(SEATS));
    (1..=keys)
        .map(|key_no| Offer {
            key_no,
            key_id: series(),
            key_type: KeyType::Main,
            expires: None,
            seats: SEATS,
            enabled: Ok(()),
            codes: Vec::new(),
        })
        .collect()
}

/// A state file with so many sessions.
fn fill(dir: &Path, live: u64) -> Result<(), Error> {
    let mut store = SqliteSeats::new(&Database::open(dir)?)?;
    let time = LedgerTime {
        time: 1_000_000,
        clean: false,
    };
    let put = |seq: u64| {
        Write::Put(Arc::new(Session {
            seq,
            id: Id::random(),
            key_no: (seq - 1) / u64::from(SEATS) + 1,
            expires: time.time + RULES.life - (live - seq) * RULES.life / live / 2,
            created: Timestamp::from_millis(1_700_000_000_000).plus(i64::try_from(seq).unwrap_or(0)),
            ended: false,
            owner: "admin".into(),
            fields: fields(&format!("{seq:016X}")),
        }))
    };
    let seqs: Vec<u64> = (1..=live).collect();
    for batch in seqs.chunks(10_000) {
        let writes: Vec<Write> = batch.iter().map(|seq| put(*seq)).collect();
        store.commit(Batch {
            writes: &writes,
            audit: &[],
            usage: &[],
            time,
        })?;
    }
    Ok(())
}

/// Loads the file as a start does: how long it takes, the memory it costs, and the ledger with its time.
fn load(dir: &Path, live: u64) -> Result<(Duration, u64, (Ledger, Millis)), Error> {
    let before = resident()?;
    let start = Instant::now();
    let restored = SqliteSeats::new(&Database::open(dir)?)?.load()?;
    let (mut ledger, time) = Ledger::restore(RULES, restored);
    ledger.offer(time, offers(live));
    let took = start.elapsed();
    assert_eq!(ledger.live() as u64, live);
    Ok((took, resident()?.saturating_sub(before), (ledger, time)))
}

/// Resident memory of this process in bytes (proc(5), `statm`).
fn resident() -> Result<u64, Error> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = statm.split(' ').nth(1).ok_or("no resident pages")?.parse()?;
    Ok(pages * 4096)
}

fn in_ledger((ledger, time): &mut (Ledger, Millis)) -> Costs {
    let now = |time| Moment {
        mono: time,
        wall: Timestamp::from_millis(1_800_000_000_000).plus(i64::try_from(time).unwrap_or(0)),
    };
    let names: Vec<String> = (0..ROUND).map(|client| format!("{client:016X} new")).collect();
    let mut ids = Vec::new();
    let mut round = |ledger: &mut Ledger, ids: &mut Vec<Id>| {
        let start = Instant::now();
        for batch in names.chunks(64) {
            *time += 1;
            for name in batch {
                let taken = ledger.take(now(*time), *time, fields(name), "admin", |_| None);
                ids.push(taken.expect("there are seats").session.id);
            }
            std::hint::black_box(ledger.writes());
            ledger.saved();
        }
        each(start)
    };
    let new = round(ledger, &mut ids);
    let renewal = round(ledger, &mut Vec::new());
    let start = Instant::now();
    for batch in ids.chunks(64) {
        for id in batch {
            std::hint::black_box(ledger.release(*time, *id, None));
        }
        std::hint::black_box(ledger.writes());
        ledger.saved();
    }
    (new, each(start), renewal)
}

fn desk(dir: &Path, live: u64) -> Result<(DeskHandle, std::thread::JoinHandle<()>), Error> {
    let store = SqliteSeats::new(&Database::open(dir)?)?;
    let rules = Rules {
        ledger: RULES,
        connection_life: 20_000,
    };
    Ok(DeskHandle::start(
        Box::new(store),
        SystemClock::shared(),
        rules,
        offers(live),
        Feed::default(),
    )?)
}

async fn at_desk(desk: &DeskHandle) -> Costs {
    let start = Instant::now();
    let ids = take_all(desk).await;
    let new = each(start);
    let start = Instant::now();
    take_all(desk).await;
    let renewal = each(start);
    let start = Instant::now();
    let clients = ids.into_iter().map(|ids| {
        let desk = desk.clone();
        tokio::spawn(async move {
            for id in ids {
                let released = desk.ask(move |desk, _, time| desk.ledger.release(time, id, None));
                assert!(matches!(released.await, Ok(Release::Done(_))));
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.expect("the client works");
    }
    (new, each(start), renewal)
}

/// Each client takes its share of the round, one session after the other; the result is each client's.
async fn take_all(desk: &DeskHandle) -> Vec<Vec<Id>> {
    let clients = (0..CLIENTS).map(|client| {
        let desk = desk.clone();
        tokio::spawn(async move {
            let mut ids = Vec::new();
            for number in 0..ROUND / CLIENTS {
                let fields = fields(&format!("{client:04X}{number:012X} new"));
                let taken =
                    desk.ask(move |desk, now, time| desk.ledger.take(now, time, fields, "admin", |_| None));
                let taken = taken.await.expect("the state can be saved");
                ids.push(taken.expect("there are seats").session.id);
            }
            ids
        })
    });
    let mut ids = Vec::new();
    for client in clients.collect::<Vec<_>>() {
        ids.push(client.await.expect("the client works"));
    }
    ids
}
