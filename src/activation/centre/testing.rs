//! A code, and nodes that ask about it, for the tests of the rules.

use std::net::{IpAddr, Ipv4Addr};

use crate::activation::{Action, Nonce, REQUEST_VERSION, Request};
use crate::licence::binding::{Component, ComponentKind};
use crate::licence::{ActivationCode, Itn, KeyId, Timestamp};

use super::goods::{Product, Series};
use super::record::{Asked, Holder, Record};

pub(super) const HOME: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));

/// A code that was never used, of a series with two moves.
pub(super) fn record() -> Record {
    let series = Series::new(KeyId::parse("672B").unwrap(), "1");
    Record {
        code: ActivationCode::parse("4345-9320-2035-7421-5361").unwrap(),
        key_no: 7_131_766,
        reg_no: 202,
        product: product(),
        holder: Holder::default(),
        valid_until: None,
        revoked: None,
        renew_until: None,
        moves: series.moves,
        series,
        begun: None,
        period: 0,
        revocation: None,
        current: None,
        last: None,
        moved: Vec::new(),
        answered: Vec::new(),
        recoveries: Vec::new(),
    }
}

pub(super) fn product() -> Product {
    Product {
        article: "1".into(),
        product_name: "Product".into(),
        article_name: "Product for 5".into(),
        product_version: 3,
        version_name: Some("Three".into()),
        service_type: 0,
    }
}

pub(super) fn nonce(number: u64) -> Nonce {
    Nonce::from_bytes(u128::from(number).to_be_bytes())
}

/// The components of a computer: two computers have none in common.
pub(super) fn computer(number: u8) -> Vec<Component> {
    [
        ComponentKind::MachineId,
        ComponentKind::ProductUuid,
        ComponentKind::Mac,
    ]
    .map(|kind| Component {
        kind,
        value: format!("{number:032x}"),
    })
    .to_vec()
}

/// A request to activate on this computer.
pub(super) fn activate(number: u64, on: u8) -> Request {
    Request {
        version: REQUEST_VERSION,
        action: Action::Activate,
        code: record().code,
        itn: Itn::parse("1234567894").unwrap(),
        iec: None,
        nonce: nonce(number),
        last: None,
        time: Timestamp::default(),
        recovery: None,
        computer: Some(computer(on)),
        carrier: None,
    }
}

/// Another request, after the one with nonce `last`.
pub(super) fn then(action: Action, number: u64, last: u64) -> Request {
    Request {
        action,
        last: Some(nonce(last)),
        computer: None,
        ..activate(number, 0)
    }
}

/// The request of this node at this moment.
pub(super) fn asked(request: &Request, node: u8, now: Timestamp) -> Asked<'_> {
    Asked {
        request,
        node_key: [node; 32],
        peer: HOME,
        proven: true,
        now,
    }
}
