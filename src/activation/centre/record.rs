//! All that a decision about one code needs to know, as values.

use std::net::IpAddr;

use crate::activation::{Nonce, Request};
use crate::licence::binding::{Binding, Component, ComputerBinding, Fingerprint};
use crate::licence::{
    ActivationCode, FORMAT_VERSION, Iec, Itn, KeyNo, Licence, Revocation, RevocationReason, Timestamp,
};

use super::clones::Heads;
use super::goods::{Product, Series};
use super::rows::{CloneMark, End};

/// A code and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Record {
    pub(super) code: ActivationCode,
    pub(super) key_no: KeyNo,
    pub(super) reg_no: u64,
    pub(super) product: Product,
    pub(super) series: Series,
    pub(super) holder: Holder,
    /// Codes that were never used expire then.
    pub(super) valid_until: Option<Timestamp>,
    /// When the vendor took it back.
    pub(super) revoked: Option<Timestamp>,
    pub(super) renew_until: Option<Timestamp>,
    /// Moves in 365 days.
    pub(super) moves: u32,
    /// The first activation of all.
    pub(super) begun: Option<Timestamp>,
    /// Days of validity from `begun`, as extended so far; 0: without end.
    pub(super) period: u32,
    /// What the list of revocations says of this key.
    pub(super) revocation: Option<Revocation>,
    /// The place where the licence is.
    pub(super) current: Option<Activation>,
    /// The place where it was before.
    pub(super) last: Option<Activation>,
    /// When it was moved, as far as that counts, oldest first.
    pub(super) moved: Vec<Timestamp>,
    /// Nonces that a document or a receipt was given for; only the one that is asked for is looked up.
    pub(super) answered: Vec<Nonce>,
    /// Recovery codes; only the one that is given is looked up.
    pub(super) recoveries: Vec<Recovery>,
}

/// Whose a code is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) itn: Option<Itn>,
    pub(super) iec: Option<Iec>,
    /// The IEC is settled, also where there is none.
    pub(super) bound: bool,
}

/// A code that takes a licence from a lost computer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Recovery {
    pub(super) code: ActivationCode,
    pub(super) until: Timestamp,
    pub(super) used: bool,
}

/// A place that a licence has or had.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Activation {
    /// Its row; 0: it has none yet.
    pub(super) number: u64,
    /// The node that asked.
    pub(super) node_key: [u8; 32],
    /// The last document: its binding is the place.
    pub(super) document: Licence,
    /// Grows whenever a document says more than another nonce.
    pub(super) version: u32,
    pub(super) heads: Heads,
    /// It counts as a move.
    pub(super) counted: bool,
    pub(super) cloned: Option<CloneMark>,
    pub(super) first_address: IpAddr,
    pub(super) last_address: IpAddr,
    pub(super) last_seen: Timestamp,
    pub(super) ended: Option<(Timestamp, End)>,
    /// The nonce of the request that gave it back.
    pub(super) returned: Option<Nonce>,
}

/// A request, and what is known of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) request: &'a Request,
    pub(super) node_key: [u8; 32],
    pub(super) peer: IpAddr,
    /// The carrier that it names has proved itself; true without one.
    pub(super) proven: bool,
    pub(super) now: Timestamp,
}

impl Holder {
    /// Whether a request may be the holder's.
    pub(super) fn admits(&self, itn: &Itn, iec: Option<&Iec>) -> bool {
        let iec_fits = match &self.iec {
            Some(own) => iec == Some(own),
            None => !self.bound || iec.is_none(),
        };
        self.itn.as_ref().is_none_or(|own| own == itn) && iec_fits
    }

    /// It is the one of this request from now on.
    pub(super) fn settle(&mut self, request: &Request) {
        self.itn = Some(request.itn.clone());
        self.iec.clone_from(&request.iec);
        self.bound = true;
    }
}

impl Activation {
    /// Whether a request to activate comes from this very place.
    pub(super) fn is_at(&self, request: &Request) -> bool {
        match (&self.document.binding, &request.computer, &request.carrier) {
            (Binding::Computer(bound), Some(components), None) => {
                bound
                    .compare(&Fingerprint::new(components.clone(), Vec::new()))
                    .matches
            }
            (Binding::Carrier(bound), None, Some(claim)) => *bound == claim.binding,
            _ => false,
        }
    }

    /// When its last document was issued.
    pub(super) fn issued(&self) -> Timestamp {
        self.document.issued.unwrap_or(self.document.activation_date)
    }

    /// Whether this nonce is that of its last document.
    pub(super) fn answers(&self, nonce: Nonce) -> bool {
        self.document.nonce.as_deref() == Some(nonce.to_string().as_str())
    }

    /// The node was heard of.
    pub(super) fn seen(&mut self, asked: &Asked<'_>) {
        self.last_address = asked.peer;
        self.last_seen = self.last_seen.max(asked.now);
    }
}

/// How many components may be gone: fewer than there are strong ones, so that at least one of these must be there. With
/// weak ones alone a licence would work on each computer of a model.
fn tolerance(components: &[Component], allowed: u32) -> u32 {
    let strong = components.iter().filter(|component| component.kind.is_strong());
    allowed.min(
        u32::try_from(strong.count())
            .unwrap_or(u32::MAX)
            .saturating_sub(1),
    )
}

impl Record {
    /// When a document that is given out now is issued: later than all before it, and than what is revoked.
    pub(super) fn next_issued(&self, now: Timestamp) -> Timestamp {
        let places = [&self.current, &self.last].into_iter().flatten();
        let issued = places.map(Activation::issued);
        let revoked = self.revocation.map(|Revocation(until, _)| until);
        issued
            .chain(revoked)
            .map(|before| before.plus(1))
            .fold(now, Timestamp::max)
    }

    /// A document for the place of a request.
    pub(super) fn document(&self, asked: &Asked<'_>, activation_date: Timestamp, recovered: bool) -> Licence {
        let (product, series, request) = (&self.product, &self.series, asked.request);
        let binding = match (&request.computer, &request.carrier) {
            (Some(components), _) => Binding::Computer(ComputerBinding {
                components: components.clone(),
                tolerance: tolerance(components, series.tolerance),
            }),
            (None, Some(claim)) => Binding::Carrier(claim.binding.clone()),
            // `Request::check` lets none such through.
            (None, None) => Binding::Computer(ComputerBinding {
                components: Vec::new(),
                tolerance: 0,
            }),
        };
        Licence {
            version: FORMAT_VERSION.into(),
            key_no: self.key_no,
            key_id: series.key_id,
            reg_no: self.reg_no,
            key_type: series.key_type,
            service_type: product.service_type,
            licence_count: series.seats,
            product_version: product.product_version,
            blank_key_no: request.carrier.as_ref().map(|claim| claim.number),
            activation_code: Some(self.code.clone()),
            activation_date,
            start_date: self.begun.filter(|_| self.period > 0),
            period: self.period,
            flags: series.flags,
            itn: self.holder.itn.clone(),
            iec: self.holder.iec.clone(),
            product_name: product.product_name.clone(),
            article: product.article.clone(),
            article_name: product.article_name.clone(),
            support_date: series.support_date,
            support_period: series.support_period,
            industry_support_date: series.industry_support_date,
            industry_support_period: series.industry_support_period,
            product_version_name: product.version_name.clone(),
            recovered,
            binding,
            issued: Some(self.next_issued(asked.now)),
            nonce: Some(request.nonce.to_string()),
        }
    }

    /// The present activation ends: all that was issued so far is revoked.
    pub(super) fn end(&mut self, now: Timestamp, end: End, reason: RevocationReason) {
        let before = self.revocation.map(|Revocation(until, _)| until);
        let mut until = before.map_or(now, |before| before.max(now));
        if let Some(mut current) = self.current.take() {
            until = until.max(current.issued());
            current.ended = Some((now, end));
            self.last = Some(current);
        }
        self.revocation = Some(Revocation(until, reason));
    }

    /// The vendor takes the code back for good.
    pub(super) fn revoke(&mut self, now: Timestamp) {
        if self.revoked.is_none() {
            self.revoked = Some(now);
            // There is no licence yet that a list, which all nodes fetch, would have to name.
            if self.begun.is_some() {
                self.end(now, End::Revoked, RevocationReason::Revoked);
            }
        }
    }
}
