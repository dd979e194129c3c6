//! Who is whose: organisations with their connections as lookups want them, in memory, made anew when one of them was changed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

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
    /// Connections of its places of production.
    facilities: HashMap<String, String>,
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
                .filter_map(|facility| Some((facility.name, some(facility.oms_connection)?)))
                .collect(),
            connection: some(organization.oms_connection).or_else(|| registered.cloned()),
        }
    }

    /// The connection of a place of production.
    pub(super) fn connection(&self, facility: &str) -> Option<&str> {
        self.facilities
            .get(facility)
            .or(self.connection.as_ref())
            .map(String::as_str)
    }

    /// The place of production that has a connection; empty: the organisation itself.
    fn facility_with(&self, connection: &str) -> Option<String> {
        let is_it = |own: &String| own.eq_ignore_ascii_case(connection);
        let mut facilities = self.facilities.iter();
        let facility = facilities
            .find(|(_, own)| is_it(own))
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
    revision: Option<u64>,
    by_itn: HashMap<String, Known>,
}

impl Organizations {
    pub(super) fn find(&self, itn: &str) -> Option<&Known> {
        self.by_itn.get(itn)
    }

    /// The token that answers for a place; none: the organisation is unknown, or has no connection.
    pub(super) fn slot(&self, place: &Place) -> Option<(Slot, Option<&str>)> {
        let known = self.find(&place.itn)?;
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
    organizations: ArcSwap<Organizations>,
    making: Mutex<()>,
}

impl Directory {
    /// The organisations as they are now.
    pub(super) fn now(&self, state: &State) -> Result<Arc<Organizations>, StateError> {
        let current = self.organizations.load_full();
        if current.revision == Some(state.revision()) {
            return Ok(current);
        }
        let _one = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        // Before the reading: what is changed meanwhile is read again.
        let revision = state.revision();
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
        let made = Arc::new(Organizations {
            revision: Some(revision),
            by_itn: by_itn.collect(),
        });
        self.organizations.store(made.clone());
        Ok(made)
    }
}
