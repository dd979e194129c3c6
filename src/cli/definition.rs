//! The definition of the command line as packages show it: in manual pages and to shells.

use clap::{Command, CommandFactory};

/// Commands whose pages name every option of the settings; the others take them too and name the common ones.
const WHOLE: [&str; 2] = ["serve", "demo"];

/// All commands that are not hidden, with the options worth naming.
pub(super) fn definition() -> Command {
    let whole = super::Cli::command().disable_help_subcommand(true);
    let shown: Vec<Command> = whole
        .get_subcommands()
        .filter(|one| !one.is_hide_set())
        .cloned()
        .collect();
    // A command cannot lose a part: it is put together anew from those that stay.
    let mut root = Command::new("keynode").disable_help_subcommand(true);
    root = root
        .about(whole.get_about().cloned().unwrap_or_default())
        .version(env!("CARGO_PKG_VERSION"))
        .after_help(whole.get_after_help().cloned().unwrap_or_default())
        .subcommand_required(true)
        .subcommands(shown.into_iter().map(|command| {
            if WHOLE.contains(&command.get_name()) {
                command
            } else {
                slim(command)
            }
        }));
    root.build();
    root
}

/// Without the options that the short help does not name either.
fn slim(command: Command) -> Command {
    command
        .mut_args(|arg| {
            let rare = arg.is_hide_short_help_set();
            arg.hide(rare)
        })
        .mut_subcommands(slim)
}
