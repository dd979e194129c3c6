//! Runs a node as a process: signals in, notices to systemd out.

use actix_rt::System;
use sd_notify::NotifyState;

use crate::clock::SystemClock;
use crate::computer::Roots;
use crate::settings::{Loaded, Settings, SettingsError};

use super::signals::{Signals, tell_systemd};
use super::watchdog::watch;
use super::{Node, StartError};

/// Runs until SIGTERM or SIGINT. SIGHUP reads the settings anew with `reload` and looks at the keys. `started`
/// is called once the node serves.
///
/// # Errors
/// [`StartError`] where it does not start.
pub fn run(
    loaded: &Loaded,
    reload: impl Fn() -> Result<Loaded, SettingsError>,
    started: impl FnOnce(&Node),
) -> Result<(), StartError> {
    let settings = &loaded.settings;
    System::new().block_on(async {
        // Before anything is started, so that no signal is met by its default.
        let mut signals = Signals::new().map_err(StartError::Server)?;
        let node = Node::start(settings, SystemClock::shared(), Roots::host())?;
        tracing::info!(
            version = crate::api::VERSION,
            address = %node.address,
            admin = %node.admin_address,
            state_dir = %settings.state_dir.display(),
            "keynode serves"
        );
        node.show_settings(loaded);
        started(&node);
        tell_systemd(&[NotifyState::Ready]);
        actix_rt::spawn(watch(node.served_by()));
        while signals.hang_up_or_end().await {
            // Type=notify-reload takes this for the answer to its signal only with the time.
            let now = NotifyState::monotonic_usec_now().ok();
            let reloading: Vec<_> = std::iter::once(NotifyState::Reloading).chain(now).collect();
            tell_systemd(&reloading);
            match reload() {
                Ok(now) => {
                    node.reload(&now.settings);
                    node.show_settings(&now);
                    warn_of_restart(settings, &now.settings);
                    tracing::info!("settings are reloaded, keys are looked at anew");
                }
                Err(error) => {
                    node.rescan();
                    tracing::error!(%error, "the settings are not reloaded: those from before still hold");
                }
            }
            tell_systemd(&[NotifyState::Ready]);
        }
        tell_systemd(&[NotifyState::Stopping]);
        node.stop().await;
        tracing::info!("keynode has stopped");
        Ok(())
    })
}

/// Says which changed settings wait for a restart.
fn warn_of_restart(running: &Settings, now: &Settings) {
    let changed = [
        ("listen", running.listen != now.listen),
        ("admin_listen", running.admin_listen != now.admin_listen),
        ("state_dir", running.state_dir != now.state_dir),
        ("licence_dir", running.licence_dir() != now.licence_dir()),
        ("vendor_dir", running.vendor_dir() != now.vendor_dir()),
        ("workers", running.workers != now.workers),
        (
            "api.header_timeout",
            running.api.header_timeout != now.api.header_timeout,
        ),
        ("api.keep_alive", running.api.keep_alive != now.api.keep_alive),
        (
            "api.max_connections",
            running.api.max_connections != now.api.max_connections,
        ),
        ("devices.enabled", running.devices.enabled != now.devices.enabled),
        ("[tls]", running.tls != now.tls),
        ("[log]", running.log != now.log),
        ("[login]", running.login != now.login),
        ("[audit]", running.audit != now.audit),
        ("[console]", running.console != now.console),
    ];
    for (name, _) in changed.into_iter().filter(|(_, changed)| *changed) {
        tracing::warn!(setting = name, "a changed setting takes effect at the next start");
    }
}
