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
        .args(whole.get_arguments().cloned())
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Commands that tell of something; what changes something says so in a sentence.
    const TELL: [&str; 15] = [
        "backup",
        "batches",
        "connections",
        "diff",
        "doctor",
        "inspect",
        "list",
        "organizations",
        "processes",
        "rescan",
        "restore",
        "show",
        "status",
        "tokens",
        "watch",
    ];

    fn check(command: &Command, path: &str, checked: &mut usize) {
        let path = format!("{path} {}", command.get_name());
        if command.has_subcommands() {
            command
                .get_subcommands()
                .for_each(|below| check(below, &path, checked));
            return;
        }
        let of_audit = path.contains(" audit ");
        if TELL.contains(&command.get_name()) || of_audit {
            let json = command.get_arguments().any(|arg| arg.get_long() == Some("json"));
            assert!(json, "{path} has no --json");
            *checked += 1;
        }
    }

    #[test]
    fn whatever_tells_of_something_tells_it_in_json_too() {
        let mut checked = 0;
        check(&crate::cli::Cli::command(), "", &mut checked);
        assert!(checked > 30, "{checked}");
    }
}
