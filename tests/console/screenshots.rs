//! Pictures of the console for the documents: `make screenshots`. They are no test: nothing is compared.

use std::path::Path;

use crate::browser::run_with;
use crate::stage::{act, furnished};

#[test]
#[ignore = "writes files: make screenshots"]
fn screenshots() {
    let world = furnished();
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/screenshots");
    std::fs::create_dir_all(&place).unwrap();
    let node = &world.node;
    run_with(
        "screenshots.mjs",
        node.admin_address(),
        &[&place],
        |what, value| act(node, what, value),
    );
}
