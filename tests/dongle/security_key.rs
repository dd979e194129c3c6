//! A program that serves a security key over USB/IP, for tests only: `usbip attach -r 127.0.0.1 -b 2-1` plugs it in.
//! Somebody touches it whenever it asks for that.
#![expect(clippy::unwrap_used, reason = "a test program fails by panicking")]

#[allow(dead_code, reason = "others let nobody touch it")]
mod authenticator;
#[allow(dead_code, reason = "others show its report descriptor")]
mod key_usbip;

use clap::Parser;

/// Serves a security key over USB/IP on 127.0.0.1.
#[derive(Parser)]
struct Arguments {
    /// Port; 0: any, which is printed.
    #[arg(long, default_value_t = 0)]
    port: u16,
}

fn main() {
    let address = key_usbip::serve(Arguments::parse().port).unwrap();
    println!("listening on {address}");
    loop {
        std::thread::park();
    }
}
