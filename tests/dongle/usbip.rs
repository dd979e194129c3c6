//! A program that serves simulated dongles over USB/IP, for tests only: `usbip attach -r 127.0.0.1 -b 1-1` plugs the
//! first one in. It is steered by lines on its standard input, and answers each with one line: `ok`, or `error: why`.
//!
//! ```text
//! fault SERIAL none|silent|hang|wrong|replay|short|garbage|stall|serial|key|forgetful|memory|unplug:N
//! licence SERIAL FILE      put a licence into the memory (an empty file: blank)
//! protect SERIAL on|off    write-protect the memory
//! strings SERIAL garbage|honest    what it calls itself from the next plug on
//! unplug SERIAL            end its connection, as if it was pulled
//! memory SERIAL            `ok LENGTH SHA-256-IN-HEX` of the licence in its memory
//! ```
#![expect(clippy::unwrap_used, reason = "a test program fails by panicking")]

mod device;
mod server;
mod usb;

use std::fmt::Write;
use std::io::BufRead;
use std::sync::Arc;
use std::{fs, io, thread};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Parser;

use server::{Offered, serve};
use usb::Strings;

/// Serves simulated dongles over USB/IP on 127.0.0.1.
#[derive(Parser)]
struct Arguments {
    /// Port; 0: any, which is printed.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// A dongle: its serial number, and a seed for its key (without one, the serial number).
    #[arg(long = "dongle", value_name = "SERIAL[:SEED]", required = true)]
    dongles: Vec<String>,
    /// A licence to lay into the memory of each.
    #[arg(long, value_name = "FILE")]
    licence: Option<String>,
}

fn main() {
    let arguments = Arguments::parse();
    let dongles: Arc<[Offered]> = arguments
        .dongles
        .iter()
        .map(|text| text.split_once(':').unwrap_or((text, text)))
        .map(|(serial, seed)| Offered::new(serial, seed))
        .collect();
    if let Some(file) = arguments.licence {
        let licence = fs::read(file).unwrap();
        for offered in &*dongles {
            offered.dongle.dongle().memory().preload(&licence);
        }
    }
    let address = serve(arguments.port, dongles.clone()).unwrap();
    for (index, offered) in (0..).zip(&*dongles) {
        let key = URL_SAFE_NO_PAD.encode(offered.dongle.dongle().public_key());
        println!("dongle {} {} {key}", usb::bus_id(index), offered.serial);
    }
    println!("listening on {address}");
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        match obey(&line, &dongles) {
            Ok(said) => println!("{}", format!("ok {said}").trim_end()),
            Err(why) => println!("error: {why}"),
        }
    }
    // Whoever steers may leave; the dongles stay until the process is ended.
    loop {
        thread::park();
    }
}

fn obey(line: &str, dongles: &[Offered]) -> Result<String, String> {
    let mut words = line.split_whitespace();
    let (verb, serial) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let value = words.next().unwrap_or_default();
    let offered = dongles.iter().find(|offered| offered.serial == serial);
    let offered = offered.ok_or_else(|| format!("no dongle {serial:?}"))?;
    match (verb, value) {
        ("fault", fault) => offered.dongle.set_fault(fault.parse()?),
        ("licence", file) => {
            let licence = fs::read(file).map_err(|error| format!("{file}: {error}"))?;
            offered.dongle.dongle().memory().preload(&licence);
        }
        ("protect", "on" | "off") => offered.dongle.dongle().memory().protected = value == "on",
        ("strings", "garbage") => *offered.strings.lock().unwrap() = Strings::garbage(),
        ("strings", "honest") => *offered.strings.lock().unwrap() = Strings::honest(serial),
        ("unplug", _) => {
            offered.unplug();
        }
        ("memory", _) => {
            let mut dongle = offered.dongle.dongle();
            let licence = dongle.memory().licence();
            let mut said = licence.len().to_string();
            said.push(' ');
            for byte in digest(&SHA256, licence).as_ref() {
                let _ = write!(said, "{byte:02x}");
            }
            return Ok(said);
        }
        _ => return Err(format!("cannot {line:?}")),
    }
    Ok(String::new())
}
