//! The module: loaded, the token found among its slots, sessions opened and logged in.

use std::path::Path;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use cryptoki::types::RawAuthPin;

use crate::text::clean;
use crate::tokens::wire::{Facts, Failure, FailureKind};

/// More slots are nonsense.
const MOST_SLOTS: usize = 1024;

/// A module with the token that is meant in one of its slots.
pub(super) struct Module {
    pub(super) pkcs11: Pkcs11,
    pub(super) slot: Slot,
    pub(super) facts: Facts,
    /// It allows calls from several threads.
    threads: bool,
}

impl Module {
    /// Loads the module and looks for the token; none: it is not there.
    pub(super) fn open(
        path: &Path,
        label: Option<&str>,
        serial: Option<&str>,
    ) -> Result<Option<Self>, Failure> {
        let pkcs11 = Pkcs11::new(path).map_err(|error| {
            let text = format!("{} cannot be loaded: {error}", path.display());
            Failure::new(FailureKind::Gone, text)
        })?;
        let threads = initialize(&pkcs11)?;
        let found = find(&pkcs11, |facts| {
            label.is_none_or(|label| facts.label == label)
                && serial.is_none_or(|serial| facts.serial == serial)
        })?;
        Ok(found.map(|(slot, facts)| Self {
            pkcs11,
            slot,
            facts,
            threads,
        }))
    }

    /// Logs in and opens so many sessions, or as many as the token allows; no PIN: sessions that are not logged in.
    pub(super) fn log_in(&self, pin: Option<&[u8]>, sessions: usize) -> Result<Vec<Session>, Failure> {
        let first = self.session().map_err(|error| Failure {
            kind: FailureKind::NoSession,
            ..error.into()
        })?;
        if let Some(pin) = pin {
            let pin = RawAuthPin::new(Box::new(pin.to_vec()));
            match first.login_with_raw(UserType::User, &pin) {
                Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
                result => result?,
            }
        }
        let more = if self.threads {
            sessions.saturating_sub(1)
        } else {
            0
        };
        // One will do, whatever word the token has for that it allows no more.
        let more = (0..more).map_while(|_| self.session().ok());
        Ok(std::iter::once(first).chain(more).collect())
    }

    fn session(&self) -> Result<Session, Error> {
        match self.pkcs11.open_rw_session(self.slot) {
            Err(Error::Pkcs11(RvError::TokenWriteProtected, _)) => self.pkcs11.open_ro_session(self.slot),
            result => result,
        }
    }
}

/// Whether calls may come from several threads.
fn initialize(pkcs11: &Pkcs11) -> Result<bool, Failure> {
    match pkcs11.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Err(Error::Pkcs11(RvError::CantLock | RvError::ArgumentsBad, _)) => {
            pkcs11.initialize(CInitializeArgs::new(CInitializeFlags::empty()))?;
            Ok(false)
        }
        result => {
            result?;
            Ok(true)
        }
    }
}

fn find(pkcs11: &Pkcs11, meant: impl Fn(&Facts) -> bool) -> Result<Option<(Slot, Facts)>, Failure> {
    let slots = pkcs11.get_slots_with_token()?;
    if slots.len() > MOST_SLOTS {
        return Err(Failure::nonsense(format!("{} slots", slots.len())));
    }
    let mut fitting = Vec::new();
    let mut trouble = None;
    for slot in slots {
        match pkcs11.get_token_info(slot) {
            Ok(info) if !info.token_initialized() => {}
            Ok(info) => fitting.extend(Some((slot, facts(slot, &info))).filter(|(_, facts)| meant(facts))),
            Err(Error::Pkcs11(RvError::TokenNotPresent | RvError::TokenNotRecognized, _)) => {}
            Err(error) => trouble = Some(error),
        }
    }
    match (fitting.len(), trouble) {
        (0, Some(error)) => Err(error.into()),
        (0 | 1, _) => Ok(fitting.pop()),
        (count, _) => {
            let names = fitting.iter().take(8);
            let names: Vec<_> = names
                .map(|(_, facts)| format!("label {:?} serial {:?}", facts.label, facts.serial))
                .collect();
            let text = format!(
                "{count} tokens are there, and label or serial has to say which one is meant: {}",
                names.join("; ")
            );
            Err(Failure::new(FailureKind::Asked, text))
        }
    }
}

fn facts(slot: Slot, info: &TokenInfo) -> Facts {
    let text = |raw: &str| clean(raw.as_bytes()).unwrap_or_default();
    Facts {
        slot: slot.id(),
        label: text(info.label()),
        serial: text(info.serial_number()),
        manufacturer: text(info.manufacturer_id()),
        model: text(info.model()),
        free_memory: info.free_public_memory().map(|bytes| bytes as u64),
        wants_login: info.login_required(),
        has_pin: info.user_pin_initialized(),
        wrong_before: info.user_pin_count_low(),
        final_try: info.user_pin_final_try(),
        locked: info.user_pin_locked(),
    }
}
