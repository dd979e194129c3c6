//! /api/licences: the keys with their verdicts (spec, section 4).

use crate::keyring::Key;
use crate::licence::{Licence, Timestamp};

use super::error::ApiError;
use super::record::{Scalar, record};
use super::reply::Reply;
use super::{Api, Request};

/// A key as the API shows it at a moment.
pub(super) struct LicenceView<'k> {
    pub(super) key: &'k Key,
    pub(super) now: Timestamp,
}

impl LicenceView<'_> {
    /// A value of the licence, or this one where the key has none that can be trusted.
    fn of<'a>(&'a self, otherwise: Scalar<'a>, value: impl FnOnce(&'a Licence) -> Scalar<'a>) -> Scalar<'a> {
        self.key.licence.as_deref().map_or(otherwise, value)
    }
}

record!(LicenceView<'_>, this, {
    "Type": Text => Scalar::text(this.key.kind.name()),
    "FileName": Text => Scalar::text(this.key.file_name.as_str()),
    "Enabled": Bool => Scalar::Bool(this.key.verdict.enabled),
    "IsBlank": Bool => Scalar::Bool(this.key.blank),
    "Workable": Bool => Scalar::Bool(this.key.verdict.workable),
    "OpenError": Text or null => Scalar::maybe(this.key.verdict.open_error.as_deref(), Scalar::text),
    "Version": Text => this.of(Scalar::text(""), |licence| Scalar::text(licence.version.as_str())),
    "KeyNo": Number => Scalar::number(this.key.key_no),
    "KeyID": Text or null => Scalar::maybe(this.key.key_id.as_ref(), |series| Scalar::text(series.as_str())),
    "RegNo": Number => this.of(Scalar::Number(0), |licence| Scalar::number(licence.reg_no)),
    "KeyType": Number => this.of(Scalar::Number(0), |licence| Scalar::number(licence.key_type.number().into())),
    "ServiceType": Number => this.of(Scalar::Number(0), |licence| Scalar::number(licence.service_type.into())),
    "LicenceCount": Number => this.of(Scalar::Number(0), |licence| Scalar::number(licence.licence_count.into())),
    "ProductVersion": Number => this.of(Scalar::Number(0), |licence| Scalar::number(licence.product_version.into())),
    "BlankKeyNo": Number or null => this.of(Scalar::Null, |licence| Scalar::maybe(licence.blank_key_no, Scalar::number)),
    "ActivationCode": Text or null => this.of(Scalar::Null, |licence| {
        Scalar::maybe(licence.activation_code.as_ref(), |code| Scalar::text(code.as_str()))
    }),
    "ActivationDate": Time or null => this.of(Scalar::Null, |licence| Scalar::Time(licence.activation_date)),
    "StartDate": Time or null => this.of(Scalar::Null, |licence| Scalar::maybe(licence.start_date, Scalar::Time)),
    "Period": Number => this.of(Scalar::Number(0), |licence| Scalar::number(licence.period.into())),
    "ExpireDate": Time or null => this.of(Scalar::Null, |licence| Scalar::maybe(licence.expire_date(), Scalar::Time)),
    "DaysLeft": Number or null => this.of(Scalar::Null, |licence| Scalar::maybe(licence.days_left(this.now), Scalar::Number)),
    "Expired": Bool => this.of(Scalar::Bool(false), |licence| Scalar::Bool(licence.is_expired(this.now))),
    "Flags": Text => this.of(Scalar::text("0".repeat(32)), |licence| Scalar::text(format!("{:032b}", licence.flags))),
    "ITN": Itn or null => this.of(Scalar::Null, |licence| Scalar::maybe(licence.itn.as_ref(), Scalar::Itn)),
    "IEC": Text or null => this.of(Scalar::Null, |licence| Scalar::maybe(licence.iec.as_ref(), |iec| Scalar::text(iec.as_str()))),
    "ProductName": Text => this.of(Scalar::text(""), |licence| Scalar::text(licence.product_name.as_str())),
    "Article": Text => this.of(Scalar::text(""), |licence| Scalar::text(licence.article.as_str())),
    "ArticleName": Text => this.of(Scalar::text(""), |licence| Scalar::text(licence.article_name.as_str())),
    "SupportDate": Time or null => this.of(Scalar::Null, |licence| Scalar::maybe(licence.support_date, Scalar::Time)),
    "SupportPeriod": Number or null => this.of(Scalar::Null, |licence| {
        Scalar::maybe(licence.support_period, |days| Scalar::number(days.into()))
    }),
    "IndustrySupportDate": Time or null => this.of(Scalar::Null, |licence| {
        Scalar::maybe(licence.industry_support_date, Scalar::Time)
    }),
    "IndustrySupportPeriod": Number or null => this.of(Scalar::Null, |licence| {
        Scalar::maybe(licence.industry_support_period, |days| Scalar::number(days.into()))
    }),
    "ProductVersionName": Text or null => this.of(Scalar::Null, |licence| {
        Scalar::maybe(licence.product_version_name.as_deref(), Scalar::text)
    }),
    "Recovered": Bool => this.of(Scalar::Bool(false), |licence| Scalar::Bool(licence.recovered)),
    "UpdateDate": Time => Scalar::Time(this.key.updated),
});

pub(super) fn list(api: &Api, request: &Request) -> Result<Reply, ApiError> {
    let (keyring, now) = (api.keys.keyring(), api.now());
    let views = keyring.keys().iter().map(|key| LicenceView { key, now });
    Reply::list("Licences", views, &request.query)
}

pub(super) fn get(api: &Api, request: &Request, key_no: &str) -> Result<Reply, ApiError> {
    if key_no.is_empty() || !key_no.bytes().all(|b| b.is_ascii_digit()) {
        return Err(ApiError::bad_request(format!(
            "A licence is named by its KeyNo, a whole number, not \"{key_no}\"."
        )));
    }
    let keyring = api.keys.keyring();
    // A number that is too large for a KeyNo is the number of no key (row 18).
    let key = key_no.parse().ok().and_then(|number| keyring.find(number));
    let key =
        key.ok_or_else(|| ApiError::licence_not_found(format!("There is no licence with KeyNo {key_no}.")))?;
    Reply::object(&LicenceView { key, now: api.now() }, &request.query)
}
