//! The options for the people who look after the node: the third part of the table of all options.

use std::time::Duration;

use super::options::{DAY, OptionSpec, duration, field, option, required};
use super::{Field, Kind};

/// The fields of `[webhooks.NAME]`.
const WEBHOOK: &[Field] = &[
    required("url", Kind::Url),
    field("secret_file", Kind::Path),
    field("secret_credential", Kind::FileName),
    field("events", Kind::Text { max: 200 }),
];

/// Those of `[console]` and `[webhooks]`.
pub(super) const WATCHING: &[OptionSpec] = &[
    option(
        "console.enabled",
        Kind::Switch,
        "Whether there is a web page on admin_listen",
    ),
    option(
        "console.on_listen",
        Kind::Switch,
        "Whether the web page is on listen too, beside the API",
    ),
    option(
        "console.idle",
        duration(Duration::from_mins(1), DAY),
        "Time after which a login to the web page that is not used is over",
    ),
    option(
        "webhooks",
        Kind::Tables(WEBHOOK),
        "Addresses that are told of trouble, by names of your own",
    ),
];
