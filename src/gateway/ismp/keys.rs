//! Having a session key: the one that is live, the one that somebody else is signing in for already, or a new one.

use std::sync::Arc;

use super::super::flights::Flights;
use super::super::gateway::Shared;
use super::super::outcome::{Code, Trouble};
use super::super::state::Changes;
use super::directory::Directory;
use super::faults::Fault;
use super::kind::TokenType;
use super::live::Lives;
use super::pace::Pace;
use super::sign_in::{Applicant, server, sign_in};
use super::token::{Live, Place, SessionKey, Slot};
use super::{Organizations, RENEWAL};

/// How a question for a key ends for everybody who asked at once; true: it is new.
type Landed = Result<(Arc<Live>, bool), Trouble>;

/// A key for who asked.
#[derive(Clone, Debug)]
pub struct Had {
    /// The key.
    pub live: Arc<Live>,
    /// Signed in for this caller; else it is shared.
    pub new: bool,
}

/// Has keys, one sign-in at a time for each.
pub(super) struct Keys {
    pub(super) shared: Arc<Shared>,
    pub(super) directory: Directory,
    pub(super) lives: Lives,
    flights: Flights<Slot, Landed>,
    pace: Pace,
}

impl Keys {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            directory: Directory::default(),
            lives: Lives::default(),
            flights: Flights::default(),
            pace: Pace::default(),
        }
    }

    pub(super) fn organizations(&self) -> Result<Arc<Organizations>, Trouble> {
        Ok(self.directory.now(&self.shared.state)?)
    }

    /// The key for a place, where one can be used now.
    pub(super) fn live(&self, place: &Place) -> Result<Option<Arc<Live>>, Trouble> {
        let known = self.organizations()?;
        Ok(self.lives.find(&self.shared, &known, place))
    }

    /// A key for a place: the live one, but not the one of this number, which is of no use to the caller.
    pub(super) async fn have(self: &Arc<Self>, place: &Place, not: Option<u64>) -> Result<Had, Trouble> {
        self.lives.read(&self.shared).await?;
        loop {
            let known = self.organizations()?;
            if let Some(live) = self.lives.find(&self.shared, &known, place)
                && Some(live.number) != not
            {
                return Ok(Had { live, new: false });
            }
            let (slot, connection) = known.slot(place).ok_or_else(|| no_connection(place))?;
            let mut mine = false;
            let landed = self.flights.join(slot.clone(), || {
                mine = true;
                let errand = Errand {
                    place: place.clone(),
                    slot,
                    connection: connection.map(str::to_owned),
                };
                let keys = self.clone();
                async move { keys.fly(&errand, not).await }
            });
            let (live, new) = landed.await?;
            // Somebody else's flight may have brought the very key that this caller cannot use.
            if Some(live.number) != not {
                return Ok(Had {
                    live,
                    new: new && mine,
                });
            }
        }
    }

    async fn fly(&self, errand: &Errand, not: Option<u64>) -> Landed {
        // Between a caller's look and its flight another flight may have landed.
        if let Some(live) = self.live(&errand.place)?
            && Some(live.number) != not
        {
            return Ok((live, false));
        }
        let name = errand.slot.name();
        let kept = self.shared.state.find::<SessionKey>(&name)?;
        let now = self.shared.now();
        if let Some(kept) = &kept
            && let (Some(not_before), Some(trouble)) = (kept.not_before, &kept.trouble)
            && now < not_before
            && not_before.millis() - now.millis() <= super::faults::LONGEST_PAUSE
            && kept.server == server(&self.shared, errand.place.kind)
        {
            return Err(trouble.clone());
        }
        let organization = self.shared.organization(&errand.place.itn)?;
        let organization = organization.ok_or_else(|| no_connection(&errand.place))?;
        let who = Applicant {
            kind: errand.place.kind,
            itn: &errand.place.itn,
            organization: &organization,
            connection: errand.connection.as_deref(),
        };
        if errand.place.kind == TokenType::Suz
            && let Err(error) = self.shared.state.can_seal().await
        {
            // A token that cannot be kept would end the one that is.
            let kept = kept.unwrap_or_else(|| self.blank(errand, &organization));
            return Err(self.failed(&name, kept, &Trouble::from(error).into()));
        }
        let replaced = kept.as_ref().filter(|kept| {
            // The operator ends the old token of a connection when it makes a new one.
            kept.obtained.is_some() && kept.token_type == TokenType::Suz
        });
        if let Some(kept) = replaced {
            // Whoever is killed before the new one is kept has to have another.
            let doubtful = SessionKey {
                doubtful: true,
                ..kept.clone()
            };
            let changes = Changes::new().update(&name, &doubtful).plan(RENEWAL, &name, now);
            let marked = self.shared.state.commit(changes);
            marked.map_err(|error| Trouble::not_saved(&error))?;
        }
        let had_one = replaced.is_some();
        match sign_in(&self.shared, &self.pace, &who).await {
            Ok(signed_in) => {
                let live = self.keep(errand, &who, signed_in, kept.is_some()).await;
                Ok((live, true))
            }
            Err(fault) => {
                let mut kept = kept.unwrap_or_else(|| self.blank(errand, &organization));
                if had_one && fault.lost {
                    // The old one may have ended: better none than one that is refused. The doubt lasts until a new one is had.
                    kept.doubtful = true;
                    self.lives.put(&errand.slot, None);
                }
                Err(self.failed(&name, kept, &fault))
            }
        }
    }

    fn failed(&self, name: &str, kept: SessionKey, fault: &Fault) -> Trouble {
        if let Err(error) = self.keep_fault(name, kept, fault) {
            tracing::error!(%error, "what IS MP refused could not be kept");
        }
        fault.trouble.clone()
    }
}

/// What a flight is about.
pub(super) struct Errand {
    pub(super) place: Place,
    pub(super) slot: Slot,
    pub(super) connection: Option<String>,
}

/// A place that no token can be for.
fn no_connection(place: &Place) -> Trouble {
    let (message, info) = match place.kind {
        TokenType::Suz => (
            "Для организации не указан идентификатор соединения СУЗ.",
            format!(
                "the organisation {} has no connection, or no place of production \"{}\": set OmsConnection, or register one (/api/crpt/connections)",
                place.itn, place.facility
            ),
        ),
        TokenType::Ismp | TokenType::Retail => (
            "Организация или ее производственный объект не найдены на узле лицензирования.",
            format!(
                "there is no organisation {}, or it has no place of production \"{}\"",
                place.itn, place.facility
            ),
        ),
    };
    Trouble::new(Code::BadRequest, message, info)
}
