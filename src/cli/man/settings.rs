//! The manual page of the settings file, made from the table of options.

use std::io;

use clap_mangen::roff::{Roff, bold, italic, roman};

use crate::settings::{DEFAULT_FILE, OPTIONS, OptionSpec, SAMPLE};

use super::page::{MANUAL, entry, verbatim};

/// keynode.toml(5) as troff source.
pub(super) fn render() -> io::Result<Vec<u8>> {
    let mut roff = Roff::new();
    let source = concat!("keynode ", env!("CARGO_PKG_VERSION"));
    roff.control("TH", ["keynode.toml", "5", "", source, MANUAL]);
    roff.control("SH", ["NAME"]);
    roff.text([roman("keynode.toml - settings of keynode")]);
    roff.control("SH", ["SYNOPSIS"]);
    roff.text([italic(DEFAULT_FILE)]);
    roff.control("SH", ["DESCRIPTION"]);
    for paragraph in [
        "A file in TOML. Every option has a default; a file that is not there is as good as an empty one. A key or a \
         value that is not known keeps the node from starting: it names the file and the line, and ends with 78.",
        "Each option is a flag and an environment variable too. The later one wins: default, file, variable, flag.",
        "A node reads the file again on SIGHUP (systemctl reload keynode); what takes a restart to change, it says \
         in its log. keynode config check tells whether a file will do, keynode config show where each value came from.",
    ] {
        roff.control("PP", []);
        roff.text([roman(paragraph)]);
    }
    roff.control("SH", ["OPTIONS"]);
    let mut current = "";
    for option in OPTIONS {
        let (section, _) = option.section_and_name();
        if section != current {
            current = section;
            roff.control("SS", [format!("[{section}]").as_str()]);
        }
        describe(&mut roff, option);
    }
    roff.control("SH", ["SAMPLE"]);
    roff.text([roman(
        "keynode config sample prints this file, with every default:",
    )]);
    roff.control("PP", []);
    verbatim(&mut roff, SAMPLE);
    roff.control("SH", ["FILES"]);
    entry(
        &mut roff,
        DEFAULT_FILE,
        "Where it is looked for, unless --config or KEYNODE_CONFIG names another.",
    );
    roff.control("SH", ["SEE ALSO"]);
    roff.text([
        italic("keynode"),
        roman("(1), "),
        italic("keynode-config"),
        roman("(1)"),
    ]);
    let mut page = Vec::new();
    roff.to_writer(&mut page)?;
    Ok(page)
}

fn describe(roff: &mut Roff, option: &OptionSpec) {
    let (_, name) = option.section_and_name();
    roff.control("TP", []);
    roff.text([bold(name), roman(" = "), italic(option.kind.value_name())]);
    roff.text([roman(format!("{}. ", option.help))]);
    roff.control("br", []);
    roff.text([
        roman("Flag "),
        bold(format!("--{}", option.flag())),
        roman(", variable "),
        bold(option.env()),
    ]);
}
