//! The memory of the simulated dongle, for tests only.

use aws_lc_rs::digest::{SHA256, digest};

use super::{BAD_ARGUMENT, DIGEST_MISMATCH, OK, OUT_OF_ORDER, PROTECTED, UNKNOWN_COMMAND};

/// A memory, or none.
pub(crate) struct Memory {
    /// Bytes of a page.
    pub(crate) page: u8,
    /// Bytes of the whole; 0: the dongle has no memory.
    pub(crate) capacity: u32,
    /// It cannot be written.
    pub(crate) protected: bool,
    licence: Vec<u8>,
    generation: u32,
    write: Option<Write>,
}

/// A write that has begun.
struct Write {
    length: usize,
    digest: Vec<u8>,
    received: Vec<u8>,
}

impl Memory {
    pub(super) fn new(page: u8, capacity: u32) -> Self {
        Self {
            page,
            capacity,
            protected: false,
            licence: Vec::new(),
            generation: 1,
            write: None,
        }
    }

    /// The licence in it.
    pub(crate) fn licence(&self) -> &[u8] {
        &self.licence
    }

    /// Puts a licence into it, as the maker might.
    pub(crate) fn preload(&mut self, licence: &[u8]) {
        self.licence = licence.to_vec();
        self.generation += 1;
    }

    /// Power is lost: a write that has begun is forgotten.
    pub(super) fn interrupt(&mut self) {
        self.write = None;
    }

    /// Flags and page size, as IDENTIFY has them.
    pub(super) fn traits(&self) -> [u8; 2] {
        if self.capacity == 0 {
            return [0, 0];
        }
        [1 | u8::from(self.protected) << 1, self.page]
    }

    /// Capacity, length and generation, as IDENTIFY has them.
    pub(super) fn numbers(&self) -> [u32; 3] {
        [
            self.capacity,
            u32::try_from(self.licence.len()).unwrap(),
            self.generation,
        ]
    }

    pub(super) fn answer(&mut self, command: u8, argument: u16, data: &[u8]) -> (u8, Vec<u8>) {
        let status = match command {
            _ if self.capacity == 0 => UNKNOWN_COMMAND,
            0x10 => return self.read(argument, data),
            0x11..=0x13 if self.protected => PROTECTED,
            0x11 => self.begin(argument, data),
            0x12 => self.write(argument, data),
            0x13 => self.end(argument, data),
            _ => UNKNOWN_COMMAND,
        };
        (status, Vec::new())
    }

    fn read(&self, page: u16, data: &[u8]) -> (u8, Vec<u8>) {
        let size = usize::from(self.page);
        match self.licence.chunks(size).nth(usize::from(page)) {
            Some(bytes) if data.is_empty() => (OK, bytes.to_vec()),
            _ => (BAD_ARGUMENT, Vec::new()),
        }
    }

    fn begin(&mut self, argument: u16, data: &[u8]) -> u8 {
        let Ok(data) = <[u8; 36]>::try_from(data) else {
            return BAD_ARGUMENT;
        };
        let length = u32::from_le_bytes([data[0], data[1], data[2], data[3]]);
        if argument != 0 || length > self.capacity {
            return BAD_ARGUMENT;
        }
        self.licence.clear();
        self.generation += 1;
        self.write = Some(Write {
            length: length as usize,
            digest: data[4..].to_vec(),
            received: Vec::new(),
        });
        OK
    }

    fn write(&mut self, argument: u16, data: &[u8]) -> u8 {
        let Some(write) = &mut self.write else {
            return OUT_OF_ORDER;
        };
        let size = usize::from(self.page);
        let left = write.length - write.received.len();
        if usize::from(argument) * size != write.received.len() || left == 0 {
            return OUT_OF_ORDER;
        }
        if data.len() != left.min(size) {
            return BAD_ARGUMENT;
        }
        write.received.extend(data);
        OK
    }

    fn end(&mut self, argument: u16, data: &[u8]) -> u8 {
        if argument != 0 || !data.is_empty() {
            return BAD_ARGUMENT;
        }
        let Some(write) = self.write.take() else {
            return OUT_OF_ORDER;
        };
        if write.received.len() != write.length {
            return OUT_OF_ORDER;
        }
        if digest(&SHA256, &write.received).as_ref() != write.digest {
            return DIGEST_MISMATCH;
        }
        self.licence = write.received;
        self.generation += 1;
        OK
    }
}
