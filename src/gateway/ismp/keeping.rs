//! Keeping a session key, so that it serves after a restart too, and its renewal with it.

use std::sync::Arc;

use super::super::organization::Organization;
use super::super::state::{Changes, StateError};
use super::RENEWAL;
use super::keys::{Errand, Keys};
use super::renewal::{LOOK, lead};
use super::sign_in::{Applicant, SignedIn, server, told_itn};
use super::token::{Live, Place, SessionKey, renewal};

impl Keys {
    /// What is kept of a place for which no key was had yet.
    pub(super) fn blank(&self, errand: &Errand, organization: &Organization) -> SessionKey {
        SessionKey {
            server: server(&self.shared, errand.place.kind),
            told_itn: organization.power_of_attorney_itn.clone(),
            ..SessionKey::new(&errand.place, errand.connection.clone())
        }
    }

    /// Has a new key serve, and keeps it. Where that fails it serves until this program ends, and is kept later; `had_one`:
    /// something is kept of the place already.
    pub(super) async fn keep(
        &self,
        errand: &Errand,
        who: &Applicant<'_>,
        got: SignedIn,
        had_one: bool,
    ) -> Arc<Live> {
        let (now, name) = (self.shared.now(), errand.slot.name());
        let live = Arc::new(Live {
            token: got.token,
            obtained: now,
            valid_until: got.valid_until,
            certificate: Some(got.certificate.to_string()),
            server: server(&self.shared, who.kind),
            told_itn: told_itn(who).map(str::to_owned),
            number: self.lives.number(),
        });
        self.lives.put(&errand.slot, Some(&live));
        if let Err(error) = self
            .write(&name, &errand.place, errand.connection.clone(), &live)
            .await
        {
            tracing::error!(%error, "a session key of IS MP could not be kept");
            // What is kept of the one before stays: it is that one's. The renewal keeps this one when it can.
            let mut later = Changes::new().plan(RENEWAL, &name, now.plus(LOOK));
            if !had_one {
                later = later.update(&name, &self.blank(errand, who.organization));
            }
            if let Err(error) = self.shared.state.commit(later) {
                tracing::error!(%error, "nor could a later try be planned");
            }
        }
        live
    }

    /// Writes a key and its renewal, together.
    pub(super) async fn write(
        &self,
        name: &str,
        place: &Place,
        connection: Option<String>,
        live: &Live,
    ) -> Result<(), StateError> {
        let kept = SessionKey {
            server: live.server.clone(),
            told_itn: live.told_itn.clone(),
            obtained: Some(live.obtained),
            valid_until: Some(live.valid_until),
            certificate: live.certificate.clone(),
            ..SessionKey::new(place, connection)
        };
        let due = renewal(live.obtained, live.valid_until, lead(&self.shared.rules()));
        let (state, mut changes) = (&self.shared.state, Changes::new().plan(RENEWAL, name, due));
        state.put_sealed(&mut changes, name, &kept, &live.token).await?;
        state.commit(changes)?;
        self.shared.wake.notify_one();
        Ok(())
    }
}
