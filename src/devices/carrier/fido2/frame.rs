//! CTAPHID packets: a message to a security key is cut into reports of 64 bytes, and put together from them.

use super::super::CarrierError;

/// Bytes of a report.
pub const REPORT: usize = 64;

/// A report.
pub type Report = [u8; REPORT];

/// The channel on which channels are given out.
pub(super) const BROADCAST: u32 = 0xffff_ffff;

/// Commands of CTAPHID, without the bit that marks an initial packet.
pub(super) const INIT: u8 = 0x06;
pub(super) const CBOR: u8 = 0x10;
pub(super) const CANCEL: u8 = 0x11;
pub(super) const KEEP_ALIVE: u8 = 0x3b;
pub(super) const ERROR: u8 = 0x3f;

const INITIAL: u8 = 0x80;
/// Bytes before the data of an initial packet and of those that continue it.
const HEAD: usize = 7;
const CONTINUATION_HEAD: usize = 5;
/// Bytes of the longest message: 128 packets may continue it.
pub(super) const LONGEST: usize = REPORT - HEAD + 128 * (REPORT - CONTINUATION_HEAD);

/// The packets of a message; none: it is longer than the protocol can carry.
pub(super) fn split(channel: u32, command: u8, message: &[u8]) -> Option<Vec<Report>> {
    let length = u16::try_from(message.len())
        .ok()
        .filter(|_| message.len() <= LONGEST)?;
    let (first, rest) = message.split_at(message.len().min(REPORT - HEAD));
    let [high, low] = length.to_be_bytes();
    let mut packets = vec![packet(channel, &[command | INITIAL, high, low], first)];
    for (sequence, data) in (0..).zip(rest.chunks(REPORT - CONTINUATION_HEAD)) {
        packets.push(packet(channel, &[sequence], data));
    }
    Some(packets)
}

fn packet(channel: u32, head: &[u8], data: &[u8]) -> Report {
    let mut packet = [0; REPORT];
    packet[..4].copy_from_slice(&channel.to_be_bytes());
    let (begin, end) = (4 + head.len(), 4 + head.len() + data.len());
    packet[4..begin].copy_from_slice(head);
    packet[begin..end].copy_from_slice(data);
    packet
}

/// A whole message from a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) command: u8,
    pub(super) data: Vec<u8>,
}

/// Puts the messages of one channel together.
pub(super) struct Assembly {
    channel: u32,
    begun: Option<Begun>,
}

struct Begun {
    message: Message,
    length: usize,
    next: u8,
}

impl Assembly {
    pub(super) fn new(channel: u32) -> Self {
        Self { channel, begun: None }
    }

    /// Takes a report; gives the message that it completes. Reports of other channels, which belong to other programs,
    /// are skipped.
    ///
    /// # Errors
    /// [`CarrierError::Protocol`]: the report cannot follow what came before it.
    pub(super) fn take(&mut self, report: &Report) -> Result<Option<Message>, CarrierError> {
        let wrong = |what: &str| Err(CarrierError::Protocol(what.into()));
        if report[..4] != self.channel.to_be_bytes() {
            return Ok(None);
        }
        let begun = if report[4] & INITIAL == 0 {
            let Some(mut begun) = self.begun.take() else {
                return wrong("a packet continues a message that was not begun");
            };
            if report[4] != begun.next {
                return wrong("a packet of its message is missing");
            }
            begun.next += 1;
            begun.add(&report[CONTINUATION_HEAD..]);
            begun
        } else {
            if self.begun.is_some() {
                return wrong("a message begins within another");
            }
            let length = usize::from(u16::from_be_bytes([report[5], report[6]]));
            if length > LONGEST {
                return wrong("a message is longer than 7609 bytes");
            }
            let mut begun = Begun {
                message: Message {
                    command: report[4] & !INITIAL,
                    data: Vec::with_capacity(length),
                },
                length,
                next: 0,
            };
            begun.add(&report[HEAD..]);
            begun
        };
        if begun.message.data.len() == begun.length {
            return Ok(Some(begun.message));
        }
        self.begun = Some(begun);
        Ok(None)
    }
}

impl Begun {
    fn add(&mut self, data: &[u8]) {
        let missing = self.length - self.message.data.len();
        self.message.data.extend(&data[..missing.min(data.len())]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CHANNEL: u32 = 0x0102_0304;

    fn together(packets: &[Report]) -> Result<Option<Message>, CarrierError> {
        let mut assembly = Assembly::new(CHANNEL);
        let mut last = Ok(None);
        for packet in packets {
            last = assembly.take(packet);
        }
        last
    }

    #[test]
    fn a_message_of_any_length_comes_through() {
        for length in [0, 1, 57, 58, 116, 117, 1024, LONGEST] {
            let data: Vec<u8> = (0..=u8::MAX).cycle().take(length).collect();
            let packets = split(CHANNEL, CBOR, &data).unwrap();
            let message = together(&packets).unwrap().unwrap();
            assert_eq!(message, Message { command: CBOR, data });
        }
        assert!(split(CHANNEL, CBOR, &[0; LONGEST + 1]).is_none());
    }

    #[test]
    fn packets_are_laid_out_as_the_protocol_says() {
        let packets = split(CHANNEL, CBOR, &[0xaa; 60]).unwrap();
        assert_eq!(packets.len(), 2);
        assert_eq!(packets[0][..8], [1, 2, 3, 4, 0x90, 0, 60, 0xaa]);
        assert_eq!(packets[1][..9], [1, 2, 3, 4, 0, 0xaa, 0xaa, 0xaa, 0]);
    }

    #[test]
    fn packets_of_other_channels_are_skipped_wherever_they_come() {
        let packets = split(CHANNEL, CBOR, &[7; 130]).unwrap();
        let other = split(5, CBOR, &[9; 130]).unwrap();
        let mixed: Vec<Report> = other.iter().zip(&packets).flat_map(|(o, p)| [*o, *p]).collect();
        assert_eq!(together(&mixed).unwrap().unwrap().data, [7; 130]);
    }

    #[test]
    fn what_cannot_follow_is_refused() {
        let packets = split(CHANNEL, CBOR, &[7; 300]).unwrap();
        for wrong in [
            vec![packets[0], packets[2]],
            vec![packets[0], packets[1], packets[1]],
            vec![packets[0], packets[0]],
            vec![packets[1]],
        ] {
            assert!(matches!(together(&wrong), Err(CarrierError::Protocol(_))));
        }
        let mut long = packets[0];
        long[5..7].copy_from_slice(&[0xff, 0xff]);
        assert!(matches!(together(&[long]), Err(CarrierError::Protocol(_))));
    }

    proptest! {
        #[test]
        fn whatever_comes_is_a_message_or_an_error(packets in proptest::collection::vec(any::<[u8; 32]>(), 0..200)) {
            let mut assembly = Assembly::new(0);
            for bytes in packets {
                let mut report = [0; REPORT];
                report[4..36].copy_from_slice(&bytes);
                if let Ok(Some(message)) = assembly.take(&report) {
                    prop_assert!(message.data.len() <= LONGEST);
                }
            }
        }
    }
}
