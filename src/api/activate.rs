//! POST /api/licences: a code becomes a licence here (spec, section 4.3 and row 22). Each activation, and each refusal,
//! is a row of the audit log.

use actix_web::http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use crate::activation::{Activated, Order, Place};
use crate::devices::CarrierView;
use crate::keyring::{Key, seen};
use crate::licence::binding::CarrierBinding;
use crate::licence::{ActivationCode, Iec, Itn, KeyNo, MAX_KEY_NO};

use super::body::Fields;
use super::error::ApiError;
use super::licences::LicenceView;
use super::reply::Reply;
use super::{Api, Request};

/// The most characters of a code, whatever blanks are in it.
const LONGEST_CODE: usize = 64;

pub(super) async fn answer(api: &Api, request: &Request) -> Result<Reply, ApiError> {
    let order = order(api, &request.fields()?)?;
    let (actor, object) = (request.actor(), format!("{:?}", order.code));
    let activated = match api.activation.activate(order).await {
        Ok(activated) => activated,
        Err(error) => {
            let error = ApiError::from(error);
            let refused = actor.did(
                api.now(),
                "activation-failure",
                object,
                error.sentence().to_owned(),
            );
            api.desk.note(refused);
            return Err(error);
        }
    };
    let (status, word) = if activated.new {
        (StatusCode::CREATED, "activated")
    } else {
        (StatusCode::OK, "here already")
    };
    let detail = format!("KeyNo {}, {word}", activated.licence.key_no);
    api.desk
        .record(actor.did(api.now(), "activation", object, detail))
        .await?;
    shown(api, request, &activated).map(|reply| reply.status(status))
}

/// The licence as the API shows it.
fn shown(api: &Api, request: &Request, activated: &Activated) -> Result<Reply, ApiError> {
    let keyring = api.keys.keyring();
    let path = activated.path.to_string_lossy();
    let mut keys = keyring.keys().iter();
    let key: Option<&Key> = keys.find(|key| key.file_name == path).map(|key| &**key);
    let key = key.ok_or_else(|| {
        ApiError::internal("The licence was activated and written, but its file is gone again.")
    })?;
    Reply::object(&LicenceView { key, now: api.now() }, &request.query)
}

fn order(api: &Api, fields: &Fields) -> Result<Order, ApiError> {
    let wrong =
        |name: &str, error: &dyn std::fmt::Display| ApiError::bad_request(format!("{name}: {error}."));
    let code = fields.required("ActivationCodeString", LONGEST_CODE)?;
    let code = ActivationCode::parse(&code).map_err(|error| wrong("ActivationCodeString", &error))?;
    let itn = fields
        .number_or_text("ITN")?
        .ok_or_else(|| ApiError::bad_request("ITN is missing."))?;
    let itn = Itn::from_json(itn).map_err(|error| wrong("ITN", &error))?;
    let iec = fields.number_or_text("IEC")?.map(Iec::deserialize).transpose();
    let place = match fields.value("BlankKeyNo") {
        None => Place::Computer,
        Some(number) => carrier(api, blank_key_no(number)?)?,
    };
    Ok(Order {
        code,
        itn,
        iec: iec.map_err(|error| wrong("IEC", &error))?,
        place,
        recovery: None,
    })
}

fn blank_key_no(value: &Value) -> Result<KeyNo, ApiError> {
    let number = value.as_u64().filter(|number| (1..=MAX_KEY_NO).contains(number));
    let sentence = format!("BlankKeyNo: expected null or a whole number, 1 to {MAX_KEY_NO}.");
    number.ok_or_else(|| ApiError::bad_request(sentence))
}

/// The carrier of this number; it must be connected and have proved itself.
fn carrier(api: &Api, number: KeyNo) -> Result<Place, ApiError> {
    let hardware = api.keys.hardware();
    let mut why = None;
    for view in hardware.all_carriers().filter(|view| view.number == number) {
        match place(view) {
            Ok(place) => return Ok(place),
            Err(reason) => why = why.or(Some(reason)),
        }
    }
    Err(ApiError::carrier_not_found(match why {
        Some(why) => format!("The carrier {number} is connected but {why}."),
        None => format!("The carrier {number} is not connected."),
    }))
}

fn place(view: CarrierView<'_>) -> Result<Place, String> {
    let carrier = seen(view);
    carrier.proof?;
    let serial = carrier.serial.ok_or("it has no serial number to be known by")?;
    Ok(Place::Carrier {
        id: view.id.to_owned(),
        binding: CarrierBinding {
            driver: carrier.driver,
            serial,
            public_key: carrier.public_key,
        },
        number: view.number,
    })
}
