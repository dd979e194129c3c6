//! A conversation with a security key over CTAPHID: one channel, one request at a time, each answered within its time.

use std::time::{Duration, Instant};

use super::super::CarrierError;
use super::super::hidraw::Hidraw;
use super::super::random::random;
use super::frame::{Assembly, BROADCAST, CANCEL, CBOR, ERROR, INIT, KEEP_ALIVE, Message, Report, split};

/// Moves reports to and from a security key.
pub trait Transport {
    /// Sends an output report.
    ///
    /// # Errors
    /// Why it cannot.
    fn send(&mut self, report: &Report) -> Result<(), CarrierError>;

    /// Waits for an input report; none: none came until then.
    ///
    /// # Errors
    /// Why it cannot.
    fn receive(&mut self, until: Instant) -> Result<Option<Report>, CarrierError>;
}

impl Transport for Hidraw<'_> {
    fn send(&mut self, report: &Report) -> Result<(), CarrierError> {
        self.write(report)
    }

    fn receive(&mut self, until: Instant) -> Result<Option<Report>, CarrierError> {
        self.read(until)
    }
}

/// How long a key is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// For a sign of life.
    pub(super) silence: Duration,
    /// For the answer, however often it says that it works on it.
    pub(super) answer: Duration,
}

/// What a key says while it works on an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// It computes.
    Working,
    /// It waits for somebody to touch it.
    NeedsTouch,
}

/// Told of each sign of life; an error ends the request.
pub(super) type OnStatus<'s> = &'s mut dyn FnMut(Status) -> Result<(), CarrierError>;

/// Keys give channels out at once.
const OPENING: Patience = Patience {
    silence: Duration::from_millis(500),
    answer: Duration::from_millis(500),
};
/// The answer to INIT: nonce, channel, versions, capabilities.
const OPENED: usize = 17;
const NONCE: usize = 8;
/// The capability to speak CTAP 2.
const HAS_CBOR: u8 = 0x04;
/// The error of CTAPHID for a key that works for another channel.
const BUSY: u8 = 0x06;

/// A channel to a key.
pub(super) struct Channel<T> {
    transport: T,
    id: u32,
}

impl<T: Transport> Channel<T> {
    /// Has the key give out a channel.
    ///
    /// # Errors
    /// What the transport says, Late, Busy, Protocol; [`CarrierError::NotSilent`] for keys that know U2F only.
    pub(super) fn open(transport: T) -> Result<Self, CarrierError> {
        let nonce = random::<NONCE>()?;
        let mut channel = Self {
            transport,
            id: BROADCAST,
        };
        channel.send(INIT, &nonce)?;
        let opened = channel.receive(OPENING, &mut |_| Ok(()), |message| {
            // Another program may be opening a channel too.
            message.command == INIT && message.data.starts_with(&nonce)
        })?;
        if opened.len() < OPENED {
            return Err(CarrierError::Short);
        }
        let id = opened[NONCE..].iter().take(4);
        channel.id = id.fold(0, |id, byte| id << 8 | u32::from(*byte));
        if channel.id == BROADCAST || channel.id == 0 {
            return Err(CarrierError::Protocol("it gives out a reserved channel".into()));
        }
        if opened[OPENED - 1] & HAS_CBOR == 0 {
            return Err(CarrierError::NotSilent(
                "it is a U2F key without FIDO2, which proves nothing without a touch: a licence needs a FIDO2 key".into(),
            ));
        }
        Ok(channel)
    }

    /// Asks; the result begins with the status byte of CTAP 2. A request that is not answered in time, or that
    /// `on_status` ends, is cancelled.
    ///
    /// # Errors
    /// What the transport and `on_status` say, Late, Busy, Protocol.
    pub(super) fn ask(
        &mut self,
        request: &[u8],
        patience: Patience,
        on_status: OnStatus<'_>,
    ) -> Result<Vec<u8>, CarrierError> {
        self.send(CBOR, request)?;
        let answer = self.receive(patience, on_status, |message| message.command == CBOR);
        if answer.is_err() {
            // It may be beyond hearing.
            let _ = self.send(CANCEL, &[]);
        }
        answer
    }

    fn send(&mut self, command: u8, message: &[u8]) -> Result<(), CarrierError> {
        let packets = split(self.id, command, message);
        let packets =
            packets.ok_or_else(|| CarrierError::Protocol("the request is too long for it".into()))?;
        packets.iter().try_for_each(|packet| self.transport.send(packet))
    }

    /// Waits for the message that `is_answer` takes for the answer.
    fn receive(
        &mut self,
        patience: Patience,
        on_status: OnStatus<'_>,
        is_answer: impl Fn(&Message) -> bool,
    ) -> Result<Vec<u8>, CarrierError> {
        let mut assembly = Assembly::new(self.id);
        let end = Instant::now() + patience.answer;
        let mut until = end.min(Instant::now() + patience.silence);
        loop {
            // Also for a key that never stops to send what is no answer.
            let report = if Instant::now() < until {
                self.transport.receive(until)?
            } else {
                None
            };
            let Some(report) = report else {
                let limit = if until == end {
                    patience.answer
                } else {
                    patience.silence
                };
                return Err(CarrierError::Late(
                    u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
                ));
            };
            let Some(message) = assembly.take(&report)? else {
                continue;
            };
            match message.command {
                KEEP_ALIVE => {
                    let touch = message.data.first() == Some(&2);
                    on_status(if touch {
                        Status::NeedsTouch
                    } else {
                        Status::Working
                    })?;
                    until = end.min(Instant::now() + patience.silence);
                }
                ERROR => return Err(error(message.data.first().copied())),
                _ if is_answer(&message) => return Ok(message.data),
                // On the channel for everybody others are answered too.
                _ if self.id == BROADCAST => {}
                _ => return Err(CarrierError::Protocol("it answers another command".into())),
            }
        }
    }
}

/// An error of CTAPHID.
fn error(code: Option<u8>) -> CarrierError {
    let said = match code {
        Some(BUSY) => return CarrierError::Busy("another program, to which the security key speaks".into()),
        Some(0x01) => "unknown command",
        Some(0x02) => "bad parameter",
        Some(0x03) => "bad length",
        Some(0x04) => "bad sequence of packets",
        Some(0x05) => "a packet came too late",
        Some(0x0b) => "bad channel",
        _ => "an error of its own",
    };
    CarrierError::Protocol(format!("it says: {said} ({:#04x})", code.unwrap_or_default()))
}
