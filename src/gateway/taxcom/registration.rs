//! Data of an organisation's registration with 1C-Taxcom: their names (seed 000), and which forms they have.

use std::collections::BTreeMap;

use crate::licence::Itn;

/// The fields of an application, by the seed's names and in its order; `Регион` is one that the service has beside them.
pub(super) const REGISTRATION_FIELDS: [&str; 22] = [
    "ИдентификаторАбонента",
    "ОтпечатокСертификата",
    "Индекс",
    "КодРегиона",
    "Регион",
    "Район",
    "Город",
    "НаселенныйПункт",
    "Улица",
    "Дом",
    "Корпус",
    "Квартира",
    "Телефон",
    "НаименованиеОрганизации",
    "ИНН",
    "КПП",
    "ОГРН",
    "КодНалоговогоОргана",
    "ЮрФизЛицо",
    "Фамилия",
    "Имя",
    "Отчество",
];

/// Longest value, in characters.
const LONGEST: usize = 1024;

/// A field that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongField {
    /// Its name.
    pub field: String,
    /// What is wrong, for the user of a 1C program.
    pub message: String,
    /// The same in English; begins with the field's name.
    pub info: String,
}

/// Looks whether each field that is filled in has its form; tells the first, in the seed's order, that has not. What may be
/// left out is the service's to say.
///
/// # Errors
/// [`WrongField`].
pub fn check_registration(data: &BTreeMap<String, String>) -> Result<(), WrongField> {
    if let Some(unknown) = data
        .keys()
        .find(|name| !REGISTRATION_FIELDS.contains(&name.as_str()))
    {
        let name: String = unknown.chars().filter(|c| !c.is_control()).take(64).collect();
        return Err(wrong(
            &name,
            "такого поля нет в заявке",
            "an application has no such field",
        ));
    }
    let value = |name: &str| data.get(name).map_or("", |value| value.trim());
    let kind = value("ЮрФизЛицо");
    for name in REGISTRATION_FIELDS {
        let own = value(name);
        if own.chars().any(char::is_control) {
            return Err(wrong(name, "недопустимые символы", "it has control characters"));
        }
        if own.chars().count() > LONGEST {
            let (message, info) = (
                format!("не больше {LONGEST} символов"),
                format!("at most {LONGEST} characters"),
            );
            return Err(wrong(name, &message, &info));
        }
        if !own.is_empty() {
            check(name, own, kind).map_err(|(message, info)| wrong(name, message, info))?;
        }
    }
    Ok(())
}

fn check(name: &str, value: &str, kind: &str) -> Result<(), (&'static str, &'static str)> {
    let digits = |lengths: &[usize]| {
        lengths.contains(&value.len()) && value.bytes().all(|digit| digit.is_ascii_digit())
    };
    let (fits, message, info) = match (name, kind) {
        ("ИНН", _) => (
            Itn::parse(value).is_ok(),
            "состоит из 10 или 12 цифр с верными контрольными цифрами",
            "expected 10 or 12 digits with right check digits",
        ),
        ("КПП", _) => (digits(&[9]), "состоит из 9 цифр", "expected 9 digits"),
        ("ОГРН", "ЮрЛицо") => (
            digits(&[13]),
            "у юридического лица состоит из 13 цифр",
            "expected 13 digits",
        ),
        ("ОГРН", "ФизЛицо") => (
            digits(&[15]),
            "у предпринимателя состоит из 15 цифр",
            "expected 15 digits of a person (ЮрФизЛицо is ФизЛицо)",
        ),
        ("ОГРН", _) => (
            digits(&[13, 15]),
            "состоит из 13 цифр, у предпринимателя из 15",
            "expected 13 or 15 digits",
        ),
        ("КодНалоговогоОргана", _) => {
            (digits(&[4]), "состоит из 4 цифр", "expected 4 digits")
        }
        ("ЮрФизЛицо", _) => (
            matches!(value, "ЮрЛицо" | "ФизЛицо"),
            "возможные значения: ЮрЛицо, ФизЛицо",
            "expected ЮрЛицо or ФизЛицо",
        ),
        _ => return Ok(()),
    };
    if fits { Ok(()) } else { Err((message, info)) }
}

fn wrong(field: &str, message: &str, info: &str) -> WrongField {
    WrongField {
        field: field.into(),
        message: format!("{field}: {message}."),
        info: format!("{field}: {info}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(fields: &[(&str, &str)]) -> Result<(), String> {
        let data = fields
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        check_registration(&data.collect()).map_err(|wrong| wrong.field)
    }

    #[test]
    fn each_field_has_its_form() {
        for good in [
            &[][..],
            &[
                ("КПП", "770701001"),
                ("ОГРН", "1027700132195"),
                ("КодНалоговогоОргана", "7707"),
            ],
            &[("ЮрФизЛицо", "ФизЛицо"), ("ОГРН", "304500116000157"), ("КПП", "")],
            &[
                ("ИНН", "7707083893"),
                ("ЮрФизЛицо", "ЮрЛицо"),
                ("Телефон", "+7 (495) 1234567"),
            ],
        ] {
            assert_eq!(checked(good), Ok(()), "{good:?}");
        }
        for (field, value) in [
            ("КПП", "77070100"),
            ("КПП", "7707010011"),
            ("КПП", "77070100x"),
            ("ОГРН", "102770013219"),
            ("ОГРН", "10277001321955"),
            ("КодНалоговогоОргана", "770"),
            ("КодНалоговогоОргана", "77071"),
            ("ЮрФизЛицо", "ООО"),
            ("ИНН", "7707083894"),
            ("Улица", "Ленина\u{7}1"),
            ("Область", "77"),
        ] {
            assert_eq!(checked(&[(field, value)]), Err(field.into()), "{field} {value}");
        }
    }

    #[test]
    fn a_number_of_registration_is_that_of_its_kind_of_person() {
        let legal = [("ЮрФизЛицо", "ЮрЛицо"), ("ОГРН", "304500116000157")];
        let natural = [("ЮрФизЛицо", "ФизЛицо"), ("ОГРН", "1027700132195")];
        assert_eq!(checked(&legal), Err("ОГРН".into()));
        assert_eq!(checked(&natural), Err("ОГРН".into()));
    }
}
