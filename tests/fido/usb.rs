//! The security key as a USB device, as a kernel would speak with it over USB/IP.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use keynode::devices::fido2::{Report, Transport, make_over, prove_over};
use keynode::devices::{CarrierError, carrier};

use super::key_usbip::{BUS_ID, serve};

/// The host's side of a plugged key.
struct Host {
    stream: TcpStream,
    number: u32,
    /// The read that waits for a report.
    read: Option<u32>,
}

impl Host {
    fn plug(port: u16) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let mut request = vec![0x01, 0x11, 0x80, 0x03, 0, 0, 0, 0];
        request.extend(BUS_ID.as_bytes());
        request.resize(40, 0);
        stream.write_all(&request).unwrap();
        stream.read_exact(&mut [0; 8 + 312]).unwrap();
        Self {
            stream,
            number: 0,
            read: None,
        }
    }

    fn submit(&mut self, inward: bool, endpoint: u32, setup: [u8; 8], data: &[u8]) -> u32 {
        self.number += 1;
        let words = [1, self.number, 1, u32::from(inward), endpoint, 0, 64, 0, 0, 0];
        let mut request: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        request.extend(setup);
        request.extend(data);
        self.stream.write_all(&request).unwrap();
        self.number
    }

    /// The next answer: its number, and what was read. None: there is none in time.
    fn answer(&mut self, until: Instant) -> Option<(u32, Vec<u8>)> {
        let left = until.saturating_duration_since(Instant::now());
        self.stream
            .set_read_timeout(Some(left.max(Duration::from_millis(1))))
            .unwrap();
        let mut head = [0; 48];
        match self.stream.peek(&mut head) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return None,
            peeked => peeked.unwrap(),
        };
        self.stream.set_read_timeout(None).unwrap();
        self.stream.read_exact(&mut head).unwrap();
        let word = |at: usize| u32::from_be_bytes(head[at..at + 4].try_into().unwrap());
        let mut data = vec![0; if self.read == Some(word(4)) { 64 } else { 0 }];
        self.stream.read_exact(&mut data).unwrap();
        Some((word(4), data))
    }
}

impl Transport for Host {
    fn send(&mut self, report: &Report) -> Result<(), CarrierError> {
        self.submit(false, 1, [0; 8], report);
        Ok(())
    }

    fn receive(&mut self, until: Instant) -> Result<Option<Report>, CarrierError> {
        let read = match self.read {
            Some(read) => read,
            None => self.submit(true, 1, [0; 8], &[]),
        };
        self.read = Some(read);
        while let Some((number, data)) = self.answer(until) {
            if number == read {
                self.read = None;
                return Ok(Some(data.try_into().unwrap()));
            }
        }
        Ok(None)
    }
}

#[test]
fn a_key_keeps_its_credential_from_plug_to_plug() {
    let port = serve(0).unwrap().port();
    let credential = make_over(|| Ok(Host::plug(port)), false, &mut |_| ()).unwrap();
    let progress = carrier::Progress::default();
    for _ in 0..3 {
        let proven = prove_over(Host::plug(port), std::slice::from_ref(&credential), &progress).unwrap();
        assert_eq!(proven.len(), 1);
        assert_eq!(proven[0].verdict, Ok(()));
    }
}
