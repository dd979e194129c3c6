//! The fields of an application: the seed's names and those on the wire.

use std::collections::BTreeMap;

/// What is sent, in the order of the service's form: the seed's name, the name on the wire.
pub(super) const WIRE: [(&str, &str); 21] = [
    ("Индекс", "postindexED"),
    ("КодРегиона", "codregionED"),
    // The seed has only the region's code; what an organisation has of its name is sent.
    (REGION, "addressregionED"),
    ("Район", "addresstownshipED"),
    ("Город", "addresscityED"),
    ("НаселенныйПункт", "addresslocalityED"),
    ("Улица", "addressstreetED"),
    ("Дом", "addressbuildingED"),
    ("Корпус", "addresshousingED"),
    ("Квартира", "addressapartmentED"),
    ("Телефон", "addressphoneED"),
    ("НаименованиеОрганизации", "agencyED"),
    ("ИНН", "innED"),
    ("КПП", "kppED"),
    ("ОГРН", "ogrnED"),
    ("КодНалоговогоОргана", "codeimnsED"),
    ("ЮрФизЛицо", "orgindED"),
    ("Фамилия", "lastnameED"),
    ("Имя", "firstnameED"),
    ("Отчество", "middlenameED"),
    (SUBSCRIBER, "identifierTaxcomED"),
];

/// The region's name, which the service knows and the seed does not.
pub(super) const REGION: &str = "Регион";

/// The seed's name of the subscriber's number.
pub(super) const SUBSCRIBER: &str = "ИдентификаторАбонента";

/// The seed's name of the certificate's thumbprint in Base64; the service tells it and is never sent it.
pub(super) const FINGERPRINT: &str = "ОтпечатокСертификата";

/// Fields without which no application is sent.
const MANDATORY: [&str; 6] = [
    "НаименованиеОрганизации",
    "ИНН",
    "КодНалоговогоОргана",
    "ЮрФизЛицо",
    "Фамилия",
    "Имя",
];

/// Further ones of a company.
const MANDATORY_FOR_COMPANIES: [&str; 2] = ["КПП", "ОГРН"];

/// The first mandatory field that is empty.
pub(super) fn missing(data: &BTreeMap<String, String>) -> Option<&'static str> {
    let value = |name: &str| data.get(name).map_or("", |value| value.trim());
    let company: &[&str] = match value("ЮрФизЛицо") {
        "ЮрЛицо" => &MANDATORY_FOR_COMPANIES,
        _ => &[],
    };
    let mut all = MANDATORY.iter().chain(company);
    all.find(|name| value(name).is_empty()).copied()
}

/// The fields of an application out of what the service has told.
pub(super) fn told(values: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let pairs = WIRE.iter().chain([&(FINGERPRINT, "certificatefingerprintED")]);
    let told = pairs.filter_map(|(name, wire)| Some(((*name).to_owned(), values.get(*wire)?.clone())));
    told.collect()
}
