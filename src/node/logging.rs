//! The log: text for people at a terminal, the journal under systemd, JSON for everything else.

use std::io::IsTerminal;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::settings::{Log, LogFormat};

/// Starts logging to standard error, or to the journal where that is where standard error goes. A second call
/// does nothing.
pub fn start_logging(settings: &Log) {
    // The server's own notices say nothing that ours do not; the settings may ask for them.
    let directives = format!("actix_server=warn,{}", settings.level);
    let filter = EnvFilter::try_new(directives).unwrap_or_else(|_| EnvFilter::new("info"));
    let to_journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let format = match settings.format {
        LogFormat::Auto if to_journal => LogFormat::Journal,
        LogFormat::Auto if std::io::stderr().is_terminal() => LogFormat::Text,
        LogFormat::Auto => LogFormat::Json,
        chosen => chosen,
    };
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let text = || {
        tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_target(false)
            .with_ansi(colour)
    };
    let layer = match format {
        LogFormat::Journal => match tracing_journald::layer() {
            Ok(layer) => layer.boxed(),
            Err(_) => text().boxed(),
        },
        LogFormat::Json => tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_target(false)
            .with_writer(std::io::stderr)
            .boxed(),
        LogFormat::Text | LogFormat::Auto => text().boxed(),
    };
    let _ = tracing_subscriber::registry()
        .with(layer.with_filter(filter))
        .try_init();
}
