//! A PKCS#11 module that is SoftHSM2 but for what it is told to do wrong, for tests only.
//!
//! `FAULTY_DIR` names a directory. Its file `faults`, read at each call, says what is done wrong, such as `C_Sign crash`,
//! `once C_Sign crash`, or `after C_Login C_OpenSession crash` (in a process that has called the other): `crash`, `hang`,
//! `wait` (as long as the file says so), `flood` (standard error, for ever), `error NUMBER` (the return value), `first error
//! NUMBER` (only of the object that the process asked for first), `untold NUMBER` (the attribute), `garbage` (sizes that
//! cannot be), `flags NUMBER` (more flags of the token), `tell` (the PIN, on standard error), after `once` also `hold NUMBER`
//! (the return value, when there is a file `faults` again). To its file `calls` each call's name is added.
#![expect(unsafe_code, reason = "it is a C library, and calls one")]
#![expect(
    clippy::unwrap_used,
    reason = "a test's module that cannot work ends its process"
)]

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::ptr::null_mut;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use cryptoki_sys::{
    CK_ATTRIBUTE_PTR, CK_BBOOL, CK_FLAGS, CK_FUNCTION_LIST, CK_FUNCTION_LIST_PTR_PTR, CK_MECHANISM_PTR,
    CK_NOTIFY, CK_OBJECT_HANDLE, CK_OBJECT_HANDLE_PTR, CK_RV, CK_SESSION_HANDLE, CK_SESSION_HANDLE_PTR,
    CK_SLOT_ID, CK_SLOT_ID_PTR, CK_TOKEN_INFO_PTR, CK_ULONG, CK_ULONG_PTR, CK_UNAVAILABLE_INFORMATION,
    CK_USER_TYPE, CK_UTF8CHAR_PTR, CK_VOID_PTR, CKR_ATTRIBUTE_TYPE_INVALID, CKR_OK, Pkcs11,
};

const SOFTHSM: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// More than any memory holds.
const HUGE: CK_ULONG = 1 << 50;

fn directory() -> PathBuf {
    std::env::var_os("FAULTY_DIR").unwrap().into()
}

/// What the file says is to be done wrong in this function.
fn told(function: &str) -> Option<String> {
    static CALLED: Mutex<Option<HashSet<String>>> = Mutex::new(None);
    let mut called = CALLED.lock().unwrap();
    let called = called.get_or_insert_default();
    called.insert(function.to_owned());
    let faults = fs::read_to_string(directory().join("faults")).ok()?;
    let (line, once) = match faults.strip_prefix("once ") {
        Some(line) => (line, true),
        None => (faults.as_str(), false),
    };
    let line = match line.strip_prefix("after ") {
        Some(line) => {
            let (other, line) = line.split_once(' ')?;
            called.contains(other).then_some(line)?
        }
        None => line,
    };
    let what = line.trim_end().strip_prefix(function)?.strip_prefix(' ')?;
    if once {
        // Whoever takes the file away does it; the others see that it was done.
        fs::remove_file(directory().join("faults")).ok()?;
    }
    Some(what.to_owned())
}

/// What is to be done wrong in this function; crashes, hangs, waits and floods at once.
fn fault(function: &str) -> Option<String> {
    let mut calls = File::options()
        .append(true)
        .create(true)
        .open(directory().join("calls"))
        .unwrap();
    calls.write_all(format!("{function}\n").as_bytes()).unwrap();
    let what = told(function)?;
    match what.as_str() {
        "crash" => std::process::abort(),
        "hang" => loop {
            std::thread::park();
        },
        "wait" => {
            while told(function).as_deref() == Some("wait") {
                std::thread::sleep(Duration::from_millis(5));
            }
            None
        }
        "flood" => loop {
            eprintln!("{}", "nonsense ".repeat(100));
        },
        what => match what.strip_prefix("hold ") {
            Some(code) => {
                while !directory().join("faults").exists() {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Some(format!("error {code}"))
            }
            None => Some(what.to_owned()),
        },
    }
}

fn number(what: Option<&str>, word: &str) -> Option<CK_ULONG> {
    let hex = what?.strip_prefix(word)?.strip_prefix(" 0x")?;
    Some(CK_ULONG::from_str_radix(hex, 16).unwrap())
}

/// Answers from the function where it is told to fail; otherwise what it is to do wrong.
macro_rules! wrong {
    ($function:literal) => {{
        let what = fault($function);
        if let Some(code) = number(what.as_deref(), "error") {
            return code;
        }
        what
    }};
}

unsafe extern "C" fn initialize(arguments: CK_VOID_PTR) -> CK_RV {
    wrong!("C_Initialize");
    unsafe { (real().C_Initialize.unwrap())(arguments) }
}

unsafe extern "C" fn get_slot_list(present: CK_BBOOL, slots: CK_SLOT_ID_PTR, count: CK_ULONG_PTR) -> CK_RV {
    if wrong!("C_GetSlotList").as_deref() == Some("garbage") {
        unsafe { *count = HUGE };
        return CKR_OK;
    }
    unsafe { (real().C_GetSlotList.unwrap())(present, slots, count) }
}

unsafe extern "C" fn get_token_info(slot: CK_SLOT_ID, info: CK_TOKEN_INFO_PTR) -> CK_RV {
    let what = wrong!("C_GetTokenInfo");
    let result = unsafe { (real().C_GetTokenInfo.unwrap())(slot, info) };
    let info = unsafe { &mut *info };
    if let Some(flags) = number(what.as_deref(), "flags") {
        info.flags |= flags;
    }
    if what.as_deref() == Some("garbage") {
        let evil = b"\x1b[31m\n\x00\xff\xfe\xe2\x80\xaeevil";
        info.manufacturerID = [b' '; 32];
        info.manufacturerID[..evil.len()].copy_from_slice(evil);
        info.ulFreePublicMemory = HUGE;
    }
    result
}

unsafe extern "C" fn open_session(
    slot: CK_SLOT_ID,
    flags: CK_FLAGS,
    application: CK_VOID_PTR,
    notify: CK_NOTIFY,
    session: CK_SESSION_HANDLE_PTR,
) -> CK_RV {
    wrong!("C_OpenSession");
    unsafe { (real().C_OpenSession.unwrap())(slot, flags, application, notify, session) }
}

unsafe extern "C" fn login(
    session: CK_SESSION_HANDLE,
    user: CK_USER_TYPE,
    pin: CK_UTF8CHAR_PTR,
    length: CK_ULONG,
) -> CK_RV {
    if wrong!("C_Login").as_deref() == Some("tell") {
        let pin = unsafe { std::slice::from_raw_parts(pin, usize::try_from(length).unwrap()) };
        eprintln!("PIN {}", String::from_utf8_lossy(pin));
    }
    unsafe { (real().C_Login.unwrap())(session, user, pin, length) }
}

unsafe extern "C" fn find_objects(
    session: CK_SESSION_HANDLE,
    objects: CK_OBJECT_HANDLE_PTR,
    most: CK_ULONG,
    count: CK_ULONG_PTR,
) -> CK_RV {
    if wrong!("C_FindObjects").as_deref() == Some("garbage") {
        unsafe { *count = HUGE };
        return CKR_OK;
    }
    unsafe { (real().C_FindObjects.unwrap())(session, objects, most, count) }
}

unsafe extern "C" fn get_attribute_value(
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    attributes: CK_ATTRIBUTE_PTR,
    count: CK_ULONG,
) -> CK_RV {
    static FIRST: OnceLock<CK_OBJECT_HANDLE> = OnceLock::new();
    let first = *FIRST.get_or_init(|| object);
    let what = wrong!("C_GetAttributeValue");
    if what.as_deref() == Some("garbage") {
        unsafe { (*attributes).ulValueLen = HUGE };
        return CKR_OK;
    }
    if let Some(code) = number(what.as_deref(), "first error").filter(|_| object == first) {
        return code;
    }
    let result = unsafe { (real().C_GetAttributeValue.unwrap())(session, object, attributes, count) };
    let untold = number(what.as_deref(), "untold");
    for index in 0..usize::try_from(count).unwrap() {
        let asked = unsafe { &mut *attributes.add(index) };
        if Some(asked.type_) == untold {
            asked.ulValueLen = CK_UNAVAILABLE_INFORMATION;
            return CKR_ATTRIBUTE_TYPE_INVALID;
        }
    }
    result
}

unsafe extern "C" fn sign(
    session: CK_SESSION_HANDLE,
    data: *mut u8,
    data_length: CK_ULONG,
    signature: *mut u8,
    length: CK_ULONG_PTR,
) -> CK_RV {
    let sign = real().C_Sign.unwrap();
    let what = fault("C_Sign");
    if let Some(code) = number(what.as_deref(), "error") {
        return ended(code, |room, length| unsafe {
            sign(session, data, data_length, room, length)
        });
    }
    if what.as_deref() == Some("garbage") {
        unsafe { *length = 7 };
        return CKR_OK;
    }
    unsafe { sign(session, data, data_length, signature, length) }
}

/// A failure with this code: it ends the operation, as doing it does.
fn ended(code: CK_RV, done: impl FnOnce(*mut u8, CK_ULONG_PTR) -> CK_RV) -> CK_RV {
    let mut room = [0; 1024];
    let mut length = CK_ULONG::try_from(room.len()).unwrap();
    done(room.as_mut_ptr(), &raw mut length);
    code
}

unsafe extern "C" fn decrypt(
    session: CK_SESSION_HANDLE,
    sealed: *mut u8,
    sealed_length: CK_ULONG,
    data: *mut u8,
    length: CK_ULONG_PTR,
) -> CK_RV {
    let decrypt = real().C_Decrypt.unwrap();
    let what = fault("C_Decrypt");
    if let Some(code) = number(what.as_deref(), "error") {
        return ended(code, |room, length| unsafe {
            decrypt(session, sealed, sealed_length, room, length)
        });
    }
    unsafe { decrypt(session, sealed, sealed_length, data, length) }
}

unsafe extern "C" fn generate_key_pair(
    session: CK_SESSION_HANDLE,
    mechanism: CK_MECHANISM_PTR,
    public: CK_ATTRIBUTE_PTR,
    public_count: CK_ULONG,
    private: CK_ATTRIBUTE_PTR,
    private_count: CK_ULONG,
    public_key: CK_OBJECT_HANDLE_PTR,
    private_key: CK_OBJECT_HANDLE_PTR,
) -> CK_RV {
    wrong!("C_GenerateKeyPair");
    unsafe {
        (real().C_GenerateKeyPair.unwrap())(
            session,
            mechanism,
            public,
            public_count,
            private,
            private_count,
            public_key,
            private_key,
        )
    }
}

/// SoftHSM2's own functions.
fn real() -> &'static CK_FUNCTION_LIST {
    static REAL: OnceLock<CK_FUNCTION_LIST> = OnceLock::new();
    REAL.get_or_init(|| {
        // It stays loaded as long as the process lives.
        let library = Box::leak(Box::new(unsafe { Pkcs11::new(SOFTHSM) }.unwrap()));
        let mut list = null_mut();
        assert_eq!(unsafe { library.C_GetFunctionList(&raw mut list) }, CKR_OK);
        unsafe { *list }
    })
}

/// The module's functions.
///
/// # Safety
/// As the standard says: `list` points to where the answer goes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetFunctionList(list: CK_FUNCTION_LIST_PTR_PTR) -> CK_RV {
    let mut own = *real();
    own.C_Initialize = Some(initialize);
    own.C_GetSlotList = Some(get_slot_list);
    own.C_GetTokenInfo = Some(get_token_info);
    own.C_OpenSession = Some(open_session);
    own.C_Login = Some(login);
    own.C_FindObjects = Some(find_objects);
    own.C_GetAttributeValue = Some(get_attribute_value);
    own.C_Sign = Some(sign);
    own.C_Decrypt = Some(decrypt);
    own.C_GenerateKeyPair = Some(generate_key_pair);
    unsafe { *list = Box::leak(Box::new(own)) };
    CKR_OK
}
