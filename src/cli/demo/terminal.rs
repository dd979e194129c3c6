//! Runs a program that asks for PINs as if at a terminal, and answers it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::process::Command;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// More than that of what it says nobody reads.
const LONGEST: usize = 4096;

/// Runs the command to its end; each time that it says something which ends in `prompt`, it gets the next answer.
/// What it said comes back where it failed; that holds no answers, for programs that ask for secrets show none.
pub(super) fn answer_prompts(
    mut command: Command,
    prompt: &str,
    answers: &[&str],
) -> io::Result<Result<(), String>> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let name = std::ffi::OsString::from_vec(ptsname(&master, Vec::new())?.into_bytes());
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        i32::try_from(rustix::fs::OFlags::NOCTTY.bits()).unwrap_or_default(),
    );
    let slave = options.open(name)?;
    command.stdin(slave.try_clone()?).stdout(slave.try_clone()?);
    let mut child = command.stderr(slave).spawn()?;
    // The command holds copies of the terminal, and reading would never end with them.
    drop(command);
    let mut terminal = File::from(master);
    let (mut said, mut answers) = (Vec::new(), answers.iter());
    let mut piece = [0; 512];
    // The end of a terminal is an error.
    while let Ok(length @ 1..) = terminal.read(&mut piece) {
        said.extend_from_slice(&piece[..length]);
        if said.ends_with(prompt.as_bytes()) {
            let answer = answers.next().copied().unwrap_or_default();
            terminal.write_all(answer.as_bytes())?;
            terminal.write_all(b"\n")?;
        }
        if said.len() > LONGEST {
            said.drain(..said.len() - LONGEST / 2);
        }
    }
    if child.wait()?.success() {
        return Ok(Ok(()));
    }
    let said = String::from_utf8_lossy(&said);
    let words: Vec<&str> = said
        .split(|c: char| c.is_control() || c == ' ')
        .filter(|word| !word.is_empty())
        .collect();
    Ok(Err(words.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_program_that_asks_is_answered_in_turn() {
        let asks =
            "printf 'PIN: '; read a; printf 'again PIN: '; read b; test \"$a$b\" = onetwo && test -t 0";
        answer_prompts(shell(asks), "PIN: ", &["one", "two"])
            .unwrap()
            .unwrap();
        let said = answer_prompts(shell(asks), "PIN: ", &["one", "one"])
            .unwrap()
            .unwrap_err();
        assert!(said.contains("again PIN:"), "{said}");
        let said = answer_prompts(shell("echo no token >&2; exit 1"), "PIN: ", &[]);
        assert_eq!(said.unwrap().unwrap_err(), "no token");
        assert!(answer_prompts(Command::new("/no/such"), "PIN: ", &[]).is_err());
    }
}
