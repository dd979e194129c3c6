//! The centre over HTTP: for nodes, for customers with a browser, for the vendor's own systems. It stands in the
//! internet, and takes nothing that comes in for what it says to be.

mod body;
mod health;
mod language;
mod limits;
mod nodes;
mod page;
mod peer;
mod site;
mod upload;
mod vendor;
mod words;

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use actix_web::middleware::{Condition, DefaultHeaders};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{App, HttpResponse, HttpServer};
use rustls::ServerConfig;

pub use limits::FailureRules;
pub use site::{Site, SiteRules};

/// What the service grants its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceLimits {
    /// Threads that serve requests, 1 to 512.
    pub workers: usize,
    /// Open connections per worker; more wait.
    pub connections: usize,
    /// For the head of a request; then 408.
    pub request_head: Duration,
    /// How long a connection may stay idle between requests.
    pub keep_alive: Duration,
    /// For a whole TLS handshake.
    pub handshake: Duration,
}

impl Default for ServiceLimits {
    fn default() -> Self {
        Self {
            workers: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            connections: 2_000,
            request_head: Duration::from_secs(5),
            keep_alive: Duration::from_secs(15),
            handshake: Duration::from_secs(5),
        }
    }
}

/// Serves a centre on a bound socket, with TLS where a configuration of it is given, HTTP/1.1 only. The server starts
/// when it is first polled, minds no signals, and lets running requests finish for a second when it is told to stop.
///
/// # Errors
/// The socket is not usable.
pub fn serve(
    site: Site,
    socket: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    limits: ServiceLimits,
) -> io::Result<Server> {
    let site = Data::new(site);
    let encrypted = tls.is_some();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(site.clone())
            .wrap(Condition::new(encrypted, lasting_tls()))
            .wrap(security_headers())
            .configure(routes)
    })
    .workers(limits.workers)
    .max_connections(limits.connections)
    // Its default would let a few hundred silent clients keep the others from being accepted.
    .max_connection_rate(limits.connections)
    .client_request_timeout(limits.request_head)
    .client_disconnect_timeout(Duration::from_secs(1))
    .tls_handshake_timeout(limits.handshake)
    .keep_alive(limits.keep_alive)
    .shutdown_timeout(1)
    .disable_signals();
    let server = match tls {
        None => server.listen(socket)?,
        Some(config) => server.listen_rustls_0_23(socket, ServerConfig::clone(&config))?,
    };
    Ok(server.run())
}

/// What every answer says to browsers, unless it says otherwise itself.
fn security_headers() -> DefaultHeaders {
    DefaultHeaders::new()
        .add((
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ))
        .add((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .add((X_FRAME_OPTIONS, "DENY"))
        .add((REFERRER_POLICY, "no-referrer"))
        .add((CACHE_CONTROL, "no-store"))
        .add((
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ))
}

fn lasting_tls() -> DefaultHeaders {
    DefaultHeaders::new().add((STRICT_TRANSPORT_SECURITY, "max-age=31536000"))
}

fn routes(app: &mut ServiceConfig) {
    app.service(
        web::resource("/")
            .route(web::get().to(upload::show))
            .route(web::head().to(upload::show))
            .route(web::post().to(upload::send)),
    )
    .service(
        web::resource("/health")
            .route(web::get().to(health::answer))
            .route(web::head().to(health::answer)),
    )
    .service(web::resource("/v1/activations").route(web::post().to(nodes::activate)))
    .service(web::resource("/v1/renewals").route(web::post().to(nodes::renew)))
    .service(web::resource("/v1/returns").route(web::post().to(nodes::give_back)))
    .service(
        web::resource("/v1/revocations")
            .route(web::get().to(nodes::revocations))
            .route(web::head().to(nodes::revocations)),
    )
    .service(web::scope("/v1/vendor").configure(vendor::routes))
    .default_service(web::to(not_found));
}

async fn not_found() -> HttpResponse {
    vendor::VendorError::not_found("there is nothing at this address").into()
}
