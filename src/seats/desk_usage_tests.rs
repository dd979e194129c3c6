//! The history of use as the desk writes it: what is on disk after hours, a restart and a crash.

use crate::seats::{Period, plot};
use crate::store::{UsageHistory, UsageSlot};

use super::*;

const SLOT_LENGTH: Millis = SLOT.unsigned_abs();

/// Peak, seats and refusals of each slot on disk: those with a row.
fn rows(node: &Node) -> Vec<(u64, u64, u64)> {
    let range = at(0).wall.plus(-24 * 3_600_000)..at(40 * 3_600_000).wall;
    let rows = UsageHistory::new(&node.database).read(range, SLOT).unwrap();
    rows.within
        .iter()
        .map(|slot| (slot.peak, slot.seats, slot.refused))
        .collect()
}

/// The same, with the slot under way, without gaps.
async fn told(node: &Node) -> Vec<UsageSlot> {
    let now = node
        .handle
        .ask(|desk, _, _| desk.ledger.usage.now())
        .await
        .unwrap();
    let range = Period::Day.range(node.clock.now().wall);
    let rows = UsageHistory::new(&node.database)
        .read(range.clone(), SLOT)
        .unwrap();
    plot(Period::Day, &range, rows, &now.slots)
}

#[tokio::test]
async fn a_seat_that_is_held_for_hours_is_in_every_slot_of_them() {
    let node = Node::new(&[main_key(1, 10)]);
    take(&node.handle, "a").await.unwrap().unwrap();
    // The desk looks at its clock once a minute while somebody has a seat.
    for _ in 0..180 {
        node.pass(MINUTE).await;
        let renewed = |desk: &mut Desk, _, time| {
            let id = desk.ledger.find_identity(series("672B"), "a").unwrap().id;
            desk.ledger.renew(time, id, None)
        };
        node.handle.ask(renewed).await.unwrap();
    }
    let rows = rows(&node);
    assert!(
        (35..=37).contains(&rows.len()) && rows.iter().all(|row| *row == (1, 10, 0)),
        "{rows:?}"
    );
    let told = told(&node).await;
    assert!(
        (36..=37).contains(&told.len()) && told.iter().all(|slot| slot.peak == 1),
        "{told:?}"
    );
}

#[tokio::test]
async fn refusals_and_the_slot_under_way_are_told_at_once_and_kept_by_a_stop_in_order() {
    let node = Node::new(&[main_key(1, 1)]);
    take(&node.handle, "a").await.unwrap().unwrap();
    take(&node.handle, "b").await.unwrap().unwrap_err();
    let before = told(&node).await;
    assert_eq!(before.len(), 1);
    assert_eq!((before[0].peak, before[0].seats, before[0].refused), (1, 1, 1));
    assert!(rows(&node).is_empty());
    let node = node.restart(true);
    assert_eq!(rows(&node), [(1, 1, 1)]);
    take(&node.handle, "c").await.unwrap().unwrap_err();
    assert_eq!(told(&node).await[0].refused, 2);
    let node = node.restart(true);
    assert_eq!(rows(&node), [(1, 1, 2)], "both parts of the slot");
}

#[tokio::test]
async fn a_crash_costs_the_slot_under_way_alone() {
    let node = Node::new(&[main_key(1, 1)]);
    take(&node.handle, "a").await.unwrap().unwrap();
    node.pass(SLOT_LENGTH).await;
    node.pass(MINUTE).await;
    take(&node.handle, "b").await.unwrap().unwrap_err();
    assert_eq!(rows(&node), [(1, 1, 0)]);
    let node = node.restart(false);
    assert_eq!(rows(&node), [(1, 1, 0)]);
    assert_eq!(
        told(&node).await.last().map(|slot| slot.peak),
        Some(1),
        "the seat is back"
    );
}

#[tokio::test]
async fn a_seat_that_could_not_be_saved_is_in_no_row() {
    let node = Node::new(&[main_key(1, 3)]);
    take(&node.handle, "a").await.unwrap().unwrap();
    node.break_disk(true);
    take(&node.handle, "b").await.unwrap_err();
    assert_eq!(told(&node).await[0].peak, 1);
    node.break_disk(false);
    take(&node.handle, "b").await.unwrap().unwrap();
    assert_eq!(told(&node).await[0].peak, 2);
}

#[tokio::test]
async fn an_idle_desk_writes_the_last_slot_by_itself_and_no_more() {
    let node = Node::new(&[main_key(1, 3)]);
    node.handle.stop();
    let clock = node.clock.clone();
    node.thread.join().unwrap();
    let mut task = task(&node.database, &clock);
    task.desk.ledger.offer(0, node.offers.clone());
    task.serve(Vec::new());
    assert_eq!(task.pause(), None, "the same seats as before");
    task.desk.ledger.offer(0, vec![main_key(1, 4)]);
    let rest = task.pause().unwrap();
    clock
        .0
        .fetch_add(u64::try_from(rest.as_millis()).unwrap(), Ordering::SeqCst);
    task.serve(Vec::new());
    assert_eq!(task.pause(), None);
    // It is the slot in which the first desk stopped: one row.
    assert_eq!(rows_of(&node.database), [4]);
}

/// A desk that is driven by hand, as it is restored.
fn task(database: &Database, clock: &Arc<HandClock>) -> Task {
    let mut store = SqliteSeats::new(database).unwrap();
    let (mut ledger, time) = Ledger::restore(RULES.ledger, store.load().unwrap());
    ledger.usage.advance(clock.now().wall);
    Task {
        desk: Desk {
            ledger,
            connections: Connections::new(RULES.connection_life),
            journal: Journal::default(),
        },
        store: Box::new(store),
        receiver: channel().1,
        clock: clock.clone(),
        origin: time.wrapping_sub(clock.now().mono),
        health: Arc::default(),
        saved_at: time,
        feed: Feed::default(),
        failed_at: None,
        measures: Arc::default(),
    }
}

/// Seats of each row on disk.
fn rows_of(database: &Database) -> Vec<u64> {
    let connection = database.connect().unwrap();
    let mut rows = connection
        .prepare("SELECT seats FROM usage WHERE length = 300000 ORDER BY time")
        .unwrap();
    let rows = rows.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}
