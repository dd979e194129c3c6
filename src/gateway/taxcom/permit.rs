//! The one place that decides whether an application may be sent: from what is kept of the last one of the certificate, and
//! from what the service says now. Nothing else sends.

use crate::gateway::outcome::{Code, Trouble};
use crate::licence::Timestamp;

use super::process::{Process, RequestStatus, Told};

/// So long after an application may have been sent, and was never shown, the node may send it again by itself, in
/// milliseconds: six hours.
const SURE: i64 = 6 * 3_600_000;

/// So often the service must have been asked in vain, a poll apart, before somebody may send another one.
pub(super) const LOOKS: u32 = 2;

/// What may be done about an application now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// One may be sent.
    Send,
    /// None is needed, or only somebody may want one.
    Rest,
    /// It is not clear whether there is one: the service is to be asked again.
    Doubt,
}

/// What may be done. `asked`: somebody wants an application, and was told what is in doubt.
pub(super) fn verdict(process: &Process, asked: bool, now: Timestamp) -> Verdict {
    let strange = matches!(process.told, Told::Strange(_));
    let Some(sending) = process.sending.as_ref().filter(|_| process.is_in_doubt()) else {
        return match process.status {
            RequestStatus::Absent if asked || !strange => Verdict::Send,
            RequestStatus::Absent => Verdict::Doubt,
            RequestStatus::Rejected if asked => Verdict::Send,
            _ => Verdict::Rest,
        };
    };
    let sure = now >= sending.at.plus(SURE);
    let may = if asked {
        sure || !strange
    } else {
        sure && !sending.seen && process.told == Told::None
    };
    if may { Verdict::Send } else { Verdict::Doubt }
}

/// What a caller is told of a doubt; `lost`: why the application may not have arrived.
pub(super) fn doubt(process: &Process, lost: Option<&Trouble>) -> Trouble {
    let says = match &process.told {
        Told::Strange(word) => format!("its word for the status is \"{word}\", which is unknown here"),
        Told::None => "it says that there is none".into(),
        Told::Nothing => "it says nothing of one".into(),
        Told::Known => "it shows the one before".into(),
    };
    let own = match &process.sending {
        Some(sending) if sending.seen => format!(
            "1C-Taxcom had the application of {}, and does not show it: {says}. The node asks on, and sends no other by itself",
            sending.at
        ),
        Some(sending) => format!(
            "the application of {} may have reached 1C-Taxcom, and is not shown: {says}. The node asks on; by itself it sends \
             another not before {}, and only if 1C-Taxcom says then that there is none",
            sending.at,
            sending.at.plus(SURE)
        ),
        None => format!(
            "1C-Taxcom does not tell whether there is an application: {says}. The node asks on, and sends none by itself"
        ),
    };
    let info = format!("{own}; НоваяЗаявка, once it is allowed, sends another, which may be a second one");
    let message = "Неизвестно, есть ли заявка в сервисе 1С-Такском. Узел лицензирования повторяет проверку; новую заявку \
                   можно отправить действием НоваяЗаявка, если первой точно нет.";
    match lost {
        Some(lost) => Trouble::new(lost.code, message, format!("{}; {info}", lost.info)),
        None => Trouble::new(Code::Service, message, info),
    }
}
