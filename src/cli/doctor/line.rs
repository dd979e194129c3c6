//! What a check found, and how it is printed.

use std::io::{self, Write};

use serde::Serialize;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Ok,
    /// It works, but should be looked after.
    Warning,
    /// It does not work.
    Failure,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failure => "FAILURE",
        }
    }
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Line {
    pub(super) check: &'static str,
    pub(super) state: State,
    pub(super) text: String,
    /// What to do about it; nothing where all is well.
    pub(super) todo: Option<String>,
}

impl Line {
    pub(super) fn ok(check: &'static str, text: impl Into<String>) -> Self {
        Self {
            check,
            state: State::Ok,
            text: text.into(),
            todo: None,
        }
    }

    pub(super) fn warning(check: &'static str, text: impl Into<String>, todo: impl Into<String>) -> Self {
        Self {
            check,
            state: State::Warning,
            text: text.into(),
            todo: Some(todo.into()),
        }
    }

    pub(super) fn failure(check: &'static str, text: impl Into<String>, todo: impl Into<String>) -> Self {
        Self {
            state: State::Failure,
            ..Self::warning(check, text, todo)
        }
    }
}

/// Prints all lines, as a table or as JSON.
pub(super) fn print(lines: &[Line], json: bool, out: &mut impl Write) -> io::Result<()> {
    if json {
        let text = serde_json::to_string_pretty(lines).map_err(io::Error::other)?;
        return writeln!(out, "{text}");
    }
    for line in lines {
        writeln!(
            out,
            "{:<8} {:<16} {}",
            line.state.name(),
            line.check,
            indented(&line.text)
        )?;
        if let Some(todo) = &line.todo {
            writeln!(out, "{:25} -> {}", "", indented(todo))?;
        }
    }
    Ok(())
}

/// Texts of several lines stay in their column.
fn indented(text: &str) -> String {
    text.replace('\n', &format!("\n{:29}", ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(json: bool) -> String {
        let lines = [
            Line::ok("clock", "right"),
            Line::failure("port", "taken", "free it\nor take another"),
        ];
        let mut out = Vec::new();
        print(&lines, json, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_says_how_it_is_and_what_to_do() {
        assert_eq!(
            printed(false),
            "ok       clock            right\n\
             FAILURE  port             taken\n\
             \u{20}                         -> free it\n\
             \u{20}                            or take another\n"
        );
    }

    #[test]
    fn the_json_has_the_documented_keys() {
        let lines: serde_json::Value = serde_json::from_str(&printed(true)).unwrap();
        assert_eq!(
            lines,
            serde_json::json!([
                { "check": "clock", "state": "ok", "text": "right", "todo": null },
                { "check": "port", "state": "failure", "text": "taken", "todo": "free it\nor take another" },
            ])
        );
    }
}
