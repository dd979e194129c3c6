//! What a request wants a token for, by the names of this API or of the seed.

use serde_json::Value;

use crate::api::Api;
use crate::api::body::Fields;
use crate::api::error::ApiError;
use crate::api::query::Query;
use crate::gateway::{Place, TokenType};
use crate::licence::Itn;

/// The most places of production that a refusal names.
const MOST_NAMES: usize = 20;

/// The most characters of a place of production's name.
const LONGEST_FACILITY: usize = 256;

/// The names of a field: this API's and the seed's.
pub(super) type Names = [&'static str; 2];

const KIND: Names = ["TokenType", "ТипТокенаАвторизации"];
const ITN: Names = ["ITN", "Организация"];
const FACILITY: Names = ["ProductionFacility", "ПроизводственныйОбъект"];

/// In the structure of request parameters the type of token shows in the name of the session parameter.
const SESSION_PARAMETER: &str = "ИмяПараметраСеанса";

/// The name by which a field was sent.
pub(super) fn sent(fields: &Fields, names: Names) -> &'static str {
    let [own, seed] = names;
    if fields.value(own).is_none() && fields.value(seed).is_some() {
        seed
    } else {
        own
    }
}

/// A text under one of its names; empty and absent are the same.
pub(super) fn text(fields: &Fields, names: Names, longest: usize) -> Result<Option<String>, ApiError> {
    let text = fields.text(sent(fields, names), longest)?;
    Ok(text.map(String::from).filter(|text| !text.is_empty()))
}

/// A type of token.
pub(super) fn kind(name: &str, word: &str) -> Result<TokenType, ApiError> {
    TokenType::parse(word).ok_or_else(|| {
        let words = TokenType::ALL.map(TokenType::word).join(", ");
        ApiError::bad_request(format!("{name}: expected one of {words}."))
    })
}

fn itn(name: &str, value: &Value) -> Result<String, ApiError> {
    let itn = Itn::from_json(value).map_err(|error| ApiError::bad_request(format!("{name}: {error}.")))?;
    Ok(itn.to_string())
}

/// The organisation of a body.
fn organization(fields: &Fields) -> Result<String, ApiError> {
    let name = sent(fields, ITN);
    let value = fields.number_or_text(name)?;
    let value = value.ok_or_else(|| ApiError::bad_request(format!("{name} is missing.")))?;
    itn(name, value)
}

/// Refuses an organisation that nobody has told of, and a place of production that is none of its.
pub(super) fn known(api: &Api, place: Place) -> Result<Place, ApiError> {
    let found = api.gateway.now().ismp.facilities(&place.itn);
    let found = found.map_err(|trouble| super::failed(&trouble))?;
    let itn = &place.itn;
    let Some(facilities) = found else {
        let sentence = format!("There is no organisation {itn}: see /api/organizations.");
        return Err(ApiError::organization_not_found(sentence));
    };
    if place.facility.is_empty() || facilities.contains(&place.facility) {
        return Ok(place);
    }
    let there = match facilities.as_slice() {
        [] => "it has none".to_owned(),
        all => {
            let names: Vec<_> = all.iter().take(MOST_NAMES).map(String::as_str).collect();
            format!("it has {}", names.join(", "))
        }
    };
    let sentence = format!(
        "The organisation {itn} has no such place of production (ProductionFacility): {there}; see /api/organizations."
    );
    Err(ApiError::organization_not_found(sentence))
}

/// What a body wants a token for; without a type that of IS MP itself. Organisation and place of production must be known.
pub(super) fn of_body(api: &Api, fields: &Fields) -> Result<Place, ApiError> {
    let name = sent(fields, KIND);
    let kind = match text(fields, KIND, 64)? {
        Some(word) => kind(name, &word)?,
        None => match fields.text(SESSION_PARAMETER, 128)?.as_deref() {
            None | Some("") => TokenType::Ismp,
            Some(own) => {
                let mut kinds = TokenType::ALL.into_iter();
                let kind = kinds.find(|kind| kind.session_parameter() == own);
                let sentence = format!("{SESSION_PARAMETER}: no token is kept under this name.");
                kind.ok_or_else(|| ApiError::bad_request(sentence))?
            }
        },
    };
    let place = Place {
        kind,
        itn: organization(fields)?,
        facility: text(fields, FACILITY, LONGEST_FACILITY)?.unwrap_or_default(),
    };
    known(api, place)
}

/// The value of a parameter under one of its names.
pub(super) fn parameter(query: &Query, names: Names) -> Option<&str> {
    let found = names.iter().find_map(|name| query.parameter(name));
    found.filter(|value| !value.is_empty())
}

/// What a query wants a token for; the organisation need not be known.
pub(super) fn of_query(query: &Query, kind: TokenType) -> Result<Place, ApiError> {
    let own = parameter(query, ITN).ok_or_else(|| ApiError::bad_request("ITN is missing."))?;
    Ok(Place {
        kind,
        itn: itn("ITN", &Value::from(own))?,
        facility: parameter(query, FACILITY).unwrap_or_default().to_owned(),
    })
}

/// The type of token that a query names.
pub(super) fn kind_of_query(query: &Query) -> Result<Option<TokenType>, ApiError> {
    let word = parameter(query, KIND);
    word.map(|word| kind("TokenType", word)).transpose()
}
