//! Asks a device and waits for its answer: requests and responses over feature reports, within a time allowed.

use std::thread;
use std::time::{Duration, Instant};

use super::super::CarrierError;
use super::super::hidraw::Hidraw;
use super::frame::{Command, DATA, FRAME, Request, Response, Status, WRITE_PROTECTED, refusal};

/// Pauses between looks at a device that is still working.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(16);

/// Moves frames to and from a device.
pub(super) trait Transport {
    /// Sends a feature report.
    fn set_feature(&mut self, frame: &[u8; FRAME]) -> Result<(), CarrierError>;

    /// Fetches the feature report; returns its length.
    fn get_feature(&mut self, frame: &mut [u8; FRAME]) -> Result<usize, CarrierError>;
}

impl Transport for Hidraw<'_> {
    fn set_feature(&mut self, frame: &[u8; FRAME]) -> Result<(), CarrierError> {
        Hidraw::set_feature(self, frame)
    }

    fn get_feature(&mut self, frame: &mut [u8; FRAME]) -> Result<usize, CarrierError> {
        Hidraw::get_feature(self, frame)
    }
}

/// A conversation with one device.
pub(super) struct Exchange<T> {
    transport: T,
    sequence: u16,
    allowed: Duration,
    until: Instant,
}

impl<T: Transport> Exchange<T> {
    /// Begins one. `sequence` should be random: so no answer to another program's request fits.
    pub(super) fn new(transport: T, sequence: u16) -> Self {
        Self {
            transport,
            sequence,
            allowed: Duration::ZERO,
            until: Instant::now(),
        }
    }

    /// All requests from now on must be answered within this time, together.
    pub(super) fn allow(&mut self, time: Duration) {
        self.allowed = time;
        self.until = Instant::now() + time;
    }

    /// Asks, and waits while the device works.
    ///
    /// # Errors
    /// Late where it does not finish in the time allowed, what the transport says, or what is wrong in the answer.
    pub(super) fn ask(
        &mut self,
        command: Command,
        argument: u16,
        data: &[u8],
    ) -> Result<Response, CarrierError> {
        self.in_time()?;
        self.sequence = self.sequence.wrapping_add(1);
        let request = Request {
            command,
            sequence: self.sequence,
            argument,
            data,
        };
        self.transport.set_feature(&request.encode())?;
        let mut pause = FIRST_PAUSE;
        loop {
            let mut frame = [0; FRAME];
            let length = self.transport.get_feature(&mut frame)?;
            let response = request.decode(&frame[..length.min(FRAME)])?;
            match response.status {
                Status::Done => return Ok(response),
                Status::Working => {
                    self.in_time()?;
                    thread::sleep(pause);
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Status::Refused(status) => return Err(refused(command, status)),
            }
        }
    }

    /// Asks for an answer of which the first frame tells the length in bytes, and fetches all of it.
    ///
    /// # Errors
    /// As [`Exchange::ask`]; Short where the device gives less.
    pub(super) fn ask_long(
        &mut self,
        command: Command,
        data: &[u8],
        length: impl FnOnce(&[u8]) -> usize,
    ) -> Result<Vec<u8>, CarrierError> {
        let mut answer = self.ask(command, 0, data)?.data().to_vec();
        let length = length(&answer);
        while answer.len() < length {
            let offset = u16::try_from(answer.len()).map_err(|_| CarrierError::Short)?;
            let more = if answer.len() % DATA == 0 {
                self.ask(Command::More, offset, &[])?
            } else {
                return Err(CarrierError::Short);
            };
            if more.data().is_empty() {
                return Err(CarrierError::Short);
            }
            answer.extend_from_slice(more.data());
        }
        answer.truncate(length);
        Ok(answer)
    }

    fn in_time(&self) -> Result<(), CarrierError> {
        if Instant::now() < self.until {
            return Ok(());
        }
        let allowed = u64::try_from(self.allowed.as_millis()).unwrap_or(u64::MAX);
        Err(CarrierError::Late(allowed))
    }
}

fn refused(command: Command, status: u8) -> CarrierError {
    let reason = refusal(status);
    match command {
        Command::Identify | Command::Prove | Command::More => {
            CarrierError::Protocol(format!("{command:?} is refused: {reason} ({status})"))
        }
        _ if status == WRITE_PROTECTED => CarrierError::Memory("it is write-protected".into()),
        _ => CarrierError::Memory(format!("{command:?} is refused: {reason} ({status})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers by a function of the request and of how often it has been asked for the answer.
    struct Scripted<F>([u8; FRAME], usize, F);

    impl<F: FnMut(&[u8; FRAME], usize) -> Vec<u8>> Transport for Scripted<F> {
        fn set_feature(&mut self, frame: &[u8; FRAME]) -> Result<(), CarrierError> {
            (self.0, self.1) = (*frame, 0);
            Ok(())
        }

        fn get_feature(&mut self, frame: &mut [u8; FRAME]) -> Result<usize, CarrierError> {
            self.1 += 1;
            let answer = (self.2)(&self.0, self.1);
            frame[..answer.len()].copy_from_slice(&answer);
            Ok(answer.len())
        }
    }

    fn response(request: &[u8; FRAME], status: u8, data: &[u8]) -> Vec<u8> {
        let mut frame = *request;
        frame[0] = 0x6b;
        frame[6] = u8::try_from(data.len()).unwrap();
        frame[7] = status;
        frame[8..].fill(0);
        frame[8..8 + data.len()].copy_from_slice(data);
        frame.to_vec()
    }

    fn exchange(answer: impl FnMut(&[u8; FRAME], usize) -> Vec<u8>) -> Exchange<impl Transport> {
        let mut exchange = Exchange::new(Scripted([0; FRAME], 0, answer), 0xffff);
        exchange.allow(Duration::from_mins(1));
        exchange
    }

    #[test]
    fn it_waits_while_the_device_works() {
        let mut exchange = exchange(|request, times| response(request, u8::from(times < 3), b"done"));
        assert_eq!(exchange.ask(Command::Read, 7, &[]).unwrap().data(), b"done");
    }

    #[test]
    fn a_device_that_works_for_ever_is_late() {
        let mut exchange = exchange(|request, _| response(request, 1, b""));
        exchange.allow(Duration::from_millis(5));
        assert_eq!(
            exchange.ask(Command::Prove, 0, &[]).unwrap_err(),
            CarrierError::Late(5)
        );
        assert_eq!(
            exchange.ask(Command::Prove, 0, &[]).unwrap_err(),
            CarrierError::Late(5)
        );
    }

    #[test]
    fn each_request_has_a_sequence_of_its_own() {
        let mut seen = Vec::new();
        let mut exchange = exchange(|request, _| {
            seen.push([request[2], request[3]]);
            response(request, 0, b"")
        });
        exchange.ask(Command::Read, 0, &[]).unwrap();
        exchange.ask(Command::Read, 1, &[]).unwrap();
        drop(exchange);
        assert_eq!(seen, [[0, 0], [1, 0]]);
    }

    #[test]
    fn a_long_answer_is_fetched_in_pieces() {
        let long: Vec<u8> = (0..130).collect();
        let piece = |request: &[u8; FRAME]| {
            let offset = usize::from(u16::from_le_bytes([request[4], request[5]]));
            long[offset..].iter().take(56).copied().collect::<Vec<_>>()
        };
        let mut exchange = exchange(|request, _| response(request, 0, &piece(request)));
        assert_eq!(exchange.ask_long(Command::Identify, &[], |_| 130).unwrap(), long);
        assert_eq!(
            exchange.ask_long(Command::Identify, &[], |_| 20).unwrap().len(),
            20
        );
        assert_eq!(
            exchange.ask_long(Command::Identify, &[], |_| 131).unwrap_err(),
            CarrierError::Short
        );
    }

    #[test]
    fn an_answer_without_an_end_is_short() {
        let mut exchange = exchange(|request, _| response(request, 0, b""));
        assert_eq!(
            exchange.ask_long(Command::Prove, &[], |_| 64).unwrap_err(),
            CarrierError::Short
        );
    }

    #[test]
    fn refusals_are_told_by_what_was_asked() {
        let mut exchange =
            exchange(|request, _| response(request, if request[1] == 0x11 { 4 } else { 2 }, b""));
        assert_eq!(
            exchange.ask(Command::Prove, 0, &[]).unwrap_err(),
            CarrierError::Protocol("Prove is refused: unknown command (2)".into())
        );
        assert_eq!(
            exchange.ask(Command::WriteBegin, 0, &[]).unwrap_err(),
            CarrierError::Memory("it is write-protected".into())
        );
    }
}
