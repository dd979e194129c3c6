//! A way to a console that can be cut and mended: to a browser the node is away, and its address stays.

use std::io::copy;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

#[derive(Default)]
struct State {
    /// Where the way leads; `None`: nowhere.
    target: Option<SocketAddr>,
    open: Vec<TcpStream>,
}

/// The way; it lasts as long as the test's process.
pub(crate) struct Way {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Way {
    pub(crate) fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State {
            target: Some(target),
            open: Vec::new(),
        }));
        let own = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                connect(stream, &own);
            }
        });
        Self { address, state }
    }

    /// Cuts every connection, and each new one at once.
    pub(crate) fn cut(&self) {
        let mut state = self.state.lock().unwrap();
        state.target = None;
        for stream in state.open.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    pub(crate) fn mend(&self, target: SocketAddr) {
        self.state.lock().unwrap().target = Some(target);
    }
}

fn connect(stream: TcpStream, state: &Mutex<State>) {
    let mut state = state.lock().unwrap();
    let Some(Ok(there)) = state.target.map(TcpStream::connect) else {
        return;
    };
    for (from, to) in [(&stream, &there), (&there, &stream)] {
        let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        thread::spawn(move || {
            let _ = copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
    }
    state.open.extend([stream, there]);
}
