//! The seed's structures and tables by the seed's own names (spec, services, section 2.2).

use serde_json::{Value, json};

use crate::gateway::{Detail, Place, RequestParameters, Standing, TokenRow};

/// An empty date, as 1C programs have it.
const NO_DATE: &str = "0001-01-01T00:00:00Z";

/// Seconds that the seed's functions wait for an answer.
const TIMEOUT: u32 = 60;

/// `ПараметрыЗапросаКлючаСессии`, twelve fields.
pub(super) fn request_parameters(own: &RequestParameters) -> Value {
    let kind = own.place.kind;
    json!({
        "ПредставлениеСервиса": "",
        "Организация": own.place.itn,
        "Сервер": own.server,
        "Порт": own.port,
        "Таймаут": TIMEOUT,
        "ИспользоватьЗащищенноеСоединение": own.secure,
        "ВремяЖизни": kind.life(),
        "ПроизводственныйОбъект": own.place.facility,
        "ИмяПараметраСеанса": kind.session_parameter(),
        "АдресЗапросаПараметровАвторизации": own.challenge,
        "АдресЗапросаКлючаСессии": own.sign_in,
        "РазрешенаПодписьДоверенногоЛицаСМЧД": kind.takes_powers_of_attorney(),
    })
}

fn place(own: &Place) -> Value {
    json!({
        "ТипТокенаАвторизации": own.kind.word(),
        "Организация": own.itn,
        "ПроизводственныйОбъект": own.facility,
    })
}

/// The same row with more fields.
pub(super) fn joined(mut row: Value, more: Value) -> Value {
    if let (Value::Object(row), Value::Object(more)) = (&mut row, more) {
        row.extend(more);
    }
    row
}

/// A row of the settings.
pub(super) fn setting(row: &TokenRow) -> Value {
    joined(place(&row.place), json!({ "ВремяОповещения": row.before }))
}

/// A row of the reminders.
pub(super) fn reminder(row: &TokenRow) -> Value {
    let until = row
        .valid_until
        .map_or_else(|| NO_DATE.to_owned(), |end| end.to_string());
    let own = json!({
        "ДатаДействия": until,
        "ВремяДействия": row.left,
        "Отсутствует": row.standing == Standing::Missing,
        "Просрочен": row.standing == Standing::Expired,
        "ТребуетсяАктуализация": row.due,
        "ОповещениеИспользуется": row.before > 0,
        "ОповещатьЗа": row.before,
        "ОповеститьЧерез": row.remind_in,
    });
    joined(place(&row.place), own)
}

/// A row of the form: a reminder's, and what the node knows besides. Never the token.
pub(super) fn token(row: &TokenRow) -> Value {
    let kept = row.kept.as_ref();
    let trouble = kept.and_then(|kept| kept.trouble.as_ref());
    let detail = trouble.and_then(|trouble| trouble.detail);
    let time = |time: Option<crate::licence::Timestamp>| time.map(|time| time.to_string());
    let own = json!({
        "KeyReady": row.key_ready,
        "Certificate": kept.and_then(|kept| kept.certificate.as_deref()),
        "OmsConnection": kept.and_then(|kept| kept.connection.as_deref()),
        "Obtained": time(kept.and_then(|kept| kept.obtained)),
        "NextRenewal": time(row.renewal),
        "Failures": kept.map_or(0, |kept| kept.failures),
        "ErrorCode": trouble.map_or("", |trouble| trouble.code.word()),
        "ErrorMessage": trouble.map_or("", |trouble| &trouble.message),
        "Detail": detail.map_or("", Detail::word),
    });
    joined(reminder(row), own)
}

/// A row of what renewals came to.
pub(super) fn renewed(own: &Place, result: &Value, until: Option<crate::licence::Timestamp>) -> Value {
    let until = until.map_or_else(|| NO_DATE.to_owned(), |end| end.to_string());
    joined(place(own), json!({ "Результат": result, "ДатаДействия": until }))
}
