//! A simulated dongle, for tests only and never part of the program: the device side of docs/hid-carrier.md, with
//! faults on demand. Written from that page, not from the host's code.
#![allow(dead_code, reason = "each of its users needs another part of it")]

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

#[path = "memory.rs"]
mod memory;

use memory::Memory;

/// Its report descriptor, as the page has it.
pub(crate) const REPORT_DESCRIPTOR: [u8; 21] = [
    0x06, 0x4b, 0xff, 0x09, 0x01, 0xa1, 0x01, 0x09, 0x02, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08, 0x95,
    0x40, 0xb1, 0x02, 0xc0,
];

/// Errors that transfers end with: the kernel's numbers.
pub(crate) const ENODEV: i32 = 19;
pub(crate) const EPIPE: i32 = 32;
pub(crate) const ETIMEDOUT: i32 = 110;

const OK: u8 = 0;
const WORKING: u8 = 1;
const UNKNOWN_COMMAND: u8 = 2;
const BAD_ARGUMENT: u8 = 3;
const PROTECTED: u8 = 4;
const MEMORY_FAULT: u8 = 5;
const DIGEST_MISMATCH: u8 = 6;
const OUT_OF_ORDER: u8 = 7;

/// What goes wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    #[default]
    None,
    /// It never leaves "working".
    Silent,
    /// Transfers block until another fault is set, or the time given to [`Plugged::new`] is over.
    Hang,
    /// One bit of its signatures is wrong.
    Wrong,
    /// It answers every challenge with the signature of the one before.
    Replay,
    /// Its responses end after 20 bytes.
    Short,
    /// Its responses are noise.
    Garbage,
    /// It stalls every request.
    Stall,
    /// It calls itself other than its USB serial number.
    Serial,
    /// It shows another key, and signs with that.
    Key,
    /// Its memory forgets a bit.
    Forgetful,
    /// Its memory fails.
    Memory,
    /// It is pulled at this transfer, counted from when the fault was set: that one and all later fail.
    Unplug(u32),
}

impl std::str::FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "none" => Self::None,
            "silent" => Self::Silent,
            "hang" => Self::Hang,
            "wrong" => Self::Wrong,
            "replay" => Self::Replay,
            "short" => Self::Short,
            "garbage" => Self::Garbage,
            "stall" => Self::Stall,
            "serial" => Self::Serial,
            "key" => Self::Key,
            "forgetful" => Self::Forgetful,
            "memory" => Self::Memory,
            _ => match text.strip_prefix("unplug:").map(str::parse) {
                Some(Ok(transfer)) => Self::Unplug(transfer),
                _ => return Err(format!("{text} is no fault")),
            },
        })
    }
}

/// A dongle.
pub(crate) struct Dongle {
    serial: String,
    key: Ed25519KeyPair,
    other_key: Ed25519KeyPair,
    memory: Memory,
    fault: Fault,
    /// Transfers since the fault was set, those that hang not counted.
    transfers: u32,
    /// Transfers that hang now.
    hanging: u32,
    response: [u8; 64],
    /// The whole of the answer that MORE continues.
    long: Vec<u8>,
    last_signature: Option<Vec<u8>>,
}

fn key_from(seed: &[u8]) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(digest(&SHA256, seed).as_ref()).unwrap()
}

impl Dongle {
    /// A dongle with a blank memory. Its key comes from the seed: the same seed, the same key.
    pub(crate) fn new(serial: &str, seed: &str) -> Self {
        Self::with_key(serial, key_from(seed.as_bytes()))
    }

    /// A dongle with this private key.
    pub(crate) fn with_key(serial: &str, key: Ed25519KeyPair) -> Self {
        Self {
            serial: serial.into(),
            other_key: key_from(key.public_key().as_ref()),
            key,
            memory: Memory::new(48, 16 * 1024),
            fault: Fault::None,
            transfers: 0,
            hanging: 0,
            response: [0; 64],
            long: Vec::new(),
            last_signature: None,
        }
    }

    /// Its memory, to be laid out or looked at.
    pub(crate) fn memory(&mut self) -> &mut Memory {
        &mut self.memory
    }

    /// What its key proves to, 32 bytes.
    pub(crate) fn public_key(&self) -> Vec<u8> {
        self.key.public_key().as_ref().to_vec()
    }

    /// Transfers since a fault was set last.
    pub(crate) fn transfers(&self) -> u32 {
        self.transfers
    }

    fn set_fault(&mut self, fault: Fault) {
        (self.fault, self.transfers) = (fault, 0);
    }

    /// Loses what a device loses without power.
    fn power_off(&mut self) {
        self.memory.interrupt();
        self.response = [0; 64];
        self.long.clear();
    }

    fn transfer(&mut self) -> Result<(), i32> {
        self.transfers += 1;
        match self.fault {
            Fault::Stall => Err(EPIPE),
            Fault::Unplug(at) if self.transfers >= at => {
                self.power_off();
                Err(ENODEV)
            }
            _ => Ok(()),
        }
    }

    /// Takes a request.
    fn set_feature(&mut self, frame: &[u8]) -> Result<(), i32> {
        self.transfer()?;
        let frame: &[u8; 64] = frame.try_into().map_err(|_| EPIPE)?;
        let (status, data) = self.answer(frame);
        self.response = *frame;
        self.response[0] = 0x6b;
        self.response[6] = u8::try_from(data.len()).unwrap();
        self.response[7] = status;
        self.response[8..].fill(0);
        self.response[8..8 + data.len()].copy_from_slice(&data);
        Ok(())
    }

    /// Gives the response to the latest request.
    fn get_feature(&mut self) -> Result<Vec<u8>, i32> {
        self.transfer()?;
        let mut response = self.response.to_vec();
        match self.fault {
            Fault::Silent => (response[6], response[7]) = (0, WORKING),
            Fault::Short => response.truncate(20),
            Fault::Garbage => response = digest(&SHA256, &response).as_ref().repeat(2),
            _ => {}
        }
        Ok(response)
    }

    fn answer(&mut self, frame: &[u8; 64]) -> (u8, Vec<u8>) {
        let argument = u16::from_le_bytes([frame[4], frame[5]]);
        let Some(data) = frame[8..].get(..usize::from(frame[6])) else {
            return (BAD_ARGUMENT, Vec::new());
        };
        if frame[0] != 0x4b {
            return (BAD_ARGUMENT, Vec::new());
        }
        match frame[1] {
            0x01 if data.is_empty() => self.begin(self.identity()),
            0x02 => match <[u8; 32]>::try_from(data) {
                Ok(challenge) => {
                    let signature = self.sign(&challenge);
                    self.begin(signature)
                }
                Err(_) => (BAD_ARGUMENT, Vec::new()),
            },
            0x03 if data.is_empty() && usize::from(argument) <= self.long.len() => {
                let rest = &self.long[usize::from(argument)..];
                (OK, rest[..rest.len().min(56)].to_vec())
            }
            0x01 | 0x03 => (BAD_ARGUMENT, Vec::new()),
            command => {
                self.long.clear();
                if self.fault == Fault::Memory {
                    return (MEMORY_FAULT, Vec::new());
                }
                let (status, mut page) = self.memory.answer(command, argument, data);
                if self.fault == Fault::Forgetful && !page.is_empty() {
                    page[0] ^= 1;
                }
                (status, page)
            }
        }
    }

    /// Begins an answer that MORE may continue.
    fn begin(&mut self, answer: Vec<u8>) -> (u8, Vec<u8>) {
        let first = answer[..answer.len().min(56)].to_vec();
        self.long = answer;
        (OK, first)
    }

    fn shown_key(&self) -> &Ed25519KeyPair {
        if self.fault == Fault::Key {
            &self.other_key
        } else {
            &self.key
        }
    }

    fn identity(&self) -> Vec<u8> {
        let serial = if self.fault == Fault::Serial {
            "SOMEBODY-ELSE"
        } else {
            &self.serial
        };
        let [flags, page] = self.memory.traits();
        let mut answer = vec![1, flags, page, u8::try_from(serial.len()).unwrap()];
        for number in self.memory.numbers() {
            answer.extend(number.to_le_bytes());
        }
        answer.extend(self.shown_key().public_key().as_ref());
        answer.extend(serial.as_bytes());
        answer
    }

    fn sign(&mut self, challenge: &[u8; 32]) -> Vec<u8> {
        let mut text = b"keynode-hid-carrier-1\0".to_vec();
        text.push(u8::try_from(self.serial.len()).unwrap());
        text.extend(self.serial.as_bytes());
        text.extend(challenge);
        let fresh = self.shown_key().sign(&text).as_ref().to_vec();
        match self.fault {
            Fault::Wrong => {
                let mut wrong = fresh;
                wrong[20] ^= 4;
                wrong
            }
            Fault::Replay => self.last_signature.clone().unwrap_or(fresh),
            _ => {
                self.last_signature = Some(fresh.clone());
                fresh
            }
        }
    }
}

/// A dongle as what it is plugged into sees it. Clones are the same dongle.
#[derive(Clone)]
pub(crate) struct Plugged {
    dongle: Arc<(Mutex<Dongle>, Condvar)>,
    longest_hang: Duration,
}

impl std::fmt::Debug for Plugged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Plugged")
    }
}

impl Plugged {
    /// Plugs a dongle in. A transfer that hangs ends with a time-out after `longest_hang`.
    pub(crate) fn new(dongle: Dongle, longest_hang: Duration) -> Self {
        Self {
            dongle: Arc::new((Mutex::new(dongle), Condvar::new())),
            longest_hang,
        }
    }

    /// The dongle itself.
    pub(crate) fn dongle(&self) -> MutexGuard<'_, Dongle> {
        self.dongle.0.lock().unwrap()
    }

    /// From now on this goes wrong; transfers that hang go on.
    pub(crate) fn set_fault(&self, fault: Fault) {
        self.dongle().set_fault(fault);
        self.dongle.1.notify_all();
    }

    /// Plugs it in anew: what it was doing is lost. Of its faults, only that it was pulled is over.
    pub(crate) fn power_cycle(&self) {
        self.dongle().power_off();
        if self.is_unplugged() {
            self.set_fault(Fault::None);
        }
    }

    /// Whether the fault [`Fault::Unplug`] has come about.
    pub(crate) fn is_unplugged(&self) -> bool {
        let dongle = self.dongle();
        matches!(dongle.fault, Fault::Unplug(at) if dongle.transfers >= at)
    }

    /// `SET_REPORT`.
    pub(crate) fn set_feature(&self, frame: &[u8]) -> Result<(), i32> {
        self.not_hanging()?.set_feature(frame)
    }

    /// `GET_REPORT`.
    pub(crate) fn get_feature(&self) -> Result<Vec<u8>, i32> {
        self.not_hanging()?.get_feature()
    }

    /// Waits until a transfer hangs.
    pub(crate) fn wait_for_hang(&self) {
        let none = |dongle: &mut Dongle| dongle.hanging == 0;
        drop(self.dongle.1.wait_while(self.dongle(), none).unwrap());
    }

    fn not_hanging(&self) -> Result<MutexGuard<'_, Dongle>, i32> {
        let (lock, changed) = &*self.dongle;
        let mut dongle = lock.lock().unwrap();
        dongle.hanging += 1;
        changed.notify_all();
        let hangs = |dongle: &mut Dongle| dongle.fault == Fault::Hang;
        let (mut dongle, timeout) = changed
            .wait_timeout_while(dongle, self.longest_hang, hangs)
            .unwrap();
        dongle.hanging -= 1;
        if timeout.timed_out() {
            Err(ETIMEDOUT)
        } else {
            Ok(dongle)
        }
    }
}
