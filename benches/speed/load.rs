//! The load: keep-alive clients that each send their next request when they have their answer, all on one
//! thread that costs little.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use super::Outcome;
use super::http::Answer;
use super::node::processor_time;

/// Clients at once.
pub(crate) const CLIENTS: usize = 64;

/// From the first request to the first one that counts.
const WARM_UP: Duration = Duration::from_millis(300);

/// What to do to a node.
pub(crate) struct Load<'a> {
    pub(crate) address: SocketAddr,
    /// Process of the node.
    pub(crate) process: u32,
    pub(crate) length: Duration,
    /// All clients together send no more than this.
    pub(crate) most: u64,
    /// Writes the next request of a client; the number is unique over all clients.
    pub(crate) request: &'a dyn Fn(usize, u64, &mut Vec<u8>),
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Answers by status, those of the warm-up included.
    pub(crate) statuses: BTreeMap<u16, u64>,
    /// The last answer of each client, whole.
    pub(crate) samples: Vec<Vec<u8>>,
    /// Microseconds from request to answer, ascending.
    latencies: Vec<u32>,
    seconds: f64,
    cpu_seconds: f64,
}

impl Tally {
    pub(crate) fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.seconds
    }

    /// Answers per second that the node got from its core.
    pub(crate) fn per_cpu_second(&self) -> f64 {
        self.latencies.len() as f64 / self.cpu_seconds
    }

    /// The time within which this share (0 to 100) of the answers came, in milliseconds.
    pub(crate) fn percentile(&self, share: usize) -> f64 {
        let place = self.latencies.len() * share / 100;
        let latency = self.latencies.get(place).or(self.latencies.last());
        latency.map_or(f64::NAN, |micros| f64::from(*micros) / 1000.0)
    }

    /// Fails unless all answers had this status and the last ones of all clients are signed rightly.
    pub(crate) fn check(&self, status: u16, public_key: &str) -> Outcome<()> {
        if self.statuses.keys().any(|own| *own != status) || self.latencies.is_empty() {
            return Err(format!("expected {status}, found {:?}", self.statuses).into());
        }
        for sample in &self.samples {
            Answer::find(sample).ok_or("half an answer")?.verify(public_key)?;
        }
        Ok(())
    }
}

impl Load<'_> {
    /// Runs the load.
    pub(crate) fn run(&self) -> Outcome<Tally> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(self.all())
    }

    async fn all(&self) -> Outcome<Tally> {
        let start = Instant::now() + WARM_UP;
        let end = start + self.length;
        let sent = Cell::new(0);
        let clients = (0..CLIENTS).map(|index| self.client(index, &sent, start, end));
        let clients = awake(futures_util::future::join_all(clients));
        let processor = async {
            tokio::time::sleep_until(start.into()).await;
            let before = processor_time(self.process)?;
            tokio::time::sleep_until(end.into()).await;
            Outcome::Ok(processor_time(self.process)?.saturating_sub(before))
        };
        let mut total = Tally {
            seconds: self.length.as_secs_f64(),
            ..Tally::default()
        };
        let clients = if self.most == u64::MAX {
            let (clients, processor) = tokio::join!(clients, processor);
            total.cpu_seconds = processor?.as_secs_f64();
            clients
        } else {
            clients.await
        };
        for tally in clients {
            let tally = tally?;
            for (status, count) in tally.statuses {
                *total.statuses.entry(status).or_default() += count;
            }
            total.latencies.extend(tally.latencies);
            total.samples.extend(tally.samples);
        }
        total.latencies.sort_unstable();
        Ok(total)
    }

    async fn client(
        &self,
        index: usize,
        sent: &Cell<u64>,
        start: Instant,
        end: Instant,
    ) -> io::Result<Tally> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let mut tally = Tally::default();
        let (mut request, mut answer) = (Vec::new(), Vec::with_capacity(8192));
        loop {
            let began = Instant::now();
            let number = sent.get();
            if began >= end || number >= self.most {
                tally.samples.push(answer);
                return Ok(tally);
            }
            sent.set(number + 1);
            request.clear();
            (self.request)(index, number, &mut request);
            send(&stream, &request).await?;
            let status = receive(&stream, &mut answer).await?;
            let ended = Instant::now();
            *tally.statuses.entry(status).or_default() += 1;
            if ended >= start && ended < end {
                let micros = (ended - began).as_micros();
                tally.latencies.push(u32::try_from(micros).unwrap_or(u32::MAX));
            }
        }
    }
}

/// Keeps this thread from sleeping while it waits: to wake it would cost the core that answers, which clients on
/// computers of their own do not.
async fn awake<T>(work: impl Future<Output = T>) -> T {
    let never_sleep = async {
        loop {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        done = work => done,
        () = never_sleep => unreachable!("it has no end"),
    }
}

/// Sends all of it.
pub(crate) async fn send(stream: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.try_write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => stream.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads one answer whole; the result is its status.
async fn receive(stream: &TcpStream, answer: &mut Vec<u8>) -> io::Result<u16> {
    answer.clear();
    loop {
        stream.readable().await?;
        let mut piece = [0; 8192];
        match stream.try_read(&mut piece) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => answer.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        }
        if let Some(answer) = Answer::find(answer) {
            return Ok(answer.status);
        }
    }
}
