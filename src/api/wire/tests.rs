//! Property tests of the socket wrapper over a socket that accepts and delivers whatever it likes.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use proptest::prelude::*;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Spelled;

/// A socket with a script: how much each write accepts (0: not now), and what arrives when.
#[derive(Default)]
struct Scripted {
    accepts: VecDeque<usize>,
    written: Vec<u8>,
    writes: usize,
    arrived: VecDeque<u8>,
    reader_waits: bool,
}

impl AsyncWrite for Scripted {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let accepted = self.accepts.pop_front().unwrap_or(usize::MAX).min(buf.len());
        if accepted == 0 {
            return Poll::Pending;
        }
        self.written.extend_from_slice(&buf[..accepted]);
        self.writes += 1;
        Poll::Ready(Ok(accepted))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Scripted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.reader_waits = self.arrived.is_empty();
        if self.reader_waits {
            return Poll::Pending;
        }
        let count = self.arrived.len().min(buf.remaining());
        buf.put_slice(&self.arrived.drain(..count).collect::<Vec<_>>());
        Poll::Ready(Ok(()))
    }
}

fn write_all(wire: &mut Spelled<Scripted>, mut bytes: &[u8]) {
    let mut cx = Context::from_waker(Waker::noop());
    while !bytes.is_empty() {
        if let Poll::Ready(accepted) = Pin::new(&mut *wire).poll_write(&mut cx, bytes) {
            bytes = &bytes[accepted.expect("the script has no errors")..];
        }
    }
}

#[derive(Debug, Clone)]
struct Response {
    status: u16,
    names: Vec<&'static str>,
    body: Vec<u8>,
    /// Of how many bytes each chunk is, at most; `None`: the body is sent whole, with its length.
    chunks: Option<usize>,
    answers_head: bool,
}

impl Response {
    /// With names in lower case, as actix writes it, or spelled.
    fn bytes(&self, spelled: bool) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} Content-length: 3\r\n", self.status);
        let mut header = |name: &str, value: &str| {
            let name = if spelled {
                name.to_owned()
            } else {
                name.to_lowercase()
            };
            head.extend([&name, ": ", value, "\r\n"]);
        };
        for name in &self.names {
            header(name, "etag: 7:\tx-Y");
        }
        match self.chunks {
            Some(_) => header("Transfer-Encoding", "chunked"),
            None => header("Content-Length", &self.body.len().to_string()),
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        if self.answers_head || matches!(self.status, 103 | 204 | 304) {
            return bytes;
        }
        let Some(size) = self.chunks else {
            bytes.extend_from_slice(&self.body);
            return bytes;
        };
        for chunk in self.body.chunks(size) {
            bytes.extend_from_slice(format!("{:X}\r\n", chunk.len()).as_bytes());
            bytes.extend_from_slice(chunk);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
        bytes
    }
}

fn response() -> impl Strategy<Value = Response> {
    let names = [
        "Licence-Signature",
        "Licence-QuerySignature",
        "Licence-QueryID",
        "Licence-SessionID",
        "Licence-SessionExpireTime",
        "Licence-ServerVersion",
        "WWW-Authenticate",
        "ETag",
        "Content-Type",
        "X-Content-Type-Options",
    ];
    let body = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        Just(b"\r\n\r\nHTTP/1.1 200 OK\r\netag: 1\r\n\r\n".to_vec()),
        (15_000_usize..70_000).prop_map(|length| b"\r\netag: x\r\n\r\n"
            .iter()
            .copied()
            .cycle()
            .take(length)
            .collect()),
    ];
    let status = prop::sample::select(vec![200, 200, 201, 404, 204, 304, 103]);
    let names = prop::collection::vec(prop::sample::select(names.to_vec()), 0..8);
    let chunks = prop::option::of(prop_oneof![1_usize..20, 20_usize..40_000]);
    (status, names, body, chunks, any::<bool>()).prop_map(|(status, names, body, chunks, answers_head)| {
        Response {
            status,
            names,
            body,
            chunks,
            answers_head,
        }
    })
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[derive(Debug, Clone)]
struct Request {
    head: &'static str,
    body: Vec<u8>,
}

fn request() -> impl Strategy<Value = Request> {
    let head = prop::sample::select(vec![
        "GET / HTTP/1.1\r\n\r\n",
        "\r\n\r\nHEAD / HTTP/1.1\r\nhost: x\r\n\r\n",
        "POST / HTTP/1.1\nhost: x\n\n",
    ]);
    let body = prop_oneof![
        Just(Vec::new()),
        prop::collection::vec(prop::sample::select(b"\r\nab".to_vec()), 0..40),
        prop::collection::vec(any::<u8>(), 20_000..30_000),
    ];
    (head, body).prop_map(|(head, body)| Request { head, body })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn any_split_gives_the_spelled_stream(
        responses in prop::collection::vec(response(), 1..6),
        pieces in prop::collection::vec(prop_oneof![1_usize..4, 1_usize..100, 1_000_usize..100_000], 1..200),
        accepts in prop::collection::vec(prop_oneof![0_usize..4, 0_usize..100, 1_000_usize..100_000], 0..300),
    ) {
        let mut wire = Spelled::new(Scripted { accepts: accepts.into(), ..Scripted::default() });
        let turns = wire.turns();
        let mut expected = Vec::new();
        let mut pieces = pieces.into_iter().cycle();
        for response in &responses {
            turns.begin(response.answers_head, 0);
            let bytes = response.bytes(false);
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                prop_assert_eq!(turns.room(), Some(0));
                let (piece, more) = rest.split_at(pieces.next().unwrap_or(1).min(rest.len()));
                write_all(&mut wire, piece);
                rest = more;
            }
            prop_assert_eq!(turns.room().is_none(), response.status != 103);
            expected.extend(response.bytes(true));
        }
        prop_assert!(wire.inner.written == expected);
    }

    #[test]
    fn requests_come_one_at_a_time_and_whole(
        requests in prop::collection::vec(request(), 1..8),
        arrivals in prop::collection::vec(prop_oneof![1_usize..4, 1_usize..100, 1_000_usize..50_000], 1..100),
    ) {
        let mut coming: VecDeque<u8> =
            requests.iter().flat_map(|request| [request.head.as_bytes(), &request.body].concat()).collect();
        let mut arrivals = arrivals.into_iter().cycle();
        let mut wire = Spelled::new(Scripted::default());
        let turns = wire.turns();
        let woken = Arc::new(Flag::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut cx = Context::from_waker(&waker);
        for Request { head, body } in requests {
            let whole = [head.as_bytes(), &body].concat();
            let mut given = Vec::new();
            let mut begun = false;
            // As actix does: reads until there is no more, then decodes, then answers.
            while !begun || given.len() < whole.len() {
                let mut space = [0; 8192];
                let mut buf = ReadBuf::new(&mut space);
                let polled = Pin::new(&mut wire).poll_read(&mut cx, &mut buf);
                given.extend_from_slice(buf.filled());
                if polled.is_ready() {
                    prop_assert!(!buf.filled().is_empty(), "an end that is none");
                    continue;
                }
                if !begun && given.len() >= head.len() {
                    prop_assert_eq!(given.len(), head.len());
                    turns.begin(head.contains("HEAD"), body.len() as u64);
                    begun = true;
                } else if !woken.0.swap(false, Ordering::Relaxed) {
                    prop_assert!(wire.inner.reader_waits && !coming.is_empty(), "nobody will wake the reader");
                    let count = arrivals.next().unwrap_or(1).min(coming.len());
                    wire.inner.arrived.extend(coming.drain(..count));
                }
            }
            prop_assert!(given == whole);
            // Nothing more before the answer is out.
            let mut space = [0; 8192];
            let mut buf = ReadBuf::new(&mut space);
            prop_assert!(Pin::new(&mut wire).poll_read(&mut cx, &mut buf).is_pending());
            prop_assert!(Pin::new(&mut wire).poll_write(&mut cx, b"HTTP/1.1 204 x\r\n\r\n").is_ready());
        }
    }
}

#[test]
fn a_small_answer_is_one_write_and_a_large_body_is_not_cut() {
    let mut response = Response {
        status: 200,
        names: vec!["ETag"],
        body: vec![b'x'; 1000],
        chunks: None,
        answers_head: false,
    };
    let mut wire = Spelled::new(Scripted::default());
    write_all(&mut wire, &response.bytes(false));
    assert_eq!(wire.inner.writes, 1);

    response.body = vec![b'x'; 5_000_000];
    let mut wire = Spelled::new(Scripted::default());
    write_all(&mut wire, &response.bytes(false));
    assert_eq!(wire.inner.writes, 2);
}
