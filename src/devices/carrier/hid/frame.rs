//! The frames of the protocol: 64 bytes each, requests written and responses read. Pure; a response is hostile.

use super::super::CarrierError;

/// Bytes of a frame.
pub(super) const FRAME: usize = 64;
/// Most bytes of data in a frame.
pub(super) const DATA: usize = 56;

const REQUEST: u8 = 0x4b;
const RESPONSE: u8 = 0x6b;

/// What is asked of the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Identify = 0x01,
    Prove = 0x02,
    More = 0x03,
    Read = 0x10,
    WriteBegin = 0x11,
    Write = 0x12,
    WriteEnd = 0x13,
}

/// How the device answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Done,
    Working,
    /// It refuses, with this number.
    Refused(u8),
}

impl Status {
    fn of(byte: u8) -> Self {
        match byte {
            0 => Self::Done,
            1 => Self::Working,
            other => Self::Refused(other),
        }
    }
}

/// Memory write-protected.
pub(super) const WRITE_PROTECTED: u8 = 4;

/// What a refusal's number means.
pub(super) fn refusal(status: u8) -> &'static str {
    match status {
        2 => "unknown command",
        3 => "bad argument or length",
        WRITE_PROTECTED => "memory write-protected",
        5 => "memory fault",
        6 => "digest mismatch",
        7 => "out of order",
        _ => "an unknown status",
    }
}

/// A request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<'a> {
    pub(super) command: Command,
    /// Chosen by the host; the response repeats it.
    pub(super) sequence: u16,
    pub(super) argument: u16,
    /// At most [`DATA`] bytes.
    pub(super) data: &'a [u8],
}

/// A response that belongs to its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Response {
    pub(super) status: Status,
    data: [u8; DATA],
    length: usize,
}

impl Request<'_> {
    /// The frame to send. Data beyond [`DATA`] bytes would be cut off; no caller has that.
    pub(super) fn encode(&self) -> [u8; FRAME] {
        let length = self.data.len().min(DATA);
        let mut frame = [0; FRAME];
        frame[0] = REQUEST;
        frame[1] = self.command as u8;
        frame[2..4].copy_from_slice(&self.sequence.to_le_bytes());
        frame[4..6].copy_from_slice(&self.argument.to_le_bytes());
        frame[6] = u8::try_from(length).unwrap_or(u8::MAX);
        frame[8..8 + length].copy_from_slice(&self.data[..length]);
        frame
    }

    /// Reads the response to this request.
    ///
    /// # Errors
    /// Short, or what is wrong in it.
    pub(super) fn decode(&self, frame: &[u8]) -> Result<Response, CarrierError> {
        let frame: &[u8; FRAME] = frame.try_into().map_err(|_| CarrierError::Short)?;
        let sent = self.encode();
        let wrong = |what: &str| Err(CarrierError::Protocol(what.into()));
        if frame[0] != RESPONSE {
            return wrong("the frame is no response");
        }
        if frame[1] != sent[1] {
            return wrong("the response is to another command");
        }
        if frame[2..6] != sent[2..6] {
            return wrong("the response is to another request");
        }
        let length = usize::from(frame[6]);
        if length > DATA {
            return wrong("the response claims more data than a frame has");
        }
        let mut data = [0; DATA];
        data.copy_from_slice(&frame[8..]);
        Ok(Response {
            status: Status::of(frame[7]),
            data,
            length,
        })
    }
}

impl Response {
    /// Its data.
    pub(super) fn data(&self) -> &[u8] {
        &self.data[..self.length]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const READ: Request = Request {
        command: Command::Read,
        sequence: 0x1234,
        argument: 0x0102,
        data: &[],
    };

    fn answer(to: &Request, status: u8, data: &[u8]) -> [u8; FRAME] {
        let mut frame = Request { data, ..*to }.encode();
        frame[0] = RESPONSE;
        frame[7] = status;
        frame
    }

    #[test]
    fn a_request_has_each_field_in_its_place() {
        let frame = Request {
            data: &[9, 8],
            ..READ
        }
        .encode();
        assert_eq!(frame[..11], [0x4b, 0x10, 0x34, 0x12, 0x02, 0x01, 2, 0, 9, 8, 0]);
        assert!(frame[10..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn a_response_is_read() {
        let response = READ.decode(&answer(&READ, 0, b"licence")).unwrap();
        assert_eq!(
            (response.status, response.data()),
            (Status::Done, b"licence".as_slice())
        );
        assert_eq!(
            READ.decode(&answer(&READ, 1, b"")).unwrap().status,
            Status::Working
        );
        assert_eq!(
            READ.decode(&answer(&READ, 6, b"")).unwrap().status,
            Status::Refused(6)
        );
    }

    #[test]
    fn what_is_wrong_in_a_response_is_told() {
        let good = answer(&READ, 0, b"licence");
        assert_eq!(READ.decode(&good[..63]), Err(CarrierError::Short));
        for (place, says) in [
            (0, "no response"),
            (1, "another command"),
            (2, "another request"),
            (3, "another request"),
            (5, "another request"),
        ] {
            let mut frame = good;
            frame[place] ^= 0x80;
            let error = READ.decode(&frame).unwrap_err().to_string();
            assert!(error.contains(says), "byte {place}: {error}");
        }
        let mut frame = good;
        frame[6] = 57;
        assert!(matches!(READ.decode(&frame), Err(CarrierError::Protocol(_))));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(frame in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = READ.decode(&frame);
        }

        #[test]
        fn any_bytes_behind_a_right_head_stay_within_the_frame(tail in any::<[u8; 58]>()) {
            let mut frame = answer(&READ, 0, b"");
            frame[6..].copy_from_slice(&tail);
            match READ.decode(&frame) {
                Ok(response) => prop_assert_eq!(response.data(), &tail[2..][..usize::from(tail[0])]),
                Err(error) => {
                    prop_assert!(tail[0] > 56);
                    prop_assert!(matches!(error, CarrierError::Protocol(_)));
                }
            }
        }
    }
}
