//! Serves simulated dongles over USB/IP, for tests only. Each connection has a thread of its own, so that a dongle
//! that hangs delays no other.

use std::io::{Error, ErrorKind, Result};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use usbip::UsbIpServer;

use super::device::{Dongle, ENODEV, Plugged};
use super::usb::{Strings, bus_id, usb_device};

/// A transfer that hangs ends after this; the kernel gives up after 5 s.
const LONGEST_HANG: Duration = Duration::from_secs(8);
const IMPORT: [u8; 2] = [0x80, 0x03];

/// A dongle in the server.
pub(crate) struct Offered {
    pub(crate) serial: String,
    pub(crate) dongle: Plugged,
    /// What it calls itself from the next plug on.
    pub(crate) strings: Mutex<Strings>,
    /// The connection of the host that it is plugged into.
    plug: Mutex<Option<Arc<TcpStream>>>,
}

impl Offered {
    pub(crate) fn new(serial: &str, seed: &str) -> Self {
        Self {
            serial: serial.into(),
            dongle: Plugged::new(Dongle::new(serial, seed), LONGEST_HANG),
            strings: Mutex::new(Strings::honest(serial)),
            plug: Mutex::default(),
        }
    }

    /// Pulls it. Returns whether it was plugged in.
    pub(crate) fn unplug(&self) -> bool {
        let plug = self.plug.lock().unwrap().take();
        plug.is_some_and(|stream| stream.shutdown(Shutdown::Both).is_ok())
    }
}

/// Serves these dongles on this port of the loopback (0: any) on threads of its own; returns where.
pub(crate) fn serve(port: u16, dongles: Arc<[Offered]>) -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let dongles = dongles.clone();
            thread::spawn(move || connection(stream, &dongles));
        }
    });
    Ok(address)
}

fn connection(stream: TcpStream, dongles: &[Offered]) -> Result<()> {
    let wanted = wanted(&stream)?;
    let position = |name: &str| (0..).zip(dongles).find(|(index, _)| bus_id(*index) == name);
    let Some(name) = wanted else {
        let all = (0..).zip(dongles);
        let all =
            all.map(|(index, offered)| usb_device(index, &offered.strings.lock().unwrap(), &offered.dongle));
        return answer(stream, UsbIpServer::new_simulated(all.collect()), None);
    };
    let Some((index, offered)) = position(&name) else {
        return answer(stream, UsbIpServer::default(), None);
    };
    // Who plugs it in while it is plugged in elsewhere takes it over.
    offered.unplug();
    let stream = Arc::new(stream);
    *offered.plug.lock().unwrap() = Some(stream.clone());
    offered.dongle.power_cycle();
    let device = usb_device(index, &offered.strings.lock().unwrap(), &offered.dongle);
    let ended = answer(
        stream.try_clone()?,
        UsbIpServer::new_simulated(vec![device]),
        Some(offered),
    );
    offered
        .plug
        .lock()
        .unwrap()
        .take_if(|plug| Arc::ptr_eq(plug, &stream));
    ended
}

/// The bus id that a connection asks to import; none: it asks for something else.
fn wanted(stream: &TcpStream) -> Result<Option<String>> {
    let mut request = [0; 40];
    loop {
        match stream.peek(&mut request)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            4.. if request[2..4] != IMPORT => return Ok(None),
            40 => break,
            _ => thread::sleep(Duration::from_millis(1)),
        }
    }
    let name = request[8..].split(|byte| *byte == 0).next().unwrap_or_default();
    Ok(Some(String::from_utf8_lossy(name).into_owned()))
}

fn answer(stream: TcpStream, server: UsbIpServer, offered: Option<&Offered>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let mut wire = Wire {
            stream: tokio::net::TcpStream::from_std(stream)?,
            offered,
        };
        usbip::handler(&mut wire, Arc::new(server)).await
    })
}

/// The connection as the usbip crate sees it. The crate answers a failed transfer with status 1, which the kernel
/// takes for success: here it becomes a stall, and a dongle that is gone ends the connection. The crate must answer the
/// poll of an interrupt endpoint at once, and the kernel would poll again at once: here it waits, as for a device that
/// has nothing to say.
struct Wire<'a> {
    stream: tokio::net::TcpStream,
    offered: Option<&'a Offered>,
}

const RET_SUBMIT: [u8; 4] = [0, 0, 0, 3];
const FAILED: [u8; 4] = [0, 0, 0, 1];
const ENDPOINT_0: [u8; 4] = [0; 4];
const STALLED: [u8; 4] = (-super::device::EPIPE).to_be_bytes();

impl AsyncRead for Wire<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire<'_> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        if self.offered.is_some_and(|offered| offered.dongle.is_unplugged()) {
            return Poll::Ready(Err(Error::from_raw_os_error(ENODEV)));
        }
        let answer = bytes.starts_with(&RET_SUBMIT);
        if answer && bytes.get(16..20) != Some(&ENDPOINT_0) {
            return Poll::Ready(Ok(bytes.len()));
        }
        let failed = answer && bytes.get(20..24) == Some(&FAILED);
        if failed {
            let stalled = [&bytes[..20], &STALLED, &bytes[24..]].concat();
            return Pin::new(&mut self.stream).poll_write(context, &stalled);
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
