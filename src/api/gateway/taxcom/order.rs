//! What a request about 1C-Taxcom says: organisation, certificate, callbacks, data of an application.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::cms::Thumbprint;
use crate::gateway::{Action, Callback, Order, ProcessKind};
use crate::licence::Itn;

use crate::api::body::Fields;
use crate::api::error::ApiError;

/// The most characters of a thumbprint, however it is spelled.
const LONGEST_THUMBPRINT: usize = 128;

/// The most characters of a subscriber's number.
const LONGEST_ID: usize = 64;

/// The most characters of a configuration's name (as `taxcom.configuration`).
pub(super) const LONGEST_CONFIGURATION: usize = 128;

/// The most characters of a word.
const LONGEST_WORD: usize = 64;

/// The most characters of an address.
const LONGEST_ADDRESS: usize = 1000;

/// The organisation and the certificate.
pub(super) fn parties(fields: &Fields) -> Result<(Option<String>, Option<Thumbprint>), ApiError> {
    let itn = fields
        .number_or_text("ITN")?
        .filter(|value| value.as_str() != Some(""));
    let itn = itn.map(Itn::from_json).transpose();
    let itn = itn.map_err(|error| ApiError::bad_request(format!("ITN: {error}.")))?;
    let certificate = text(fields, "Certificate", LONGEST_THUMBPRINT)?;
    let certificate = certificate.map(|text| {
        let thumbprint = text.parse::<Thumbprint>();
        thumbprint.map_err(|error| ApiError::bad_request(format!("Certificate: {error}.")))
    });
    let (itn, certificate) = (itn.map(|itn| itn.to_string()), certificate.transpose()?);
    if itn.is_none() && certificate.is_none() {
        return Err(ApiError::bad_request(
            "Certificate and ITN are missing: expected one.",
        ));
    }
    Ok((itn, certificate))
}

/// What POST /api/taxcom/processes wants.
pub(super) fn order(fields: &Fields) -> Result<Order, ApiError> {
    let kind = match &*fields.required("Kind", LONGEST_WORD)? {
        "SubscriberID" => ProcessKind::SubscriberId,
        "AddCertificate" => ProcessKind::AddCertificate,
        _ => {
            let sentence = "Kind: expected \"SubscriberID\" or \"AddCertificate\".";
            return Err(ApiError::bad_request(sentence));
        }
    };
    let (itn, certificate) = parties(fields)?;
    let subscriber_id = text(fields, "SubscriberID", LONGEST_ID)?;
    match (kind, &subscriber_id) {
        (ProcessKind::AddCertificate, None) => {
            return Err(ApiError::bad_request(
                "SubscriberID is empty: a certificate is added to a subscriber.",
            ));
        }
        (ProcessKind::SubscriberId, Some(_)) => {
            return Err(ApiError::bad_request(
                "SubscriberID: it is what is asked for; to add a certificate to it, Kind is AddCertificate.",
            ));
        }
        _ => {}
    }
    Ok(Order {
        kind,
        itn,
        certificate,
        subscriber_id,
        configuration: text(fields, "Configuration", LONGEST_CONFIGURATION)?,
        on_status: callback(fields, "OnStatus")?,
        on_create: callback(fields, "OnCreate")?,
    })
}

/// What POST /api/taxcom/processes/{ID}/actions wants.
pub(super) fn action(fields: &Fields) -> Result<(Action, Option<BTreeMap<String, String>>), ApiError> {
    let word = fields.required("Action", LONGEST_WORD)?;
    let action = Action::ALL.into_iter().find(|action| action.word() == &*word);
    let action = action.ok_or_else(|| {
        let words = Action::ALL.map(Action::word).join(", ");
        ApiError::bad_request(format!("Action: expected one of {words}."))
    })?;
    let data = match fields.value("RequestData") {
        None => None,
        Some(Value::Object(told)) => Some(told),
        Some(_) => return Err(ApiError::bad_request("RequestData: expected an object.")),
    };
    let data = data.map(|told| {
        let named = told.iter().filter(|(_, value)| !value.is_null());
        let fields = named.map(|(name, value)| match value {
            Value::String(text) => Ok((name.clone(), text.trim().to_owned())),
            Value::Number(number) => Ok((name.clone(), number.to_string())),
            _ => {
                let name: String = name
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(LONGEST_WORD)
                    .collect();
                Err(ApiError::bad_request(format!(
                    "RequestData.{name}: expected a string."
                )))
            }
        });
        fields.collect()
    });
    Ok((action, data.transpose()?))
}

/// A text; an empty one is none.
fn text(fields: &Fields, name: &str, longest: usize) -> Result<Option<String>, ApiError> {
    let text = fields.text(name, longest)?.map(|text| text.trim().to_owned());
    let text = text.filter(|text| !text.is_empty());
    if text
        .as_ref()
        .is_some_and(|text| text.chars().any(char::is_control))
    {
        return Err(ApiError::bad_request(format!("{name} has control characters.")));
    }
    Ok(text)
}

fn callback(fields: &Fields, name: &str) -> Result<Callback, ApiError> {
    let wrong = |why: &str| ApiError::bad_request(format!("{name}: {why}."));
    match fields.value(name) {
        None | Some(Value::Bool(false)) => Ok(Callback::Standard),
        Some(Value::Bool(true)) => Ok(Callback::Wait),
        Some(Value::String(_)) => match text(fields, name, LONGEST_ADDRESS)? {
            None => Ok(Callback::Standard),
            Some(address) => Callback::to(&address).map_err(wrong),
        },
        Some(_) => Err(wrong("expected true, false, or an address")),
    }
}
