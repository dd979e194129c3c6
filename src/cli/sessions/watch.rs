//! `keynode sessions list --watch`: asks once a second, and less often where the answer takes long.

use std::collections::BTreeMap;
use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::clock::SystemClock;

use super::super::client::Client;
use super::super::failure::Failure;
use super::super::interrupt;
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
    interrupt::ends_the_command()?;
    let mut before = BTreeMap::new();
    loop {
        let began = Instant::now();
        let screen = Screen::look();
        match screen.height {
            Some(height) if !as_json => draw(client, filter, screen, height, out)?,
            _ => before = tell(client, filter, &before, as_json, out)?,
        }
        out.flush()?;
        thread::sleep(PAUSE.max(began.elapsed() * PART));
    }
}

/// What fits on the terminal, from its first line on.
fn draw(
    client: &Client,
    filter: &Filter,
    screen: Screen,
    height: usize,
    out: &mut impl Write,
) -> Result<(), Failure> {
    // The head of the table, the line above it and the cursor's.
    let fits = height.saturating_sub(3).max(1);
    let rows = client.list(&filter.path_up_to(Some(fits + 1)), "Sessions")?;
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

/// A line for each session that came or went; renewals are no news.
fn tell(
    client: &Client,
    filter: &Filter,
    before: &Rows,
    as_json: bool,
    out: &mut impl Write,
) -> Result<Rows, Failure> {
    let rows = client.list(&filter.path(), "Sessions")?;
    let now: Rows = rows
        .into_iter()
        .map(|row| (Cell::of(&row["ID"]).text().to_owned(), row))
        .collect();
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
    Ok(now)
}
