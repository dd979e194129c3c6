//! Every word that is used is there, in both languages.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::*;

#[test]
fn every_entry_is_in_both_languages() {
    for (section, text) in sources() {
        let entries: toml::Table = text.parse().unwrap_or_else(|error| panic!("{section}: {error}"));
        for (name, value) in entries {
            let both =
                both(&value).unwrap_or_else(|| panic!("{section}.{name}: expected [English, Russian]"));
            assert!(
                both.iter().all(|words| !words.trim().is_empty()),
                "{section}.{name}"
            );
            let holes = both.map(|words| words.matches("{}").count());
            assert_eq!(holes[0], holes[1], "{section}.{name}");
        }
    }
}

/// What stands between `t("` or `with("` and the next quote, in templates and code.
#[test]
fn every_name_that_is_used_is_known() {
    let console = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/console");
    let mut missing = BTreeSet::new();
    let mut files = vec![console.clone()];
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let kind = path
            .extension()
            .and_then(|kind| kind.to_str())
            .unwrap_or_default();
        if !["rs", "html"].contains(&kind) || path.ends_with("tests.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for start in ["w.t(\"", "w.with(\"", "words.t(\"", "words.with(\"", "notice(\""] {
            for used in text.split(start).skip(1) {
                let name = used.split('"').next().unwrap_or_default();
                if !table().contains_key(name) {
                    missing.insert(format!("{name} in {}", path.display()));
                }
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Names are handed on too, as headings of columns are: whatever looks like one in code is one.
#[test]
fn every_name_in_the_code_of_the_pages_is_known() {
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/console/pages");
    let sections: BTreeSet<_> = sources().map(|(section, _)| section).collect();
    let mut missing = BTreeSet::new();
    for file in fs::read_dir(pages).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        for quoted in text.split('"') {
            let Some((section, name)) = quoted.split_once('.') else {
                continue;
            };
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
            let is_name = sections.contains(section) && !name.is_empty() && name.chars().all(plain);
            let is_file = ["html", "json"].contains(&name);
            if is_name && !is_file && !table().contains_key(quoted) {
                missing.insert(quoted.to_owned());
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn the_browsers_first_choice_of_ours_is_taken() {
    for (header, expected) in [
        ("ru-RU,ru;q=0.9,en;q=0.8", Language::Russian),
        ("en-GB,en;q=0.9,ru;q=0.8", Language::English),
        ("de,ru;q=0.5", Language::Russian),
        ("de", Language::English),
        ("", Language::English),
        ("en;q=0.1, RU;q=0.7", Language::Russian),
        ("ru;q=0, en", Language::English),
        ("ru;q=nonsense", Language::English),
    ] {
        assert_eq!(Language::accepted(header), expected, "{header}");
    }
}
