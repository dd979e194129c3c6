//! Serves a security key over USB/IP, for tests only: a small server of its own, for it must hold the kernel's reads
//! until the key has something to say.

use std::collections::VecDeque;
use std::io::{Read, Result, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::authenticator::{Authenticator, Report};

/// By which `usbip attach -b` names it.
pub(crate) const BUS_ID: &str = "2-1";

/// A key of a maker that the catalogue knows, without a serial number, as most are.
const DEVICE: [u8; 18] = [
    18, 1, 0x00, 0x02, 0, 0, 0, 64, 0xa0, 0x20, 0xb2, 0x42, 0x00, 0x01, 0, 0, 0, 1,
];
/// One HID interface with an interrupt endpoint in each direction.
const CONFIGURATION: [u8; 41] = [
    9, 2, 41, 0, 1, 1, 0, 0x80, 50, 9, 4, 0, 0, 2, 3, 0, 0, 0, 9, 0x21, 0x11, 1, 0, 1, 0x22, 34, 0, 7, 5,
    0x81, 3, 64, 0, 5, 7, 5, 0x01, 3, 64, 0, 5,
];
/// Usage page F1D0; 64 bytes in, 64 bytes out.
pub(crate) const REPORT_DESCRIPTOR: [u8; 34] = [
    0x06, 0xd0, 0xf1, 0x09, 0x01, 0xa1, 0x01, 0x09, 0x20, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08, 0x95,
    0x40, 0x81, 0x02, 0x09, 0x21, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08, 0x95, 0x40, 0x91, 0x02, 0xc0,
];

const SUBMIT: u32 = 1;
const UNLINK: u32 = 2;
const STALLED: i32 = -32;
const UNLINKED: i32 = -104;

/// The host that it is plugged into.
#[derive(Default)]
struct Host {
    stream: Option<TcpStream>,
    /// Reads that wait for a report: their numbers.
    reads: VecDeque<u32>,
    reports: VecDeque<Report>,
}

impl Host {
    fn plugged(stream: TcpStream) -> Self {
        Self {
            stream: Some(stream),
            ..Self::default()
        }
    }

    /// Answers a request: its number, how it ended, how much was written, what was read.
    fn answer(&mut self, number: u32, status: i32, written: usize, read: &[u8]) {
        let length = u32::try_from(written.max(read.len())).unwrap();
        let mut answer: Vec<u8> = [3, number, 0, 0, 0]
            .iter()
            .flat_map(|word: &u32| word.to_be_bytes())
            .collect();
        answer.extend(status.to_be_bytes());
        answer.extend(length.to_be_bytes());
        answer.resize(48, 0);
        answer.extend(read);
        self.write(&answer);
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(stream) = &mut self.stream {
            // An error: it was pulled, which its reader sees.
            let _ = stream.write_all(bytes);
        }
    }

    /// Gives reports to the reads that wait.
    fn deliver(&mut self) {
        while !self.reads.is_empty() && !self.reports.is_empty() {
            let (number, report) = (self.reads.pop_front().unwrap(), self.reports.pop_front().unwrap());
            self.answer(number, 0, 0, &report);
        }
    }
}

/// Serves a new key on this port of the loopback (0: any) on threads of its own; returns where.
pub(crate) fn serve(port: u16) -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    let address = listener.local_addr()?;
    let host = Arc::new(Mutex::new(Host::default()));
    let told = Arc::clone(&host);
    let key = Authenticator::new(move |report| {
        let mut host = told.lock().unwrap();
        if host.stream.is_some() {
            host.reports.push_back(report);
            host.deliver();
        }
    });
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // An error: it was pulled.
            let _ = connection(stream, &host, &key);
            *host.lock().unwrap() = Host::default();
        }
    });
    Ok(address)
}

fn connection(mut stream: TcpStream, host: &Mutex<Host>, key: &Authenticator) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut request = [0; 40];
    stream.read_exact(&mut request)?;
    assert_eq!(request[..4], [0x01, 0x11, 0x80, 0x03], "only to be imported");
    assert!(request[8..].starts_with(BUS_ID.as_bytes()));
    stream.write_all(&imported())?;
    *host.lock().unwrap() = Host::plugged(stream.try_clone()?);
    loop {
        let mut head = [0; 48];
        stream.read_exact(&mut head)?;
        let word = |at: usize| u32::from_be_bytes(head[at..at + 4].try_into().unwrap());
        let (command, number, inward, endpoint) = (word(0), word(4), word(12) == 1, word(16));
        let length = usize::try_from(word(24)).unwrap();
        match (command, endpoint) {
            (SUBMIT, 0) if inward => {
                let mut host = host.lock().unwrap();
                match control(&head[40..]) {
                    Some(answer) => host.answer(number, 0, 0, &answer[..answer.len().min(length)]),
                    None => host.answer(number, STALLED, 0, &[]),
                }
            }
            (SUBMIT, 1) if inward => {
                let mut host = host.lock().unwrap();
                host.reads.push_back(number);
                host.deliver();
            }
            (SUBMIT, _) => {
                let mut data = vec![0; length];
                stream.read_exact(&mut data)?;
                host.lock().unwrap().answer(number, 0, length, &[]);
                if let (1, Ok(report)) = (endpoint, data.try_into()) {
                    key.send(report);
                }
            }
            (UNLINK, _) => {
                let mut host = host.lock().unwrap();
                let waiting = host.reads.len();
                host.reads.retain(|read| *read != word(20));
                let status = if host.reads.len() < waiting { UNLINKED } else { 0 };
                let mut answer: Vec<u8> = [4, number, 0, 0, 0]
                    .iter()
                    .flat_map(|word: &u32| word.to_be_bytes())
                    .collect();
                answer.extend(status.to_be_bytes());
                answer.resize(48, 0);
                host.write(&answer);
            }
            _ => return Err(std::io::Error::other("no such request")),
        }
    }
}

/// What the key tells of itself; none: a request that it does not know.
fn control(setup: &[u8]) -> Option<Vec<u8>> {
    match (setup[0], setup[1], setup[3], setup[2]) {
        (0x80, 6, 1, _) => Some(DEVICE.to_vec()),
        (0x80, 6, 2, _) => Some(CONFIGURATION.to_vec()),
        (0x81, 6, 0x22, _) => Some(REPORT_DESCRIPTOR.to_vec()),
        (0x80..=0x82, 0, ..) => Some(vec![0, 0]),
        _ => None,
    }
}

/// The answer to the import: what the device is.
fn imported() -> Vec<u8> {
    let mut answer = vec![0x01, 0x11, 0x00, 0x03, 0, 0, 0, 0];
    answer.extend(b"/sys/devices/simulated/2-1");
    answer.resize(8 + 256, 0);
    answer.extend(BUS_ID.as_bytes());
    answer.resize(8 + 256 + 32, 0);
    // Bus, number, speed: full.
    for word in [2_u32, 1, 2] {
        answer.extend(word.to_be_bytes());
    }
    for word in [0x20a0_u16, 0x42b2, 0x0100] {
        answer.extend(word.to_be_bytes());
    }
    // Class, subclass, protocol, configuration, configurations, interfaces.
    answer.extend([0, 0, 0, 1, 1, 1]);
    answer
}
