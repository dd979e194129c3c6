//! The manual page of one command.

use std::io;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, italic, roman};

use crate::settings::DEFAULT_FILE;

use super::super::failure::EXIT_CODES;

/// What pages call the programs' manual.
pub(super) const MANUAL: &str = "Keynode manual";

/// What a command's own variables mean; those of the settings are in keynode.toml(5).
const VARIABLES: [(&str, &str); 4] = [
    (
        "KEYNODE_CONFIG",
        "The settings file, where --config does not name it.",
    ),
    (
        "KEYNODE_…",
        "An option of the settings: keynode.toml(5) names the variable of each. It wins over the file, a flag wins over it.",
    ),
    (
        "KEYNODE_PASSWORD",
        "The password of the user that a command logs in as, where --password-file does not name a file with it.",
    ),
    (
        "NO_COLOR",
        "Where it is set and not empty, nothing is coloured, unless --color=always is said.",
    ),
];

const FILES: [(&str, &str); 3] = [
    (DEFAULT_FILE, "The settings, see keynode.toml(5)."),
    (
        "/var/lib/keynode",
        "What the node keeps: its database, its signing key, licences, trusted vendors. The option state_dir places it.",
    ),
    (
        "/run/credentials/keynode.service",
        "What systemd gives the service as credentials, such as PINs and the serial number of the board.",
    ),
];

/// The page's name: `keynode-sessions-list`.
pub(super) fn name(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

/// The page as troff source.
pub(super) fn render(command: &Command) -> io::Result<Vec<u8>> {
    let source = concat!("keynode ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone()).source(source).manual(MANUAL);
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    synopsis(command).to_writer(&mut page)?;
    man.render_description_section(&mut page)?;
    if command.get_arguments().any(|argument| !argument.is_hide_set()) {
        man.render_options_section(&mut page)?;
    }
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    common(command).to_writer(&mut page)?;
    Ok(page)
}

/// As the help has it: a line with a hundred options would help nobody.
fn synopsis(command: &Command) -> Roff {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let called = command.get_bin_name().unwrap_or(name(command)).to_owned();
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]);
    match usage.strip_prefix(&called) {
        Some(rest) => roff.text([bold(called), roman(rest)]),
        None => roff.text([roman(usage)]),
    };
    roff
}

/// What follows the options on every page.
fn common(command: &Command) -> Roff {
    let mut roff = Roff::new();
    if command
        .get_arguments()
        .any(|argument| argument.get_help_heading() == Some("Settings"))
    {
        roff.control("PP", []);
        roff.text([roman(
            "Every other option of keynode.toml(5) that has to do with this is taken as a flag too: --help lists them.",
        )]);
    }
    if let Some(examples) = command.get_after_help() {
        let text = examples.to_string();
        roff.control("SH", ["EXAMPLES"]);
        verbatim(
            &mut roff,
            text.trim_start_matches("Examples:").trim_start_matches('\n'),
        );
    }
    roff.control("SH", ["EXIT STATUS"]);
    for (code, meaning) in EXIT_CODES {
        entry(&mut roff, &code.to_string(), meaning);
    }
    roff.control("SH", ["ENVIRONMENT"]);
    for (variable, meaning) in VARIABLES {
        entry(&mut roff, variable, meaning);
    }
    roff.control("SH", ["FILES"]);
    for (file, meaning) in FILES {
        entry(&mut roff, file, meaning);
    }
    see_also(&mut roff, command);
    roff
}

/// A term and what it means.
pub(super) fn entry(roff: &mut Roff, term: &str, meaning: &str) {
    roff.control("TP", []);
    roff.text([bold(term)]);
    roff.text([roman(meaning)]);
}

/// Lines as they are.
pub(super) fn verbatim(roff: &mut Roff, text: &str) {
    roff.control("nf", []);
    for line in text.lines() {
        // An empty line in the source would be a paragraph of its own.
        if line.is_empty() {
            roff.control("sp", []);
        } else {
            roff.text([roman(line)]);
        }
    }
    roff.control("fi", []);
}

fn see_also(roff: &mut Roff, command: &Command) {
    roff.control("SH", ["SEE ALSO"]);
    let own = name(command);
    let mut parts = Vec::new();
    if let Some((above, _)) = own.rsplit_once('-').filter(|_| own != "keynode-public-key") {
        parts.extend([italic(above), roman("(1), ")]);
    }
    if own.matches('-').count() > 1 {
        parts.extend([italic("keynode"), roman("(1), ")]);
    }
    parts.extend([italic("keynode.toml"), roman("(5)")]);
    roff.text(parts);
}
