//! A running centre: answers what nodes ask.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use crate::activation::{Refusal, Request, carrier_challenge};
use crate::clock::SharedClock;
use crate::devices::attestation;
use crate::licence::{Receipt, Unsigned};

use super::codes::Codes;
use super::decide::Given;
use super::desk::{Case, Desk};
use super::error::CentreError;
use super::lists::{Lists, SignedList};
use super::signer::VendorSigner;
use super::{schema, store};

/// What a node gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A licence.
    Licence {
        /// Its file.
        file: String,
        /// The code was not in use, or in use elsewhere: 201 and not 200.
        new: bool,
    },
    /// A renewal has nothing new.
    Nothing,
    /// A signed [`Receipt`].
    Receipt(String),
}

/// The way to a running centre. Clones speak to the same one.
#[derive(Clone)]
pub struct Centre(Arc<Parts>);

struct Parts {
    codes: Codes,
    desk: Desk,
    signer: VendorSigner,
    lists: Lists,
    /// Vendor keys from before, which sign lists for the licences that they signed, and nothing else.
    retired: Vec<(VendorSigner, Lists)>,
    clock: SharedClock,
}

impl Centre {
    /// Starts the centre in this directory; the thread ends after [`Centre::stop`].
    ///
    /// # Errors
    /// [`CentreError`].
    pub fn start(
        dir: &Path,
        signer: VendorSigner,
        clock: SharedClock,
    ) -> Result<(Self, JoinHandle<()>), CentreError> {
        let signer = signer.with_remarks(&dir.join(super::VENDOR_PUBLIC))?;
        let database = schema::open_existing(dir)?;
        let secret = store::secret(&database.connect()?).map_err(database.error())?;
        let lists = Lists::new(&database)?;
        let mut retired = Vec::new();
        for signer in VendorSigner::retired_in(&dir.join(super::RETIRED_KEYS))? {
            retired.push((signer, Lists::new(&database)?));
        }
        if let Some(why) = signer.expired(clock.now().wall) {
            tracing::error!(why, "the centre signs nothing");
        }
        let (desk, thread) = Desk::start(database, clock.clone())?;
        let parts = Parts {
            codes: Codes::new(&secret),
            desk,
            signer,
            lists,
            retired,
            clock,
        };
        Ok((Self(Arc::new(parts)), thread))
    }

    /// Answers a request that was opened, of the node with this key. What it changes is on disk when this returns; where it cannot be
    /// signed, the node gets it when it repeats its request.
    ///
    /// # Errors
    /// [`Refusal`]; then nothing was changed, but for [`Refusal::Unavailable`].
    pub async fn answer(
        &self,
        request: Request,
        node_key: [u8; 32],
        peer: IpAddr,
    ) -> Result<Answer, Refusal> {
        let centre = &self.0;
        request
            .check()
            .map_err(|error| Refusal::BadRequest(error.to_string()))?;
        let Some(tag) = centre.codes.tag(&request.code) else {
            return Err(Refusal::UnknownCode);
        };
        self.may_sign(&centre.signer)?;
        let proven = is_proven(&request, &node_key);
        let case = Case {
            request,
            tag,
            node_key,
            peer,
            proven,
        };
        match centre.desk.ask(case).await? {
            Given::Licence { licence, new } => {
                let file = self
                    .sign(Unsigned::licence(&licence, centre.signer.kid()))
                    .await?;
                Ok(Answer::Licence { file, new })
            }
            Given::Nothing => Ok(Answer::Nothing),
            Given::Receipt(receipt) => {
                let receipt = Unsigned::notice::<Receipt>(&receipt, centre.signer.kid());
                Ok(Answer::Receipt(self.sign(receipt).await?))
            }
        }
    }

    /// The list of what is revoked.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`].
    pub async fn revocations(&self) -> Result<Arc<SignedList>, Refusal> {
        self.list(&self.0.signer, &self.0.lists).await
    }

    /// The same list, signed by the vendor key of this name: the present one, or one from before, whose licences only its own
    /// list can revoke. None: there is no such key here.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`].
    pub async fn revocations_by(&self, kid: &str) -> Result<Option<Arc<SignedList>>, Refusal> {
        if kid == self.0.signer.kid() {
            return self.revocations().await.map(Some);
        }
        match self.0.retired.iter().find(|(signer, _)| signer.kid() == kid) {
            Some((signer, lists)) => self.list(signer, lists).await.map(Some),
            None => Ok(None),
        }
    }

    async fn list(&self, signer: &VendorSigner, lists: &Lists) -> Result<Arc<SignedList>, Refusal> {
        self.may_sign(signer)?;
        let list = lists.signed(signer, self.0.clock.now().wall).await;
        list.map_err(|error| cannot("the list of revocations cannot be made", &error))
    }

    /// The vendor key that signs here.
    pub fn signer(&self) -> &VendorSigner {
        &self.0.signer
    }

    /// Ends the centre's thread; what is under way is answered first.
    pub fn stop(&self) {
        self.0.desk.stop();
    }

    /// Nothing is promised that must not be signed.
    fn may_sign(&self, signer: &VendorSigner) -> Result<(), Refusal> {
        let expired = signer.expired(self.0.clock.now().wall);
        expired.map_or(Ok(()), |why| Err(Refusal::Unavailable(why)))
    }

    async fn sign(&self, unsigned: Unsigned) -> Result<String, Refusal> {
        let signature = self.0.signer.sign(unsigned.bytes()).await;
        let signature = signature.map_err(|error| cannot("an answer cannot be signed", &error))?;
        Ok(unsigned.signed(&signature))
    }
}

/// What went wrong is for the log; a node learns that something did.
fn cannot(what: &str, error: &str) -> Refusal {
    tracing::error!(error, "{what}");
    Refusal::Unavailable(what.into())
}

fn is_proven(request: &Request, node_key: &[u8; 32]) -> bool {
    let Some(claim) = &request.carrier else {
        return true;
    };
    let challenge = carrier_challenge(node_key, &request.nonce, &request.code);
    let proof = claim.proof_bytes();
    proof.is_ok_and(|proof| attestation::verify(&claim.binding, &challenge, &proof))
}
