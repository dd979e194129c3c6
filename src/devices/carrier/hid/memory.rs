//! The memory of a device: its licence read where it changed, and written so that half a licence never counts.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::super::CarrierError;
use super::exchange::{Exchange, Transport};
use super::frame::Command;
use super::identity::{Memory, identify};
use crate::licence::MAX_FILE;

/// Time to read the largest licence.
const READING: Duration = Duration::from_secs(15);
/// Time to begin a write: boards erase their flash then.
const ERASING: Duration = Duration::from_secs(10);
/// Time to write one page, or to end a write.
const WRITING: Duration = Duration::from_secs(1);

/// The licence that was read last.
#[derive(Debug, Default)]
pub(super) struct Remembered(Option<(u32, Arc<[u8]>)>);

impl Remembered {
    /// The licence in a device's memory, read anew only if it changed; `progress` is told how many bytes are read.
    ///
    /// # Errors
    /// What the exchange says; Short where a page is not whole.
    pub(super) fn licence(
        &mut self,
        exchange: &mut Exchange<impl Transport>,
        memory: &Memory,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Arc<[u8]>, CarrierError> {
        if let Some((generation, licence)) = &self.0
            && *generation == memory.generation
            && licence.len() == memory.length
        {
            return Ok(licence.clone());
        }
        let licence: Arc<[u8]> = read(exchange, memory, progress)?.into();
        self.0 = Some((memory.generation, licence.clone()));
        Ok(licence)
    }
}

fn read(
    exchange: &mut Exchange<impl Transport>,
    memory: &Memory,
    progress: &mut dyn FnMut(usize),
) -> Result<Vec<u8>, CarrierError> {
    exchange.allow(READING);
    let mut licence = Vec::with_capacity(memory.length);
    for page in 0..memory.length.div_ceil(memory.page) {
        let answer = exchange.ask(Command::Read, number(page)?, &[])?;
        let wanted = memory.page.min(memory.length - licence.len());
        if answer.data().len() != wanted {
            return Err(CarrierError::Short);
        }
        licence.extend_from_slice(answer.data());
        progress(licence.len());
    }
    Ok(licence)
}

/// Writes a licence and reads it back; an empty one erases.
///
/// # Errors
/// Memory where it does not fit or does not hold; what the exchange says.
pub(super) fn replace(
    exchange: &mut Exchange<impl Transport>,
    memory: &Memory,
    licence: &[u8],
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(), CarrierError> {
    if memory.protected {
        return Err(CarrierError::Memory("it is write-protected".into()));
    }
    let room = usize::try_from(memory.capacity)
        .unwrap_or(usize::MAX)
        .min(MAX_FILE);
    if licence.len() > room {
        let length = licence.len();
        return Err(CarrierError::Memory(format!(
            "it has {room} bytes, the licence {length}"
        )));
    }
    let all = licence.len() * 2;
    write(exchange, memory.page, licence, &mut |done| progress(done, all))?;
    exchange.allow(WRITING);
    let after = identify(exchange)?
        .memory
        .filter(|after| after.length == licence.len());
    let held = match after {
        Some(after) => read(exchange, &after, &mut |done| progress(licence.len() + done, all))? == licence,
        None => false,
    };
    if held {
        return Ok(());
    }
    let blank = write(exchange, memory.page, &[], &mut |_| ());
    let left = if blank.is_ok() {
        "it was erased"
    } else {
        "it could not be erased either"
    };
    Err(CarrierError::Memory(format!(
        "it does not hold what was written to it ({left}): the device is worn out or broken"
    )))
}

fn write(
    exchange: &mut Exchange<impl Transport>,
    page: usize,
    licence: &[u8],
    progress: &mut dyn FnMut(usize),
) -> Result<(), CarrierError> {
    let length = u32::try_from(licence.len()).unwrap_or(u32::MAX);
    let mut head = length.to_le_bytes().to_vec();
    head.extend(Sha256::digest(licence));
    exchange.allow(ERASING);
    exchange.ask(Command::WriteBegin, 0, &head)?;
    for (index, bytes) in licence.chunks(page).enumerate() {
        exchange.allow(WRITING);
        exchange.ask(Command::Write, number(index)?, bytes)?;
        progress(index * page + bytes.len());
    }
    exchange.allow(WRITING);
    exchange.ask(Command::WriteEnd, 0, &[])?;
    Ok(())
}

fn number(page: usize) -> Result<u16, CarrierError> {
    u16::try_from(page).map_err(|_| CarrierError::Memory(format!("page {page} is beyond the protocol")))
}
