//! What the vendor sells: products, and series of keys for them.

use serde::{Deserialize, Serialize};

use crate::licence::{KeyId, KeyType, Timestamp};

/// Moves to another computer that a code has a year, where nobody says otherwise.
const MOVES: u32 = 2;

/// A product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Article number; a product's name here.
    pub article: String,
    /// Name of the product.
    pub product_name: String,
    /// Name of the article, at most 100 characters.
    pub article_name: String,
    /// Version of the product.
    pub product_version: u32,
    /// Name of that version.
    pub version_name: Option<String>,
    /// Use in special services: 0 ordinary, 1 demonstration server, 2 GRM, 3 Fresh.
    pub service_type: u32,
}

/// A series of keys for a product: all its codes become licences of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    /// Its name.
    pub key_id: KeyId,
    /// Article of its product.
    pub article: String,
    /// Main, additional or demonstration.
    pub key_type: KeyType,
    /// Seats of one licence.
    pub seats: u32,
    /// Functionality flags.
    pub flags: u32,
    /// Days of validity from the first activation; 0: without end. A renewal adds as many.
    pub period: u32,
    /// How many components of a computer may change.
    pub tolerance: u32,
    /// Moves to another place in 365 days.
    pub moves: u32,
    /// Whether a node whose computer changed may activate its code again by itself.
    pub reactivation: bool,
    /// Start of the support contract.
    pub support_date: Option<Timestamp>,
    /// Days of the support contract.
    pub support_period: Option<u32>,
    /// Start of the industry support contract.
    pub industry_support_date: Option<Timestamp>,
    /// Days of the industry support contract.
    pub industry_support_period: Option<u32>,
}

impl Series {
    /// A series of main keys with 5 seats, without end; one component may change, two moves a year.
    pub fn new(key_id: KeyId, article: impl Into<String>) -> Self {
        Self {
            key_id,
            article: article.into(),
            key_type: KeyType::Main,
            seats: 5,
            flags: 0,
            period: 0,
            tolerance: 1,
            moves: MOVES,
            reactivation: true,
            support_date: None,
            support_period: None,
            industry_support_date: None,
            industry_support_period: None,
        }
    }
}
