//! Runs a test's body in a process of its own under umockdev's preload library: a testbed is one to a process, and
//! the library must be there from the start.

use std::process::Command;

use super::testbed::Testbed;

const LIBRARY: &str = "libumockdev-preload.so.0";

/// The body of a test. In the test runner's process it starts the same test again under the library and judges its
/// exit; there it runs the body with a new testbed.
pub(crate) fn mocked(test: &str, body: impl FnOnce(&Testbed)) {
    let (_, name) = test.split_once("::").unwrap();
    let under = std::env::var("LD_PRELOAD").is_ok_and(|libraries| libraries.contains(LIBRARY));
    if under {
        body(&Testbed::new());
        return;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env("LD_PRELOAD", LIBRARY)
        .output()
        .unwrap();
    let report =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && report.contains("1 passed"), "{report}");
}

/// Defines a test whose body has a testbed: `mocked_test!(fn name(bed) { ... });`
macro_rules! mocked_test {
    ($(#[$meta:meta])* fn $name:ident($bed:ident) $body:block) => {
        $(#[$meta])*
        #[test]
        fn $name() {
            $crate::preload::mocked(concat!(module_path!(), "::", stringify!($name)), |$bed| $body);
        }
    };
}
pub(crate) use mocked_test;
