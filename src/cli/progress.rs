//! How far long work is; shown on a terminal only.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar of bytes.
pub(super) fn bytes(what: &str) -> ProgressBar {
    bar(what, "{msg} {wide_bar} {percent}% of {total_bytes}")
}

fn bar(what: &str, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0)
        .with_style(style)
        .with_message(what.to_owned())
}
