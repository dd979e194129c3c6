//! A module's process (`keynode token-worker`): loads the module, logs in, and does what the node asks over the socket
//! that is its standard input. What a module breaks, it breaks here.

mod failure;
mod listing;
mod module;
mod objects;
mod public_key;
mod session;
mod shelter;

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::thread;

use cryptoki::session::Session;
use rustix::net::SendFlags;

use super::wire::{self, Answer, Ask, Failure, FailureKind, Inbox, Request, Response};
use module::Module;
use session::{Bytes, Desk};

/// Serves until the node closes the socket.
///
/// # Errors
/// The system's, and those of a node that does not say what a node says.
pub fn run() -> io::Result<()> {
    // A panic in one thread would leave the node waiting for that thread's answer.
    std::panic::set_hook(Box::new(|panic| {
        eprintln!("{panic}");
        std::process::exit(101);
    }));
    shelter::enter()?;
    serve(io::stdin().as_fd())
}

fn serve(socket: BorrowedFd<'_>) -> io::Result<()> {
    let mut opened = None;
    let sessions = {
        let mut inbox = Inbox::new();
        loop {
            let Some((Request { id, ask }, bytes)) = inbox.receive(socket)? else {
                return Ok(());
            };
            match ask {
                Ask::Open {
                    module,
                    label,
                    serial,
                    parent,
                } => {
                    shelter::stay_with(parent)?;
                    let answer = match Module::open(&module, label.as_deref(), serial.as_deref()) {
                        Ok(Some(module)) => {
                            let facts = module.facts.clone();
                            opened = Some(module);
                            Answer::Found(facts)
                        }
                        Ok(None) => Answer::Absent,
                        Err(failure) => Answer::Failed(failure),
                    };
                    reply(socket, id, answer, &[])?;
                }
                Ask::LogIn { with_pin, sessions } => {
                    let Some(module) = &opened else {
                        return Err(io::ErrorKind::InvalidInput.into());
                    };
                    match module.log_in(with_pin.then_some(bytes), sessions) {
                        Ok(sessions) => {
                            reply(socket, id, Answer::Done, &[])?;
                            break sessions;
                        }
                        Err(failure) => reply(socket, id, Answer::Failed(failure), &[])?,
                    }
                }
                _ => return Err(io::ErrorKind::InvalidInput.into()),
            }
        }
    };
    let Some(module) = opened else { return Ok(()) };
    thread::scope(|scope| {
        for session in sessions {
            scope.spawn(|| work(socket, &module, session));
        }
    });
    Ok(())
}

/// One session's thread: the kernel gives each request to one of them.
fn work(socket: BorrowedFd<'_>, module: &Module, session: Session) {
    let mut desk = Desk::new(module, session);
    let mut inbox = Inbox::new();
    while let Ok(Some((Request { id, ask }, bytes))) = inbox.receive(socket) {
        let told = match ask {
            Ask::List => listing::list(&desk.session, |answer, bytes| reply(socket, id, answer, bytes))
                .map(|said| said.map(|()| Bytes::default())),
            ask => desk.perform(ask, bytes).map(Ok),
        };
        let sent = match told {
            Ok(Ok(bytes)) => reply(socket, id, Answer::Done, &bytes),
            Ok(Err(unsent)) => Err(unsent),
            Err(failure) => reply(socket, id, Answer::Failed(failure), &[]),
        };
        if sent.is_err() {
            return;
        }
    }
}

fn reply(socket: BorrowedFd<'_>, id: u64, answer: Answer, bytes: &[u8]) -> io::Result<()> {
    let sent = wire::send(socket, &Response { id, answer }, bytes, SendFlags::empty());
    match sent {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            let failure = Failure {
                kind: FailureKind::Nonsense,
                text: format!("a result of {} bytes", bytes.len()),
            };
            let answer = Answer::Failed(failure);
            wire::send(socket, &Response { id, answer }, &[], SendFlags::empty())
        }
        sent => sent,
    }
}
