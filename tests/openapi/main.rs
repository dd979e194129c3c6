//! The API against its own description: schemathesis makes requests of everything that /api/openapi.json describes, right and
//! wrong ones, and holds the answers against it with every check that it has.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the tests of the API use the rest of it")]
mod common;
#[path = "../sandbox/keys.rs"]
#[allow(dead_code, reason = "the tests of the services use the rest of it")]
mod keys;
#[path = "../tokens/modules.rs"]
#[allow(dead_code, reason = "the tests of tokens use the rest of it")]
mod modules;
#[path = "../tokens/softhsm.rs"]
mod softhsm;
#[path = "../sandbox/world.rs"]
#[allow(dead_code, reason = "the tests of the services use the rest of it")]
mod world;

use std::path::Path;
use std::process::Command;

use common::keys::licence;
use common::plug::{binding, loaded};
use keynode::licence::Licence;
use keys::Key;
use world::World;

/// Where packaging/setup.sh puts it.
const SCHEMATHESIS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/target/schemathesis/bin/schemathesis"
);

#[test]
fn every_answer_is_as_the_description_says() {
    let world = World::new(Key::File);
    let dongle = Licence {
        licence_count: 100_000,
        binding: binding("A1"),
        ..licence()
    };
    world.node.plug(vec![loaded("A1", &dongle)]);
    world.node.seat("a client");

    let directory = tempfile::tempdir().unwrap();
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openapi");
    let output = Command::new(SCHEMATHESIS)
        .current_dir(directory.path())
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", &here)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg("--config-file")
        .arg(here.join("schemathesis.toml"))
        .arg("run")
        .arg(format!("http://{}/api/openapi.json", world.node.address()))
        .output()
        .unwrap_or_else(|error| panic!("{SCHEMATHESIS}: {error}; packaging/setup.sh test installs it"));
    let told = String::from_utf8_lossy(&output.stdout);
    println!("{told}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "the API is not as it says: see above");
}
