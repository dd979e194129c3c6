//! Connections: who is talking to the node (spec, section 6 and rows 29 and 32). They live in memory alone: a
//! connection is over 20 s after its last request anyway.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use crate::clock::{Millis, Moment};
use crate::licence::Timestamp;
use crate::store::Id;

use super::outcome::Release;

/// The most connections that are kept; each costs memory, and any client may make them.
const MOST: usize = 200_000;

/// A connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Its identifier in the API.
    pub id: Id,
    /// Where it comes from.
    pub peer: IpAddr,
    /// When it was made.
    pub created: Timestamp,
    /// Its last request.
    pub last_used: Timestamp,
    /// When its life runs out, in the ledger's time.
    pub expires: Millis,
    /// The user who made it.
    pub owner: Box<str>,
    /// What the client said of itself.
    pub fields: ConnectionFields,
}

/// What a client says of itself (spec, section 6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the manual's")]
pub struct ConnectionFields {
    pub os_version: Option<Box<str>>,
    pub computer_name: Option<Box<str>>,
    pub local_ip: Option<Box<str>>,
    pub process: Option<Box<str>>,
    pub cpu: Option<Box<str>>,
    pub pid: Option<Box<str>>,
    pub is_server: bool,
    pub platform_version: Option<Box<str>>,
    pub module_name: Option<Box<str>>,
    pub version: Option<Box<str>>,
    pub key_id: Option<Box<str>>,
}

/// A connection that the node made itself is found again by peer and application.
type Peer = (IpAddr, Option<Box<str>>);

/// All connections: live ones, and those that are only listed for one more life.
pub struct Connections {
    life: Millis,
    rows: HashMap<Id, Row>,
    by_creation: BTreeSet<(Timestamp, Id)>,
    by_due: BTreeSet<(Millis, Id)>,
    by_peer: HashMap<Peer, Id>,
    /// Something is different from what was told last.
    changed: bool,
}

struct Row {
    connection: Arc<Connection>,
    made_for: Option<Peer>,
}

impl Connections {
    /// No connections; each lives `life` milliseconds from its last request.
    pub fn new(life: Millis) -> Self {
        Self {
            life,
            rows: HashMap::new(),
            by_creation: BTreeSet::new(),
            by_due: BTreeSet::new(),
            by_peer: HashMap::new(),
            changed: false,
        }
    }

    /// Follows another life from now on.
    pub fn set_life(&mut self, life: Millis) {
        self.life = life;
    }

    /// Lets time pass. Every other call does this first.
    pub fn advance(&mut self, time: Millis) {
        while let Some((due, id)) = self.by_due.first().copied().filter(|(due, _)| *due <= time) {
            let row = &self.rows[&id];
            if row.connection.expires + self.life > due {
                // Its life ends: from now on it is only listed.
                let peer = row.made_for.clone();
                self.by_due.remove(&(due, id));
                self.by_due.insert((row.connection.expires + self.life, id));
                self.changed = true;
                self.forget_peer(peer.as_ref(), id);
            } else {
                self.remove(id, due);
            }
        }
    }

    /// Makes a connection; `None` where there are too many.
    pub fn open(
        &mut self,
        now: Moment,
        time: Millis,
        peer: IpAddr,
        owner: &str,
        fields: ConnectionFields,
    ) -> Option<Arc<Connection>> {
        self.advance(time);
        self.insert(now, time, peer, owner, fields, None)
    }

    /// The connection of a peer's application, made where there is none; `None` where there are too many.
    pub fn of_peer(
        &mut self,
        now: Moment,
        time: Millis,
        peer: IpAddr,
        owner: &str,
        application: Option<&str>,
        fields: impl FnOnce() -> ConnectionFields,
    ) -> Option<Id> {
        self.advance(time);
        let made_for = (peer, application.map(Box::from));
        if let Some(&id) = self.by_peer.get(&made_for) {
            self.touch(now, time, id);
            return Some(id);
        }
        self.insert(now, time, peer, owner, fields(), Some(made_for))
            .map(|connection| connection.id)
    }

    /// Notes a request over a connection; does nothing for one that is over.
    pub fn touch(&mut self, now: Moment, time: Millis, id: Id) -> Option<Arc<Connection>> {
        self.advance(time);
        let life = self.life;
        let row = self
            .rows
            .get_mut(&id)
            .filter(|row| row.connection.expires > time)?;
        let connection = Arc::make_mut(&mut row.connection);
        self.by_due.remove(&(connection.expires, id));
        connection.last_used = now.wall;
        connection.expires = time + life;
        self.changed = true;
        self.by_due.insert((connection.expires, id));
        Some(row.connection.clone())
    }

    /// Heartbeat, for its owner or an administrator (`owner` is `None`).
    pub fn heartbeat(
        &mut self,
        now: Moment,
        time: Millis,
        id: Id,
        owner: Option<&str>,
    ) -> Release<Connection> {
        self.advance(time);
        match self.rows.get(&id) {
            None => Release::Unknown,
            Some(row) if owner.is_some_and(|owner| *row.connection.owner != *owner) => Release::NotYours,
            Some(_) => self.touch(now, time, id).map_or(Release::Unknown, Release::Done),
        }
    }

    /// Closes a connection, for its owner or an administrator (`owner` is `None`).
    pub fn close(&mut self, time: Millis, id: Id, owner: Option<&str>) -> Release<Connection> {
        self.advance(time);
        match self.rows.get(&id) {
            None => Release::Unknown,
            Some(row) if owner.is_some_and(|owner| *row.connection.owner != *owner) => Release::NotYours,
            Some(row) => {
                let connection = row.connection.clone();
                let due = if connection.expires > time {
                    connection.expires
                } else {
                    connection.expires + self.life
                };
                self.remove(id, due);
                Release::Done(connection)
            }
        }
    }

    /// The connection of this identifier, also one that is only listed.
    pub fn find(&self, id: Id) -> Option<&Arc<Connection>> {
        self.rows.get(&id).map(|row| &row.connection)
    }

    /// All connections in the order of creation, then identifier.
    pub fn list(&self) -> Vec<Arc<Connection>> {
        self.by_creation
            .iter()
            .filter_map(|(_, id)| self.find(*id))
            .cloned()
            .collect()
    }

    /// Connections that are alive.
    pub fn live(&self, time: Millis) -> usize {
        self.rows
            .values()
            .filter(|row| row.connection.expires > time)
            .count()
    }

    /// Whether anything is different since the last question, be it the time of a last request.
    pub(super) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// When time next does something by itself.
    pub fn next_deadline(&self) -> Option<Millis> {
        self.by_due.first().map(|(due, _)| *due)
    }

    fn insert(
        &mut self,
        now: Moment,
        time: Millis,
        peer: IpAddr,
        owner: &str,
        fields: ConnectionFields,
        made_for: Option<Peer>,
    ) -> Option<Arc<Connection>> {
        if self.rows.len() >= MOST {
            return None;
        }
        let connection = Arc::new(Connection {
            id: Id::random(),
            peer,
            created: now.wall,
            last_used: now.wall,
            expires: time + self.life,
            owner: owner.into(),
            fields,
        });
        let id = connection.id;
        self.changed = true;
        self.by_creation.insert((connection.created, id));
        self.by_due.insert((connection.expires, id));
        if let Some(peer) = &made_for {
            self.by_peer.insert(peer.clone(), id);
        }
        self.rows.insert(
            id,
            Row {
                connection: connection.clone(),
                made_for,
            },
        );
        Some(connection)
    }

    fn remove(&mut self, id: Id, due: Millis) {
        self.by_due.remove(&(due, id));
        if let Some(row) = self.rows.remove(&id) {
            self.changed = true;
            self.by_creation.remove(&(row.connection.created, id));
            self.forget_peer(row.made_for.as_ref(), id);
        }
    }

    fn forget_peer(&mut self, peer: Option<&Peer>, id: Id) {
        if let Some(peer) = peer.filter(|peer| self.by_peer.get(*peer) == Some(&id)) {
            self.by_peer.remove(peer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Millis = 20_000;

    fn at(time: Millis) -> Moment {
        Moment {
            mono: time,
            wall: Timestamp::from_millis(1_000_000 + i64::try_from(time).unwrap()),
        }
    }

    fn open(connections: &mut Connections, time: Millis) -> Arc<Connection> {
        let peer = "127.0.0.1".parse().unwrap();
        connections
            .open(at(time), time, peer, "shop", ConnectionFields::default())
            .unwrap()
    }

    #[test]
    fn a_connection_lives_from_its_last_request_and_is_listed_for_one_more_life() {
        let mut connections = Connections::new(LIFE);
        let id = open(&mut connections, 0).id;
        assert!(matches!(
            connections.heartbeat(at(19_999), 19_999, id, Some("shop")),
            Release::Done(_)
        ));
        let expires = connections.find(id).unwrap().expires;
        assert_eq!(expires, 39_999);
        assert!(matches!(
            connections.heartbeat(at(expires), expires, id, None),
            Release::Unknown
        ));
        assert!(connections.find(id).is_some() && connections.live(expires) == 0);
        connections.advance(expires + LIFE - 1);
        assert!(connections.find(id).is_some());
        connections.advance(expires + LIFE);
        assert!(connections.find(id).is_none() && connections.next_deadline().is_none());
    }

    #[test]
    fn others_can_neither_renew_nor_close_it_but_an_administrator_can() {
        let mut connections = Connections::new(LIFE);
        let id = open(&mut connections, 0).id;
        assert!(matches!(
            connections.heartbeat(at(1), 1, id, Some("other")),
            Release::NotYours
        ));
        assert!(matches!(
            connections.close(1, id, Some("other")),
            Release::NotYours
        ));
        assert!(matches!(connections.close(1, id, None), Release::Done(_)));
        assert!(matches!(connections.close(1, id, None), Release::Unknown));
        assert!(connections.list().is_empty() && connections.next_deadline().is_none());
    }

    #[test]
    fn a_peers_application_has_one_connection_while_it_lives() {
        let mut connections = Connections::new(LIFE);
        let peer = "192.0.2.7".parse().unwrap();
        let mut of_peer = |time, application| {
            connections
                .of_peer(
                    at(time),
                    time,
                    peer,
                    "shop",
                    application,
                    ConnectionFields::default,
                )
                .unwrap()
        };
        let first = of_peer(0, Some("App"));
        assert_eq!(of_peer(19_000, Some("App")), first);
        assert_ne!(of_peer(19_000, Some("Other")), first);
        assert_ne!(of_peer(39_000, Some("App")), first);
    }
}
