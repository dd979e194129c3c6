//! The socket as actix sees it: spells response heads on the way out, holds back pipelined requests on the way in.

use std::{
    io, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    spelling::Speller,
    turns::{HeadEnd, Turns},
};

/// The most that is copied to be spelled in one write: a head and a small body. More of a body goes uncopied.
const COPIED: usize = 16 * 1024;
/// Reading ahead of a request's turn stops when this much is held.
const HELD: usize = 8 * 1024;

/// A connection of any transport, TCP or TLS.
#[derive(Debug)]
pub(super) struct Spelled<T> {
    inner: T,
    speller: Speller,
    turns: Turns,
    head_end: HeadEnd,
    /// A whole head was handed over: actix has to decode it before it gets more.
    stopped: bool,
    held: BytesMut,
}

impl<T> Spelled<T> {
    pub(super) fn new(inner: T) -> Self {
        Self {
            inner,
            speller: Speller::default(),
            turns: Turns::default(),
            head_end: HeadEnd::default(),
            stopped: false,
            held: BytesMut::new(),
        }
    }

    /// The handle by which the service says whose turn it is.
    pub(super) fn turns(&self) -> Turns {
        self.turns.clone()
    }

    /// How many of the fresh bytes actix may have now: at least one, unless there are none.
    fn admit(&mut self, room: Option<u64>, fresh: &[u8]) -> usize {
        if let Some(room) = room {
            let admitted = usize::try_from(room).map_or(fresh.len(), |room| room.min(fresh.len()));
            self.turns.spend(admitted as u64);
            admitted
        } else if let Some(end) = self.head_end.find(fresh) {
            self.stopped = true;
            end
        } else {
            fresh.len()
        }
    }
}

impl<T: AsyncRead + Unpin> Spelled<T> {
    /// Reads ahead without handing anything over, so that the end of the connection is still seen.
    fn poll_hold(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        while self.held.len() < HELD {
            match Pin::new(&mut self.inner).poll_read(cx, buf)? {
                Poll::Ready(()) if buf.filled().len() > before => {
                    self.held.extend_from_slice(&buf.filled()[before..]);
                    buf.set_filled(before);
                }
                Poll::Ready(()) if self.held.is_empty() => return Poll::Ready(Ok(())),
                Poll::Ready(()) | Poll::Pending => break,
            }
        }
        Poll::Pending
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Spelled<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let room = this.turns.room();
        if mem::take(&mut this.stopped) {
            let held = this.poll_hold(cx, buf);
            if !this.held.is_empty() {
                cx.waker().wake_by_ref();
            }
            return held;
        }
        if room == Some(0) {
            return this.poll_hold(cx, buf);
        }
        if this.held.is_empty() {
            let before = buf.filled().len();
            ready!(Pin::new(&mut this.inner).poll_read(cx, buf))?;
            let admitted = before + this.admit(room, &buf.filled()[before..]);
            this.held.extend_from_slice(&buf.filled()[admitted..]);
            buf.set_filled(admitted);
        } else {
            let mut held = mem::take(&mut this.held);
            let admitted = this.admit(room, &held[..held.len().min(buf.remaining())]);
            buf.put_slice(&held[..admitted]);
            if admitted < held.len() {
                held.advance(admitted);
                this.held = held;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Spelled<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let inner = Pin::new(&mut this.inner);
        let untouched = usize::try_from(this.speller.untouched())
            .unwrap_or(usize::MAX)
            .min(buf.len());
        let (accepted, ended) = if untouched > 0 {
            let accepted = ready!(inner.poll_write(cx, &buf[..untouched]))?;
            (accepted, this.speller.pass(accepted as u64))
        } else {
            let answers_head = this.turns.answers_head();
            let mut spelled = buf[..buf.len().min(COPIED)].to_vec();
            let mut after = this.speller;
            let mut ended = after.spell(&mut spelled, answers_head);
            let accepted = ready!(inner.poll_write(cx, &spelled))?;
            if accepted < spelled.len() {
                after = this.speller;
                ended = after.spell(&mut spelled[..accepted], answers_head);
            }
            this.speller = after;
            (accepted, ended)
        };
        if ended {
            this.turns.finish();
            if !this.held.is_empty() {
                cx.waker().wake_by_ref();
            }
        }
        Poll::Ready(Ok(accepted))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
