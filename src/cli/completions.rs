//! `keynode completions`: what a shell needs to complete this command line, made from its own definition.

use std::io::Write;

use clap::{Args, ValueEnum};
use clap_complete::{Shell, generate};

use super::failure::Failure;

/// For which shell.
#[derive(Debug, Clone, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    shell: KnownShell,
}

/// The shells that packages install completions for.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum KnownShell {
    Bash,
    Zsh,
    Fish,
}

pub(super) fn run(args: &CompletionsArgs, out: &mut impl Write) -> Result<(), Failure> {
    let shell = match args.shell {
        KnownShell::Bash => Shell::Bash,
        KnownShell::Zsh => Shell::Zsh,
        KnownShell::Fish => Shell::Fish,
    };
    // The generator panics where it cannot write: it gets memory, which takes everything.
    let mut script = Vec::new();
    generate(shell, &mut super::definition(), "keynode", &mut script);
    out.write_all(&script)?;
    out.flush()?;
    Ok(())
}
