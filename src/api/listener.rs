//! Serves an application over bound sockets, plain or TLS, HTTP/1 only; knows nothing of what it serves.

use std::{
    convert::Infallible,
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use actix_http::{HttpMessage, HttpService, Method, Protocol, Request, error::DispatchError, header};
use actix_rt::net::TcpStream;
use actix_server::{GracefulShutdownSignal, Server};
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, apply_fn_factory, fn_service, map_config,
};
use actix_tls::accept::{
    self,
    rustls_0_23::{Acceptor, TlsStream},
};
use actix_web::{App, dev::AppConfig, web};
use rustix::process::{Resource, getrlimit, setrlimit};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{turns::Turns, wire::Spelled};

/// Connections that the kernel completes before they are accepted; it caps this at `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// What a listener grants its clients.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Open connections per worker; more wait in the backlog.
    pub connections: usize,
    /// From the start of a connection to the end of its first request head; then 408.
    pub request_head: Duration,
    /// How long a connection may stay idle between requests.
    pub keep_alive: Duration,
    /// From the end of the last response to the end of the connection.
    pub disconnect: Duration,
    /// For a whole TLS handshake.
    pub handshake: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 25_600,
            request_head: Duration::from_secs(5),
            keep_alive: Duration::from_secs(75),
            disconnect: Duration::from_secs(1),
            handshake: Duration::from_secs(5),
        }
    }
}

/// Sockets to serve together, all plain or all TLS.
#[derive(Debug)]
pub struct Listener {
    /// Bound sockets, at least one.
    pub sockets: Vec<TcpListener>,
    /// From [`super::tls::load`]; None is plain HTTP.
    pub tls: Option<Arc<ServerConfig>>,
    /// Threads that serve requests, 1 to 512.
    pub workers: usize,
    /// What clients are granted.
    pub limits: Limits,
}

/// Builds the server. It starts when it is first polled and ends when told by its handle; it minds no signals.
///
/// `app` is called once per worker and socket and registers data and services. The peer's address is
/// [`actix_web::HttpRequest::peer_addr`], the socket's is [`AppConfig::local_addr`]. Stopped gracefully, it
/// lets running requests finish for about a second; connections that are idle end at once.
///
/// # Errors
/// No sockets, a number of workers out of range, or a socket that is not listening.
pub fn serve<F>(listener: Listener, app: F) -> io::Result<Server>
where
    F: Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
{
    let Listener {
        sockets,
        tls,
        workers,
        limits,
    } = listener;
    if sockets.is_empty() || !(1..=512).contains(&workers) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "a listener has a socket and 1 to 512 workers",
        ));
    }
    // Its default of 256 would let a few hundred silent clients keep the others from being accepted.
    accept::max_concurrent_tls_connect(limits.connections);
    let acceptor = tls.map(|config| {
        let mut acceptor = Acceptor::new(ServerConfig::clone(&config));
        acceptor.set_handshake_timeout(limits.handshake);
        acceptor
    });
    let mut builder = Server::build()
        .workers(workers)
        .max_concurrent_connections(limits.connections)
        .shutdown_timeout(1)
        .disable_signals();
    for socket in sockets {
        rustix::net::listen(&socket, BACKLOG)?;
        let address = socket.local_addr()?;
        let stopping = builder.graceful_shutdown_signal();
        let app = app.clone();
        let name = format!("http-{address}");
        builder = match acceptor.clone() {
            None => builder.listen(name, socket, move || {
                let site = Site {
                    limits,
                    secure: false,
                    address,
                    stopping: stopping.clone(),
                };
                plain().and_then(http(site, app.clone()))
            })?,
            Some(acceptor) => builder.listen(name, socket, move || {
                let site = Site {
                    limits,
                    secure: true,
                    address,
                    stopping: stopping.clone(),
                };
                let http = http(site, app.clone()).map_err(accept::TlsError::Service);
                encrypted(acceptor.clone()).and_then(http)
            })?,
        };
    }
    Ok(builder.run())
}

/// Raises the limit of open files to what the system allows this process, and returns it; None is no limit.
///
/// Each connection is an open file; the usual soft limit is 1024.
///
/// # Errors
/// The system's refusal.
pub fn raise_file_limit() -> io::Result<Option<u64>> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit)?;
    Ok(limit.current)
}

/// What the service behind one socket is made of.
struct Site {
    limits: Limits,
    secure: bool,
    address: SocketAddr,
    stopping: GracefulShutdownSignal,
}

type Accepted<T> = (Spelled<T>, Protocol, Option<SocketAddr>);

fn accepted<T>(stream: T, peer: Option<SocketAddr>) -> Accepted<T> {
    (Spelled::new(stream), Protocol::Http1, peer)
}

fn plain() -> impl ServiceFactory<
    TcpStream,
    Config = (),
    Response = Accepted<TcpStream>,
    Error = DispatchError,
    InitError = (),
> {
    fn_service(|stream: TcpStream| async move {
        stream.set_nodelay(true)?;
        let peer = stream.peer_addr().ok();
        Ok(accepted(stream, peer))
    })
}

type HandshakeError = accept::TlsError<io::Error, DispatchError>;

fn encrypted(
    acceptor: Acceptor,
) -> impl ServiceFactory<
    TcpStream,
    Config = (),
    Response = Accepted<TlsStream<TcpStream>>,
    Error = HandshakeError,
    InitError = (),
> {
    acceptor
        .map_err(accept::TlsError::<io::Error, Infallible>::into_service_error)
        .and_then(|stream: TlsStream<TcpStream>| async move {
            let socket = stream.get_ref().0;
            socket.set_nodelay(true).map_err(accept::TlsError::Tls)?;
            let peer = socket.peer_addr().ok();
            Ok(accepted(stream, peer))
        })
}

fn http<T, F>(
    site: Site,
    app: F,
) -> impl ServiceFactory<Accepted<T>, Config = (), Response = (), Error = DispatchError, InitError = ()>
where
    T: AsyncRead + AsyncWrite + Unpin + 'static,
    F: Fn(&mut web::ServiceConfig) + 'static,
{
    let Site {
        limits,
        secure,
        address,
        stopping,
    } = site;
    // Semver-exempt, but the only public way to tell an application its own address.
    let config = AppConfig::__priv_test_new(secure, address.to_string(), address);
    let app = App::new()
        .configure(app)
        .into_factory()
        .map_err(|error: actix_web::Error| error.error_response());
    let service = apply_fn_factory(
        map_config(app, move |()| config.clone()),
        |request: Request, service: &_| {
            take_turn(&request);
            Service::call(service, request)
        },
    );
    HttpService::build()
        .client_request_timeout(limits.request_head)
        .keep_alive(limits.keep_alive)
        .client_disconnect_timeout(limits.disconnect)
        .graceful_shutdown_signal(move || {
            let stopping = stopping.clone();
            async move { stopping.notified().await }
        })
        .on_connect_ext(|stream: &Spelled<T>, data| {
            data.insert(stream.turns());
        })
        .finish(service)
}

/// Tells the connection that this request is being answered from now on, and where it ends.
fn take_turn(request: &Request) {
    let Some(turns) = request.conn_data::<Turns>() else {
        return;
    };
    let headers = request.headers();
    let payload = if headers.contains_key(header::TRANSFER_ENCODING) {
        u64::MAX
    } else {
        headers
            .get(header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.trim().parse().ok())
            .unwrap_or(0)
    };
    turns.begin(request.method() == Method::HEAD, payload);
}
