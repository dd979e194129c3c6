//! Products and series in the books.

use rusqlite::{Connection, OptionalExtension, params};

use crate::licence::KeyId;
use crate::store::Author;

use super::super::columns as column;
use super::super::error::CentreError;
use super::super::goods::{Product, Series};
use super::{Books, Fault, checked};

impl Books {
    /// Adds a product.
    ///
    /// # Errors
    /// [`CentreError::Taken`], [`CentreError::Invalid`].
    pub fn add_product(&mut self, product: &Product, by: &Author) -> Result<(), CentreError> {
        check_product(product)?;
        self.write(|transaction, notes| {
            if has_product(transaction, &product.article)? {
                return Err(taken(format!("a product {:?}", product.article)));
            }
            notes.push(by.did("product", &product.article, "added"));
            Ok(put_product(transaction, product)?)
        })
    }

    /// Changes the product of this article; a licence follows when it is next activated.
    ///
    /// # Errors
    /// [`CentreError::NoProduct`], [`CentreError::Invalid`].
    pub fn change_product(&mut self, product: &Product, by: &Author) -> Result<(), CentreError> {
        check_product(product)?;
        self.write(|transaction, notes| {
            known_product(transaction, &product.article)?;
            notes.push(by.did("product", &product.article, "changed"));
            Ok(put_product(transaction, product)?)
        })
    }

    /// All products, by article.
    ///
    /// # Errors
    /// [`CentreError::Store`].
    pub fn products(&self) -> Result<Vec<Product>, CentreError> {
        self.read(|connection| {
            let query = format!("SELECT {} FROM products AS p ORDER BY p.article", column::PRODUCT);
            let mut statement = connection.prepare(&query)?;
            statement.query_map([], column::product)?.collect()
        })
    }

    /// Adds a series.
    ///
    /// # Errors
    /// [`CentreError::Taken`], [`CentreError::NoProduct`], [`CentreError::Invalid`].
    pub fn add_series(&mut self, series: &Series, by: &Author) -> Result<(), CentreError> {
        check_series(series)?;
        self.write(|transaction, notes| {
            if find_series(transaction, series.key_id)?.is_some() {
                return Err(taken(format!("a series {}", series.key_id)));
            }
            known_product(transaction, &series.article)?;
            notes.push(by.did("series", series.key_id.as_str(), "added"));
            Ok(put_series(transaction, series)?)
        })
    }

    /// Changes the series of this KeyID; a licence follows when it is next activated.
    ///
    /// # Errors
    /// [`CentreError::NoSeries`], [`CentreError::NoProduct`], [`CentreError::Invalid`].
    pub fn change_series(&mut self, series: &Series, by: &Author) -> Result<(), CentreError> {
        check_series(series)?;
        self.write(|transaction, notes| {
            if find_series(transaction, series.key_id)?.is_none() {
                return Err(CentreError::NoSeries(series.key_id).into());
            }
            known_product(transaction, &series.article)?;
            notes.push(by.did("series", series.key_id.as_str(), "changed"));
            Ok(put_series(transaction, series)?)
        })
    }

    /// All series, by KeyID.
    ///
    /// # Errors
    /// [`CentreError::Store`].
    pub fn series(&self) -> Result<Vec<Series>, CentreError> {
        self.read(|connection| {
            let query = format!(
                "SELECT {}, s.article FROM series AS s ORDER BY s.key_id",
                column::SERIES
            );
            let mut statement = connection.prepare(&query)?;
            statement.query_map([], column::series)?.collect()
        })
    }

    /// One series.
    ///
    /// # Errors
    /// [`CentreError::NoSeries`].
    pub fn one_series(&self, key_id: KeyId) -> Result<Series, CentreError> {
        let found = self.read(|connection| find_series(connection, key_id))?;
        found.ok_or(CentreError::NoSeries(key_id))
    }
}

fn taken(what: String) -> Fault {
    CentreError::Taken(what).into()
}

fn check_product(product: &Product) -> Result<(), CentreError> {
    if product.article.is_empty() {
        return Err(CentreError::Invalid("a product needs an article".into()));
    }
    checked("the article", &product.article, 100)?;
    checked("the name of the product", &product.product_name, 200)?;
    checked("the name of the article", &product.article_name, 100)?;
    let version = product.version_name.as_deref().unwrap_or("");
    checked("the name of the version", version, 100)
}

fn check_series(series: &Series) -> Result<(), CentreError> {
    let days = [
        Some(series.period),
        series.support_period,
        series.industry_support_period,
    ];
    if days.into_iter().flatten().any(|days| days > 36_500) {
        return Err(CentreError::Invalid("periods have 0 to 36500 days".into()));
    }
    if !(1..=10_000_000).contains(&series.seats) {
        return Err(CentreError::Invalid("a licence has 1 to 10000000 seats".into()));
    }
    Ok(())
}

fn has_product(connection: &Connection, article: &str) -> rusqlite::Result<bool> {
    connection
        .prepare("SELECT 1 FROM products WHERE article = ?1")?
        .exists([article])
}

fn known_product(connection: &Connection, article: &str) -> Result<(), Fault> {
    if has_product(connection, article)? {
        return Ok(());
    }
    let shown = article.chars().filter(|c| !c.is_control()).take(100).collect();
    Err(CentreError::NoProduct(shown).into())
}

pub(super) fn find_series(connection: &Connection, key_id: KeyId) -> rusqlite::Result<Option<Series>> {
    let query = format!(
        "SELECT {}, s.article FROM series AS s WHERE s.key_id = ?1",
        column::SERIES
    );
    connection
        .prepare(&query)?
        .query_row([key_id.as_str()], column::series)
        .optional()
}

fn put_product(connection: &Connection, product: &Product) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT OR REPLACE INTO products (article, product_name, article_name, product_version, version_name, service_type) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            product.article,
            product.product_name,
            product.article_name,
            product.product_version,
            product.version_name,
            product.service_type
        ],
    )?;
    Ok(())
}

fn put_series(connection: &Connection, series: &Series) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT OR REPLACE INTO series (key_id, article, key_type, seats, flags, period, tolerance, moves, reactivation, \
         support_date, support_period, industry_support_date, industry_support_period) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        params![
            series.key_id.as_str(),
            series.article,
            series.key_type.number(),
            series.seats,
            series.flags,
            series.period,
            series.tolerance,
            series.moves,
            series.reactivation,
            column::millis(series.support_date),
            series.support_period,
            column::millis(series.industry_support_date),
            series.industry_support_period
        ],
    )?;
    Ok(())
}
