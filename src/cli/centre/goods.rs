//! `keynode centre product` and `series`: what the vendor sells.

use std::io::Write;

use clap::{Args, Subcommand, ValueEnum};

use crate::activation::centre::{Product, Series};
use crate::licence::{KeyId, KeyType, Timestamp};

use super::super::failure::Failure;
use super::super::offline::author;
use super::super::table::{Cell, Table};
use super::super::vendor::{Kind, parse_flags};
use super::Place;
use super::rows;

/// What can be done with products.
#[derive(Debug, Clone, Subcommand)]
pub(in crate::cli) enum ProductCommand {
    /// Add a product
    Add {
        #[command(flatten)]
        product: ProductArgs,
        #[command(flatten)]
        place: Place,
    },
    /// Change a product; licences follow when they are next given out
    Set {
        #[command(flatten)]
        product: ProductArgs,
        #[command(flatten)]
        place: Place,
    },
    /// List the products
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: Place,
    },
}

/// A product.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct ProductArgs {
    /// Article number
    #[arg(long, value_name = "S")]
    article: String,
    /// Name of the product
    #[arg(long, value_name = "S")]
    name: Option<String>,
    /// Name of the article, at most 100 characters
    #[arg(long, value_name = "S")]
    article_name: Option<String>,
    /// Version of the product, a number
    #[arg(long, value_name = "N")]
    product_version: Option<u32>,
    /// Name of that version
    #[arg(long, value_name = "S")]
    version_name: Option<String>,
    /// Use in special services: 0 ordinary, 1 demonstration server, 2 GRM, 3 Fresh
    #[arg(long, value_name = "N")]
    service_type: Option<u32>,
}

impl ProductArgs {
    /// The product, with what is not said as it was.
    fn over(self, before: Product) -> Product {
        Product {
            article: self.article,
            product_name: self.name.unwrap_or(before.product_name),
            article_name: self.article_name.unwrap_or(before.article_name),
            product_version: self.product_version.unwrap_or(before.product_version),
            version_name: self.version_name.or(before.version_name),
            service_type: self.service_type.unwrap_or(before.service_type),
        }
    }
}

pub(super) fn products(command: ProductCommand, out: &mut impl Write) -> Result<(), Failure> {
    match command {
        ProductCommand::Add { product, place } => {
            let name = product.name.clone();
            let name = name.ok_or_else(|| Failure::Usage("a product has a name: --name".into()))?;
            let product = product.over(Product {
                article: String::new(),
                product_name: String::new(),
                article_name: name,
                product_version: 0,
                version_name: None,
                service_type: 0,
            });
            place.books()?.add_product(&product, &author())?;
            writeln!(out, "product {} is added", product.article)?;
        }
        ProductCommand::Set { product, place } => {
            let mut books = place.books()?;
            let known = books.products()?.into_iter();
            let before = known
                .into_iter()
                .find(|known| known.article == product.article)
                .ok_or_else(|| {
                    Failure::NotFound(format!(
                        "there is no product with the article {:?}",
                        product.article
                    ))
                })?;
            let product = product.over(before);
            books.change_product(&product, &author())?;
            writeln!(out, "product {} is changed", product.article)?;
        }
        ProductCommand::List { json, place } => {
            let products = place.books()?.products()?;
            if json {
                return rows::json(products.iter().map(Product::to_json), out);
            }
            let mut table = Table::new(&["ARTICLE", "NAME", "ARTICLE NAME"]);
            for product in products {
                table.push(vec![
                    Cell::new(&product.article),
                    Cell::new(&product.product_name),
                    Cell::new(&product.article_name),
                ]);
            }
            table.print(out)?;
        }
    }
    Ok(())
}

/// What can be done with series.
#[derive(Debug, Clone, Subcommand)]
pub(in crate::cli) enum SeriesCommand {
    /// Add a series
    Add {
        #[command(flatten)]
        series: SeriesArgs,
        #[command(flatten)]
        place: Place,
    },
    /// Change a series; licences follow when they are next given out
    Set {
        #[command(flatten)]
        series: SeriesArgs,
        #[command(flatten)]
        place: Place,
    },
    /// List the series
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: Place,
    },
}

/// A series.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct SeriesArgs {
    /// Its name, the KeyID: four hexadecimal digits
    #[arg(long = "series", alias = "key-id", value_name = "KEYID", value_parser = KeyId::parse)]
    key_id: KeyId,
    /// Article of its product
    #[arg(long, value_name = "S")]
    article: Option<String>,
    /// Kind of its keys
    #[arg(long = "type", value_enum)]
    kind: Option<Kind>,
    /// Licences: how many sessions at once
    #[arg(long, value_name = "N")]
    seats: Option<u32>,
    /// Functionality flags: up to 32 zeros and ones
    #[arg(long, value_name = "BITS", value_parser = parse_flags)]
    flags: Option<u32>,
    /// Days of validity from the first activation; a renewal adds as many; 0: without end
    #[arg(long, value_name = "DAYS")]
    period: Option<u32>,
    /// How many components of a computer may change
    #[arg(long, value_name = "K")]
    tolerance: Option<u32>,
    /// Moves to another computer in 365 days
    #[arg(long, value_name = "N")]
    moves: Option<u32>,
    /// Whether a node whose computer changed may activate its code again by itself
    #[arg(long, value_name = "true|false")]
    reactivation: Option<bool>,
    /// Start of the support contract
    #[arg(long, value_name = "DATE", value_parser = Timestamp::parse)]
    support_date: Option<Timestamp>,
    /// Days of the support contract
    #[arg(long, value_name = "DAYS")]
    support_period: Option<u32>,
    /// Start of the industry support contract
    #[arg(long, value_name = "DATE", value_parser = Timestamp::parse)]
    industry_support_date: Option<Timestamp>,
    /// Days of the industry support contract
    #[arg(long, value_name = "DAYS")]
    industry_support_period: Option<u32>,
}

impl SeriesArgs {
    /// The series, with what is not said as it was.
    fn over(self, before: Series) -> Series {
        Series {
            key_id: self.key_id,
            article: self.article.unwrap_or(before.article),
            key_type: self.kind.map_or(before.key_type, KeyType::from),
            seats: self.seats.unwrap_or(before.seats),
            flags: self.flags.unwrap_or(before.flags),
            period: self.period.unwrap_or(before.period),
            tolerance: self.tolerance.unwrap_or(before.tolerance),
            moves: self.moves.unwrap_or(before.moves),
            reactivation: self.reactivation.unwrap_or(before.reactivation),
            support_date: self.support_date.or(before.support_date),
            support_period: self.support_period.or(before.support_period),
            industry_support_date: self.industry_support_date.or(before.industry_support_date),
            industry_support_period: self.industry_support_period.or(before.industry_support_period),
        }
    }
}

pub(super) fn series(command: SeriesCommand, out: &mut impl Write) -> Result<(), Failure> {
    match command {
        SeriesCommand::Add { series, place } => {
            let article = series.article.clone();
            let article =
                article.ok_or_else(|| Failure::Usage("a series is of a product: --article".into()))?;
            let series = series.clone().over(Series::new(series.key_id, article));
            place.books()?.add_series(&series, &author())?;
            writeln!(out, "series {} is added", series.key_id)?;
        }
        SeriesCommand::Set { series, place } => {
            let mut books = place.books()?;
            let before = books.one_series(series.key_id)?;
            let series = series.over(before);
            books.change_series(&series, &author())?;
            writeln!(out, "series {} is changed", series.key_id)?;
        }
        SeriesCommand::List { json, place } => {
            let series = place.books()?.series()?;
            if json {
                return rows::json(series.iter().map(Series::to_json), out);
            }
            let mut table = Table::new(&[
                "KEYID",
                "ARTICLE",
                "TYPE",
                "SEATS",
                "PERIOD",
                "TOLERANCE",
                "MOVES",
                "REACTIVATION",
            ]);
            for one in series {
                let kind = Kind::from(one.key_type).to_possible_value();
                let number = |number: u32| Cell::new(&number.to_string());
                table.push(vec![
                    Cell::new(one.key_id.as_str()),
                    Cell::new(&one.article),
                    Cell::new(kind.as_ref().map_or("", clap::builder::PossibleValue::get_name)),
                    number(one.seats),
                    number(one.period),
                    number(one.tolerance),
                    number(one.moves),
                    Cell::new(if one.reactivation { "yes" } else { "no" }),
                ]);
            }
            table.print(out)?;
        }
    }
    Ok(())
}
