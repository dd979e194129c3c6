//! The console of an installed node, in a real browser: Chromium runs out here, with the network of the container.

use serde_json::Value;

use crate::browser::run_by;
use crate::container::Container;
use crate::guest::take_seat;

/// From the initial password to a seat that is released; afterwards the administrator has another password.
#[track_caller]
pub(crate) fn works(guest: &Container) {
    let console = "127.0.0.1:9098".parse().unwrap();
    run_by(
        guest.beside("node"),
        "package.mjs",
        console,
        &[],
        |what, value| {
            assert_eq!(what, "take");
            take_seat(guest, value.as_str().unwrap());
            Value::Null
        },
    );
}
