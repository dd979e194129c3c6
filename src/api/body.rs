//! Request bodies: read within limits, then taken apart field by field, so that an error names its field
//! (spec, row 10).

use std::time::Duration;

use actix_web::web::Payload;
use futures_util::StreamExt;
use serde_json::{Map, Value};

use super::error::ApiError;
use crate::licence::Timestamp;
use crate::store::Id;

/// The largest body that is looked at.
pub(super) const LARGEST: usize = 64 * 1024;

/// A larger body is read and thrown away up to here, so that its sender gets to read the error.
const DRAINED: usize = 16 * 1024 * 1024;

/// Reads a body whole.
///
/// # Errors
/// 400 where it is too large, too slow, or cut off.
pub(super) async fn read(mut payload: Payload, timeout: Duration) -> Result<Vec<u8>, ApiError> {
    let reading = async {
        let (mut body, mut length) = (Vec::new(), 0);
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| ApiError::bad_request("The body was cut off."))?;
            length += chunk.len();
            if length <= LARGEST {
                body.extend_from_slice(&chunk);
            } else if length > DRAINED {
                break;
            }
        }
        if length > LARGEST {
            return Err(ApiError::bad_request(format!(
                "The body has more than {LARGEST} bytes."
            )));
        }
        Ok(body)
    };
    let late = |_| ApiError::bad_request("The body did not arrive in time.");
    tokio::time::timeout(timeout, reading).await.map_err(late)?
}

/// The fields of a JSON object. Those that nobody asks for are ignored.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// Reads a JSON object; a byte order mark is tolerated.
    pub(super) fn parse(body: &[u8]) -> Result<Self, ApiError> {
        let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
        if std::str::from_utf8(body).is_err() {
            return Err(ApiError::bad_request("The body is not UTF-8."));
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(other) => Err(ApiError::bad_request(format!(
                "The body is {}, not a JSON object.",
                kind(&other)
            ))),
            Err(_) if body.is_empty() => Err(ApiError::bad_request(
                "The body is empty: expected a JSON object.",
            )),
            Err(error) => Err(ApiError::bad_request(format!("The body is no JSON: {error}."))),
        }
    }

    /// The same under names in lower case, for senders who disagree about the spelling.
    pub(super) fn in_lower_case(self) -> Self {
        let fields = self.0.into_iter();
        Self(fields.map(|(name, value)| (name.to_lowercase(), value)).collect())
    }

    /// Those of a value within a body, which must be an object.
    pub(super) fn within(name: &str, value: &Value) -> Result<Self, ApiError> {
        match value {
            Value::Object(fields) => Ok(Self(fields.clone())),
            other => Err(wrong(name, "an object", other)),
        }
    }

    /// Refuses a field that is none of these.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), ApiError> {
        match self.0.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => {
                let name: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
                let known = known.join(", ");
                Err(ApiError::bad_request(format!(
                    "{name}: there is no such field; there are {known}."
                )))
            }
        }
    }

    /// The values of an array; absent and null are an empty one.
    pub(super) fn list(&self, name: &str) -> Result<&[Value], ApiError> {
        match self.value(name) {
            None => Ok(&[]),
            Some(Value::Array(values)) => Ok(values),
            Some(other) => Err(wrong(name, "an array", other)),
        }
    }

    /// A text that must be there, of 1 to `longest` characters.
    pub(super) fn required(&self, name: &str, longest: usize) -> Result<Box<str>, ApiError> {
        match self.text(name, longest)? {
            Some(text) if !text.is_empty() => Ok(text),
            Some(_) => Err(ApiError::bad_request(format!("{name} is empty."))),
            None => Err(ApiError::bad_request(format!("{name} is missing."))),
        }
    }

    /// A text of at most `longest` characters; absent and null are the same.
    pub(super) fn text(&self, name: &str, longest: usize) -> Result<Option<Box<str>>, ApiError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.chars().count() <= longest => Ok(Some(text.as_str().into())),
            Some(Value::String(_)) => Err(ApiError::bad_request(format!(
                "{name} has more than {longest} characters."
            ))),
            Some(other) => Err(wrong(name, "a string", other)),
        }
    }

    /// A value of any kind; absent and null are the same.
    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A number or a text; absent and null are the same.
    pub(super) fn number_or_text(&self, name: &str) -> Result<Option<&Value>, ApiError> {
        match self.value(name) {
            None | Some(Value::Number(_) | Value::String(_)) => Ok(self.value(name)),
            Some(other) => Err(wrong(name, "a number or a string", other)),
        }
    }

    /// A truth value; absent is false.
    pub(super) fn truth(&self, name: &str) -> Result<bool, ApiError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(value)) => Ok(*value),
            Some(other) => Err(wrong(name, "true or false", other)),
        }
    }

    /// A date and time.
    pub(super) fn time(&self, name: &str) -> Result<Option<Timestamp>, ApiError> {
        let Some(text) = self.text(name, 64)? else {
            return Ok(None);
        };
        let bad = |error| ApiError::bad_request(format!("{name}: {error}."));
        Timestamp::parse(&text).map(Some).map_err(bad)
    }

    /// An identifier of this node.
    pub(super) fn id(&self, name: &str) -> Result<Option<Id>, ApiError> {
        let Some(text) = self.text(name, 64)? else {
            return Ok(None);
        };
        Id::parse(&text)
            .map(Some)
            .map_err(|error| ApiError::bad_request(format!("{name}: {error}.")))
    }
}

fn wrong(name: &str, expected: &str, found: &Value) -> ApiError {
    ApiError::bad_request(format!("{name}: expected {expected}, found {}.", kind(found)))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
