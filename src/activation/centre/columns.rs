//! How values stand in the columns of the database.

use rusqlite::types::Type;
use rusqlite::{Error, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::licence::{ActivationCode, Iec, Itn, KeyId, KeyType, RevocationReason, Timestamp};

use super::goods::{Product, Series};
use super::rows::End;

/// A value that the program did not write.
fn wrong(column: &str) -> Error {
    let what = format!("the column {column} holds what this program never writes").into();
    Error::FromSqlConversionFailure(0, Type::Text, what)
}

pub(super) fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<Timestamp> {
    row.get(column).map(Timestamp::from_millis)
}

pub(super) fn maybe_time(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Timestamp>> {
    let millis: Option<i64> = row.get(column)?;
    Ok(millis.map(Timestamp::from_millis))
}

/// A text that is read by a function.
fn read<T, E>(row: &Row<'_>, column: &str, parse: impl Fn(&str) -> Result<T, E>) -> rusqlite::Result<T> {
    parse(row.get_ref(column)?.as_str()?).map_err(|_| wrong(column))
}

/// As [`read`], none where there is none.
fn maybe<T, E>(
    row: &Row<'_>,
    column: &str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| parse(&text).map_err(|_| wrong(column)))
        .transpose()
}

pub(super) fn code(row: &Row<'_>, column: &str) -> rusqlite::Result<ActivationCode> {
    read(row, column, ActivationCode::parse)
}

pub(super) fn itn(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Itn>> {
    maybe(row, column, Itn::parse)
}

pub(super) fn iec(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Iec>> {
    maybe(row, column, Iec::parse)
}

pub(super) fn key_id(row: &Row<'_>, column: &str) -> rusqlite::Result<KeyId> {
    read(row, column, KeyId::parse)
}

pub(super) fn parsed<T: std::str::FromStr>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    read(row, column, str::parse)
}

pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    read(row, column, |text| serde_json::from_str(text))
}

pub(super) fn maybe_json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<T>> {
    maybe(row, column, |text| serde_json::from_str(text))
}

pub(super) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("structs of strings and numbers always have a JSON form")
}

pub(super) fn millis(time: Option<Timestamp>) -> Option<i64> {
    time.map(Timestamp::millis)
}

pub(super) fn reason_name(reason: RevocationReason) -> &'static str {
    match reason {
        RevocationReason::Moved => "moved",
        RevocationReason::Returned => "returned",
        RevocationReason::Revoked => "revoked",
    }
}

pub(super) fn reason(row: &Row<'_>, column: &str) -> rusqlite::Result<RevocationReason> {
    read(row, column, |name| match name {
        "moved" => Ok(RevocationReason::Moved),
        "returned" => Ok(RevocationReason::Returned),
        "revoked" => Ok(RevocationReason::Revoked),
        _ => Err(()),
    })
}

pub(super) fn end_name(end: End) -> &'static str {
    match end {
        End::Moved => "moved",
        End::Returned => "returned",
        End::Revoked => "revoked",
    }
}

/// When and why an activation ended.
pub(super) fn ended(row: &Row<'_>) -> rusqlite::Result<Option<(Timestamp, End)>> {
    let Some(time) = maybe_time(row, "ended")? else {
        return Ok(None);
    };
    let end = read(row, "end", |name| match name {
        "moved" => Ok(End::Moved),
        "returned" => Ok(End::Returned),
        "revoked" => Ok(End::Revoked),
        _ => Err(()),
    })?;
    Ok(Some((time, end)))
}

/// The columns of a product, where the table is `p`.
pub(super) const PRODUCT: &str =
    "p.article, p.product_name, p.article_name, p.product_version, p.version_name, p.service_type";

pub(super) fn product(row: &Row<'_>) -> rusqlite::Result<Product> {
    Ok(Product {
        article: row.get("article")?,
        product_name: row.get("product_name")?,
        article_name: row.get("article_name")?,
        product_version: row.get("product_version")?,
        version_name: row.get("version_name")?,
        service_type: row.get("service_type")?,
    })
}

/// The columns of a series, where the table is `s`, without its article.
pub(super) const SERIES: &str = "s.key_id, s.key_type, s.seats, s.flags, s.period AS series_period, s.tolerance, \
     s.moves AS series_moves, s.reactivation, s.support_date, s.support_period, s.industry_support_date, \
     s.industry_support_period";

pub(super) fn series(row: &Row<'_>) -> rusqlite::Result<Series> {
    let key_type = match row.get("key_type")? {
        3_u8 => KeyType::Main,
        4 => KeyType::Additional,
        5 => KeyType::Demonstration,
        _ => return Err(wrong("key_type")),
    };
    Ok(Series {
        key_id: key_id(row, "key_id")?,
        article: row.get("article")?,
        key_type,
        seats: row.get("seats")?,
        flags: row.get("flags")?,
        period: row.get("series_period")?,
        tolerance: row.get("tolerance")?,
        moves: row.get("series_moves")?,
        reactivation: row.get("reactivation")?,
        support_date: maybe_time(row, "support_date")?,
        support_period: row.get("support_period")?,
        industry_support_date: maybe_time(row, "industry_support_date")?,
        industry_support_period: row.get("industry_support_period")?,
    })
}
