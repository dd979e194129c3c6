//! One server on loopback that is all of the services, by their paths; what it was asked it remembers, what it is told to say
//! it says.

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use actix_rt::net::TcpStream;
use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use tokio::sync::watch;

use super::judge::Judge;
use super::world::World;
use super::{crpt, ismp, portal, taxcom};

/// What the stand-ins are told.
#[derive(Clone, Debug)]
pub struct SandboxRules {
    /// Certificates (PEM) of the authority whose signatures count.
    pub authority: PathBuf,
    /// Where files are made for OpenSSL.
    pub directory: PathBuf,
    /// Login and password that the support portal knows.
    pub account: (String, String),
    /// Port; 0: a free one.
    pub port: u16,
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// GET, POST, ...
    pub method: String,
    /// The path.
    pub path: String,
    /// What stands behind the question mark.
    pub query: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Asked {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null where it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        let mut found = pairs.filter(|(own, _)| *own == name);
        let value = found.next()?.1;
        Some(
            percent_encoding::percent_decode_str(value)
                .decode_utf8_lossy()
                .into_owned(),
        )
    }
}

/// An answer that was put into a stand-in's mouth.
#[derive(Clone, Debug, Default)]
pub struct Canned {
    /// Its status; 0: the connection is cut without one.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
    /// It repeats in its body what it was asked, as the words of an error; `body` does not count.
    pub echo: bool,
    /// Headers beside those of every answer.
    pub headers: Vec<(String, String)>,
    /// Said so much later.
    pub delay: Duration,
    /// The service does first what it was asked, so that only its answer is lost.
    pub after_doing: bool,
    /// The service's own answer is given, only later; status and body do not count.
    pub only_late: bool,
}

/// The service's own answer.
const OWN: Canned = Canned {
    status: 0,
    body: Vec::new(),
    echo: false,
    headers: Vec::new(),
    delay: Duration::ZERO,
    after_doing: false,
    only_late: true,
};

/// What a service says.
pub(super) struct Said {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) body: Vec<u8>,
}

impl Said {
    pub(super) fn json(status: u16, body: &serde_json::Value) -> Self {
        Self {
            status,
            content_type: "application/json",
            body: body.to_string().into_bytes(),
        }
    }
}

/// The connection that a request came by.
struct Line(OwnedFd);

/// Has requests wait until it is dropped.
#[derive(Debug)]
pub struct Held(#[expect(dead_code, reason = "its end is what counts")] watch::Sender<()>);

/// What the server and its owner share.
struct Inner {
    world: Mutex<World>,
    judge: Judge,
    asked: Mutex<Vec<Asked>>,
    canned: Mutex<VecDeque<(String, Canned)>>,
    held: Mutex<Vec<(String, watch::Receiver<()>)>>,
}

/// Stand-ins for all services, until this is dropped.
pub struct Sandbox {
    address: SocketAddr,
    inner: Arc<Inner>,
    server: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts them.
    ///
    /// # Errors
    /// What the system said.
    pub fn start(rules: SandboxRules) -> io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, rules.port)))?;
        let address = listener.local_addr()?;
        let inner = Arc::new(Inner {
            judge: Judge {
                authority: rules.authority,
                directory: rules.directory,
            },
            world: Mutex::new(World::new(rules.account, address)),
            asked: Mutex::default(),
            canned: Mutex::default(),
            held: Mutex::default(),
        });
        let (started, handle) = mpsc::channel();
        let shared = inner.clone();
        let thread = std::thread::Builder::new()
            .name("sandbox".into())
            .spawn(move || {
                actix_rt::System::new().block_on(async move {
                    let server = HttpServer::new(move || {
                        App::new()
                            .app_data(Data::from(shared.clone()))
                            .app_data(web::PayloadConfig::new(4 * 1024 * 1024))
                            .default_service(web::to(answer))
                    });
                    let server = server
                        .on_connect(|connection, data| {
                            let stream = connection.downcast_ref::<TcpStream>();
                            let line = stream.map(|stream| stream.as_fd().try_clone_to_owned());
                            if let Some(Ok(line)) = line {
                                data.insert(Line(line));
                            }
                        })
                        .workers(2)
                        .disable_signals()
                        .shutdown_timeout(0)
                        .listen(listener);
                    match server.map(HttpServer::run) {
                        Ok(server) => {
                            let _ = started.send(Ok(server.handle()));
                            let _ = server.await;
                        }
                        Err(error) => _ = started.send(Err(error)),
                    }
                });
            })?;
        let server = handle.recv().map_err(io::Error::other)??;
        Ok(Self {
            address,
            inner,
            server,
            thread: Some(thread),
        })
    }

    /// Base address of every service.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Has the next request whose path begins so get this answer. Several wait in line.
    pub fn say_next(&self, path: &str, answer: Canned) {
        lock(&self.inner.canned).push_back((path.into(), answer));
    }

    /// Has requests whose path begins so wait; they count as asked already.
    pub fn hold(&self, path: &str) -> Held {
        let (held, waiting) = watch::channel(());
        lock(&self.inner.held).push((path.into(), waiting));
        Held(held)
    }

    /// The requests whose path begins so, in their order.
    pub fn asked(&self, path: &str) -> Vec<Asked> {
        let asked = lock(&self.inner.asked);
        asked
            .iter()
            .filter(|asked| asked.path.starts_with(path))
            .cloned()
            .collect()
    }

    /// What was done to the services that no client may do, in words: it is more than a mistake that they refuse.
    pub fn offences(&self) -> Vec<String> {
        self.world().offences.clone()
    }

    /// What the stand-ins remember.
    pub(super) fn world(&self) -> std::sync::MutexGuard<'_, World> {
        lock(&self.inner.world)
    }

    /// Has the operators decide about everything that waits: applications are taken, or rejected for this reason.
    pub fn decide(&self, rejected: Option<&str>) {
        self.world().decide(rejected);
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        drop(self.server.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(request: HttpRequest, body: Bytes, inner: Data<Inner>) -> HttpResponse {
    let headers = request.headers().iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    let asked = Asked {
        method: request.method().to_string(),
        path: request.path().to_owned(),
        query: request.query_string().to_owned(),
        headers: headers.collect(),
        body: body.to_vec(),
    };
    lock(&inner.asked).push(asked.clone());
    let held = lock(&inner.held).clone();
    for (_, mut waiting) in held
        .into_iter()
        .filter(|(path, _)| asked.path.starts_with(path.as_str()))
    {
        let _ = waiting.changed().await;
    }
    let canned = {
        let mut waiting = lock(&inner.canned);
        let at = waiting
            .iter()
            .position(|(path, _)| asked.path.starts_with(path.as_str()));
        at.and_then(|at| waiting.remove(at)).map(|(_, canned)| canned)
    };
    let mut canned = canned.unwrap_or(OWN);
    if canned.echo {
        let words = format!("{} {}", asked.query, String::from_utf8_lossy(&asked.body));
        let headers = asked.headers.iter();
        let headers: Vec<_> = headers.map(|(name, value)| format!("{name}: {value}")).collect();
        let error = format!("{words} {}", headers.join(" "));
        let errors = serde_json::json!([{ "error": error }]);
        let body = serde_json::json!({ "error_message": error, "error": error, "globalErrors": errors });
        canned.body = body.to_string().into_bytes();
    }
    let mut said = None;
    if canned.after_doing || canned.only_late {
        let shared = inner.clone();
        said = web::block(move || serve(&shared, &asked)).await.ok();
    }
    if !canned.delay.is_zero() {
        actix_rt::time::sleep(canned.delay).await;
    }
    if canned.only_late {
        return said.map_or_else(
            || HttpResponse::InternalServerError().finish(),
            |said| respond(&said),
        );
    }
    if canned.status == 0 {
        if let Some(Line(line)) = request.conn_data() {
            let _ = rustix::net::shutdown(line, rustix::net::Shutdown::Both);
        }
        return HttpResponse::InternalServerError().finish();
    }
    let mut response = respond(&Said {
        status: canned.status,
        content_type: "application/json",
        body: canned.body,
    });
    for (name, value) in canned.headers {
        let pair = (name.parse::<HeaderName>(), HeaderValue::from_str(&value));
        if let (Ok(name), Ok(value)) = pair {
            response.headers_mut().append(name, value);
        }
    }
    response
}

fn respond(said: &Said) -> HttpResponse {
    let status = StatusCode::from_u16(said.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    HttpResponse::build(status)
        .content_type(said.content_type)
        .body(said.body.clone())
}

/// The service that a path belongs to.
fn serve(inner: &Inner, asked: &Asked) -> Said {
    let (world, judge) = (&inner.world, &inner.judge);
    let said = portal::answer(world, asked)
        .or_else(|| ismp::answer(world, judge, asked))
        .or_else(|| crpt::answer(world, judge, asked))
        .or_else(|| taxcom::answer(world, judge, asked));
    said.unwrap_or_else(|| {
        Said::json(
            404,
            &serde_json::json!({ "error": "there is no such service here" }),
        )
    })
}
