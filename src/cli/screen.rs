//! What standard output can show: how wide it is, whether it has colours.

use std::io::{self, IsTerminal};
use std::sync::OnceLock;

use clap::ValueEnum;

/// When the output has colours: on a terminal that its user wants them on, in a pipe too, never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Colour {
    // No line of help each: every command's help would be longer by six.
    #[default]
    Auto,
    Always,
    Never,
}

/// What this process was told.
static WISH: OnceLock<Colour> = OnceLock::new();

/// Says when this process has colours; the first word counts.
pub(super) fn wish(colour: Colour) {
    let _ = WISH.set(colour);
}

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
        let terminal = out.is_terminal();
        let wish = WISH.get().copied().unwrap_or_default();
        let colour = wants_colour(wish, terminal, |name| std::env::var(name).ok());
        if !terminal {
            return Self {
                colour,
                ..Self::default()
            };
        }
        let size = rustix::termios::tcgetwinsize(&out).ok();
        let of = |cells: u16| Some(usize::from(cells)).filter(|cells| *cells > 0);
        Self {
            width: size.and_then(|size| of(size.ws_col)),
            height: size.and_then(|size| of(size.ws_row)),
            colour,
        }
    }
}

/// What was said on the command line counts; else a terminal has colours unless its user wants none (no-color.org), or it
/// cannot.
fn wants_colour(wish: Colour, terminal: bool, variable: impl Fn(&str) -> Option<String>) -> bool {
    match wish {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => {
            let no = variable("NO_COLOR").is_some_and(|text| !text.is_empty());
            terminal && !no && variable("TERM").is_none_or(|term| term != "dumb")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_wants_no_colour_gets_none() {
        let with = |wish, terminal, pairs: &'static [(&str, &str)]| {
            wants_colour(wish, terminal, |name| {
                pairs
                    .iter()
                    .find(|(own, _)| *own == name)
                    .map(|(_, text)| (*text).to_owned())
            })
        };
        let auto = |pairs| with(Colour::Auto, true, pairs);
        assert!(auto(&[]) && auto(&[("NO_COLOR", ""), ("TERM", "xterm")]));
        assert!(!auto(&[("NO_COLOR", "1")]) && !auto(&[("TERM", "dumb")]));
        assert!(!with(Colour::Auto, false, &[]) && with(Colour::Always, false, &[("NO_COLOR", "1")]));
        assert!(!with(Colour::Never, true, &[]));
    }
}
