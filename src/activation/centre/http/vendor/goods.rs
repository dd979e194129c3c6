//! Products and series, for the vendor's systems.

use actix_web::HttpResponse;
use actix_web::web::Payload;
use serde::Deserialize;
use serde_json::json;

use crate::licence::{KeyId, KeyType, Timestamp};

use super::super::super::{Product, Series};
use super::caller::Caller;
use super::error::VendorError;
use super::input;

type Answer = Result<HttpResponse, VendorError>;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ProductForm {
    article: String,
    product_name: String,
    /// Without it, that of the product.
    article_name: Option<String>,
    #[serde(default)]
    product_version: u32,
    product_version_name: Option<String>,
    #[serde(default)]
    service_type: u32,
}

impl From<ProductForm> for Product {
    fn from(form: ProductForm) -> Self {
        Self {
            article: form.article,
            article_name: form.article_name.unwrap_or_else(|| form.product_name.clone()),
            product_name: form.product_name,
            product_version: form.product_version,
            version_name: form.product_version_name,
            service_type: form.service_type,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct SeriesForm {
    #[serde(rename = "KeyID")]
    key_id: KeyId,
    article: String,
    key_type: Option<KeyType>,
    licence_count: Option<u32>,
    flags: Option<u32>,
    period: Option<u32>,
    tolerance: Option<u32>,
    moves: Option<u32>,
    reactivation: Option<bool>,
    support_date: Option<Timestamp>,
    support_period: Option<u32>,
    industry_support_date: Option<Timestamp>,
    industry_support_period: Option<u32>,
}

impl From<SeriesForm> for Series {
    /// What is not said is as in [`Series::new`].
    fn from(form: SeriesForm) -> Self {
        let usual = Self::new(form.key_id, form.article);
        Self {
            key_type: form.key_type.unwrap_or(usual.key_type),
            seats: form.licence_count.unwrap_or(usual.seats),
            flags: form.flags.unwrap_or(usual.flags),
            period: form.period.unwrap_or(usual.period),
            tolerance: form.tolerance.unwrap_or(usual.tolerance),
            moves: form.moves.unwrap_or(usual.moves),
            reactivation: form.reactivation.unwrap_or(usual.reactivation),
            support_date: form.support_date,
            support_period: form.support_period,
            industry_support_date: form.industry_support_date,
            industry_support_period: form.industry_support_period,
            ..usual
        }
    }
}

pub(super) async fn products(caller: Caller) -> Answer {
    let products = caller.books(|books, _| books.products()).await?;
    let rows: Vec<_> = products.iter().map(Product::to_json).collect();
    Ok(HttpResponse::Ok().json(json!({ "Products": rows })))
}

pub(super) async fn add_product(caller: Caller, payload: Payload) -> Answer {
    let product: Product = input::json::<ProductForm>(payload).await?.into();
    let shown = product.to_json();
    caller
        .books(move |books, by| books.add_product(&product, by))
        .await?;
    Ok(HttpResponse::Created().json(shown))
}

pub(super) async fn change_product(caller: Caller, payload: Payload) -> Answer {
    let product: Product = input::json::<ProductForm>(payload).await?.into();
    let shown = product.to_json();
    caller
        .books(move |books, by| books.change_product(&product, by))
        .await?;
    Ok(HttpResponse::Ok().json(shown))
}

pub(super) async fn series(caller: Caller) -> Answer {
    let series = caller.books(|books, _| books.series()).await?;
    let rows: Vec<_> = series.iter().map(Series::to_json).collect();
    Ok(HttpResponse::Ok().json(json!({ "Series": rows })))
}

pub(super) async fn add_series(caller: Caller, payload: Payload) -> Answer {
    let series: Series = input::json::<SeriesForm>(payload).await?.into();
    let shown = series.to_json();
    caller
        .books(move |books, by| books.add_series(&series, by))
        .await?;
    Ok(HttpResponse::Created().json(shown))
}

pub(super) async fn change_series(caller: Caller, payload: Payload) -> Answer {
    let series: Series = input::json::<SeriesForm>(payload).await?.into();
    let shown = series.to_json();
    caller
        .books(move |books, by| books.change_series(&series, by))
        .await?;
    Ok(HttpResponse::Ok().json(shown))
}
