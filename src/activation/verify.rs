//! Whether an answer is what was asked for, and from the vendor. Pure.

use crate::licence::binding::{Binding, CarrierBinding, Fingerprint};
use crate::licence::{
    DAY, KeyNo, Licence, OpenFailure, Receipt, Timestamp, VendorKey, VendorKeys, inspect, open, open_notice,
};

use super::request::Request;

/// What a licence has to be bound to.
#[derive(Clone, Debug)]
pub(super) enum Bound {
    /// This computer.
    Computer(Fingerprint),
    /// This carrier, which has this number.
    Carrier(CarrierBinding, KeyNo),
    /// What the licence here is bound to.
    As(Binding, Option<KeyNo>),
}

/// What an answer has to fit.
#[derive(Clone, Debug)]
pub(super) struct Asked<'a> {
    pub(super) request: &'a Request,
    /// The key, where it is known already.
    pub(super) key_no: Option<KeyNo>,
    /// Any of these will do.
    pub(super) bound: Vec<Bound>,
    pub(super) now: Timestamp,
}

/// Why an answer is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadAnswer {
    #[error("{0}")]
    Open(#[from] OpenFailure),
    #[error("the vendor key {0} that signed it has expired")]
    Expired(String),
    #[error("it answers another request than this node's")]
    Nonce,
    #[error("it is for another activation code")]
    Code,
    #[error("it is for a holder with another ITN or IEC")]
    Holder,
    #[error("it is the licence {found}, not {expected}")]
    KeyNo { found: KeyNo, expected: KeyNo },
    #[error("it is for another computer: {0}")]
    Computer(String),
    #[error("it is for another carrier than the one that was named")]
    Carrier,
    #[error("it is bound to something else than was asked for")]
    Binding,
    #[error("it does not say when it was issued")]
    NotIssued,
    #[error(
        "it was issued on {0}, which is in the future here: compare this computer's clock with the centre's"
    )]
    Future(Timestamp),
}

/// Checks a licence that came as an answer; the result is the licence and the name of the key that signed it.
pub(super) fn licence(
    file: &[u8],
    asked: &Asked<'_>,
    vendors: &VendorKeys,
) -> Result<(Licence, String), BadAnswer> {
    let licence = open(file, vendors)?;
    let (_, kid) = inspect(file)?;
    in_force(&kid, vendors, asked.now)?;
    let Asked { request, key_no, .. } = asked;
    if licence.nonce != Some(request.nonce.to_string()) {
        return Err(BadAnswer::Nonce);
    }
    if licence.activation_code.as_ref() != Some(&request.code) {
        return Err(BadAnswer::Code);
    }
    if licence.itn.as_ref() != Some(&request.itn) || licence.iec != request.iec {
        return Err(BadAnswer::Holder);
    }
    if let Some(expected) = key_no.filter(|expected| *expected != licence.key_no) {
        let found = licence.key_no;
        return Err(BadAnswer::KeyNo { found, expected });
    }
    let mut miss = Err(BadAnswer::Binding);
    for expected in &asked.bound {
        miss = bound(&licence, expected);
        if miss.is_ok() {
            break;
        }
    }
    miss?;
    let issued = licence.issued.ok_or(BadAnswer::NotIssued)?;
    if issued > asked.now.plus(DAY) {
        return Err(BadAnswer::Future(issued));
    }
    Ok((licence, kid))
}

/// Checks a receipt for a licence that was given back.
pub(super) fn receipt(
    text: &[u8],
    request: &Request,
    key_no: KeyNo,
    vendors: &VendorKeys,
    now: Timestamp,
) -> Result<(), BadAnswer> {
    let (receipt, kid) = open_notice::<Receipt>(text, vendors)?;
    in_force(&kid, vendors, now)?;
    if receipt.nonce != request.nonce.to_string() {
        return Err(BadAnswer::Nonce);
    }
    if receipt.key_no != key_no {
        let (found, expected) = (receipt.key_no, key_no);
        return Err(BadAnswer::KeyNo { found, expected });
    }
    Ok(())
}

fn in_force(kid: &str, vendors: &VendorKeys, now: Timestamp) -> Result<(), BadAnswer> {
    let ended = vendors
        .get(kid)
        .and_then(VendorKey::expires)
        .is_some_and(|end| end <= now);
    if ended {
        return Err(BadAnswer::Expired(kid.into()));
    }
    Ok(())
}

fn bound(licence: &Licence, expected: &Bound) -> Result<(), BadAnswer> {
    match (&licence.binding, expected) {
        (Binding::Computer(binding), Bound::Computer(fingerprint)) => {
            let comparison = binding.compare(fingerprint);
            if !comparison.matches {
                return Err(BadAnswer::Computer(comparison.describe()));
            }
            (licence.blank_key_no.is_none())
                .then_some(())
                .ok_or(BadAnswer::Binding)
        }
        (Binding::Carrier(found), Bound::Carrier(asked, number)) => (found == asked
            && licence.blank_key_no == Some(*number))
        .then_some(())
        .ok_or(BadAnswer::Carrier),
        (found, Bound::As(here, number)) => (found == here && licence.blank_key_no == *number)
            .then_some(())
            .ok_or(BadAnswer::Binding),
        _ => Err(BadAnswer::Binding),
    }
}
