//! What all carriers have in common for those who look at licences: USB devices and keys on tokens alike.

use std::fmt;
use std::sync::Arc;

use super::carrier::{Carrier, CarrierState, DriverKind};
use super::service::Hardware;
use super::token_carriers::TokenCarrier;

/// Where a carrier is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'h> {
    /// A USB port: bus and chain of ports.
    Port(&'h str),
    /// A token, by its NAME in the settings.
    Token(&'h str),
}

impl Place<'_> {
    /// What is there: `device`, `token`.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Port(_) => "device",
            Self::Token(_) => "token",
        }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(port) => write!(out, "at port {port}"),
            Self::Token(name) => write!(out, "in token {name}"),
        }
    }
}

/// A carrier, whatever it is.
#[derive(Clone, Copy, Debug)]
pub struct CarrierView<'h> {
    /// Its stable name.
    pub id: &'h str,
    /// Where it is.
    pub place: Place<'h>,
    /// Name of its driver, as bindings write it.
    pub driver: &'static str,
    /// Its serial number as bindings write it; none where it has none.
    pub serial: Option<&'h str>,
    /// The number by which a licence's `BlankKeyNo` names it.
    pub number: u64,
    /// Its public key as bindings write it; none where it shows none, or its driver knows no keys.
    pub public_key: Option<&'h str>,
    /// Whether it proved itself.
    pub state: &'h CarrierState,
    /// Carriers of its driver may hold a licence.
    pub keeps_licences: bool,
    /// The licence that it holds; empty: it is blank; none: it has no memory, or that was not read.
    pub memory: Option<&'h Arc<[u8]>>,
}

impl Carrier {
    /// What it has in common with others.
    pub fn view(&self) -> CarrierView<'_> {
        let keyed = self.driver != DriverKind::Serial;
        CarrierView {
            id: &self.device.id,
            place: Place::Port(&self.device.port),
            driver: self.driver.name(),
            serial: self.serial.as_deref(),
            number: self.number(),
            public_key: self.public_key.as_deref().filter(|_| keyed),
            state: &self.state,
            keeps_licences: self.driver == DriverKind::Hid,
            memory: self.memory.as_ref(),
        }
    }
}

impl TokenCarrier {
    /// What it has in common with others.
    pub fn view(&self) -> CarrierView<'_> {
        CarrierView {
            id: &self.id,
            place: Place::Token(&self.token.name),
            driver: TokenCarrier::DRIVER,
            serial: Some(self.token.serial.as_str()).filter(|serial| !serial.is_empty()),
            number: self.number(),
            public_key: self.public_key.as_deref(),
            state: &self.state,
            keeps_licences: true,
            memory: self.memory.as_ref(),
        }
    }
}

impl Hardware {
    /// All carriers: those on USB, then those on tokens.
    pub fn all_carriers(&self) -> impl Iterator<Item = CarrierView<'_>> {
        let usb = self.carriers.iter().map(|carrier| carrier.view());
        usb.chain(self.tokens.carriers.iter().map(|carrier| carrier.view()))
    }
}
