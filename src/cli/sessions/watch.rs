//! `keynode sessions list --watch`: asks once a second, and less often where the answer takes long.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::clock::SystemClock;

use super::super::client::Client;
use super::super::failure::Failure;
use super::super::interrupt::UntilInterrupted;
use super::super::screen::Screen;
use super::super::table::Cell;
use super::{Filter, table};

/// Between two looks, at least.
const PAUSE: Duration = Duration::from_secs(1);

/// Looking takes no more than this part of the node's time.
const PART: u32 = 20;

pub(super) fn run(
    client: &Client,
    filter: &Filter,
    as_json: bool,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let interrupted = UntilInterrupted::new()?;
    let mut before = Rows::new();
    let mut health = Health::Unknown;
    loop {
        let began = Instant::now();
        let screen = Screen::look();
        let height = screen.height.filter(|_| !as_json);
        // The head of the table, the line above it and the cursor's.
        let fits = height.map(|height| height.saturating_sub(3).max(1));
        let path = filter.path_up_to(fits.map(|fits| fits + 1));
        if let Some(rows) = health.judge(client.list(&path, "Sessions"), &mut io::stderr())? {
            let mut text = Vec::new();
            if let Some(fits) = fits {
                draw(&rows, fits, screen, &mut text)?;
            } else {
                let now = by_id(rows);
                tell(&before, &now, as_json, &mut text)?;
                before = now;
            }
            interrupted.write(&text, out)?;
        }
        thread::sleep(PAUSE.max(began.elapsed() * PART));
    }
}

/// How the node was when it was asked last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Health {
    /// It was not asked.
    Unknown,
    Well,
    Gone,
}

impl Health {
    /// The rows, where the node gave them. One that was there and is not now is perhaps restarting: that is told once, and
    /// it is asked again.
    fn judge<T>(&mut self, outcome: Result<T, Failure>, told: &mut impl Write) -> Result<Option<T>, Failure> {
        match outcome {
            Ok(rows) => {
                if *self == Self::Gone {
                    // Where nobody reads it, the rows still tell.
                    let _ = writeln!(told, "keynode: the node is back");
                }
                *self = Self::Well;
                Ok(Some(rows))
            }
            Err(error @ (Failure::NotReachable(_) | Failure::Failed(_))) if *self != Self::Unknown => {
                if *self == Self::Well {
                    let _ = writeln!(told, "keynode: {error}; waiting until it is back");
                }
                *self = Self::Gone;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// What fits on the terminal, from its first line on.
fn draw(rows: &[Value], fits: usize, screen: Screen, out: &mut impl Write) -> Result<(), Failure> {
    let more = if rows.len() > fits {
        ", more than fit here"
    } else {
        ""
    };
    let shown = &rows[..rows.len().min(fits)];
    let now = SystemClock::shared().now().wall;
    write!(out, "\x1b[H\x1b[J")?;
    writeln!(out, "{now}: {} session(s){more}; Ctrl-C ends this", shown.len())?;
    table(shown).print_on(screen, out)?;
    Ok(())
}

type Rows = BTreeMap<String, Value>;

fn by_id(rows: Vec<Value>) -> Rows {
    let rows = rows.into_iter();
    rows.map(|row| (Cell::of(&row["ID"]).text().to_owned(), row))
        .collect()
}

/// A line for each session that came or went; renewals are no news.
fn tell(before: &Rows, now: &Rows, as_json: bool, out: &mut impl Write) -> Result<(), Failure> {
    let gone = before
        .iter()
        .filter(|(id, _)| !now.contains_key(*id))
        .map(|(_, row)| ("ended", row));
    let came = now
        .iter()
        .filter(|(id, _)| !before.contains_key(*id))
        .map(|(_, row)| ("taken", row));
    let time = SystemClock::shared().now().wall;
    for (event, row) in gone.chain(came) {
        if as_json {
            writeln!(out, "{}", json!({ "Time": time, "Event": event, "Session": row }))?;
            continue;
        }
        let field = |name: &str| Cell::of(&row[name]).text().to_owned();
        let (id, series, key) = (field("ID"), field("KeyID"), field("UsedLicence"));
        let (computer, user, app) = (field("ComputerName"), field("UserName"), field("AppName"));
        writeln!(
            out,
            "{time} {event:<6} {id} {series} {key}  {computer}, {user}, {app}"
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_was_there_is_waited_for_and_one_that_never_was_is_not() {
        let gone = || Err::<(), _>(Failure::NotReachable("no node".into()));
        let mut told = Vec::new();
        assert!(Health::Unknown.judge(gone(), &mut told).is_err());
        let mut health = Health::Unknown;
        assert!(health.judge(Ok(()), &mut told).unwrap().is_some());
        for _ in 0..3 {
            assert!(health.judge(gone(), &mut told).unwrap().is_none());
        }
        assert!(health.judge(Ok(()), &mut told).unwrap().is_some());
        let refused = Err::<(), _>(Failure::NotAllowed("no".into()));
        assert!(health.judge(refused, &mut told).is_err());
        let told = String::from_utf8(told).unwrap();
        assert_eq!(told.lines().count(), 2, "each is told once: {told}");
    }
}
