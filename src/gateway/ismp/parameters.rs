//! What 1C programs ask for a key with (`ПараметрыЗапросаКлючаСессии`), and which type of token a sale needs.

use std::sync::Arc;

use super::super::gateway::Shared;
use super::Organizations;
use super::kind::TokenType;
use super::sign_in::{API, server};
use super::token::Place;

/// The operation whose checks need the token of retail sale.
pub const RETAIL_SALE: &str = "ВыводИзОборотаРозничнаяПродажа";

/// The name of the parameter with the settings of the person who is responsible for tokens.
pub const SETTINGS_NAME: &str =
    "ИнтерфейсАвторизацииИСМПКлиент.НастройкиОтветственногоЗаАктуализациюТокеновАвторизации";

/// The name of the parameter with that person's reminders.
pub const REMINDERS_NAME: &str =
    "ИнтерфейсАвторизацииИСМПКлиент.НапоминанияОтветственногоЗаАктуализациюТокеновАвторизации";

/// The operator's day begins three hours before that of UTC, in milliseconds.
const MOSCOW: i64 = 3 * 60 * 60 * 1000;

/// The structure's fields that are not the same for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestParameters {
    /// What the token is for.
    pub place: Place,
    /// Name of the operator's server.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// Whether it is asked over TLS.
    pub secure: bool,
    /// Path of the challenge, without the slash before it.
    pub challenge: String,
    /// Path of the sign-in, without the slash before it.
    pub sign_in: String,
}

impl RequestParameters {
    pub(super) fn new(shared: &Shared, known: &Organizations, place: Place) -> Option<Self> {
        let url = reqwest::Url::parse(&server(shared, place.kind)).ok()?;
        let connection = known.find(&place.itn)?.connection(&place.facility);
        let prefix = url.path().trim_matches('/');
        let base = if prefix.is_empty() {
            format!("{API}/auth")
        } else {
            format!("{prefix}/{API}/auth")
        };
        let sign_in = match place.kind {
            TokenType::Ismp => "simpleSignIn".to_owned(),
            TokenType::Suz => format!("simpleSignIn/{}", connection.unwrap_or("")),
            TokenType::Retail => "permissive-access".to_owned(),
        };
        Some(Self {
            server: url.host_str()?.trim_matches(['[', ']']).to_owned(),
            port: url.port_or_known_default()?,
            secure: url.scheme() == "https",
            challenge: format!("{base}/key"),
            sign_in: format!("{base}/{sign_in}"),
            place,
        })
    }
}

/// The type of token for an operation with products of a kind: that of retail sale where its checks go through the cash desk
/// and are the law for this kind already.
pub(super) fn kind_for(shared: &Arc<Shared>, operation: &str, at_the_desk: bool, product: &str) -> TokenType {
    let rules = shared.rules();
    let today = shared.now().plus(MOSCOW).to_string();
    let since = rules.ismp.retail_products.get(product);
    let lawful = since.is_some_and(|since| since.as_str() <= today.get(..10).unwrap_or_default());
    if rules.ismp.retail && at_the_desk && operation == RETAIL_SALE && lawful {
        TokenType::Retail
    } else {
        TokenType::Ismp
    }
}
