//! What a body says of an organisation, field by field: an error names the field.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde_json::Value;

use crate::cms::Thumbprint;
use crate::gateway::{Facility, Organization, check_registration, uuid};
use crate::licence::Itn;

use crate::api::body::Fields;
use crate::api::error::ApiError;

/// The most characters of a name.
const LONGEST_NAME: usize = 256;
/// The most characters of a thumbprint, however it is spelled.
const LONGEST_THUMBPRINT: usize = 128;
/// The most characters of a subscriber's number.
const LONGEST_ID: usize = 64;
/// The most places of production.
const MOST_FACILITIES: usize = 500;

/// What a body may have; the first and the last are told, and may be sent back as they were told.
const FIELDS: [&str; 10] = [
    "ITN",
    "Name",
    "Certificate",
    "PowerOfAttorneyITN",
    "OmsId",
    "OmsConnection",
    "Facilities",
    "SubscriberID",
    "RegistrationData",
    "Signer",
];

/// The ITN that an address names.
pub(super) fn named(itn: &str) -> Result<String, ApiError> {
    let parsed = Itn::parse(itn).map_err(|error| wrong("ITN", &error))?;
    Ok(parsed.to_string())
}

/// Whether a body says something of the subscriber's number, be it that there is none: the node may have got one itself, which
/// an administrator's own file does not know.
pub(super) fn names_subscriber(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    serde_json::from_slice::<Value>(body).is_ok_and(|body| body.get("SubscriberID").is_some())
}

/// Takes a body apart.
pub(super) fn read(itn: &str, body: &[u8]) -> Result<(String, Organization), ApiError> {
    let itn = named(itn)?;
    let fields = Fields::parse(body)?;
    fields.only(&FIELDS)?;
    if self::itn(&fields, "ITN")?.is_some_and(|told| told != itn) {
        return Err(ApiError::bad_request("ITN: expected that of the address."));
    }
    let organization = Organization {
        name: text(&fields, "Name", LONGEST_NAME)?,
        certificate: certificate(&fields)?,
        power_of_attorney_itn: self::itn(&fields, "PowerOfAttorneyITN")?,
        oms_id: id(&fields, "OmsId")?,
        oms_connection: id(&fields, "OmsConnection")?,
        facilities: facilities(fields.list("Facilities")?)?,
        subscriber_id: text(&fields, "SubscriberID", LONGEST_ID)?,
        registration_data: registration(&fields, &itn)?,
    };
    Ok((itn, organization))
}

/// A text; an empty one is none.
fn text(fields: &Fields, name: &str, longest: usize) -> Result<Option<String>, ApiError> {
    let text = fields.text(name, longest)?;
    let text = text
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty());
    if text
        .as_ref()
        .is_some_and(|text| text.chars().any(char::is_control))
    {
        return Err(ApiError::bad_request(format!("{name} has control characters.")));
    }
    Ok(text)
}

fn itn(fields: &Fields, name: &str) -> Result<Option<String>, ApiError> {
    let told = fields
        .number_or_text(name)?
        .filter(|value| value.as_str() != Some(""));
    let parsed = told
        .map(Itn::from_json)
        .transpose()
        .map_err(|error| wrong(name, &error))?;
    Ok(parsed.map(|itn| itn.to_string()))
}

fn certificate(fields: &Fields) -> Result<Option<String>, ApiError> {
    let Some(text) = text(fields, "Certificate", LONGEST_THUMBPRINT)? else {
        return Ok(None);
    };
    let print: Thumbprint = text.parse().map_err(|error| wrong("Certificate", &error))?;
    Ok(Some(print.to_string()))
}

fn id(fields: &Fields, name: &str) -> Result<Option<String>, ApiError> {
    let told = text(fields, name, LONGEST_ID)?;
    let read = told.map(|told| uuid(&told).ok_or_else(|| wrong(name, &"expected a UUID")));
    read.transpose()
}

fn facilities(list: &[Value]) -> Result<Vec<Facility>, ApiError> {
    if list.len() > MOST_FACILITIES {
        return Err(ApiError::bad_request(format!(
            "Facilities: at most {MOST_FACILITIES}."
        )));
    }
    let mut facilities: Vec<Facility> = Vec::new();
    for value in list {
        let fields = Fields::within("Facilities", value)?;
        fields.only(&["Name", "OmsConnection"])?;
        let name = text(&fields, "Name", LONGEST_NAME)?;
        let name = name.ok_or_else(|| ApiError::bad_request("Facilities: a Name is missing."))?;
        if facilities.iter().any(|known| known.name == name) {
            return Err(ApiError::bad_request(format!(
                "Facilities: the Name \"{name}\" is there twice."
            )));
        }
        facilities.push(Facility {
            name,
            oms_connection: id(&fields, "OmsConnection")?,
        });
    }
    Ok(facilities)
}

/// Registration data; its own ITN is that of the organisation.
fn registration(fields: &Fields, itn: &str) -> Result<BTreeMap<String, String>, ApiError> {
    let Some(value) = fields.value("RegistrationData") else {
        return Ok(BTreeMap::new());
    };
    let Value::Object(told) = value else {
        return Err(ApiError::bad_request("RegistrationData: expected an object."));
    };
    let mut data = BTreeMap::new();
    for (name, value) in told {
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            _ => {
                let name: String = name
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(LONGEST_ID)
                    .collect();
                return Err(ApiError::bad_request(format!(
                    "RegistrationData.{name}: expected a string."
                )));
            }
        };
        data.insert(name.clone(), text);
    }
    check_registration(&data)
        .map_err(|field| ApiError::bad_request(format!("RegistrationData.{}.", field.info)))?;
    match data.get("ИНН") {
        Some(own) if !own.is_empty() && own != itn => Err(ApiError::bad_request(
            "RegistrationData.ИНН: expected that of the organization.",
        )),
        _ => Ok(data),
    }
}

fn wrong(name: &str, error: &dyn Display) -> ApiError {
    ApiError::bad_request(format!("{name}: {error}."))
}
