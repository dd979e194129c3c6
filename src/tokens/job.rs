//! One operation on its way: what is asked, of whom the answer is awaited, and how often it was tried.

use std::sync::mpsc::Sender;
use std::time::Instant;

use zeroize::Zeroizing;

use super::operation::{NewKey, Operation};
use super::token::{KeyKind, Token};
use super::wire::{Answer, Ask, Failure, FailureKind, MOST_BYTES};
use super::{Mechanism, TokenError};

/// What becomes of an operation: its result may be a secret.
pub(super) type Outcome = Result<Zeroizing<Vec<u8>>, TokenError>;

/// Who waits for it.
pub(super) enum Waiting {
    /// A caller.
    Caller(Box<dyn FnOnce(Outcome) + Send>),
    /// The token's own thread, which takes each answer as it comes.
    Keeper(Sender<(Answer, Vec<u8>)>),
}

/// What is asked, without who asks.
#[derive(Clone)]
pub(super) enum Task {
    Operation(Operation),
    List,
    Check,
}

/// One operation.
pub(super) struct Job {
    pub(super) task: Task,
    /// How long a signature is to be; none: nobody knows.
    pub(super) length: Option<usize>,
    pub(super) asked: Instant,
    /// When it was given to the module's process, or told something last.
    pub(super) given: Instant,
    /// It was tried before, in sessions that are no more.
    pub(super) again: bool,
    pub(super) waiting: Waiting,
}

impl Task {
    /// What goes to the module's process.
    ///
    /// # Errors
    /// More bytes than a message takes.
    pub(super) fn message(&self) -> (Ask, Zeroizing<Vec<u8>>) {
        let bytes = |bytes: &[u8]| Zeroizing::new(bytes.to_vec());
        match self {
            Self::List => (Ask::List, bytes(&[])),
            Self::Check => (Ask::Check, bytes(&[])),
            Self::Operation(Operation::Sign { key, mechanism, data }) => {
                let (key, mechanism) = (key.clone(), *mechanism);
                (Ask::Sign { key, mechanism }, bytes(data))
            }
            Self::Operation(Operation::Decrypt { key, mechanism, data }) => {
                let (key, mechanism) = (key.clone(), *mechanism);
                (Ask::Decrypt { key, mechanism }, bytes(data))
            }
            Self::Operation(Operation::CreateKey { id, label, key }) => {
                let (kind, pkcs8) = match key {
                    NewKey::Generated(kind) | NewKey::GeneratedToDecrypt(kind) => (Some(*kind), bytes(&[])),
                    NewKey::Rsa(pkcs8) => (None, pkcs8.clone()),
                };
                let ask = Ask::CreateKey {
                    id: id.clone(),
                    label: label.clone(),
                    kind,
                    decrypts: matches!(key, NewKey::GeneratedToDecrypt(_)),
                };
                (ask, pkcs8)
            }
            Self::Operation(Operation::WriteData { label, value }) => {
                let label = label.clone();
                (Ask::WriteData { label }, bytes(value))
            }
            Self::Operation(Operation::WriteCertificate { id, label, der }) => {
                let (id, label) = (id.clone(), label.clone());
                (Ask::WriteCertificate { id, label }, bytes(der))
            }
        }
    }

    /// Whether a message takes it.
    pub(super) fn fits(&self) -> bool {
        let length = match self {
            Self::List | Self::Check => 0,
            Self::Operation(Operation::Sign { data, .. } | Operation::Decrypt { data, .. }) => data.len(),
            Self::Operation(Operation::CreateKey { key, .. }) => match key {
                NewKey::Generated(_) | NewKey::GeneratedToDecrypt(_) => 0,
                NewKey::Rsa(pkcs8) => pkcs8.len(),
            },
            Self::Operation(Operation::WriteData { value, .. }) => value.len(),
            Self::Operation(Operation::WriteCertificate { der, .. }) => der.len(),
        };
        let named = match self {
            Self::Operation(Operation::Sign { key, .. } | Operation::Decrypt { key, .. }) => key.len(),
            Self::Operation(
                Operation::CreateKey { id, label, .. } | Operation::WriteCertificate { id, label, .. },
            ) => id.len() + label.len(),
            Self::Operation(Operation::WriteData { label, .. }) => label.len(),
            Self::List | Self::Check => 0,
        };
        length <= MOST_BYTES && named <= 1024
    }

    /// Doing it twice is as doing it once.
    pub(super) fn is_repeatable(&self) -> bool {
        !self.changes_token()
    }

    /// What is on the token is another afterwards.
    pub(super) fn changes_token(&self) -> bool {
        matches!(
            self,
            Self::Operation(
                Operation::CreateKey { .. }
                    | Operation::WriteData { .. }
                    | Operation::WriteCertificate { .. }
            )
        )
    }

    /// Tokens take minutes to make an RSA key.
    pub(super) fn is_long(&self) -> bool {
        matches!(self, Self::Operation(Operation::CreateKey { .. }))
    }

    /// It may take so many times the time-out.
    pub(super) fn patience(&self) -> u32 {
        if self.is_long() { 12 } else { 1 }
    }

    /// The private key that it uses.
    pub(super) fn key(&self) -> Option<&[u8]> {
        match self {
            Self::Operation(Operation::Sign { key, .. } | Operation::Decrypt { key, .. }) => Some(key),
            _ => None,
        }
    }

    /// How long the signature has to be, by what the token said of its key.
    pub(super) fn length(&self, token: &Token) -> Option<usize> {
        let Self::Operation(Operation::Sign { key, mechanism, .. }) = self else {
            return None;
        };
        match (mechanism, token.key(key).map(|key| key.kind)) {
            (Mechanism::RsaPkcs1, Some(KeyKind::Rsa(bits))) => Some(bits.div_ceil(8) as usize),
            (Mechanism::Ecdsa, Some(KeyKind::EcP384)) => Some(96),
            (Mechanism::Ecdsa, Some(KeyKind::EcP256)) | (Mechanism::Eddsa | Mechanism::Gost256, _) => {
                Some(64)
            }
            (Mechanism::Gost512, _) => Some(128),
            (Mechanism::RsaPkcs1 | Mechanism::Ecdsa, _) => None,
        }
    }
}

impl Job {
    pub(super) fn new(task: Task, token: &Token, waiting: Waiting) -> Self {
        let now = Instant::now();
        Self {
            length: task.length(token),
            task,
            asked: now,
            given: now,
            again: false,
            waiting,
        }
    }

    /// Tells a caller what became of it; the token's own thread sees that nothing comes any more.
    pub(super) fn end(self, outcome: Outcome) {
        if let Waiting::Caller(tell) = self.waiting {
            tell(outcome);
        }
    }

    /// Tells the token's own thread that its process can do nothing any more.
    pub(super) fn tell_keeper_of(&self, why: &str) {
        if let Waiting::Keeper(to) = &self.waiting {
            let failure = Failure {
                kind: FailureKind::Gone,
                text: why.to_owned(),
            };
            let _ = to.send((Answer::Failed(failure), Vec::new()));
        }
    }

    pub(super) fn is_of_keeper(&self) -> bool {
        matches!(self.waiting, Waiting::Keeper(_))
    }
}
