//! The books of the centre, for the vendor: what is sold, codes, activations, support cases.

use std::path::Path;

use zeroize::Zeroizing;

use crate::licence::{Iec, Itn, KeyId, KeyNo, Timestamp};
use crate::store::{AuditError, AuditRow, Author};

use super::error::CentreError;
use super::goods::{Product, Series};
use super::rows::{
    ActivationFilter, ActivationRow, ApiKeyRow, Batch, CodeFilter, CodeRow, IssueOrder, IssuedCode,
    RecoveryCode, Which,
};

/// The books, on a connection of their own: a running centre is not disturbed.
pub struct Books {}

fn unfinished<T>() -> Result<T, CentreError> {
    Err(CentreError::Invalid(
        "this part of the centre is not built yet".into(),
    ))
}

impl Books {
    /// Makes a centre in this directory, which is made too. `base`: where its KeyNo begin; none: at random.
    ///
    /// # Errors
    /// [`CentreError::Exists`] where there is one.
    pub fn create(_dir: &Path, _base: Option<KeyNo>) -> Result<Self, CentreError> {
        unfinished()
    }

    /// Opens the books of a centre.
    ///
    /// # Errors
    /// [`CentreError::NoCentre`].
    pub fn open(_dir: &Path) -> Result<Self, CentreError> {
        unfinished()
    }

    /// Adds a product.
    ///
    /// # Errors
    /// [`CentreError::Taken`], [`CentreError::Invalid`].
    pub fn add_product(&mut self, _product: &Product, _by: &Author) -> Result<(), CentreError> {
        unfinished()
    }

    /// Changes the product of this article; licences follow when they are next given out.
    ///
    /// # Errors
    /// [`CentreError::NoProduct`], [`CentreError::Invalid`].
    pub fn change_product(&mut self, _product: &Product, _by: &Author) -> Result<(), CentreError> {
        unfinished()
    }

    /// All products, by article.
    ///
    /// # Errors
    /// [`CentreError::Store`].
    pub fn products(&self) -> Result<Vec<Product>, CentreError> {
        unfinished()
    }

    /// Adds a series.
    ///
    /// # Errors
    /// [`CentreError::Taken`], [`CentreError::NoProduct`], [`CentreError::Invalid`].
    pub fn add_series(&mut self, _series: &Series, _by: &Author) -> Result<(), CentreError> {
        unfinished()
    }

    /// Changes the series of this KeyID; licences follow when they are next given out.
    ///
    /// # Errors
    /// [`CentreError::NoSeries`], [`CentreError::NoProduct`], [`CentreError::Invalid`].
    pub fn change_series(&mut self, _series: &Series, _by: &Author) -> Result<(), CentreError> {
        unfinished()
    }

    /// All series, by KeyID.
    ///
    /// # Errors
    /// [`CentreError::Store`].
    pub fn series(&self) -> Result<Vec<Series>, CentreError> {
        unfinished()
    }

    /// One series.
    ///
    /// # Errors
    /// [`CentreError::NoSeries`].
    pub fn one_series(&self, _key_id: KeyId) -> Result<Series, CentreError> {
        unfinished()
    }

    /// Issues codes. `visit` gets the batch as it stands and the codes that were just written, some 10,000 at a time, once they
    /// are on disk; where it gives false, issuing ends there. A batch that was interrupted is continued by
    /// [`Books::resume`]; what there is of it can be exported.
    ///
    /// # Errors
    /// [`CentreError::NoSeries`], [`CentreError::Invalid`].
    pub fn issue(
        &mut self,
        _order: &IssueOrder,
        _by: &Author,
        _visit: impl FnMut(&Batch, &[IssuedCode]) -> bool,
    ) -> Result<Batch, CentreError> {
        unfinished()
    }

    /// Issues what is missing of a batch; what was there before is not visited.
    ///
    /// # Errors
    /// [`CentreError::NoBatch`].
    pub fn resume(
        &mut self,
        _batch: u64,
        _by: &Author,
        _visit: impl FnMut(&Batch, &[IssuedCode]) -> bool,
    ) -> Result<Batch, CentreError> {
        unfinished()
    }

    /// All batches, by number.
    ///
    /// # Errors
    /// [`CentreError::Store`].
    pub fn batches(&self) -> Result<Vec<Batch>, CentreError> {
        unfinished()
    }

    /// Codes; `now` tells expired ones.
    ///
    /// # Errors
    /// [`CentreError::Store`].
    pub fn codes(&self, _filter: &CodeFilter, _now: Timestamp) -> Result<Vec<CodeRow>, CentreError> {
        unfinished()
    }

    /// As [`Books::codes`], without holding them all in memory; `visit` ends it by false.
    ///
    /// # Errors
    /// [`CentreError::Store`].
    pub fn export(
        &self,
        _filter: &CodeFilter,
        _now: Timestamp,
        _visit: impl FnMut(&CodeRow) -> bool,
    ) -> Result<(), CentreError> {
        unfinished()
    }

    /// One code.
    ///
    /// # Errors
    /// [`CentreError::NoCode`].
    pub fn find(&self, _which: &Which, _now: Timestamp) -> Result<CodeRow, CentreError> {
        unfinished()
    }

    /// Says who the holder is. Without an IEC, that of the next activation becomes the holder's. Also changes the
    /// holder of a code that is in use; its licence follows when it is next activated.
    ///
    /// # Errors
    /// [`CentreError::NoCode`].
    pub fn bind(
        &mut self,
        _key_no: KeyNo,
        _itn: &Itn,
        _iec: Option<&Iec>,
        _by: &Author,
    ) -> Result<(), CentreError> {
        unfinished()
    }

    /// Takes a code and its licence back for good.
    ///
    /// # Errors
    /// [`CentreError::NoCode`].
    pub fn revoke(&mut self, _key_no: KeyNo, _why: &str, _by: &Author) -> Result<(), CentreError> {
        unfinished()
    }

    /// Makes a recovery code: with it, the licence can be taken from a lost computer once, within 14 days.
    ///
    /// # Errors
    /// [`CentreError::NoCode`].
    pub fn recovery(&mut self, _key_no: KeyNo, _by: &Author) -> Result<RecoveryCode, CentreError> {
        unfinished()
    }

    /// Says until when the licence is renewed; none: not at all.
    ///
    /// # Errors
    /// [`CentreError::NoCode`].
    pub fn extend(
        &mut self,
        _key_no: KeyNo,
        _renew_until: Option<Timestamp>,
        _by: &Author,
    ) -> Result<(), CentreError> {
        unfinished()
    }

    /// Says how often this code may move in 365 days; none: as its series says.
    ///
    /// # Errors
    /// [`CentreError::NoCode`].
    pub fn set_moves(
        &mut self,
        _key_no: KeyNo,
        _moves: Option<u32>,
        _by: &Author,
    ) -> Result<(), CentreError> {
        unfinished()
    }

    /// Activations, past and present.
    ///
    /// # Errors
    /// [`CentreError::Store`].
    pub fn activations(&self, _filter: &ActivationFilter) -> Result<Vec<ActivationRow>, CentreError> {
        unfinished()
    }

    /// Makes a key for the vendor's own systems. It is shown here once and stored as a hash.
    ///
    /// # Errors
    /// [`CentreError::Taken`], [`CentreError::Invalid`].
    pub fn add_api_key(&mut self, _name: &str, _by: &Author) -> Result<Zeroizing<String>, CentreError> {
        unfinished()
    }

    /// All such keys, by name.
    ///
    /// # Errors
    /// [`CentreError::Store`].
    pub fn api_keys(&self) -> Result<Vec<ApiKeyRow>, CentreError> {
        unfinished()
    }

    /// The name of this key, where it is one.
    ///
    /// # Errors
    /// [`CentreError::Store`].
    pub fn check_api_key(&self, _key: &str) -> Result<Option<String>, CentreError> {
        unfinished()
    }

    /// Removes such a key; the result says whether there was one.
    ///
    /// # Errors
    /// [`CentreError::Store`].
    pub fn remove_api_key(&mut self, _name: &str, _by: &Author) -> Result<bool, CentreError> {
        unfinished()
    }

    /// Calls `visit` with each row of the audit log, after its link of the chain was checked.
    ///
    /// # Errors
    /// [`AuditError`] names the first row that does not fit.
    pub fn audit(&self, _visit: impl FnMut(&AuditRow)) -> Result<(), AuditError> {
        Ok(())
    }
}
