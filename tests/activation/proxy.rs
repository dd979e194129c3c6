//! A small HTTP proxy that connects, and remembers what it was asked for.

use std::io::{BufRead, BufReader, Write, copy};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Serves until the process ends.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, asked) = (listener.local_addr().unwrap(), Arc::default());
        let own: Arc<Mutex<Vec<String>>> = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let asked = own.clone();
                std::thread::spawn(move || connect(&stream, &asked));
            }
        });
        Self { address, asked }
    }
}

/// Everything it is asked for is on this computer.
fn connect(client: &TcpStream, asked: &Mutex<Vec<String>>) -> Option<()> {
    let mut reader = BufReader::new(client.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    asked.lock().unwrap().push(line.trim_end().to_owned());
    let port = line.split(' ').nth(1)?.rsplit(':').next()?.parse::<u16>().ok()?;
    while !line.trim_end().is_empty() {
        line.clear();
        reader.read_line(&mut line).ok()?;
    }
    let server = TcpStream::connect(("127.0.0.1", port)).ok()?;
    let mut back = client.try_clone().ok()?;
    back.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").ok()?;
    let mut from = server.try_clone().ok()?;
    std::thread::spawn(move || {
        let _ = copy(&mut from, &mut back);
        let _ = back.shutdown(Shutdown::Both);
    });
    let _ = copy(&mut reader, &mut &server);
    let _ = server.shutdown(Shutdown::Both);
    Some(())
}
