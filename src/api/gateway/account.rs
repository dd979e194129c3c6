//! PUT /api/support-account: login and password of the support portal, for all areas of data or for one. Write-only. `Domain`
//! says which portal is to know it; for which one a ticket is, says whoever wants the ticket.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::gateway::{Account, Code, Detail, Domain, Gateway, Trouble};

use super::outcome::outcome;
use crate::api::body::Fields;
use crate::api::error::ApiError;
use crate::api::reply::Reply;
use crate::api::{Api, Request};

/// The most characters of a login.
const LONGEST_LOGIN: usize = 256;
/// The most characters of a password.
const LONGEST_PASSWORD: usize = 1024;

/// What came of an account.
struct Outcome {
    kept: bool,
    /// The portal knows it.
    checked: bool,
    /// What the caller is told of it.
    trouble: Option<Trouble>,
}

pub(super) async fn put(api: &Api, request: &Request) -> Result<Reply, ApiError> {
    let (area, domain, account) = match read(&request.fields()?) {
        Ok(read) => read,
        Err(error) => {
            note(api, request, "support-account-failure", None, error.sentence());
            return Err(error);
        }
    };
    let login = account.login.clone();
    let done = api
        .gateway
        .have(move |gateway| set(gateway, area, domain, account))
        .await;
    let done = done.unwrap_or_else(|trouble| Outcome {
        kept: false,
        checked: false,
        trouble: Some(trouble),
    });
    if done.kept {
        let known = if done.checked {
            "known to the portal"
        } else {
            "not checked"
        };
        let entry = request.actor().did(
            api.now(),
            "support-account",
            object(area),
            format!("login {login}, {known}"),
        );
        api.desk.record(entry).await?;
    } else {
        let why = done.trouble.as_ref().map_or("", |trouble| trouble.code.word());
        note(
            api,
            request,
            "support-account-failure",
            area,
            &format!("login {login}: {why}"),
        );
    }
    let mut fields = Map::new();
    fields.insert("Login".into(), login.into());
    fields.insert("DataArea".into(), area.map_or(Value::Null, Value::from));
    fields.insert("Kept".into(), done.kept.into());
    fields.insert("Checked".into(), done.checked.into());
    Ok(outcome(fields, done.trouble.as_ref(), &request.query))
}

/// Keeps an account unless the portal says that it is wrong; that of before stays then.
async fn set(
    gateway: Arc<Gateway>,
    area: Option<i64>,
    domain: Domain,
    account: Account,
) -> Result<Outcome, Trouble> {
    let rules = gateway.shared.rules();
    let has_portal = rules.tickets.enabled && !rules.tickets.issuer || rules.crpt.enabled;
    let answer = if has_portal {
        gateway.tickets.authenticate(&account, domain).await.map(Some)
    } else {
        Ok(None)
    };
    let (checked, trouble) = match answer {
        Ok(Some(false)) => {
            return Ok(Outcome {
                kept: false,
                checked: true,
                trouble: Some(Trouble::new(
                    Code::BadLogin,
                    "Портал поддержки не принял логин и пароль. Прежняя учетная запись сохранена.",
                    "the support portal refuses this login and password; what was set before stays",
                )),
            });
        }
        Ok(known) => (known.is_some(), None),
        Err(trouble) if trouble.detail == Some(Detail::Finer(Code::TooMany)) => {
            let message =
                "Учетная запись сохранена, но не проверена: портал поддержки просит повторить попытку позже.";
            (false, Some(Trouble::new(Code::TooMany, message, trouble.info)))
        }
        Err(trouble) => {
            tracing::warn!(why = trouble.info, "a support account could not be checked");
            (false, None)
        }
    };
    let login = account.login.clone();
    gateway.shared.state.set_account(area, account).await?;
    if trouble.is_some() {
        gateway.tickets.leave_in_peace(domain, &login)?;
    }
    Ok(Outcome {
        kept: true,
        checked,
        trouble,
    })
}

fn read(fields: &Fields) -> Result<(Option<i64>, Domain, Account), ApiError> {
    fields.only(&["Login", "Password", "DataArea", "Domain"])?;
    let login = fields.required("Login", LONGEST_LOGIN)?;
    let login = login.trim();
    if login.is_empty() || login.chars().any(char::is_control) {
        return Err(ApiError::bad_request(
            "Login: expected a login of the support portal.",
        ));
    }
    let password = fields.required("Password", LONGEST_PASSWORD)?;
    let area = fields.value("DataArea").map(|value| {
        let number = value.as_i64().filter(|number| *number >= 0);
        number.ok_or_else(|| ApiError::bad_request("DataArea: expected a whole number, 0 or more."))
    });
    let account = Account {
        login: login.to_owned(),
        password: String::from(password).into(),
    };
    Ok((area.transpose()?, super::tickets::domain(fields)?, account))
}

/// Which account, as the audit log has it.
fn object(area: Option<i64>) -> String {
    area.map_or("all areas".into(), |area| format!("area {area}"))
}

fn note(api: &Api, request: &Request, event: &str, area: Option<i64>, detail: &str) {
    let actor = request.actor();
    api.desk
        .note(actor.did(api.now(), event, object(area), detail.to_owned()));
}
