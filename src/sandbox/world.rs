//! What the stand-ins remember between requests.

use std::net::SocketAddr;

/// What the stand-ins remember.
pub(super) struct World {
    /// Login and password that the support portal knows.
    pub(super) account: (String, String),
    /// Where they listen.
    pub(super) address: SocketAddr,
    /// What no client may do and some client did.
    pub(super) offences: Vec<String>,
    pub(super) portal: super::portal::Memory,
    pub(super) ismp: super::ismp::Memory,
    pub(super) crpt: super::crpt::Memory,
    pub(super) taxcom: super::taxcom::Memory,
}

impl World {
    pub(super) fn new(account: (String, String), address: SocketAddr) -> Self {
        Self {
            account,
            address,
            offences: Vec::new(),
            portal: super::portal::Memory::default(),
            ismp: super::ismp::Memory::default(),
            crpt: super::crpt::Memory::default(),
            taxcom: super::taxcom::Memory::default(),
        }
    }

    /// Remembers that a client did what none may.
    pub(super) fn offended(&mut self, what: &str) {
        self.offences.push(what.into());
    }

    /// Decides about everything that waits.
    pub(super) fn decide(&mut self, rejected: Option<&str>) {
        self.taxcom.decide(rejected);
    }
}
