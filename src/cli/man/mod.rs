//! `keynode man`: the manual pages, made from the definition of the command line and of the settings.

mod page;
mod settings;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Command};

use super::failure::Failure;

/// Where to.
#[derive(Debug, Clone, Args)]
pub(super) struct ManArgs {
    /// Write every page into this directory, a file each; without it, keynode(1) is printed
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(super) fn run(args: &ManArgs, out: &mut impl Write) -> Result<(), Failure> {
    let definition = super::definition();
    let Some(directory) = &args.dir else {
        out.write_all(&page::render(&definition)?)?;
        return Ok(());
    };
    fs::create_dir_all(directory).map_err(|error| failed(directory, &error))?;
    let written = commands(&definition, directory)?;
    write(directory, "keynode.toml.5", &settings::render()?)?;
    writeln!(out, "{} pages are in {}", written + 1, directory.display())?;
    Ok(())
}

/// The page of a command and those below it; tells how many.
fn commands(command: &Command, directory: &Path) -> Result<usize, Failure> {
    let name = format!("{}.1", page::name(command));
    write(directory, &name, &page::render(command)?)?;
    let mut written = 1;
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        written += commands(below, directory)?;
    }
    Ok(written)
}

fn write(directory: &Path, name: &str, page: &[u8]) -> Result<(), Failure> {
    let path = directory.join(name);
    fs::write(&path, page).map_err(|error| failed(&path, &error))
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::of(format!("{}: {error}", path.display()))
}
