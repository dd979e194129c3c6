//! One exchange with a centre about a request that is kept: it is sent, the answer checked, and only then is anything
//! here changed.

use std::path::PathBuf;
use std::sync::Arc;

use crate::keyring::read_vendor_keys;
use crate::licence::{ActivationCode, Licence, inspect};
use crate::store::ActivationRow;
use crate::text::compact;

use super::activator::{Activator, busy};
use super::answer::{LicenceAnswer, ReceiptAnswer, Refusal};
use super::client::{Client, Failure};
use super::install;
use super::order::{Activated, ActivationError};
use super::request::{Action, Request};
use super::requests::opened;
use super::trouble::{Failed, after};
use super::verify::{self, Asked, BadAnswer, Bound};

/// What came of a request.
#[derive(Debug)]
pub(super) enum Done {
    /// A licence, which is here now.
    Licence(Activated),
    /// The licence here is the latest.
    Nothing,
    /// The licence is the centre's again.
    Returned,
}

/// How a request came to nothing.
struct Miss {
    error: ActivationError,
    /// The centre has certainly not taken it.
    never_sent: bool,
}

impl From<ActivationError> for Miss {
    fn from(error: ActivationError) -> Self {
        Self {
            error,
            never_sent: false,
        }
    }
}

impl Activator {
    /// Sends the request that is kept for a code and does what the answer says. `fresh`: it is sent for the first time.
    pub(super) async fn pursue(
        &self,
        client: &Client,
        code: &ActivationCode,
        fresh: bool,
    ) -> Result<Done, ActivationError> {
        let row = self.find(code)?.ok_or_else(busy)?;
        let pending = row.pending.as_ref().ok_or_else(busy)?;
        let request = opened(pending)?;
        let answer = client.post(request.action.path(), pending.text.clone()).await;
        let answer = answer.map_err(|failure| miss(failure, client.base()));
        let done = match answer {
            Ok(body) => self.take(&row, &request, &body).await.map_err(Miss::from),
            Err(miss) => Err(miss),
        };
        done.map_err(|miss| self.fail(&request, &miss, fresh))
    }

    /// Does what an answer says.
    async fn take(
        &self,
        row: &ActivationRow,
        request: &Request,
        body: &[u8],
    ) -> Result<Done, ActivationError> {
        if request.action == Action::Return {
            let answer: ReceiptAnswer = read(body)?;
            self.check_receipt(row, request, &answer)?;
            return self.give_up(row).await.map(|()| Done::Returned);
        }
        let answer: LicenceAnswer = read(body)?;
        match answer.licence {
            Some(file) => {
                let (licence, kid) = self.check(row, request, file.as_bytes())?;
                self.look().await;
                let (path, new) = self.write(row, &licence, &file)?;
                self.succeed(request, Some((licence.key_no, kid)))?;
                self.look().await;
                let licence = Arc::new(licence);
                Ok(Done::Licence(Activated { licence, path, new }))
            }
            None if request.action == Action::Renew => {
                self.succeed(request, None)?;
                Ok(Done::Nothing)
            }
            None => Err(ActivationError::Answer("it holds no licence".into())),
        }
    }

    /// Takes what a centre answered to a request of [`Activator::prepare`]: a licence file, or the JSON that has it.
    /// None where it answers no request of this node.
    ///
    /// # Errors
    /// [`ActivationError`].
    pub fn accept(&self, answer: &[u8]) -> Result<Option<Activated>, ActivationError> {
        if let Some(refusal) = Refusal::read(answer) {
            return Err(refusal.into());
        }
        let text = compact(answer);
        let file = match serde_json::from_slice::<LicenceAnswer>(&text) {
            Ok(LicenceAnswer { licence: Some(file) }) => file.into_bytes(),
            _ => text,
        };
        let shown = inspect(&file).map_err(|error| ActivationError::Answer(error.to_string()))?;
        let Some(code) = shown.0.activation_code else {
            return Ok(None);
        };
        let _turn = self.flights.turn_now(&code).ok_or_else(busy)?;
        let Some(row) = self.find(&code)? else {
            return Ok(None);
        };
        let Some(request) = row.pending.as_ref().map(opened).transpose()? else {
            return Ok(None);
        };
        let Some(nonce) = shown.0.nonce.filter(|_| request.action != Action::Return) else {
            return Ok(None);
        };
        if nonce != request.nonce.to_string() {
            return Err(self::answer(&BadAnswer::Nonce));
        }
        let (licence, kid) = self.check(&row, &request, &file)?;
        self.parts.host.look_again();
        let text = String::from_utf8_lossy(&file);
        let (path, new) = self.write(&row, &licence, &text)?;
        self.succeed(&request, Some((licence.key_no, kid)))?;
        self.parts.host.look_again();
        let licence = Arc::new(licence);
        Ok(Some(Activated { licence, path, new }))
    }

    fn check(
        &self,
        row: &ActivationRow,
        request: &Request,
        file: &[u8],
    ) -> Result<(Licence, String), ActivationError> {
        let asked = Asked {
            request,
            key_no: row.key_no,
            bound: self.expected(row, request),
            now: self.now(),
        };
        verify::licence(file, &asked, &read_vendor_keys(&self.parts.vendor_dir)).map_err(|bad| answer(&bad))
    }

    fn check_receipt(
        &self,
        row: &ActivationRow,
        request: &Request,
        receipt: &ReceiptAnswer,
    ) -> Result<(), ActivationError> {
        let key_no = row.key_no.ok_or_else(busy)?;
        let vendors = read_vendor_keys(&self.parts.vendor_dir);
        verify::receipt(receipt.receipt.as_bytes(), request, key_no, &vendors, self.now())
            .map_err(|bad| answer(&bad))
    }

    /// What the licence may be bound to.
    fn expected(&self, row: &ActivationRow, request: &Request) -> Vec<Bound> {
        if let Some(claim) = &request.carrier {
            return vec![Bound::Carrier(claim.binding.clone(), claim.number)];
        }
        let place = match &row.carrier {
            Some(carrier) if request.action == Action::Renew => {
                Bound::Carrier(carrier.binding.clone(), carrier.number)
            }
            _ => Bound::Computer(self.fingerprint()),
        };
        // A licence stays bound as it is when it is renewed, even where the computer has changed since.
        let here = row.key_no.filter(|_| request.action == Action::Renew);
        let here = here.and_then(|key_no| self.licence(key_no));
        let same = here.map(|licence| Bound::As(licence.binding.clone(), licence.blank_key_no));
        same.into_iter().chain([place]).collect()
    }

    /// Writes a licence that was checked; says where, and whether none that could be used was here before.
    fn write(
        &self,
        row: &ActivationRow,
        licence: &Licence,
        file: &str,
    ) -> Result<(PathBuf, bool), ActivationError> {
        let keyring = self.parts.host.keyring();
        let known = row.key_no == Some(licence.key_no);
        let path = install::target(&keyring, &self.parts.licence_dir, licence, known)?;
        let before = keyring.find(licence.key_no);
        let new = !before.is_some_and(|key| key.verdict.workable && key.licence.is_some());
        install::write(&path, file).map_err(|error| {
            ActivationError::NotSaved(format!(
                "the licence cannot be written to {}: {error}",
                path.display()
            ))
        })?;
        Ok((path, new))
    }

    /// Removes a licence that was given back.
    async fn give_up(&self, row: &ActivationRow) -> Result<(), ActivationError> {
        self.look().await;
        let keyring = self.parts.host.keyring();
        let files = row
            .key_no
            .map(|key_no| install::files_of(&keyring, key_no, &row.code));
        for path in files.unwrap_or_default() {
            install::remove(&path).map_err(|error| {
                ActivationError::NotSaved(format!(
                    "the licence is returned, but its file {} cannot be removed: {error}",
                    path.display()
                ))
            })?;
        }
        self.store(|activations| activations.change(&row.code, |_| None))?;
        self.look().await;
        Ok(())
    }

    /// Has the keys looked at anew, without holding up other tasks.
    pub(super) async fn look(&self) {
        let host = self.parts.host.clone();
        let _ = tokio::task::spawn_blocking(move || host.look_again()).await;
    }

    /// A licence that lies here may be the answer to the request that is kept, where the node ended in between; false
    /// where a request is left that wants another.
    pub(super) fn finish_locally(&self, here: &Activated) -> Result<bool, ActivationError> {
        let Some(code) = &here.licence.activation_code else {
            return Ok(true);
        };
        let Some(pending) = self.find(code)?.and_then(|row| row.pending) else {
            return Ok(true);
        };
        let request = opened(&pending)?;
        if here.licence.nonce != Some(request.nonce.to_string()) {
            return Ok(false);
        }
        let file = std::fs::read(&here.path).unwrap_or_default();
        let kid = inspect(&file).map(|(_, kid)| kid).unwrap_or_default();
        self.succeed(&request, Some((here.licence.key_no, kid)))?;
        Ok(true)
    }

    /// Notes that a request was answered as it should be; the licence, where there is one, is on disk.
    fn succeed(
        &self,
        request: &Request,
        licence: Option<(crate::licence::KeyNo, String)>,
    ) -> Result<(), ActivationError> {
        let (now, centre) = (self.now(), self.rules().centre.clone());
        self.store(|activations| {
            activations.change(&request.code, |row| {
                let mut row = row?;
                if let Some((key_no, kid)) = licence {
                    (row.key_no, row.kid) = (Some(key_no), Some(kid));
                }
                if request.action == Action::Activate {
                    (row.itn, row.iec) = (request.itn.clone(), request.iec.clone());
                    row.carrier = super::requests::carrier_of(&row, request);
                }
                row.last = Some(request.nonce.to_string());
                let offline = row.pending.take().is_some_and(|pending| pending.offline);
                if !offline {
                    row.centre = centre;
                }
                (row.contact, row.next) = (Some(now), None);
                (row.trouble, row.failures, row.refused_for) = (None, 0, None);
                Some(row)
            })
        })
    }

    /// Notes that a request came to nothing; the result is why.
    fn fail(&self, request: &Request, miss: &Miss, fresh: bool) -> ActivationError {
        let computer_id = self.fingerprint().computer_id();
        let undecided = matches!(
            miss.error,
            ActivationError::Refused(Refusal::TooMany { .. } | Refusal::Unavailable(_))
        );
        let refused = matches!(miss.error, ActivationError::Refused(_)) && !undecided;
        let too_many = matches!(miss.error, ActivationError::Refused(Refusal::TooMany { .. }));
        // What was never taken need not be repeated; what may have been taken, must.
        let open = !refused && !(fresh && (miss.never_sent || too_many));
        let failed = Failed {
            action: request.action,
            works: self.workable(&request.code).is_some(),
            error: &miss.error,
            open,
            computer_id: &computer_id,
            now: self.now(),
        };
        let noted = self.store(|activations| {
            activations.change(&request.code, |row| row.and_then(|row| after(row, &failed)))
        });
        if let Err(error) = noted {
            tracing::error!(%error, "what came of a request to the activation centre cannot be noted");
        }
        miss.error.clone()
    }
}

fn miss(failure: Failure, centre: &str) -> Miss {
    match failure {
        Failure::Unreachable { why, sent } => Miss {
            error: ActivationError::Unreachable {
                centre: centre.into(),
                why,
            },
            never_sent: !sent,
        },
        Failure::Refused(refusal) => ActivationError::Refused(refusal).into(),
        Failure::Foreign(why) => ActivationError::Answer(why).into(),
    }
}

fn answer(bad: &BadAnswer) -> ActivationError {
    ActivationError::Answer(bad.to_string())
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, ActivationError> {
    let foreign = |_| ActivationError::Answer("it is not the JSON of a centre".into());
    serde_json::from_slice(body).map_err(foreign)
}
