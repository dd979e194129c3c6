//! The node's two servers: the API, and beside it what is for whoever looks after the node.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_server::Server;
use rustls::ServerConfig;

use crate::api::listener::{Limits, Listener, raise_file_limit, serve};
use crate::api::tls;
use crate::settings::Settings;

use super::StartError;
use super::sites::Sites;
use super::watchdog::Workers;

/// Where they listen.
pub(super) struct Sockets {
    pub(super) api: TcpListener,
    /// Of the API; none: plain HTTP.
    pub(super) tls: Option<Arc<ServerConfig>>,
    pub(super) admin: TcpListener,
}

impl Sockets {
    /// Binds what the settings name.
    pub(super) fn open(settings: &Settings) -> Result<Self, StartError> {
        let (api, admin) = (
            bind(settings.listen, "listen")?,
            bind(settings.admin_listen, "admin-listen")?,
        );
        let files = settings
            .tls
            .certificate
            .as_ref()
            .zip(settings.tls.private_key.as_ref());
        let tls = files
            .map(|(certificate, key)| tls::load(certificate, key))
            .transpose()?;
        Ok(Self { api, tls, admin })
    }

    /// Of the API and of health; the ports are the real ones where the settings leave them to the system.
    pub(super) fn addresses(&self) -> Result<(SocketAddr, SocketAddr), StartError> {
        let local = |socket: &TcpListener| socket.local_addr().map_err(StartError::Server);
        Ok((local(&self.api)?, local(&self.admin)?))
    }
}

fn bind(address: SocketAddr, flag: &'static str) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).map_err(|source| StartError::Listen {
        address,
        flag,
        source,
    })
}

/// The API's server and that of /health; they run once they are polled. Each worker enters itself in `workers`.
pub(super) fn servers(
    settings: &Settings,
    sockets: Sockets,
    sites: &Sites,
    workers: &Workers,
) -> Result<Vec<Server>, StartError> {
    if let Err(error) = raise_file_limit() {
        tracing::warn!(%error, "the limit of open files cannot be raised: fewer connections fit");
    }
    let limits = Limits {
        connections: settings.api.max_connections,
        request_head: settings.api.header_timeout,
        keep_alive: settings.api.keep_alive,
        ..Limits::default()
    };
    let api_listener = Listener {
        sockets: vec![sockets.api],
        tls: sockets.tls,
        workers: if settings.workers == 0 {
            cores()
        } else {
            settings.workers
        },
        limits,
    };
    let admin_listener = Listener {
        sockets: vec![sockets.admin],
        tls: None,
        workers: 1,
        limits: Limits::default(),
    };
    let (of_api, of_health) = (workers.clone(), workers.clone());
    let (first, second) = (sites.clone(), sites.clone());
    let console_on_listen = settings.console.on_listen;
    let servers = [
        serve(api_listener, move |app| {
            of_api.enter();
            if let Some(console) = first.console.as_ref().filter(|_| console_on_listen) {
                console.serve(app);
            }
            first.api.serve(app);
        }),
        serve(admin_listener, move |app| {
            of_health.enter();
            if let Some(console) = &second.console {
                console.serve(app);
            }
            second.monitoring.serve(app);
            second.health.serve(app);
        }),
    ];
    servers
        .into_iter()
        .collect::<io::Result<_>>()
        .map_err(StartError::Server)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
