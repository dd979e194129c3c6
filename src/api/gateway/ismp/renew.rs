//! The form of tokens: its table, and having tokens renewed.

use futures_util::future::join_all;
use serde_json::{Map, Value, json};

use super::super::outcome::outcome;
use super::place::{self, Names};
use super::{failed, keys, rows};
use crate::api::body::Fields;
use crate::api::error::ApiError;
use crate::api::reply::Reply;
use crate::api::{Api, Request};
use crate::gateway::{Place, Standing, TokenRow, TokenType, Watcher};
use crate::licence::Timestamp;

/// The most tokens that one request has renewed.
const MOST: usize = 100;

const ROWS: Names = ["Rows", "Строки"];
const ENDS: Names = ["ValidUntil", "ДатаДействия"];

/// A token that is to be renewed, and the end of the one that its holder has, where that was told.
type Wanted = (Place, Option<Timestamp>);

pub(super) async fn tokens(api: &Api, request: &Request) -> Result<Reply, ApiError> {
    let table = table(api).await?;
    let tokens: Vec<Value> = table.iter().map(rows::token).collect();
    let body = json!({ "Tokens": tokens }).to_string();
    Ok(Reply::json(body.into_bytes(), &request.query))
}

async fn table(api: &Api) -> Result<Vec<TokenRow>, ApiError> {
    let table = api.gateway.have(|gateway| async move {
        super::read_where_it_can(&gateway).await;
        gateway.ismp.table(&Watcher::default(), true)
    });
    table.await.map_err(|trouble| failed(&trouble))
}

pub(super) async fn renew(api: &Api, request: &Request) -> Result<Reply, ApiError> {
    let wanted = wanted(api, request).await?;
    let rules = api.gateway.now().shared.rules();
    if !rules.ismp.retail && wanted.iter().any(|(place, _)| place.kind == TokenType::Retail) {
        return Err(ApiError::service_off("ismp.retail"));
    }
    let all = wanted.iter().map(|(place, ends)| {
        let (place, ends) = (place.clone(), *ends);
        api.gateway
            .have(move |gateway| async move { gateway.ismp.replace(&place, ends).await })
    });
    let all = join_all(all).await;
    let mut results = Vec::new();
    for ((place, _), had) in wanted.iter().zip(&all) {
        keys::record(api, request, place, had).await?;
        results.push(match had {
            Ok(had) => rows::renewed(place, &true.into(), Some(had.live.valid_until)),
            Err(trouble) => rows::renewed(place, &trouble.message.as_str().into(), None),
        });
    }
    let trouble = all.iter().find_map(|had| had.as_ref().err());
    let fields = Map::from_iter([("Results".into(), Value::Array(results))]);
    Ok(outcome(fields, trouble, &request.query))
}

/// The tokens that a request names; where it names none, those that have to be renewed now.
async fn wanted(api: &Api, request: &Request) -> Result<Vec<Wanted>, ApiError> {
    let fields = if request.body.is_empty() {
        None
    } else {
        Some(request.fields()?)
    };
    let named = match &fields {
        None => &[],
        Some(fields) => fields.list(place::sent(fields, ROWS))?,
    };
    if named.len() > MOST {
        return Err(ApiError::bad_request(format!("Rows: expected at most {MOST}.")));
    }
    if named.is_empty() {
        let (now, retail) = (api.now(), api.gateway.now().shared.rules().ismp.retail);
        let rows = table(api).await?.into_iter();
        let wanting = rows.filter(|row| {
            let late = row.renewal.is_none_or(|renewal| renewal <= now);
            (row.standing != Standing::Live || late) && (retail || row.place.kind != TokenType::Retail)
        });
        return Ok(wanting
            .map(|row| (row.place, row.valid_until))
            .take(MOST)
            .collect());
    }
    let wanted = named.iter().map(|row| {
        let row = Fields::within("Rows", row)?;
        let ends = row.time(place::sent(&row, ENDS))?;
        // An empty date says nothing about what the holder has.
        let ends = ends.filter(|ends| ends.millis() > 0);
        Ok((place::of_body(api, &row)?, ends))
    });
    wanted.collect()
}
