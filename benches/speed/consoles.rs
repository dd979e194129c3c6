//! Open consoles beside the API: pages that follow the node as a browser does, while others take seats.

use std::cell::Cell;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::sync::oneshot;

use super::cores::Cores;
use super::http::{Answer, Client, write_request};
use super::load::{Load, send};
use super::node::Node;
use super::report::Row;
use super::state::{PASSWORD, PEOPLE, State};
use super::throughput::{public_key, session};
use super::{Effort, Outcome, median};

/// Consoles at once.
const CONSOLES: usize = 50;

/// The API keeps at least this share of its throughput.
const TARGET: f64 = 0.97;

/// What the consoles show, in turns.
const PAGES: [&str; 2] = ["/console/", "/console/sessions"];

/// Loads here are so many times as long as others: consoles cost less than the rate of one second differs from that of the next.
const LONGER: u32 = 3;

/// How long consoles may take to open.
const PATIENCE: Duration = Duration::from_secs(30);

/// A kind of request, and the answers per second beside and without open consoles.
struct Kind<'a> {
    name: &'static str,
    status: u16,
    request: &'a dyn Fn(usize, u64, &mut Vec<u8>),
    rounds: Vec<Round>,
}

/// A load with open consoles, between two without.
struct Round {
    with: f64,
    without: f64,
    /// The same for each second of the node's processor time.
    with_by_cpu: f64,
    without_by_cpu: f64,
}

pub(crate) fn measure(effort: &Effort, cores: &Cores) -> Outcome<Vec<Row>> {
    let state = State::new()?.with_licences(1, 10_000_000)?.with_people()?;
    let node = Node::start("serve", state.path(), &cores.server, &["--workers", "1"])?;
    let public_key = public_key(&node)?;
    let cookies = (0..CONSOLES)
        .map(|number| log_in(node.admin, PEOPLE[number % PEOPLE.len()]))
        .collect::<Outcome<Vec<_>>>()?;

    let run = Cell::new(0);
    let info = |_: usize, number: u64, out: &mut Vec<u8>| {
        write_request(out, "GET", "/api/serverinfo", &number.to_string(), "");
    };
    let new = |_: usize, number: u64, out: &mut Vec<u8>| {
        let body = session(&format!("new-{}-{number}", run.get()));
        write_request(out, "POST", "/api/sessions", &number.to_string(), &body);
    };
    let mut kinds = [
        kind("GET /api/serverinfo", 200, &info),
        kind("POST /api/sessions, new and durable", 201, &new),
    ];
    let measured = |kind: &Kind| -> Outcome<(f64, f64)> {
        run.set(run.get() + 1);
        let load = Load {
            address: node.address,
            process: node.id(),
            length: effort.length * LONGER,
            most: u64::MAX,
            request: kind.request,
        };
        let tally = load.run()?;
        tally.check(kind.status, &public_key)?;
        Ok((tally.per_second(), tally.per_cpu_second()))
    };
    let mut drawn = Vec::new();
    for kind in &mut kinds {
        let mut before = measured(kind)?;
        for _ in 0..effort.rounds {
            let consoles = Consoles::open(node.admin, &cookies)?;
            let with = measured(kind)?;
            drawn.push(consoles.close()?);
            let after = measured(kind)?;
            let round = Round {
                with: with.0,
                without: f64::midpoint(before.0, after.0),
                with_by_cpu: with.1,
                without_by_cpu: f64::midpoint(before.1, after.1),
            };
            before = after;
            eprintln!(
                "   {}: {:.0}/s with {CONSOLES} consoles, {:.0}/s without: {:.3}; by processor time {:.3}",
                kind.name,
                round.with,
                round.without,
                round.with / round.without,
                round.with_by_cpu / round.without_by_cpu
            );
            kind.rounds.push(round);
        }
    }
    Ok(kinds
        .iter()
        .map(|kind| kind.row(median(drawn.iter().copied())))
        .collect())
}

fn kind<'a>(name: &'static str, status: u16, request: &'a dyn Fn(usize, u64, &mut Vec<u8>)) -> Kind<'a> {
    Kind {
        name,
        status,
        request,
        rounds: Vec::new(),
    }
}

impl Kind<'_> {
    fn row(&self, drawn: f64) -> Row {
        let middle = |of: fn(&Round) -> f64| median(self.rounds.iter().map(of));
        let ratio = middle(|round| round.with / round.without);
        let by_cpu = middle(|round| round.with_by_cpu / round.without_by_cpu);
        Row {
            measure: format!(
                "{}, 64 clients, beside {CONSOLES} open consoles: share of the rate without",
                self.name
            ),
            target: format!("at least {TARGET:.2}"),
            value: format!("{ratio:.3}"),
            held: ratio >= TARGET,
            detail: format!(
                "{:.0}/s beside {:.0}/s; by processor time {by_cpu:.3}; a console draws its page anew {drawn:.1} times a second",
                middle(|round| round.with),
                middle(|round| round.without),
            ),
        }
    }
}

/// Consoles that follow the node, on a thread of their own, until they are closed.
struct Consoles {
    stop: oneshot::Sender<()>,
    thread: std::thread::JoinHandle<Result<f64, String>>,
}

impl Consoles {
    /// Returns when all of them are open.
    fn open(address: SocketAddr, cookies: &[String]) -> Outcome<Self> {
        let (stop, stopped) = oneshot::channel();
        let (ready, opened) = std::sync::mpsc::channel();
        let cookies = cookies.to_vec();
        let follow = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(async {
                let all = (cookies.iter().zip(PAGES.iter().cycle()))
                    .map(|(cookie, page)| Console::open(address, cookie, page));
                let consoles = futures_util::future::try_join_all(all).await?;
                let (start, drawn) = (Instant::now(), Cell::new(0_u32));
                let _ = ready.send(());
                let all = consoles.into_iter().map(|console| console.follow(&drawn));
                tokio::select! {
                    ended = futures_util::future::try_join_all(all) => ended.map(|_| 0.0),
                    _ = stopped => Ok(f64::from(drawn.get()) / start.elapsed().as_secs_f64() / CONSOLES as f64),
                }
            })
        };
        let thread = std::thread::spawn(move || {
            follow().map_err(|error: Box<dyn std::error::Error>| error.to_string())
        });
        if opened.recv_timeout(PATIENCE).is_err() {
            drop(stop);
            let told = thread.join().map_err(|_| "the consoles' thread panicked")?;
            return Err(told
                .err()
                .unwrap_or_else(|| "the consoles do not open".into())
                .into());
        }
        Ok(Self { stop, thread })
    }

    /// Closes them; the result says how often each drew its page anew, in a second.
    fn close(self) -> Outcome<f64> {
        let _ = self.stop.send(());
        let drawn = self.thread.join().map_err(|_| "the consoles' thread panicked")?;
        Ok(drawn?)
    }
}

/// One open page.
struct Console {
    cookie: String,
    page: Page,
    /// The stream of what changed.
    live: TcpStream,
    /// For the parts of the page.
    parts: TcpStream,
}

/// Where a page has its stream and its live part.
struct Page {
    stream: String,
    part: String,
}

impl Page {
    fn read(html: &str) -> Outcome<Self> {
        Ok(Self {
            stream: attribute(html, "sse-connect").ok_or("a page without a stream")?,
            part: attribute(html, "hx-get").ok_or("a page without a live part")?,
        })
    }
}

/// The value of an attribute, where it first stands.
fn attribute(html: &str, name: &str) -> Option<String> {
    let (_, rest) = html.split_once(&format!("{name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    Some(value.replace("&amp;", "&").replace("&#38;", "&"))
}

impl Console {
    async fn open(address: SocketAddr, cookie: &str, path: &str) -> Outcome<Self> {
        let (mut live, mut parts) = (
            TcpStream::connect(address).await?,
            TcpStream::connect(address).await?,
        );
        let html = get(&mut parts, path, cookie).await?;
        let page = Page::read(&html.ok_or("a page without a text")?)?;
        send(&live, &request(&page.stream, cookie)).await?;
        let mut buffer = Vec::new();
        while !buffer.windows(6).any(|window| window == b"event:") {
            read(&mut live, &mut buffer).await?;
        }
        Ok(Self {
            cookie: cookie.to_owned(),
            page,
            live,
            parts,
        })
    }

    /// Draws the part anew each time that the stream tells of a change. While it is being fetched, further changes are one.
    async fn follow(mut self, drawn: &Cell<u32>) -> Outcome<()> {
        let mut told = Vec::new();
        loop {
            told.clear();
            read(&mut self.live, &mut told).await?;
            if !told.windows(6).any(|window| window == b"event:") {
                continue;
            }
            if let Some(part) = get(&mut self.parts, &self.page.part, &self.cookie).await? {
                self.page.part = attribute(&part, "hx-get").ok_or("a live part that does not go on")?;
                drawn.set(drawn.get() + 1);
            }
        }
    }
}

fn request(path: &str, cookie: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\nHX-Request: true\r\nAccept-Encoding: gzip\r\n\r\n").into_bytes()
}

/// The text of an answer; none where nothing changed.
async fn get(stream: &mut TcpStream, path: &str, cookie: &str) -> Outcome<Option<String>> {
    send(stream, &request(path, cookie)).await?;
    let mut buffer = Vec::new();
    loop {
        read(stream, &mut buffer).await?;
        if buffer.starts_with(b"HTTP/1.1 204") && buffer.ends_with(b"\r\n\r\n") {
            return Ok(None);
        }
        match Answer::find(&buffer) {
            Some(answer) if answer.status == 200 => {
                return Ok(Some(String::from_utf8(answer.body.to_vec())?));
            }
            Some(answer) => return Err(format!("GET {path}: {}", answer.status).into()),
            None => {}
        }
    }
}

/// Reads what there is.
async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Outcome<()> {
    loop {
        stream.readable().await?;
        let mut piece = [0; 16 * 1024];
        match stream.try_read(&mut piece) {
            Ok(0) => return Err("the node hung up".into()),
            Ok(count) => {
                buffer.extend_from_slice(&piece[..count]);
                return Ok(());
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Logs in by the form; the result is the cookie.
fn log_in(address: SocketAddr, user: &str) -> Outcome<String> {
    let form = format!("user={user}&password={PASSWORD}&back=/console/");
    let request = format!(
        "POST /console/login HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    let mut client = Client::connect(address)?;
    let answer = client.exchange(request.as_bytes())?;
    let cookie = answer
        .header("Set-Cookie")
        .and_then(|cookie| cookie.split(';').next());
    match cookie {
        Some(cookie) if answer.status == 303 => Ok(cookie.to_owned()),
        _ => Err(format!("the console lets nobody in: {}", answer.status).into()),
    }
}
