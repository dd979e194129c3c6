//! The simulated dongle over USB/IP, as a kernel would speak with it.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;

use super::dongle::{Fault, device};

#[path = "../dongle/server.rs"]
mod server;
#[path = "../dongle/usb.rs"]
mod usb;

use server::{Offered, serve};
use usb::Strings;

const STALLED: i32 = -device::EPIPE;

/// The host's side: a connection that has imported a device.
struct Host {
    stream: TcpStream,
    sequence: u32,
}

impl Host {
    /// Imports a device; none: refused.
    fn attach(port: u16, bus_id: &str) -> Option<Self> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        let mut request = vec![0x01, 0x11, 0x80, 0x03, 0, 0, 0, 0];
        request.extend(bus_id.as_bytes());
        request.resize(40, 0);
        stream.write_all(&request).unwrap();
        let mut head = [0; 8];
        stream.read_exact(&mut head).unwrap();
        if head[4..] != [0; 4] {
            return None;
        }
        stream.read_exact(&mut [0; 312]).unwrap();
        Some(Self { stream, sequence: 0 })
    }

    /// A control transfer: its status, and what came in.
    fn control(&mut self, setup: [u8; 8], data: &[u8]) -> std::io::Result<(i32, Vec<u8>)> {
        self.sequence += 1;
        let inward = setup[0] & 0x80 != 0;
        let length = u32::from(u16::from_le_bytes([setup[6], setup[7]]));
        let mut request = Vec::new();
        for number in [
            1,
            self.sequence,
            0x0001_0001,
            u32::from(inward),
            0,
            0,
            length,
            0,
            0,
            0,
        ] {
            request.extend(number.to_be_bytes());
        }
        request.extend(setup);
        request.extend(data);
        self.stream.write_all(&request)?;
        let mut head = [0; 48];
        self.stream.read_exact(&mut head)?;
        let number = |at: usize| i32::from_be_bytes(head[at..at + 4].try_into().unwrap());
        assert_eq!((number(0), number(4)), (3, i32::try_from(self.sequence).unwrap()));
        let mut answer = vec![
            0;
            if inward {
                usize::try_from(number(24)).unwrap()
            } else {
                0
            }
        ];
        self.stream.read_exact(&mut answer)?;
        Ok((number(20), answer))
    }

    fn set_feature(&mut self, frame: &[u8; 64]) -> std::io::Result<i32> {
        let (status, _) = self.control([0x21, 0x09, 0, 3, 0, 0, 64, 0], frame)?;
        Ok(status)
    }

    fn get_feature(&mut self) -> std::io::Result<(i32, Vec<u8>)> {
        self.control([0xa1, 0x01, 0, 3, 0, 0, 64, 0], &[])
    }

    fn string(&mut self, index: u8) -> String {
        let (_, text) = self.control([0x80, 6, index, 3, 9, 4, 255, 0], &[]).unwrap();
        let units = text[2..]
            .chunks(2)
            .map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
        char::decode_utf16(units).map(Result::unwrap).collect()
    }

    fn serial(&mut self) -> String {
        let (_, descriptor) = self.control([0x80, 6, 0, 1, 0, 0, 18, 0], &[]).unwrap();
        self.string(descriptor[16])
    }
}

const IDENTIFY: [u8; 64] = {
    let mut frame = [0; 64];
    (frame[0], frame[1]) = (0x4b, 1);
    frame
};

fn serving(serials: &[&str]) -> (u16, Arc<[Offered]>) {
    let dongles: Arc<[Offered]> = serials
        .iter()
        .map(|serial| Offered::new(serial, "seed"))
        .collect();
    (serve(0, dongles.clone()).unwrap().port(), dongles)
}

#[test]
fn it_is_the_usb_device_of_the_page() {
    let (port, dongles) = serving(&["LK-1"]);
    let mut host = Host::attach(port, "1-1").unwrap();
    let (status, device) = host.control([0x80, 6, 0, 1, 0, 0, 18, 0], &[]).unwrap();
    assert_eq!(
        (status, &device[..4], &device[8..14]),
        (0, &[18, 1, 0, 2][..], &[0x09, 0x12, 1, 0, 0, 1][..])
    );
    assert_eq!(host.serial(), dongles[0].serial);
    let (_, configuration) = host.control([0x80, 6, 0, 2, 0, 0, 255, 0], &[]).unwrap();
    assert_eq!(configuration[14..17], [3, 0, 0], "a HID interface");
    assert_eq!(configuration[18..27], [9, 0x21, 0x11, 1, 0, 1, 0x22, 21, 0]);
    let (_, report) = host.control([0x81, 6, 0, 0x22, 0, 0, 21, 0], &[]).unwrap();
    assert_eq!(report, device::REPORT_DESCRIPTOR);
    assert_eq!(
        host.control([0x80, 0, 0, 0, 0, 0, 2, 0], &[]).unwrap(),
        (0, vec![0, 0]),
        "GET_STATUS"
    );
    assert_eq!(host.set_feature(&IDENTIFY).unwrap(), 0);
    let (status, response) = host.get_feature().unwrap();
    assert_eq!((status, response.len(), &response[..2]), (0, 64, &[0x6b, 1][..]));
    assert_eq!(response[8 + 48..8 + 52], *b"LK-1");
}

#[test]
fn its_faults_reach_the_host() {
    let (port, dongles) = serving(&["LK-1"]);
    let mut host = Host::attach(port, "1-1").unwrap();
    dongles[0].dongle.set_fault(Fault::Stall);
    assert_eq!(host.set_feature(&IDENTIFY).unwrap(), STALLED);
    assert_eq!(host.get_feature().unwrap(), (STALLED, Vec::new()));
    dongles[0].dongle.set_fault(Fault::Short);
    assert_eq!(host.set_feature(&IDENTIFY).unwrap(), 0);
    assert_eq!(host.get_feature().unwrap().1.len(), 20);
    dongles[0].dongle.set_fault(Fault::Unplug(2));
    assert_eq!(host.set_feature(&IDENTIFY).unwrap(), 0);
    let gone = host.get_feature().unwrap_err().kind();
    assert!(
        matches!(gone, ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset),
        "{gone}"
    );
    let mut host = Host::attach(port, "1-1").unwrap();
    assert_eq!(
        host.set_feature(&IDENTIFY).unwrap(),
        0,
        "plugged in again, it works"
    );
}

#[test]
fn a_dongle_that_hangs_delays_no_other() {
    let (port, dongles) = serving(&["LK-1", "LK-2"]);
    let mut first = Host::attach(port, "1-1").unwrap();
    dongles[0].dongle.set_fault(Fault::Hang);
    let hangs = std::thread::spawn(move || first.set_feature(&IDENTIFY));
    dongles[0].dongle.wait_for_hang();
    let mut second = Host::attach(port, "1-2").unwrap();
    assert_eq!(second.serial(), "LK-2");
    assert_eq!(second.set_feature(&IDENTIFY).unwrap(), 0);
    dongles[0].dongle.set_fault(Fault::None);
    assert_eq!(hangs.join().unwrap().unwrap(), 0);
}

#[test]
fn it_is_pulled_and_comes_back_with_other_strings() {
    let (port, dongles) = serving(&["LK-1"]);
    assert!(Host::attach(port, "1-2").is_none(), "there is no such dongle");
    assert!(!dongles[0].unplug());
    let mut host = Host::attach(port, "1-1").unwrap();
    assert_eq!(host.serial(), "LK-1");
    *dongles[0].strings.lock().unwrap() = Strings::garbage();
    assert!(dongles[0].unplug());
    assert!(host.set_feature(&IDENTIFY).is_err());
    let mut host = Host::attach(port, "1-1").unwrap();
    assert_eq!(host.serial(), Strings::garbage().serial);
}
