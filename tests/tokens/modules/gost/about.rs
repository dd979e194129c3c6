//! What the GOST test token tells of itself, for tests only.

use std::mem::zeroed;

#[expect(clippy::wildcard_imports, reason = "a module needs most names of PKCS#11")]
use cryptoki_sys::*;

use super::c::{answer, padded};
use super::{AGREEMENT, MECHANISMS, VERSION, size_of_mechanism, slot, with};

pub(crate) unsafe extern "C" fn get_info(info: *mut CK_INFO) -> CK_RV {
    with(|_| unsafe {
        *info = CK_INFO {
            cryptokiVersion: VERSION,
            manufacturerID: padded("keynode tests"),
            libraryDescription: padded("GOST test token"),
            ..zeroed()
        };
        Ok(())
    })
}

pub(crate) unsafe extern "C" fn get_slot_list(
    present: CK_BBOOL,
    slots: *mut CK_SLOT_ID,
    count: *mut CK_ULONG,
) -> CK_RV {
    with(|state| {
        let listed: &[CK_SLOT_ID] = if present == CK_FALSE || state.present() {
            &[0]
        } else {
            &[]
        };
        unsafe { answer(listed, slots, count) }
    })
}

pub(crate) unsafe extern "C" fn get_slot_info(id: CK_SLOT_ID, info: *mut CK_SLOT_INFO) -> CK_RV {
    with(|state| {
        slot(id)?;
        let present = if state.present() { CKF_TOKEN_PRESENT } else { 0 };
        unsafe {
            *info = CK_SLOT_INFO {
                slotDescription: padded("GOST test slot"),
                manufacturerID: padded("keynode tests"),
                flags: CKF_REMOVABLE_DEVICE | CKF_HW_SLOT | present,
                ..zeroed()
            };
        }
        Ok(())
    })
}

pub(crate) unsafe extern "C" fn get_token_info(id: CK_SLOT_ID, info: *mut CK_TOKEN_INFO) -> CK_RV {
    with(|state| {
        slot(id)?;
        if !state.present() {
            return Err(CKR_TOKEN_NOT_PRESENT);
        }
        let pin = match state.failures() {
            _ if state.locked() => CKF_USER_PIN_LOCKED,
            0 => 0,
            _ => CKF_USER_PIN_COUNT_LOW,
        };
        unsafe {
            *info = CK_TOKEN_INFO {
                label: padded(&state.told("label")),
                manufacturerID: padded("keynode tests"),
                model: padded("GOST"),
                serialNumber: padded(&state.told("serial")),
                flags: CKF_TOKEN_INITIALIZED
                    | CKF_LOGIN_REQUIRED
                    | CKF_USER_PIN_INITIALIZED
                    | CKF_WRITE_PROTECTED
                    | pin,
                ulMaxPinLen: 64,
                ulMinPinLen: 4,
                ..zeroed()
            };
        }
        Ok(())
    })
}

pub(crate) unsafe extern "C" fn get_mechanism_list(
    id: CK_SLOT_ID,
    list: *mut CK_MECHANISM_TYPE,
    count: *mut CK_ULONG,
) -> CK_RV {
    with(|state| {
        slot(id)?;
        if !state.present() {
            return Err(CKR_TOKEN_NOT_PRESENT);
        }
        let [(one, _), (two, _)] = MECHANISMS;
        unsafe { answer(&[one, two, AGREEMENT], list, count) }
    })
}

pub(crate) unsafe extern "C" fn get_mechanism_info(
    id: CK_SLOT_ID,
    mechanism: CK_MECHANISM_TYPE,
    info: *mut CK_MECHANISM_INFO,
) -> CK_RV {
    with(|_| {
        slot(id)?;
        let (least, most, flags) = match mechanism {
            AGREEMENT => (32, 64, CKF_DERIVE),
            _ => (
                size_of_mechanism(mechanism)?,
                size_of_mechanism(mechanism)?,
                CKF_SIGN,
            ),
        };
        unsafe {
            *info = CK_MECHANISM_INFO {
                ulMinKeySize: least as CK_ULONG * 8,
                ulMaxKeySize: most as CK_ULONG * 8,
                flags: CKF_HW | flags,
            };
        }
        Ok(())
    })
}
