//! Which programs have a file open, as far as /proc shows it to this user.

use std::fs;
use std::path::Path;

use crate::text::clean;

/// More programs than this are not named.
const MOST: usize = 4;

/// `scdaemon (pid 412), pcscd (pid 77)`; none: none is visible.
pub fn of(file: &Path) -> Option<String> {
    let mut holders = Vec::new();
    for process in fs::read_dir("/proc").ok()?.flatten() {
        let name = process.file_name();
        let Some(pid) = name
            .to_str()
            .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        else {
            continue;
        };
        if has_open(&process.path(), file) {
            let comm = fs::read(process.path().join("comm")).unwrap_or_default();
            let comm = clean(&comm).unwrap_or_else(|| "a program".into());
            holders.push(format!("{comm} (pid {pid})"));
        }
        if holders.len() == MOST {
            break;
        }
    }
    (!holders.is_empty()).then(|| holders.join(", "))
}

fn has_open(process: &Path, file: &Path) -> bool {
    fs::read_dir(process.join("fd"))
        .into_iter()
        .flatten()
        .flatten()
        .any(|open| fs::read_link(open.path()).is_ok_and(|target| target == file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_has_the_file_open_is_named_with_its_pid() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().canonicalize().unwrap();
        let named = of(&path).unwrap();
        assert!(
            named.contains(&format!("(pid {})", std::process::id())),
            "{named}"
        );
        drop(file);
        assert_eq!(of(&path), None);
    }
}
