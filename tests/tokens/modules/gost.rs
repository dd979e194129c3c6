//! A PKCS#11 module with GOST R 34.10-2012 keys, for tests only: its token is the directory that the environment variable
//! `GOST_TOKEN_DIR` names, and is pulled when that is gone. In it are `label`, `serial` and `pin` (a line of text each),
//! and `NAME.key` and `NAME.crt` as `openssl -engine gost` makes them.
#![expect(unsafe_code, reason = "it is called through pointers of C")]
#![expect(clippy::unwrap_used, reason = "a test module fails by panicking")]

#[path = "gost/about.rs"]
mod about;
#[path = "gost/arithmetic.rs"]
mod arithmetic;
#[path = "gost/c.rs"]
mod c;
#[path = "gost/key.rs"]
#[expect(dead_code, reason = "tests verify with it, this signs")]
mod key;
#[path = "gost/object.rs"]
mod object;
#[path = "gost/state.rs"]
mod state;

use std::ffi::c_void;
use std::mem::zeroed;
use std::sync::{Mutex, PoisonError};

#[expect(clippy::wildcard_imports, reason = "a module needs most names of PKCS#11")]
use cryptoki_sys::*;

use about::{get_info, get_mechanism_info, get_mechanism_list, get_slot_info, get_slot_list, get_token_info};
use c::{answer, given};
use state::State;

/// `CKM_GOSTR3410_WITH_GOSTR3411_12_256` and `_512` of TC26.
const MECHANISMS: [(CK_MECHANISM_TYPE, usize); 2] = [(0xD432_1008, 32), (0xD432_1009, 64)];

/// `CKM_GOSTR3410_12_DERIVE`.
const AGREEMENT: CK_MECHANISM_TYPE = 0xD432_1007;

static STATE: Mutex<Option<State>> = Mutex::new(None);

fn size_of_mechanism(mechanism: CK_MECHANISM_TYPE) -> Result<usize, CK_RV> {
    let found = MECHANISMS.iter().find(|(known, _)| *known == mechanism);
    found.map(|(_, size)| *size).ok_or(CKR_MECHANISM_INVALID)
}

fn with(work: impl FnOnce(&mut State) -> Result<(), CK_RV>) -> CK_RV {
    let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
    let result = state.as_mut().ok_or(CKR_CRYPTOKI_NOT_INITIALIZED).and_then(work);
    result.err().unwrap_or(CKR_OK)
}

fn slot(id: CK_SLOT_ID) -> Result<(), CK_RV> {
    if id == 0 { Ok(()) } else { Err(CKR_SLOT_ID_INVALID) }
}

unsafe extern "C" fn initialize(_: *mut c_void) -> CK_RV {
    let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
    if state.is_some() {
        return CKR_CRYPTOKI_ALREADY_INITIALIZED;
    }
    let Some(directory) = std::env::var_os("GOST_TOKEN_DIR") else {
        return CKR_GENERAL_ERROR;
    };
    *state = Some(State::new(directory.into()));
    CKR_OK
}

unsafe extern "C" fn finalize(_: *mut c_void) -> CK_RV {
    let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
    state.take().map_or(CKR_CRYPTOKI_NOT_INITIALIZED, |_| CKR_OK)
}

const VERSION: CK_VERSION = CK_VERSION { major: 2, minor: 40 };

unsafe extern "C" fn open_session(
    id: CK_SLOT_ID,
    _: CK_FLAGS,
    _: *mut c_void,
    _: CK_NOTIFY,
    session: *mut CK_SESSION_HANDLE,
) -> CK_RV {
    with(|state| {
        slot(id)?;
        let opened = state.open()?;
        unsafe { *session = opened };
        Ok(())
    })
}

unsafe extern "C" fn close_session(session: CK_SESSION_HANDLE) -> CK_RV {
    with(|state| state.close(session))
}

unsafe extern "C" fn close_all_sessions(id: CK_SLOT_ID) -> CK_RV {
    with(|state| slot(id).map(|()| state.close_all()))
}

unsafe extern "C" fn get_session_info(session: CK_SESSION_HANDLE, info: *mut CK_SESSION_INFO) -> CK_RV {
    with(|state| {
        state.session(session)?;
        let logged_in = state.logged_in();
        unsafe {
            *info = CK_SESSION_INFO {
                state: if logged_in {
                    CKS_RO_USER_FUNCTIONS
                } else {
                    CKS_RO_PUBLIC_SESSION
                },
                flags: CKF_SERIAL_SESSION,
                ..zeroed()
            };
        }
        Ok(())
    })
}

unsafe extern "C" fn login(
    session: CK_SESSION_HANDLE,
    user: CK_USER_TYPE,
    pin: *mut u8,
    length: CK_ULONG,
) -> CK_RV {
    with(|state| {
        if user != CKU_USER {
            return Err(CKR_USER_TYPE_INVALID);
        }
        state.log_in(session, unsafe { given(pin, length) })
    })
}

unsafe extern "C" fn logout(session: CK_SESSION_HANDLE) -> CK_RV {
    with(|state| state.session(session).map(|_| ()).map(|()| state.log_out()))
}

unsafe extern "C" fn find_objects_init(
    session: CK_SESSION_HANDLE,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
) -> CK_RV {
    with(|state| {
        state.session(session)?;
        let wanted = unsafe { given(template, count) };
        let fits = |object: &object::Object| {
            wanted.iter().all(|one| {
                let value = unsafe { given(one.pValue.cast::<u8>(), one.ulValueLen) };
                object.get(one.type_) == Some(value)
            })
        };
        let found = state.objects()?.filter(|(_, object)| fits(object));
        let found = found.map(|(handle, _)| handle).collect();
        state.session(session)?.found = found;
        Ok(())
    })
}

unsafe extern "C" fn find_objects(
    session: CK_SESSION_HANDLE,
    objects: *mut CK_OBJECT_HANDLE,
    most: CK_ULONG,
    count: *mut CK_ULONG,
) -> CK_RV {
    with(|state| {
        let found = &mut state.session(session)?.found;
        let now: Vec<_> = found
            .drain(..found.len().min(usize::try_from(most).unwrap()))
            .collect();
        unsafe {
            *count = most;
            answer(&now, objects, count)
        }
    })
}

unsafe extern "C" fn find_objects_final(session: CK_SESSION_HANDLE) -> CK_RV {
    with(|state| state.session(session).map(|session| session.found.clear()))
}

unsafe extern "C" fn get_attribute_value(
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
) -> CK_RV {
    with(|state| {
        state.session(session)?;
        let object = state.object(object)?;
        let mut result = Ok(());
        for index in 0..usize::try_from(count).unwrap() {
            let wanted = unsafe { &mut *template.add(index) };
            let answered = match object.get(wanted.type_) {
                Some(value) => unsafe { answer(value, wanted.pValue.cast(), &raw mut wanted.ulValueLen) },
                None if object.is_private() && wanted.type_ == CKA_VALUE => Err(CKR_ATTRIBUTE_SENSITIVE),
                None => Err(CKR_ATTRIBUTE_TYPE_INVALID),
            };
            if answered.is_err() {
                wanted.ulValueLen = CK_UNAVAILABLE_INFORMATION;
                result = answered;
            }
        }
        result
    })
}

unsafe extern "C" fn sign_init(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
) -> CK_RV {
    with(|state| state.sign_init(session, unsafe { (*mechanism).mechanism }, key))
}

unsafe extern "C" fn sign(
    session: CK_SESSION_HANDLE,
    data: *mut u8,
    length: CK_ULONG,
    signature: *mut u8,
    room: *mut CK_ULONG,
) -> CK_RV {
    with(|state| {
        // Whoever only asks for the length, or brings too little room, may go on.
        let due = vec![0; state.signature_length(session)?];
        if signature.is_null() || unsafe { *room } < due.len() as CK_ULONG {
            return unsafe { answer(&due, signature, room) };
        }
        let made = state.sign(session, unsafe { given(data, length) })?;
        unsafe { answer(&made, signature, room) }
    })
}

unsafe extern "C" fn derive_key(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
    _: *mut CK_ATTRIBUTE,
    _: CK_ULONG,
    derived: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    with(|state| {
        let mechanism = unsafe { *mechanism };
        if mechanism.mechanism != AGREEMENT {
            return Err(CKR_MECHANISM_INVALID);
        }
        let parameter = unsafe { given(mechanism.pParameter.cast::<u8>(), mechanism.ulParameterLen) };
        let made = state.derive(session, parameter, key)?;
        unsafe { *derived = made };
        Ok(())
    })
}

unsafe extern "C" fn destroy_object(session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE) -> CK_RV {
    with(|state| state.destroy(session, object))
}

static FUNCTIONS: CK_FUNCTION_LIST = CK_FUNCTION_LIST {
    version: VERSION,
    C_Initialize: Some(initialize),
    C_Finalize: Some(finalize),
    C_GetInfo: Some(get_info),
    C_GetFunctionList: Some(C_GetFunctionList),
    C_GetSlotList: Some(get_slot_list),
    C_GetSlotInfo: Some(get_slot_info),
    C_GetTokenInfo: Some(get_token_info),
    C_GetMechanismList: Some(get_mechanism_list),
    C_GetMechanismInfo: Some(get_mechanism_info),
    C_OpenSession: Some(open_session),
    C_CloseSession: Some(close_session),
    C_CloseAllSessions: Some(close_all_sessions),
    C_GetSessionInfo: Some(get_session_info),
    C_Login: Some(login),
    C_Logout: Some(logout),
    C_FindObjectsInit: Some(find_objects_init),
    C_FindObjects: Some(find_objects),
    C_FindObjectsFinal: Some(find_objects_final),
    C_GetAttributeValue: Some(get_attribute_value),
    C_SignInit: Some(sign_init),
    C_Sign: Some(sign),
    C_DeriveKey: Some(derive_key),
    C_DestroyObject: Some(destroy_object),
    // The others are not there: null, as an absent function is.
    ..unsafe { zeroed() }
};

/// The functions of the module.
///
/// # Safety
/// `list` is a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetFunctionList(list: *mut *mut CK_FUNCTION_LIST) -> CK_RV {
    if list.is_null() {
        return CKR_ARGUMENTS_BAD;
    }
    unsafe { *list = (&raw const FUNCTIONS).cast_mut() };
    CKR_OK
}
