//! Who is whose: organisations with their connections as lookups want them, in memory, made anew by whoever
//! changes one of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;

use super::super::crpt::Connection;
use super::super::organization::Organization;
use super::super::state::{State, StateError};
use super::kind::TokenType;
use super::token::{Place, Slot};

/// An organisation as lookups want it.
#[derive(Debug)]
pub(super) struct Known {
    /// The ITN that the operator is told.
    pub(super) told_itn: Option<String>,
    /// Its places of production, with connections of their own.
    facilities: HashMap<String, Option<String>>,
    /// The connection of all others.
    connection: Option<String>,
}

impl Known {
    fn new(organization: Organization, registered: Option<&String>) -> Self {
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        let facilities = organization.facilities.into_iter();
        Self {
            told_itn: some(organization.power_of_attorney_itn),
            facilities: facilities
                .map(|facility| (facility.name, some(facility.oms_connection)))
                .collect(),
            connection: some(organization.oms_connection).or_else(|| registered.cloned()),
        }
    }

    /// The connection of a place of production.
    pub(super) fn connection(&self, facility: &str) -> Option<&str> {
        let own = self.facilities.get(facility).and_then(Option::as_ref);
        own.or(self.connection.as_ref()).map(String::as_str)
    }

    /// Whether it has such a place of production; the empty name is the organisation itself.
    pub(super) fn has(&self, facility: &str) -> bool {
        facility.is_empty() || self.facilities.contains_key(facility)
    }

    /// The names of its places of production.
    pub(super) fn facilities(&self) -> Vec<String> {
        let mut names: Vec<String> = self.facilities.keys().cloned().collect();
        names.sort();
        names
    }

    /// The place of production that has a connection; empty: the organisation itself.
    fn facility_with(&self, connection: &str) -> Option<String> {
        let is_it = |own: &String| own.eq_ignore_ascii_case(connection);
        let mut facilities = self.facilities.iter();
        let facility = facilities
            .find(|(_, own)| own.as_ref().is_some_and(is_it))
            .map(|(name, _)| name.clone());
        facility.or_else(|| {
            self.connection
                .as_ref()
                .filter(|own| is_it(own))
                .map(|_| String::new())
        })
    }
}

/// All organisations.
#[derive(Debug, Default)]
pub(super) struct Organizations {
    by_itn: HashMap<String, Known>,
}

impl Organizations {
    pub(super) fn find(&self, itn: &str) -> Option<&Known> {
        self.by_itn.get(itn)
    }

    /// The token that answers for a place; none: the organisation is unknown, or has no such place or no connection.
    pub(super) fn slot(&self, place: &Place) -> Option<(Slot, Option<&str>)> {
        let known = self.find(&place.itn).filter(|known| known.has(&place.facility))?;
        let connection = match place.kind {
            TokenType::Suz => Some(known.connection(&place.facility)?),
            TokenType::Ismp | TokenType::Retail => None,
        };
        Some((Slot::new(place, connection), connection))
    }

    /// A place whose tokens are those of a connection.
    pub(super) fn place_with(&self, connection: &str) -> Option<Place> {
        self.by_itn.iter().find_map(|(itn, known)| {
            Some(Place {
                kind: TokenType::Suz,
                itn: itn.clone(),
                facility: known.facility_with(connection)?,
            })
        })
    }
}

/// Keeps the organisations at hand.
#[derive(Default)]
pub(super) struct Directory {
    /// None: they have to be read.
    organizations: ArcSwapOption<Organizations>,
    making: Mutex<()>,
}

impl Directory {
    /// The organisations as they are now.
    pub(super) fn now(&self, state: &State) -> Result<Arc<Organizations>, StateError> {
        if let Some(current) = self.organizations.load_full() {
            return Ok(current);
        }
        let _one = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        // Of several who wait here the first has read them.
        if let Some(current) = self.organizations.load_full() {
            return Ok(current);
        }
        let made = Arc::new(Organizations::read(state)?);
        self.organizations.store(Some(made.clone()));
        Ok(made)
    }

    /// Reads them anew: one has changed. Until that is done, lookups find those from before, and wait for no disk.
    pub(super) fn changed(&self, state: &State) {
        // Whoever changes something after this reading reads again after this.
        let _one = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let made = Organizations::read(state);
        if let Err(error) = &made {
            tracing::error!(%error, "organisations cannot be read");
        }
        self.organizations.store(made.ok().map(Arc::new));
    }
}

impl Organizations {
    fn read(state: &State) -> Result<Self, StateError> {
        let mut newest: HashMap<String, Connection> = HashMap::new();
        for (_, connection) in state.all::<Connection>()? {
            let Some(itn) = connection.itn.clone() else {
                continue;
            };
            let older = |known: &Connection| known.created < connection.created;
            if newest.get(&itn).is_none_or(older) {
                newest.insert(itn, connection);
            }
        }
        let organizations = state.all::<Organization>()?.into_iter();
        let by_itn = organizations.map(|(itn, organization)| {
            let registered = newest.get(&itn).map(|connection| &connection.oms_connection);
            let known = Known::new(organization, registered);
            (itn, known)
        });
        Ok(Self {
            by_itn: by_itn.collect(),
        })
    }
}
