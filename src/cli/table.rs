//! Tables for people: columns as wide as what stands in them; on a terminal no line is longer than it.

use std::io::{self, Write};

use serde_json::Value;

use super::screen::Screen;

/// Between two columns.
const GAP: usize = 2;

/// No column is cut below this.
const NARROWEST: usize = 8;

/// How a cell looks on a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Plain,
    Good,
    Bad,
}

/// What stands at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    text: String,
    look: Look,
}

impl Cell {
    /// Text that may come from anybody: nothing of it steers the terminal.
    pub(super) fn new(text: &str) -> Self {
        let plain = plain(text.lines().next().unwrap_or_default());
        Self {
            text: if plain.is_empty() { "-".into() } else { plain },
            look: Look::Plain,
        }
    }

    /// A value as JSON has it.
    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::new(""),
            Value::String(text) => Self::new(text),
            other => Self::new(&other.to_string()),
        }
    }

    /// As it is printed.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// In green or in red.
    pub(super) fn judged(self, good: bool) -> Self {
        let look = if good { Look::Good } else { Look::Bad };
        Self { look, ..self }
    }
}

/// Text that may come from anybody, of which nothing steers the terminal.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if steers(c) { '?' } else { c }).collect()
}

/// Control characters, and those that turn the direction of writing.
fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A table.
pub(super) struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(super) fn new(head: &[&'static str]) -> Self {
        Self {
            head: head.to_vec(),
            rows: Vec::new(),
        }
    }

    /// A table of JSON objects: a column's head and the field that stands in it.
    pub(super) fn of(columns: &[(&'static str, &str)], rows: &[Value]) -> Self {
        let head: Vec<_> = columns.iter().map(|(head, _)| *head).collect();
        let mut table = Self::new(&head);
        for row in rows {
            table.push(columns.iter().map(|(_, field)| Cell::of(&row[*field])).collect());
        }
        table
    }

    pub(super) fn push(&mut self, row: Vec<Cell>) {
        self.rows.push(row);
    }

    /// Prints it as standard output can show it.
    pub(super) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        self.print_on(Screen::look(), out)
    }

    pub(super) fn print_on(&self, screen: Screen, out: &mut impl Write) -> io::Result<()> {
        let widths = self.widths(screen.width);
        let head: Vec<Cell> = self.head.iter().map(|head| Cell::new(head)).collect();
        line(
            &head,
            &widths,
            if screen.colour { Some("\x1b[1m") } else { None },
            false,
            out,
        )?;
        for row in &self.rows {
            line(row, &widths, None, screen.colour, out)?;
        }
        Ok(())
    }

    /// The columns' widths in characters. Where the terminal is too narrow, the widest gives way first.
    fn widths(&self, wide: Option<usize>) -> Vec<usize> {
        let of = |column: usize| {
            let cells = self
                .rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| count(&cell.text));
            cells.chain([count(self.head[column])]).max().unwrap_or(0)
        };
        let mut widths: Vec<usize> = (0..self.head.len()).map(of).collect();
        let Some(wide) = wide else {
            return widths;
        };
        let gaps = GAP * widths.len().saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > wide {
            match widths.iter_mut().max() {
                Some(widest) if *widest > NARROWEST => *widest -= 1,
                _ => break,
            }
        }
        widths
    }
}

fn line(
    cells: &[Cell],
    widths: &[usize],
    all: Option<&str>,
    colour: bool,
    out: &mut impl Write,
) -> io::Result<()> {
    for (index, (cell, width)) in cells.iter().zip(widths).enumerate() {
        let text = cut(&cell.text, *width);
        let paint = match cell.look {
            _ if all.is_some() => all,
            Look::Good if colour => Some("\x1b[32m"),
            Look::Bad if colour => Some("\x1b[31m"),
            _ => None,
        };
        match paint {
            Some(paint) => write!(out, "{paint}{text}\x1b[0m")?,
            None => write!(out, "{text}")?,
        }
        if index + 1 < cells.len() {
            write!(out, "{:1$}", "", width - count(&text) + GAP)?;
        }
    }
    writeln!(out)
}

fn cut(text: &str, width: usize) -> String {
    if count(text) <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

fn count(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn printed(rows: &[Value], screen: Screen) -> String {
        let mut out = Vec::new();
        let table = Table::of(&[("NAME", "n"), ("USER", "u"), ("STATE", "s")], rows);
        table.print_on(screen, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn columns_are_as_wide_as_what_stands_in_them() {
        let rows = [
            json!({ "n": "бухгалтерия", "u": "Иванов", "s": "ok" }),
            json!({ "n": "a", "u": null, "s": 7 }),
        ];
        assert_eq!(
            printed(&rows, Screen::default()),
            "NAME         USER    STATE\nбухгалтерия  Иванов  ok\na            -       7\n"
        );
    }

    #[test]
    fn a_narrow_terminal_cuts_the_widest_and_a_pipe_nothing() {
        let rows = [json!({ "n": "x".repeat(60), "u": "u", "s": "s" })];
        let narrow = Screen {
            width: Some(40),
            ..Screen::default()
        };
        let told = printed(&rows, narrow);
        assert!(
            told.lines().all(|line| count(line) <= 40) && told.contains("x…"),
            "{told}"
        );
        assert!(printed(&rows, Screen::default()).contains(&"x".repeat(60)));
    }

    #[test]
    fn nothing_in_a_cell_steers_the_terminal() {
        let rows = [json!({ "n": "\u{1b}[2J\u{202e}evil\nsecond line", "u": "", "s": "s" })];
        let told = printed(&rows, Screen::default());
        assert!(told.contains("?[2J?evil") && !told.contains("second"), "{told}");
    }

    #[test]
    fn colours_are_for_terminals() {
        let mut table = Table::new(&["A"]);
        table.push(vec![Cell::new("bad").judged(false)]);
        let told = |colour| {
            let mut out = Vec::new();
            table
                .print_on(
                    Screen {
                        colour,
                        ..Screen::default()
                    },
                    &mut out,
                )
                .unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(told(false), "A\nbad\n");
        assert_eq!(told(true), "\x1b[1mA\x1b[0m\n\x1b[31mbad\x1b[0m\n");
    }
}
