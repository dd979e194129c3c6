//! What the stand-in does that its client does not expect of it: it shows no application that is there, loses sessions in words of
//! its own, opens other forms.

use super::super::server::Sandbox;
use super::envelope::{Command, command};

/// How a session that is not there any more is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lost {
    /// By a Fault.
    #[default]
    Fault,
    /// By the form for login and password.
    Login,
    /// By a halt with an error.
    Halt,
    /// By no command at all.
    Nothing,
}

/// What is odd about it; the default is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Oddities {
    /// Its word for the status of each application, of which it tells nothing else then.
    pub status: Option<&'static str>,
    /// How a session that is not there is told.
    pub lost: Lost,
    /// It answers the wish for a new application with the form of the status.
    pub stubborn: bool,
    /// It opens the form of an application where that of the status is due.
    pub hasty: bool,
    /// It takes an application and opens no form.
    pub silent: bool,
}

impl Oddities {
    /// The answer in a session that is not there.
    pub(super) fn lost(self) -> Result<Vec<Command>, String> {
        match self.lost {
            Lost::Fault => Err("Сессия не найдена".into()),
            Lost::Login => Ok(vec![command("ui.open", &[("indexform", "f4")])]),
            Lost::Halt => Ok(vec![command("system.halt", &[("errorCode", "7")])]),
            Lost::Nothing => Ok(Vec::new()),
        }
    }

    /// The commands that open the first form.
    pub(super) fn first_form(self) -> Command {
        if self.hasty {
            application_page()
        } else {
            status_page()
        }
    }
}

/// Opens the form of the status.
pub(super) fn status_page() -> Command {
    command("ui.open", &[("indexform", "ftx1"), ("caption", "Статус заявки")])
}

/// Opens the form of an application.
pub(super) fn application_page() -> Command {
    command("ui.open", &[("indexform", "ftx2"), ("caption", "Заявка")])
}

impl Sandbox {
    /// Makes 1C-Taxcom odd from now on.
    pub fn set_taxcom_oddities(&self, odd: Oddities) {
        self.world().taxcom.odd = odd;
    }
}
