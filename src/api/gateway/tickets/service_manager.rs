//! POST /hs/tickets/ as the Service Manager answers it, so that an unmodified configuration gets its ticket here (spec,
//! services, section 1.2). What goes wrong has the status that leads such a configuration to the seed's code.

use actix_web::http::StatusCode;
use serde_json::{Value, json};

use super::Knock;
use crate::api::body::Fields;
use crate::api::error::ApiError;
use crate::api::reply::Reply;
use crate::api::{Actor, Api};
use crate::gateway::{Code, Detail, Domain, TicketOrder, Trouble};

pub(in crate::api::gateway) async fn answer(api: &Api, knock: &Knock<'_>) -> Result<Reply, ApiError> {
    let caller = match knock.caller(api).await {
        Ok(caller) => caller,
        Err(error) => return Ok(refused(knock, &error)),
    };
    let order = match order(knock, &caller.name) {
        Ok(order) => order,
        Err(error) => return Ok(refused(knock, &error)),
    };
    let actor = Actor {
        name: caller.name,
        peer: knock.peer,
    };
    Ok(match super::obtain(api, &actor, order).await? {
        Ok(ticket) => reply(knock, StatusCode::CREATED, &json!({ "ticket": ticket.expose() })),
        Err(trouble) => text(knock, status(&trouble), &trouble.message),
    })
}

/// What is asked for: fields are found in any spelling, since the portal's page and the configurations differ in theirs.
fn order(knock: &Knock<'_>, user: &str) -> Result<TicketOrder, ApiError> {
    let fields = Fields::parse(&knock.body)?.in_lower_case();
    let zone = fields.value("zone");
    let zone = zone.filter(|value| value.as_str().is_none_or(|text| !text.trim().is_empty()));
    Ok(TicketOrder {
        owner: super::owner(&fields, "openurl")?,
        area: zone.map(|zone| super::area("zone", zone)).transpose()?,
        domain: Domain::default(),
        user: user.to_owned(),
    })
}

/// 1C reads 400, 403 and 404 as `ОшибкаПодключения`, 500 as `ОшибкаСервиса`, all else as `НеизвестнаяОшибка`.
fn status(trouble: &Trouble) -> StatusCode {
    match (trouble.code, trouble.detail) {
        (Code::Connection, Some(Detail::Finer(Code::BadLogin))) => StatusCode::FORBIDDEN,
        (Code::Connection, _) => StatusCode::BAD_REQUEST,
        (Code::Service, _) => StatusCode::INTERNAL_SERVER_ERROR,
        (_, Some(Detail::Finer(Code::TooMany))) => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::BAD_GATEWAY,
    }
}

/// A refusal as the Service Manager words it.
pub(in crate::api::gateway) fn refused(knock: &Knock<'_>, error: &ApiError) -> Reply {
    let mut reply = text(knock, error.status, error.sentence());
    reply.headers.clone_from(&error.headers);
    reply
}

fn text(knock: &Knock<'_>, status: StatusCode, text: &str) -> Reply {
    reply(knock, status, &json!({ "text": text }))
}

fn reply(knock: &Knock<'_>, status: StatusCode, body: &Value) -> Reply {
    Reply::json(body.to_string().into_bytes(), &knock.query).status(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_the_status_that_leads_back_to_it() {
        let of = |code, finer: Option<Code>| {
            let mut trouble = Trouble::new(code, "", "");
            trouble.detail = finer.map(Detail::Finer);
            status(&trouble).as_u16()
        };
        assert_eq!(of(Code::Connection, None), 400);
        assert_eq!(of(Code::Connection, Some(Code::BadLogin)), 403);
        assert_eq!(of(Code::Service, None), 500);
        assert_eq!(of(Code::Unknown, Some(Code::TooMany)), 429);
        assert_eq!(of(Code::Unknown, None), 502);
    }
}
