//! What the node and a module's process say to each other: messages of a socket that keeps their boundaries, each a small
//! head (CBOR) and plain bytes, which go from and to buffers that are wiped.

use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;
use std::path::PathBuf;

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, recv, sendmsg};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::operation::{Decryption, Mechanism};
use super::token::{KeyKind, TokenKey};

/// Most plain bytes of a message: what is signed by mechanisms that hash on the token, and a certificate or data object.
pub(super) const MOST_BYTES: usize = 128 * 1024;

/// Longest message; a socket takes 200 KiB at once.
const LONGEST: usize = MOST_BYTES + 16 * 1024;

/// What the node asks of the module's process.
#[derive(Serialize, Deserialize)]
pub(super) struct Request {
    /// Given back in the answers.
    pub(super) id: u64,
    pub(super) ask: Ask,
}

#[derive(Serialize, Deserialize)]
pub(super) enum Ask {
    /// First: load the module and look for the token.
    Open {
        module: PathBuf,
        label: Option<String>,
        serial: Option<String>,
        /// The node's process; a module's process that has another parent has outlived its node.
        parent: i32,
    },
    /// Second: open sessions; the bytes are the PIN.
    LogIn { with_pin: bool, sessions: usize },
    /// Everything on the token; one answer for each object, then `Done`.
    List,
    /// Whether the token is there still and the sessions are logged in.
    Check,
    /// Sign the bytes.
    Sign { key: Vec<u8>, mechanism: Mechanism },
    /// Decrypt the bytes.
    Decrypt { key: Vec<u8>, mechanism: Decryption },
    /// Make a key pair, or, without a kind, import the RSA key that the bytes are.
    CreateKey {
        id: Vec<u8>,
        label: String,
        kind: Option<KeyKind>,
        /// It decrypts as well as signs.
        decrypts: bool,
    },
    /// Write the bytes.
    WriteData { label: String },
    /// Write the certificate that the bytes are.
    WriteCertificate { id: Vec<u8>, label: String },
}

#[derive(Serialize, Deserialize)]
pub(super) struct Response {
    pub(super) id: u64,
    pub(super) answer: Answer,
}

#[derive(Serialize, Deserialize)]
pub(super) enum Answer {
    /// To `Open`.
    Found(Facts),
    /// To `Open`.
    Absent,
    /// To `List`.
    Key(TokenKey),
    /// To `List`; the bytes are the certificate.
    Certificate { id: Vec<u8>, label: String },
    /// To `List`; the bytes are the value.
    Data { label: String },
    /// It was done; the bytes are the result.
    Done,
    /// It was not done.
    Failed(Failure),
}

/// What a token says of itself; texts are cleaned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of a token in the standard"
)]
pub(super) struct Facts {
    pub(super) slot: u64,
    pub(super) label: String,
    pub(super) serial: String,
    pub(super) manufacturer: String,
    pub(super) model: String,
    pub(super) free_memory: Option<u64>,
    /// `CKF_LOGIN_REQUIRED`.
    pub(super) wants_login: bool,
    /// `CKF_USER_PIN_INITIALIZED`.
    pub(super) has_pin: bool,
    /// `CKF_USER_PIN_COUNT_LOW`: a wrong PIN was entered since the last right one.
    pub(super) wrong_before: bool,
    /// `CKF_USER_PIN_FINAL_TRY`.
    pub(super) final_try: bool,
    /// `CKF_USER_PIN_LOCKED`.
    pub(super) locked: bool,
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failure {
    pub(super) kind: FailureKind,
    /// For people; the module's own words in it are cleaned.
    pub(super) text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum FailureKind {
    /// What was asked cannot be done; the session is as good as before.
    Asked,
    /// There is no such key.
    NoKey,
    /// The token is full.
    NoRoom,
    /// The module says that it failed, and not why: another session may do it.
    Unclear,
    /// The session, the token or the module has gone.
    Gone,
    /// What the module answered makes no sense.
    Nonsense,
    /// There is no session, so that no PIN was given.
    NoSession,
    /// The PIN is wrong.
    WrongPin,
    /// The PIN is locked.
    LockedPin,
}

/// Sends a message.
///
/// # Errors
/// The system's; `InvalidInput` where the message is too long.
pub(super) fn send(
    socket: BorrowedFd<'_>,
    head: &impl Serialize,
    bytes: &[u8],
    flags: SendFlags,
) -> io::Result<()> {
    if bytes.len() > MOST_BYTES {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut front = vec![0; 4];
    ciborium::into_writer(head, &mut front).map_err(io::Error::other)?;
    let length = u32::try_from(front.len() - 4).map_err(io::Error::other)?;
    front[..4].copy_from_slice(&length.to_le_bytes());
    let parts = [IoSlice::new(&front), IoSlice::new(bytes)];
    loop {
        let none = &mut SendAncillaryBuffer::default();
        match sendmsg(socket, &parts, none, flags | SendFlags::NOSIGNAL) {
            Err(Errno::INTR) => {}
            Err(Errno::MSGSIZE) => return Err(io::ErrorKind::InvalidInput.into()),
            result => return Ok(result.map(drop)?),
        }
    }
}

/// Takes messages; what one held is wiped when the next is taken.
pub(super) struct Inbox {
    buffer: Zeroizing<Vec<u8>>,
    used: usize,
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self {
            buffer: Zeroizing::new(vec![0; LONGEST]),
            used: 0,
        }
    }

    /// The next message; none: the other side has gone.
    ///
    /// # Errors
    /// The system's; `InvalidData` for what is no message.
    pub(super) fn receive<T: DeserializeOwned>(
        &mut self,
        socket: BorrowedFd<'_>,
    ) -> io::Result<Option<(T, &[u8])>> {
        self.buffer[..self.used].zeroize();
        self.used = 0;
        let length = loop {
            match recv(socket, &mut self.buffer[..], RecvFlags::empty()) {
                Err(Errno::INTR) => {}
                // The process was killed before it took all that it was sent.
                Err(Errno::CONNRESET) => return Ok(None),
                result => break result?.1,
            }
        };
        self.used = length.min(LONGEST);
        let message = &self.buffer[..self.used];
        if message.is_empty() {
            return Ok(None);
        }
        let invalid = || io::Error::from(io::ErrorKind::InvalidData);
        let (front, rest) = message.split_first_chunk().ok_or_else(invalid)?;
        let front = usize::try_from(u32::from_le_bytes(*front)).map_err(io::Error::other)?;
        let (head, bytes) = rest.split_at_checked(front).ok_or_else(invalid)?;
        Ok(Some((
            ciborium::from_reader(head).map_err(io::Error::other)?,
            bytes,
        )))
    }
}
