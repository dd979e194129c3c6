//! Whoever is responsible for tokens: rules, settings, reminders, and the two parameters of 1C programs that hold them.

use actix_web::http::StatusCode;
use serde_json::{Value, json};

use super::place::{self, Names};
use super::{failed, rows};
use crate::api::error::ApiError;
use crate::api::reply::Reply;
use crate::api::{Api, Request};
use crate::gateway::{
    Gateway, MOST_RULES, REMINDERS_NAME, Rule, SETTINGS_NAME, TokenRow, Trouble, Watcher, next_check,
};
use crate::licence::Timestamp;

/// The most characters of a rule's name.
const LONGEST_ID: usize = 128;

/// Nobody wants to know longer before, in seconds.
const LONGEST_NOTICE: u64 = 24 * 60 * 60;

const NOTIFY_BEFORE: Names = ["NotifyBefore", "ВремяОповещения"];
const FOR_VIEW: Names = ["ForView", "ДляПросмотра"];
const UNTIL: Names = ["Until", "До"];

/// Does something on the gateway's own thread, where the disk may be waited for.
async fn there<T: Send + 'static>(
    api: &Api,
    work: impl FnOnce(&Gateway) -> Result<T, Trouble> + Send + 'static,
) -> Result<T, ApiError> {
    let done = api.gateway.have(|gateway| async move {
        super::read_where_it_can(&gateway).await;
        work(&gateway)
    });
    done.await.map_err(|trouble| failed(&trouble))
}

fn answer(body: &Value, request: &Request) -> Reply {
    Reply::json(body.to_string().into_bytes(), &request.query)
}

fn rule_row(id: &str, rule: &Rule) -> Value {
    json!({
        "ID": id,
        "TokenType": rule.token_type.word(),
        "ITN": rule.itn,
        "ProductionFacility": rule.production_facility,
        "NotifyBefore": rule.notify_before,
    })
}

pub(super) async fn list(api: &Api, request: &Request) -> Result<Reply, ApiError> {
    let rules = there(api, |gateway| gateway.ismp.rules()).await?;
    let rules: Vec<Value> = rules.iter().map(|(id, rule)| rule_row(id, rule)).collect();
    Ok(answer(&json!({ "Responsible": rules }), request))
}

pub(super) async fn put(api: &Api, request: &Request, id: &str) -> Result<Reply, ApiError> {
    let fits = (1..=LONGEST_ID).contains(&id.chars().count()) && !id.chars().any(char::is_control);
    if !fits {
        let sentence = format!("The name of a rule has 1 to {LONGEST_ID} characters.");
        return Err(ApiError::bad_request(sentence));
    }
    let fields = request.fields()?;
    let place = place::of_body(api, &fields)?;
    let name = place::sent(&fields, NOTIFY_BEFORE);
    let before = fields.value(name).map_or(Some(0), Value::as_u64);
    let before = before
        .filter(|before| *before <= LONGEST_NOTICE)
        .and_then(|before| u32::try_from(before).ok());
    let sentence = format!("{name}: expected seconds, 0 to {LONGEST_NOTICE}.");
    let rule = Rule {
        token_type: place.kind,
        itn: place.itn,
        production_facility: place.facility,
        notify_before: before.ok_or_else(|| ApiError::bad_request(sentence))?,
    };
    let (own, kept) = (id.to_owned(), rule.clone());
    let new = there(api, move |gateway| gateway.ismp.set_rule(&own, &kept)).await?;
    let Some(new) = new else {
        let sentence = format!("There are {MOST_RULES} rules already: remove some first.");
        return Err(ApiError::bad_request(sentence));
    };
    let word = if new { "made" } else { "changed" };
    note(api, request, &rule.itn, id, word).await?;
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(answer(&rule_row(id, &rule), request).status(status))
}

pub(super) async fn delete(api: &Api, request: &Request, id: &str) -> Result<Reply, ApiError> {
    let own = id.to_owned();
    let removed = there(api, move |gateway| gateway.ismp.remove_rule(&own)).await?;
    if let Some(rule) = removed {
        note(api, request, &rule.itn, id, "removed").await?;
        return Ok(answer(&json!({ "ID": id }), request));
    }
    Err(ApiError::url_not_found(&format!("/api/ismp/responsible/{id}")))
}

/// A row of the audit log: rules say who is not reminded.
async fn note(api: &Api, request: &Request, itn: &str, id: &str, word: &str) -> Result<(), ApiError> {
    let detail = format!("rule \"{id}\", {word}");
    let entry = request
        .actor()
        .did(api.now(), "ismp-responsible", itn.into(), detail);
    Ok(api.desk.record(entry).await?)
}

pub(super) async fn initialize(api: &Api, request: &Request) -> Result<Reply, ApiError> {
    let user = request.caller.name.to_string();
    let (watcher, enabled) = there(api, move |gateway| {
        Ok((gateway.ismp.initialize(&user)?, !gateway.ismp.rules()?.is_empty()))
    })
    .await?;
    let body = json!({ "Enabled": enabled, "NextSettingsRefresh": watcher.next_refresh(api.now()) });
    Ok(answer(&body, request))
}

pub(super) async fn refresh(api: &Api, request: &Request) -> Result<Reply, ApiError> {
    let for_view = if request.body.is_empty() {
        false
    } else {
        let fields = request.fields()?;
        fields.truth(place::sent(&fields, FOR_VIEW))?
    };
    let user = request.caller.name.to_string();
    let (watcher, table) = there(api, move |gateway| {
        let watcher = gateway.ismp.refresh(&user, for_view)?;
        let table = gateway.ismp.table(&watcher, for_view)?;
        Ok((watcher, table))
    })
    .await?;
    let settings: Vec<Value> = table.iter().map(rows::setting).collect();
    let body = json!({ "Settings": settings, "NextSettingsRefresh": watcher.next_refresh(api.now()) });
    Ok(answer(&body, request))
}

/// What a user is to be reminded of.
async fn looked(api: &Api, request: &Request) -> Result<(Watcher, Vec<TokenRow>), ApiError> {
    let user = request.caller.name.to_string();
    there(api, move |gateway| {
        let watcher = gateway.ismp.watcher(&user)?;
        let table = gateway.ismp.table(&watcher, false)?;
        Ok((watcher, table))
    })
    .await
}

pub(super) async fn reminders(api: &Api, request: &Request) -> Result<Reply, ApiError> {
    let (_, table) = looked(api, request).await?;
    let reminders: Vec<Value> = table.iter().map(rows::reminder).collect();
    let body = json!({
        "Reminders": reminders,
        "Required": table.iter().any(|row| row.due),
        "NextCheck": next_check(&table, api.now()),
    });
    Ok(answer(&body, request))
}

pub(super) async fn snooze(api: &Api, request: &Request) -> Result<Reply, ApiError> {
    let fields = request.fields()?;
    let name = place::sent(&fields, UNTIL);
    let until = fields.time(name)?;
    let until: Timestamp = until.ok_or_else(|| ApiError::bad_request(format!("{name} is missing.")))?;
    let user = request.caller.name.to_string();
    there(api, move |gateway| gateway.ismp.snooze(&user, until)).await?;
    Ok(answer(&json!({ "Until": until }), request))
}

pub(super) fn names(request: &Request) -> Reply {
    answer(
        &json!({ "Settings": SETTINGS_NAME, "Reminders": REMINDERS_NAME }),
        request,
    )
}

/// The live value of one of the two parameters, for the user who asks.
pub(super) async fn parameter(api: &Api, request: &Request, name: &str) -> Result<Reply, ApiError> {
    let value = match name {
        SETTINGS_NAME => {
            let (watcher, table) = looked(api, request).await?;
            let settings: Vec<Value> = table.iter().map(rows::setting).collect();
            json!({
                "Настройки": settings,
                "ОткрытаФормаПросмотра": watcher.for_view,
                "ОткрытаФормаАктуализации": table.iter().any(|row| row.due),
                "ТребуетсяПроверкаНапоминаний": table.iter().any(|row| row.before > 0 || row.due),
                "ВремяСледующейПроверки": next_check(&table, api.now()),
            })
        }
        REMINDERS_NAME => {
            let (_, table) = looked(api, request).await?;
            Value::Array(table.iter().map(rows::reminder).collect())
        }
        other => {
            let name: String = other.chars().filter(|c| !c.is_control()).take(128).collect();
            return Err(ApiError::url_not_found(&format!("/api/parameters/{name}")));
        }
    };
    Ok(answer(&json!({ "Name": name, "Value": value }), request))
}
