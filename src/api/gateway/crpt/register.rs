//! POST /api/crpt/connections: the seed's function, with its parameters or in a short form.

use serde_json::{Map, Value, json};

use super::LONGEST_NAME;
use crate::api::body::{Fields, LARGEST};
use crate::api::error::ApiError;
use crate::api::gateway::outcome::outcome;
use crate::api::reply::Reply;
use crate::api::{Api, Request};
use crate::cms::Thumbprint;
use crate::gateway::{Answered, ConnectionOrder, SignAs};
use crate::licence::Itn;
use crate::settings::CrptRoute;

/// The most headers, or parameters of an address.
const MOST_PAIRS: usize = 50;

/// The program that is named where a request names none.
const PROGRAM: &str = "keynode";

pub(super) async fn answer(api: &Api, request: &Request) -> Result<Reply, ApiError> {
    let order = order(api, &request.fields()?)?;
    let answered = super::obtain(api, &request.actor(), order).await?;
    Ok(told(&answered, request))
}

/// The seed's result.
fn told(answered: &Answered, request: &Request) -> Reply {
    let value = |value: &Option<Value>| value.clone().unwrap_or_default();
    let fields = Map::from_iter([
        ("ResponseData".into(), value(&answered.data)),
        ("ResponseHeaders".into(), value(&answered.headers)),
    ]);
    outcome(fields, answered.trouble.as_ref(), &request.query)
}

fn order(api: &Api, fields: &Fields) -> Result<ConnectionOrder, ApiError> {
    let route = route(api, fields)?;
    let parameters = pairs("URLParameters", fields)?;
    let own = fields.text("OmsId", LONGEST_NAME)?.unwrap_or_default();
    let oms_id = match own.trim() {
        "" => oms_id_of(&parameters).unwrap_or_default(),
        own => own.to_owned(),
    };
    let body = match fields.text("RequestJSON", LARGEST)? {
        Some(body) => words(&body)?,
        None => short(fields)?,
    };
    let mut order = ConnectionOrder::new(oms_id, body, route);
    order.parameters = parameters;
    order.headers = pairs("Headers", fields)?;
    order.library = library(fields)?;
    let program = fields.text("ProgramNick", LONGEST_NAME)?;
    order.program = program.map_or_else(|| PROGRAM.to_owned(), String::from);
    order.itn = itn(fields)?;
    order.sign_as = certificate(fields)?.map(SignAs::Certificate);
    order.again = fields.truth("Repeat")?;
    order.area = match fields.value("DataArea") {
        None => None,
        Some(value) => Some(
            value
                .as_i64()
                .ok_or_else(|| ApiError::bad_request("DataArea: expected the number of an area of data."))?,
        ),
    };
    Ok(order)
}

/// The station among the parameters of an address; 1C's own spelling differs from the operator's in places.
pub(super) fn oms_id_of(parameters: &[(String, String)]) -> Option<String> {
    let found = parameters
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("omsId"))?;
    let oms_id = found.1.trim();
    (!oms_id.is_empty() && oms_id.chars().count() <= LONGEST_NAME).then(|| oms_id.to_owned())
}

/// The operator's JSON of a caller, which is not changed by a byte.
pub(super) fn words(body: &str) -> Result<String, ApiError> {
    match serde_json::from_str::<Value>(body) {
        Ok(Value::Object(_)) => Ok(body.to_owned()),
        _ => Err(ApiError::bad_request("RequestJSON is no JSON object.")),
    }
}

/// The operator's JSON of the short form.
fn short(fields: &Fields) -> Result<String, ApiError> {
    if fields.value("Address").is_none() {
        return Err(ApiError::bad_request(
            "RequestJSON is missing, and so is Address of the short form.",
        ));
    }
    let mut body = json!({ "address": fields.required("Address", 1024)? });
    if let Some(name) = fields.text("Name", LONGEST_NAME)?.filter(|name| !name.is_empty()) {
        body["name"] = Value::from(&*name);
    }
    Ok(body.to_string())
}

fn route(api: &Api, fields: &Fields) -> Result<CrptRoute, ApiError> {
    match fields.text("Route", 16)?.as_deref() {
        None | Some("") => Ok(api.gateway.now().shared.rules().crpt.route),
        Some("Gateway") => Ok(CrptRoute::Gateway),
        Some("Direct") => Ok(CrptRoute::Direct),
        Some(_) => Err(ApiError::bad_request("Route: expected Gateway or Direct.")),
    }
}

fn itn(fields: &Fields) -> Result<Option<String>, ApiError> {
    let Some(value) = fields.number_or_text("ITN")? else {
        return Ok(None);
    };
    let itn = Itn::from_json(value).map_err(|error| ApiError::bad_request(format!("ITN: {error}.")))?;
    Ok(Some(itn.to_string()))
}

fn certificate(fields: &Fields) -> Result<Option<Thumbprint>, ApiError> {
    let Some(text) = fields.text("Certificate", 128)? else {
        return Ok(None);
    };
    let thumbprint = text.parse();
    thumbprint
        .map(Some)
        .map_err(|_| ApiError::bad_request("Certificate: expected the thumbprint of a certificate."))
}

fn library(fields: &Fields) -> Result<(String, String), ApiError> {
    let Some(value) = fields.value("Library") else {
        return Ok((String::new(), String::new()));
    };
    let library = Fields::within("Library", value)?;
    let part = |name: &str| -> Result<String, ApiError> {
        Ok(library.text(name, LONGEST_NAME)?.unwrap_or_default().into())
    };
    Ok((part("ID")?, part("Version")?))
}

/// Names and values; numbers and truth values are taken as their text.
pub(super) fn pairs(name: &str, fields: &Fields) -> Result<Vec<(String, String)>, ApiError> {
    let wrong = |what: &str| ApiError::bad_request(format!("{name}: {what}."));
    let Some(value) = fields.value(name) else {
        return Ok(Vec::new());
    };
    let object = value
        .as_object()
        .ok_or_else(|| wrong("expected an object of names and texts"))?;
    if object.len() > MOST_PAIRS {
        return Err(wrong(&format!("more than {MOST_PAIRS} of them")));
    }
    let pairs = object.iter().map(|(own, value)| {
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            _ => return Err(wrong("expected an object of names and texts")),
        };
        let fits =
            own.len() <= LONGEST_NAME && !own.is_empty() && own.bytes().all(|byte| byte.is_ascii_graphic());
        if !fits || value.chars().any(char::is_control) {
            return Err(wrong(
                "a name or a text in it has characters that HTTP does not carry",
            ));
        }
        Ok((own.clone(), value))
    });
    pairs.collect()
}
