//! What the page says, in both languages.

use crate::activation::Refusal;

use super::language::Language;

/// The texts of the page.
pub(super) struct Words {
    pub(super) title: &'static str,
    pub(super) lead: &'static str,
    pub(super) steps: [&'static str; 3],
    pub(super) file: &'static str,
    pub(super) text: &'static str,
    pub(super) button: &'static str,
    pub(super) failed: &'static str,
    pub(super) done: &'static str,
    pub(super) nothing: &'static str,
    pub(super) empty: &'static str,
    pub(super) form: &'static str,
}

const ENGLISH: Words = Words {
    title: "Licence activation",
    lead: "For computers without a connection to this page: bring the request of such a computer here, and take the \
           licence back to it.",
    steps: [
        "There: <code>keynode activation request CODE --itn ITN --out request.json</code>",
        "Here: send the file <code>request.json</code>, or paste its text, and save the licence file that comes back.",
        "There: <code>keynode licence add FILE</code>",
    ],
    file: "File of the request",
    text: "Or its text",
    button: "Get the licence",
    failed: "The request is refused",
    done: "Done",
    nothing: "There is nothing new: the licence that the computer has stays as it is.",
    empty: "Neither a file nor a text was sent.",
    form: "The form was not sent whole.",
};

const RUSSIAN: Words = Words {
    title: "Активация лицензии",
    lead: "Для компьютеров, с которых этот сервер недоступен: принесите сюда запрос такого компьютера и отнесите на \
           него полученную лицензию.",
    steps: [
        "Там: <code>keynode activation request КОД --itn ИНН --out request.json</code>",
        "Здесь: отправьте файл <code>request.json</code> или вставьте его текст и сохраните полученный файл лицензии.",
        "Там: <code>keynode licence add ФАЙЛ</code>",
    ],
    file: "Файл запроса",
    text: "Или его текст",
    button: "Получить лицензию",
    failed: "Запрос отклонён",
    done: "Готово",
    nothing: "Нового ничего нет: лицензия на компьютере остаётся прежней.",
    empty: "Не отправлено ни файла, ни текста.",
    form: "Форма отправлена не полностью.",
};

impl Language {
    /// The texts in this language.
    pub(super) fn words(self) -> &'static Words {
        match self {
            Self::English => &ENGLISH,
            Self::Russian => &RUSSIAN,
        }
    }

    /// Why a centre refuses, in a sentence.
    pub(super) fn refusal(self, refusal: &Refusal) -> String {
        match self {
            Self::English => {
                let mut text = refusal.to_string();
                if let Some(first) = text.get_mut(..1) {
                    first.make_ascii_uppercase();
                }
                text.push('.');
                text
            }
            Self::Russian => russian(refusal),
        }
    }
}

fn russian(refusal: &Refusal) -> String {
    let told = match refusal {
        Refusal::BadRequest(why) => return format!("Это не запрос активации, или он повреждён ({why})."),
        Refusal::NoMoves { again: Some(again) } => {
            return format!(
                "Лицензию переносили столько раз, сколько разрешает поставщик; следующий перенос возможен с {again}. \
                 Раньше поможет только код восстановления: попросите его у поставщика."
            );
        }
        Refusal::Expired(moment) => {
            return format!("Код активации нужно было использовать до {moment}.");
        }
        Refusal::TooMany { seconds } => {
            return format!("Слишком много неудачных запросов. Повторите через {seconds} с.");
        }
        Refusal::UnknownCode => "Такого кода активации нет.",
        Refusal::Holder => "Код активации принадлежит владельцу с другим ИНН или КПП.",
        Refusal::Used => {
            "Код активации используется в другом месте: верните лицензию там или, если тот компьютер утрачен, попросите у \
             поставщика код восстановления."
        }
        Refusal::NoMoves { again: None } => {
            "Лицензию переносили столько раз, сколько разрешает поставщик: попросите у него код восстановления."
        }
        Refusal::Revoked => "Поставщик отозвал код активации.",
        Refusal::Recovery => "Код восстановления неверен, уже использован или устарел.",
        Refusal::Proof => "Носитель не подтвердил центру свою подлинность.",
        Refusal::NotHere => {
            "Лицензия больше не принадлежит этому компьютеру: её перенесли, вернули или отозвали."
        }
        Refusal::Unavailable(_) => "Центр активации сейчас не может ответить. Повторите позже.",
    };
    told.into()
}
