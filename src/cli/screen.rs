//! What standard output can show: how wide it is, whether it has colours.

use std::io::{self, IsTerminal};

/// Of standard output, as it is now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Screen {
    /// Characters in a line; none where it is no terminal: a program gets everything.
    pub(super) width: Option<usize>,
    /// Lines.
    pub(super) height: Option<usize>,
    pub(super) colour: bool,
}

impl Screen {
    pub(super) fn look() -> Self {
        let out = io::stdout();
        if !out.is_terminal() {
            return Self::default();
        }
        let size = rustix::termios::tcgetwinsize(&out).ok();
        let of = |cells: u16| Some(usize::from(cells)).filter(|cells| *cells > 0);
        Self {
            width: size.and_then(|size| of(size.ws_col)),
            height: size.and_then(|size| of(size.ws_row)),
            colour: wants_colour(|name| std::env::var(name).ok()),
        }
    }
}

/// A terminal has colours unless its user wants none (no-color.org), or it cannot.
fn wants_colour(variable: impl Fn(&str) -> Option<String>) -> bool {
    let no = variable("NO_COLOR").is_some_and(|text| !text.is_empty());
    !no && variable("TERM").is_none_or(|term| term != "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_wants_no_colour_gets_none() {
        let with = |pairs: &'static [(&str, &str)]| {
            wants_colour(|name| {
                pairs
                    .iter()
                    .find(|(own, _)| *own == name)
                    .map(|(_, text)| (*text).to_owned())
            })
        };
        assert!(with(&[]) && with(&[("NO_COLOR", ""), ("TERM", "xterm")]));
        assert!(!with(&[("NO_COLOR", "1")]) && !with(&[("TERM", "dumb")]));
    }
}
