//! What the GOST test token remembers, for tests only: whether it is there, who logged in, what the sessions do.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use cryptoki_sys::{
    CK_FALSE, CK_MECHANISM_TYPE, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CKA_TOKEN, CKR_DEVICE_REMOVED,
    CKR_KEY_HANDLE_INVALID, CKR_MECHANISM_PARAM_INVALID, CKR_OBJECT_HANDLE_INVALID,
    CKR_OPERATION_NOT_INITIALIZED, CKR_PIN_INCORRECT, CKR_PIN_LOCKED, CKR_SESSION_HANDLE_INVALID,
    CKR_TOKEN_NOT_PRESENT, CKR_TOKEN_WRITE_PROTECTED, CKR_USER_ALREADY_LOGGED_IN,
};

use super::key::GostKey;
use super::object::Object;

/// So many wrong PINs one after the other lock it.
const TRIES: u8 = 3;

/// The only slot, and what is in it.
pub(crate) struct State {
    /// The token is there as long as this directory is.
    directory: PathBuf,
    token: Option<Token>,
    sessions: HashMap<CK_SESSION_HANDLE, Session>,
    opened: CK_SESSION_HANDLE,
}

/// The token, as it was put in.
struct Token {
    /// Tells one insertion from the next.
    inode: u64,
    objects: Vec<Object>,
    logged_in: bool,
}

/// What a session is at.
#[derive(Default)]
pub(crate) struct Session {
    /// Objects found and not handed out yet.
    pub(crate) found: Vec<CK_OBJECT_HANDLE>,
    /// The key that is to sign.
    signs_with: Option<CK_OBJECT_HANDLE>,
}

impl State {
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self {
            directory,
            token: None,
            sessions: HashMap::new(),
            opened: 0,
        }
    }

    /// The token; one that was pulled takes its sessions with it.
    fn token(&mut self) -> Result<&mut Token, CK_RV> {
        let inode = fs::metadata(&self.directory).map(|metadata| metadata.ino()).ok();
        if self.token.as_ref().map(|token| token.inode) != inode {
            self.sessions.clear();
            self.token = inode.map(|inode| Token {
                inode,
                objects: Object::all(&self.directory),
                logged_in: false,
            });
        }
        self.token.as_mut().ok_or(CKR_TOKEN_NOT_PRESENT)
    }

    /// Whether there is a token in the slot.
    pub(crate) fn present(&mut self) -> bool {
        self.token().is_ok()
    }

    /// A session, of a token that is still there.
    pub(crate) fn session(&mut self, handle: CK_SESSION_HANDLE) -> Result<&mut Session, CK_RV> {
        self.token().map_err(|_| CKR_DEVICE_REMOVED)?;
        self.sessions.get_mut(&handle).ok_or(CKR_SESSION_HANDLE_INVALID)
    }

    pub(crate) fn open(&mut self) -> Result<CK_SESSION_HANDLE, CK_RV> {
        self.token()?;
        self.opened += 1;
        self.sessions.insert(self.opened, Session::default());
        Ok(self.opened)
    }

    pub(crate) fn close(&mut self, handle: CK_SESSION_HANDLE) -> Result<(), CK_RV> {
        self.session(handle)?;
        self.sessions.remove(&handle);
        if self.sessions.is_empty() {
            self.log_out();
        }
        Ok(())
    }

    pub(crate) fn close_all(&mut self) {
        self.sessions.clear();
        self.log_out();
    }

    pub(crate) fn log_out(&mut self) {
        if let Some(token) = &mut self.token {
            token.logged_in = false;
        }
    }

    pub(crate) fn logged_in(&self) -> bool {
        self.token.as_ref().is_some_and(|token| token.logged_in)
    }

    /// A text in a file of the token.
    pub(crate) fn told(&self, file: &str) -> String {
        let text = fs::read_to_string(self.directory.join(file)).unwrap_or_default();
        text.trim().to_owned()
    }

    /// Wrong PINs since the last right one; kept on the token, as a real one does.
    pub(crate) fn failures(&self) -> u8 {
        self.told("failures").parse().unwrap_or(0)
    }

    pub(crate) fn locked(&self) -> bool {
        self.failures() >= TRIES
    }

    pub(crate) fn log_in(&mut self, handle: CK_SESSION_HANDLE, pin: &[u8]) -> Result<(), CK_RV> {
        self.session(handle)?;
        if self.logged_in() {
            return Err(CKR_USER_ALREADY_LOGGED_IN);
        }
        if self.locked() {
            return Err(CKR_PIN_LOCKED);
        }
        let right = pin == self.told("pin").as_bytes();
        let failures = if right { 0 } else { self.failures() + 1 };
        let _ = fs::write(self.directory.join("failures"), failures.to_string());
        if !right {
            return Err(if self.locked() {
                CKR_PIN_LOCKED
            } else {
                CKR_PIN_INCORRECT
            });
        }
        self.token()?.logged_in = true;
        Ok(())
    }

    /// The objects that may be seen now.
    pub(crate) fn objects(&mut self) -> Result<impl Iterator<Item = (CK_OBJECT_HANDLE, &Object)>, CK_RV> {
        let token = self.token().map_err(|_| CKR_DEVICE_REMOVED)?;
        let logged_in = token.logged_in;
        let seen = (1..).zip(&token.objects);
        Ok(seen.filter(move |(_, object)| logged_in || !object.is_private()))
    }

    pub(crate) fn object(&mut self, handle: CK_OBJECT_HANDLE) -> Result<&Object, CK_RV> {
        let mut objects = self.objects()?;
        let found = objects.find(|(known, _)| *known == handle);
        found.map(|(_, object)| object).ok_or(CKR_OBJECT_HANDLE_INVALID)
    }

    fn key(&mut self, handle: CK_OBJECT_HANDLE) -> Result<&GostKey, CK_RV> {
        let object = self.object(handle).map_err(|_| CKR_KEY_HANDLE_INVALID)?;
        object.key.as_ref().ok_or(CKR_KEY_HANDLE_INVALID)
    }

    /// Starts to sign, with a key of the size that the mechanism has.
    pub(crate) fn sign_init(
        &mut self,
        session: CK_SESSION_HANDLE,
        mechanism: CK_MECHANISM_TYPE,
        key: CK_OBJECT_HANDLE,
    ) -> Result<(), CK_RV> {
        self.session(session)?;
        let size = super::size_of_mechanism(mechanism)?;
        if self.key(key)?.curve.size != size {
            return Err(cryptoki_sys::CKR_KEY_TYPE_INCONSISTENT);
        }
        self.session(session)?.signs_with = Some(key);
        Ok(())
    }

    /// Length of the signature that a session is to make.
    pub(crate) fn signature_length(&mut self, session: CK_SESSION_HANDLE) -> Result<usize, CK_RV> {
        let key = self
            .session(session)?
            .signs_with
            .ok_or(CKR_OPERATION_NOT_INITIALIZED)?;
        Ok(2 * self.key(key)?.curve.size)
    }

    pub(crate) fn sign(&mut self, session: CK_SESSION_HANDLE, data: &[u8]) -> Result<Vec<u8>, CK_RV> {
        let key = self
            .session(session)?
            .signs_with
            .take()
            .ok_or(CKR_OPERATION_NOT_INITIALIZED)?;
        Ok(self.key(key)?.sign(data))
    }

    /// Agrees on a key, of a parameter such as TC26's `CKM_GOSTR3410_12_DERIVE` has: the derivation (1: none), the public key and
    /// the material, each number and length of four bytes, little-endian.
    pub(crate) fn derive(
        &mut self,
        session: CK_SESSION_HANDLE,
        parameter: &[u8],
        key: CK_OBJECT_HANDLE,
    ) -> Result<CK_OBJECT_HANDLE, CK_RV> {
        self.session(session)?;
        let wrong = CKR_MECHANISM_PARAM_INVALID;
        let (derivation, rest) = parameter.split_at_checked(4).ok_or(wrong)?;
        let (public, rest) = counted(rest).ok_or(wrong)?;
        let (material, rest) = counted(rest).ok_or(wrong)?;
        let key = self.key(key)?;
        if derivation != [1, 0, 0, 0]
            || public.len() != 2 * key.curve.size
            || material.len() != 8
            || !rest.is_empty()
        {
            return Err(wrong);
        }
        let agreed = key.agree(public, material);
        // A token may be told to keep the end of what was agreed on to itself.
        let length = self.told("agreement").parse().unwrap_or(agreed.len());
        let agreed = Object::agreed(&agreed[..length]);
        let objects = &mut self.token()?.objects;
        objects.push(agreed);
        Ok(CK_OBJECT_HANDLE::try_from(objects.len()).unwrap())
    }

    /// Destroys a key that was agreed on; all else stays.
    pub(crate) fn destroy(
        &mut self,
        session: CK_SESSION_HANDLE,
        object: CK_OBJECT_HANDLE,
    ) -> Result<(), CK_RV> {
        self.session(session)?;
        if self.object(object)?.get(CKA_TOKEN) != Some(&[CK_FALSE]) {
            return Err(CKR_TOKEN_WRITE_PROTECTED);
        }
        self.token()?.objects[usize::try_from(object).unwrap() - 1].destroy();
        Ok(())
    }
}

/// Bytes behind their number.
fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)
}
