//! What a device tells of itself: who it is, and what its memory holds.

use super::super::CarrierError;
use super::super::weak_key::is_weak;
use super::exchange::{Exchange, Transport};
use super::frame::{Command, DATA};
use crate::licence::MAX_FILE;

/// The version of the protocol.
const VERSION: u8 = 1;
/// Bytes of the answer before the serial number.
const HEAD: usize = 48;
const LONGEST_SERIAL: usize = 32;
const HAS_MEMORY: u8 = 1;
const PROTECTED: u8 = 2;

/// What a device tells of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) serial: String,
    pub(super) public_key: [u8; 32],
    pub(super) memory: Option<Memory>,
}

/// What a device tells of its memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Memory {
    pub(super) protected: bool,
    /// Bytes of a page, 8 to 56.
    pub(super) page: usize,
    pub(super) capacity: u32,
    /// Bytes of the licence in it; 0: blank.
    pub(super) length: usize,
    /// Another number after each change.
    pub(super) generation: u32,
}

/// Asks a device who it is.
///
/// # Errors
/// What the exchange says; Short or Protocol where the answer makes no sense.
pub(super) fn identify(exchange: &mut Exchange<impl Transport>) -> Result<Identity, CarrierError> {
    let answer = exchange.ask_long(Command::Identify, &[], |first| {
        HEAD + first
            .get(3)
            .map_or(0, |length| usize::from(*length).min(LONGEST_SERIAL))
    })?;
    read(&answer)
}

/// Whether a device can have this serial number.
pub(super) fn is_serial(serial: &[u8]) -> bool {
    (1..=LONGEST_SERIAL).contains(&serial.len()) && serial.iter().all(u8::is_ascii_graphic)
}

fn read(answer: &[u8]) -> Result<Identity, CarrierError> {
    let wrong = |what: String| Err(CarrierError::Protocol(what));
    let (head, serial) = answer.split_first_chunk::<HEAD>().ok_or(CarrierError::Short)?;
    let [version, flags, page, length, ..] = *head;
    if version != VERSION {
        return wrong(format!("it speaks version {version}, not {VERSION}"));
    }
    if usize::from(length) != serial.len() || serial.is_empty() {
        return wrong(format!(
            "a serial number of {length} characters, not 1 to {LONGEST_SERIAL}"
        ));
    }
    if !serial.iter().all(u8::is_ascii_graphic) {
        return wrong("its serial number has characters that are not printable ASCII".into());
    }
    let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let (page, capacity) = (usize::from(page), number(4));
    let length = usize::try_from(number(8)).unwrap_or(usize::MAX);
    let memory = flags & HAS_MEMORY != 0;
    if memory && !(8..=DATA).contains(&page) {
        return wrong(format!("memory pages of {page} bytes, not 8 to {DATA}"));
    }
    if memory && (length > MAX_FILE || number(8) > capacity) {
        return wrong(format!(
            "a licence of {length} bytes in a memory of {capacity} (at most {MAX_FILE} are read)"
        ));
    }
    let mut public_key = [0; 32];
    public_key.copy_from_slice(&head[16..HEAD]);
    if is_weak(&public_key) {
        return wrong("its public key is of small order, under which anybody can sign".into());
    }
    Ok(Identity {
        serial: String::from_utf8_lossy(serial).into_owned(),
        public_key,
        memory: memory.then(|| Memory {
            protected: flags & PROTECTED != 0,
            page,
            capacity,
            length,
            generation: number(12),
        }),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answer() -> Vec<u8> {
        let mut bytes = vec![1, 1, 56, 2, 0, 16, 0, 0, 5, 0, 0, 0, 9, 0, 0, 0];
        bytes.extend([7; 32]);
        bytes.extend(b"LK");
        bytes
    }

    #[test]
    fn an_identity_is_read() {
        let identity = read(&answer()).unwrap();
        assert_eq!((identity.serial.as_str(), identity.public_key), ("LK", [7; 32]));
        assert_eq!(
            identity.memory,
            Some(Memory {
                protected: false,
                page: 56,
                capacity: 4096,
                length: 5,
                generation: 9
            })
        );
    }

    #[test]
    fn without_memory_its_numbers_do_not_matter() {
        let mut bytes = answer();
        bytes[1] = 0;
        bytes[2] = 0;
        bytes[8] = 0xff;
        bytes[9] = 0xff;
        assert_eq!(read(&bytes).unwrap().memory, None);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (place, value, says) in [
            (0, 2, "version 2"),
            (2, 7, "pages of 7"),
            (2, 57, "pages of 57"),
            (3, 0, "serial number of 0"),
            (3, 33, "serial number of 33"),
            (10, 1, "licence of"),
            (49, b'\n', "printable"),
            (49, 0xe9, "printable"),
        ] {
            let mut bytes = answer();
            bytes[place] = value;
            let error = read(&bytes).unwrap_err().to_string();
            assert!(error.contains(says), "{place}: {error}");
        }
        assert_eq!(read(&answer()[..47]), Err(CarrierError::Short));
        let mut zeros = answer();
        zeros[16..HEAD].fill(0);
        assert!(read(&zeros).unwrap_err().to_string().contains("small order"));
    }

    proptest! {
        #[test]
        fn any_answer_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..90)) {
            if let Ok(identity) = read(&bytes) {
                prop_assert!(!identity.serial.is_empty() && identity.serial.len() <= 42);
            }
        }
    }
}
