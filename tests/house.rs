//! Holds the tree against the rules of the house (DESIGN, section 2): layers, sizes, first lines.

#![expect(clippy::unwrap_used, reason = "a test that cannot read the tree has failed")]

use std::fs;
use std::path::{Path, PathBuf};

/// The layers from the roof down; one uses only those after it.
const LAYERS: [&str; 25] = [
    "cli",
    "node",
    "console",
    "monitoring",
    "api",
    "seats",
    "activation",
    "keyring",
    "gateway",
    "signing",
    "devices",
    "tokens",
    "computer",
    "events",
    "store",
    "clock",
    "cms",
    "licence",
    "sandbox",
    "outbound",
    "settings",
    "files",
    "measure",
    "text",
    "lib",
];

/// No file is longer than this.
const LONGEST: usize = 400;

fn sources() -> Vec<PathBuf> {
    fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    for directory in ["src", "tests", "benches"] {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
        if directory.exists() {
            walk(&directory, &mut found);
        }
    }
    found
}

fn layer_of(path: &Path) -> Option<String> {
    let inner = path
        .strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
        .ok()?;
    let first = inner.iter().next()?.to_str()?;
    Some(first.trim_end_matches(".rs").to_owned())
}

#[test]
fn a_layer_uses_only_those_below_it() {
    let rank = |layer: &str| LAYERS.iter().position(|known| *known == layer);
    let mut wrong = Vec::new();
    for path in sources() {
        let Some(layer) = layer_of(&path).filter(|layer| layer != "main" && layer != "lib") else {
            continue;
        };
        let own = rank(&layer).unwrap_or_else(|| panic!("src/{layer} has no place in the house"));
        for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            for used in line.split("crate::").skip(1) {
                let name: String = used
                    .chars()
                    .take_while(|c| c.is_ascii_lowercase() || *c == '_')
                    .collect();
                if let Some(other) = rank(&name)
                    && other < own
                {
                    wrong.push(format!("{}:{}: {layer} uses {name}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_file_says_what_it_is_for_and_stays_short() {
    let mut wrong = Vec::new();
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        if text.lines().count() > LONGEST {
            wrong.push(format!("{}: more than {LONGEST} lines", path.display()));
        }
        if layer_of(&path).is_some() && !text.starts_with("//!") && !path.ends_with("tests.rs") {
            wrong.push(format!(
                "{}: its first line does not say its responsibility",
                path.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn simulated_hardware_is_no_part_of_the_program() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let allowed = "tests/fixtures/";
    let mut wrong = Vec::new();
    let program = sources().into_iter().filter(|path| layer_of(path).is_some());
    for path in program.chain([root.join("build.rs")]) {
        for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            let names_tests = line.matches("tests/").count() > line.matches(allowed).count();
            if names_tests || (line.contains("#[path") && line.contains("..")) {
                wrong.push(format!("{}:{}: {line}", path.display(), number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    for example in manifest["example"].as_array().unwrap() {
        let path = example["path"].as_str().unwrap();
        assert!(path.starts_with("tests/"), "{path}");
    }
    for part in ["lib", "bin", "dependencies"] {
        let text = manifest.get(part).map(ToString::to_string).unwrap_or_default();
        assert!(
            !["dongle", "usbip", "num-bigint", "cryptoki-sys", "modules"]
                .iter()
                .any(|word| text.contains(word)),
            "[{part}] {text}"
        );
    }
    let simulated = sources().into_iter().filter(|path| {
        let path = path.strip_prefix(root).unwrap();
        path.starts_with("tests/dongle") || path.starts_with("tests/tokens/modules")
    });
    for path in simulated {
        let text = fs::read_to_string(&path).unwrap();
        let head: String = text.lines().take_while(|line| line.starts_with("//!")).collect();
        assert!(
            head.contains("for tests only"),
            "{} does not say what it is",
            path.display()
        );
    }
}
