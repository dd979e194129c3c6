//! The dialogue that the service leads: it gives commands, its client does them and answers. Pure: what must be asked or
//! decrypted is told to the caller, who comes back with it.

use std::collections::{BTreeMap, VecDeque};

use crate::cms::Thumbprint;
use crate::gateway::account::Account;
use crate::gateway::outcome::Trouble;
use crate::gateway::secret::without;

use super::fields;
use super::session::Session;
use super::soap::{Command, Parameter};
use super::trouble::{
    Stuck, clean, no_account, nonsense, question, refused_login, stopped, unknown, wants_a_person,
};

/// What a client of the service says of itself (spec, services, section 4). The service was written for 1C programs and asks
/// for their versions.
const OURSELVES: [(&str, &str); 5] = [
    ("libraryVersion", "2.7.1.1"),
    ("APIVersion", "1.0.1.1"),
    ("versionConfiguration", "3.0.1.1"),
    ("versionPlatform", "8.3.24.1"),
    ("language", "ru"),
];

/// The most commands that wait to be done.
const MOST_WAITING: usize = 400;

/// The most markers that are decrypted in a session: the key is not at the service's disposal.
const MOST_MARKERS: u32 = 2;

/// The longest marker, decrypted, in characters.
const LONGEST_WORD: usize = 256;

/// Values of the service that a person's secrets would be in; they stay where they are.
const ACCOUNT: [&str; 2] = ["login", "password"];

/// A way into the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// To become a subscriber or register a certificate.
    Subscriber,
    /// To the cabinet.
    Cabinet,
}

impl Entry {
    fn word(self) -> &'static str {
        match self {
            Self::Subscriber => "taxcomGetID",
            Self::Cabinet => "taxcomPrivat",
        }
    }
}

/// What the dialogue may tell the service.
pub(super) struct Facts {
    pub(super) entry: Entry,
    pub(super) configuration: String,
    /// Base64 of the certificate.
    pub(super) certificate: String,
    /// It is within its time.
    pub(super) valid: bool,
    /// Why its key is not here, where that is so.
    pub(super) missing: Option<Trouble>,
    pub(super) thumbprint: Thumbprint,
    pub(super) itn: String,
    /// The subscriber that a certificate is added to.
    pub(super) add_to: Option<String>,
    /// Data of registration, by the seed's names.
    pub(super) registration: BTreeMap<String, String>,
    pub(super) account: Option<Account>,
    /// The organisation's own certificates that are here.
    pub(super) certificates: Vec<Thumbprint>,
}

/// A form that the service has opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// How the application fares.
    Status,
    /// The application.
    Application,
    /// The cabinet: where, and what else was told.
    Cabinet(String, BTreeMap<String, String>),
}

/// What comes next.
#[derive(Debug)]
pub(super) enum Step {
    /// The service is to be asked with these parameters.
    Ask(Vec<Parameter>),
    /// This Base64 is to be decrypted with the key of this certificate.
    Decrypt(String, Thumbprint),
    /// Nothing, until somebody acts; none: no form is open.
    Rest(Option<Form>),
    /// The service has ended the process well.
    Succeeded,
}

/// A dialogue under way.
pub(super) struct Dialogue {
    pub(super) session: Session,
    waiting: VecDeque<Command>,
    form: Option<Form>,
    succeeded: bool,
    /// What the service wanted a person to read last.
    pub(super) message: String,
}

impl Dialogue {
    /// Begins one: the dialogue and its first request.
    pub(super) fn begin(facts: &Facts) -> (Self, Vec<Parameter>) {
        let mut session = Session::default();
        let mut start = vec![
            ("IDCertificateED", facts.thumbprint.to_string()),
            ("IDOrganizationED", facts.itn.clone()),
            ("identifierTaxcomED", facts.add_to.clone().unwrap_or_default()),
        ];
        if facts.entry == Entry::Subscriber {
            let adds = if facts.add_to.is_some() { "YES" } else { "NO" };
            start.push(("ToAddCert", adds.into()));
        }
        session
            .values
            .extend(start.iter().map(|(name, value)| ((*name).into(), value.clone())));
        let start = start.into_iter();
        let mut first: Vec<Parameter> = OURSELVES
            .iter()
            .map(|(name, value)| Parameter::new(*name, *value))
            .collect();
        first.push(Parameter::new("nameConfiguration", facts.configuration.as_str()));
        first.push(Parameter::new("enterPoint", facts.entry.word()));
        first.extend(start.map(|(name, value)| Parameter::new(name, value)));
        session.process = Some(facts.entry.word().into());
        (Self::resume(session, None), first)
    }

    /// Goes on with one that rests at a form.
    pub(super) fn resume(session: Session, form: Option<Form>) -> Self {
        Self {
            session,
            waiting: VecDeque::new(),
            form,
            succeeded: false,
            message: String::new(),
        }
    }

    /// Does what the service answered, up to where it needs something.
    pub(super) fn hear(&mut self, commands: Vec<Command>, facts: &Facts) -> Result<Step, Stuck> {
        if commands.is_empty() {
            return Err(nonsense("its answer has no commands").into());
        }
        if self.waiting.len() + commands.len() > MOST_WAITING {
            return Err(nonsense("it gives more commands than can be done").into());
        }
        // Commands of an answer come before those that waited for it.
        for command in commands.into_iter().rev() {
            self.waiting.push_front(command);
        }
        self.go_on(facts)
    }

    /// Goes on with the decrypted marker.
    pub(super) fn decrypted(&mut self, marker: &[u8], facts: &Facts) -> Result<Step, Stuck> {
        let text = std::str::from_utf8(marker).map(str::trim);
        let text = text.map_err(|_| nonsense("the marker that it encrypted is no text"))?;
        // A letter of somebody else's to the organisation is not read to the service.
        if text.chars().count() > LONGEST_WORD || text.chars().any(char::is_control) {
            return Err(nonsense("what it encrypted is no marker").into());
        }
        self.session.put("openMarkerED", text)?;
        self.go_on(facts)
    }

    fn go_on(&mut self, facts: &Facts) -> Result<Step, Stuck> {
        while let Some(command) = self.waiting.pop_front() {
            if let Some(step) = self.perform(&command, facts)? {
                return Ok(step);
            }
        }
        Ok(if self.succeeded {
            Step::Succeeded
        } else {
            Step::Rest(self.form.clone())
        })
    }

    fn perform(&mut self, command: &Command, facts: &Facts) -> Result<Option<Step>, Stuck> {
        match command.name.as_str() {
            "store.get" => return self.tell(command, facts).map(Some),
            "store.put" | "setcodesregion" => {
                for parameter in &command.parameters {
                    let scope = parameter.scope.eq_ignore_ascii_case("startup");
                    // The account is the administrator's: no service changes it.
                    if !(scope && ACCOUNT.contains(&parameter.name.as_str())) {
                        self.session.put(&parameter.name, &parameter.value)?;
                    }
                }
            }
            "store.delete" => {
                for parameter in &command.parameters {
                    self.session.values.remove(&parameter.name);
                }
            }
            "launchservice" => {
                let process = command.value("bp").or(command.value("nameURI"));
                self.session.process = process.map(str::to_owned);
            }
            "performtheaction" => {
                let action = command.value("action").unwrap_or_default().to_ascii_lowercase();
                return self.act(&action, facts);
            }
            // The same in one word.
            action if action.starts_with("performtheaction.") => {
                return self.act(&action["performtheaction.".len()..], facts);
            }
            "ui.open" => self.open(command, facts)?,
            "ui.close" => self.form = None,
            "message.show" => self.message = self.shown(command, facts),
            "question.show" | "input.field" => return Err(question(&self.shown(command, facts))),
            "system.halt" => return self.halt(command, facts).map(Some),
            // Lists that only a person's forms need.
            "store.putorganizations" | "store.putadressclassifier" => {}
            other => return Err(self.unknown("gave the command", other, facts)),
        }
        Ok(None)
    }

    /// `store.get`: tells what is asked for.
    fn tell(&self, command: &Command, facts: &Facts) -> Result<Step, Stuck> {
        let told = command.parameters.iter().map(|parameter| {
            let name = parameter.name.as_str();
            let ourselves = OURSELVES.iter().find(|(own, _)| *own == name);
            let value = match (name, ourselves, &facts.account) {
                (_, Some((_, value)), _) => (*value).to_owned(),
                ("nameConfiguration", ..) => facts.configuration.clone(),
                ("enterPoint", ..) => facts.entry.word().to_owned(),
                ("login", _, Some(account)) => account.login.clone(),
                ("password", _, Some(account)) => account.password.expose().to_owned(),
                ("login" | "password", _, None) => return Err(no_account()),
                _ => self.session.value(name).to_owned(),
            };
            Ok(Parameter::new(name, value))
        });
        let told = told.collect::<Result<Vec<_>, _>>()?;
        Ok(Step::Ask(self.session.request(told)))
    }

    fn act(&mut self, action: &str, facts: &Facts) -> Result<Option<Step>, Stuck> {
        match action {
            "getcertificate" => self.session.put("certificateED", &facts.certificate)?,
            "getinformationaboutorganization" => {
                for (name, wire) in fields::WIRE {
                    // What the service has told of the subscriber is not overwritten with nothing.
                    if let Some(value) = facts.registration.get(name) {
                        self.session.put(wire, value)?;
                    }
                }
            }
            "findcertificatefingerprint" => {
                if let Some(found) = self.fingerprint(facts) {
                    self.session.put("IDCertificateED", &found.to_string())?;
                }
            }
            "decode" => {
                let marker = self.session.value("markerED");
                if marker.is_empty() {
                    return Err(nonsense("it wants a marker decrypted that it has not told").into());
                }
                self.session.opened += 1;
                if self.session.opened > MOST_MARKERS {
                    return Err(nonsense("it wants one marker after another decrypted").into());
                }
                let marker = self.session.value("markerED");
                let own = self.session.value("IDCertificateED").parse().ok();
                let own = own.filter(|own| facts.certificates.contains(own));
                let thumbprint = own.unwrap_or(facts.thumbprint);
                return Ok(Some(Step::Decrypt(marker.to_owned(), thumbprint)));
            }
            other => return Err(self.unknown("wants the action", other, facts)),
        }
        Ok(None)
    }

    /// The organisation's certificate whose thumbprint the service has told. Keys of others are not lent to it.
    fn fingerprint(&self, facts: &Facts) -> Option<Thumbprint> {
        let told = self.session.value("certificatefingerprintED");
        let own = facts.certificates.iter();
        let mut same = own.filter(|own| own.base64() == told || own.to_string().eq_ignore_ascii_case(told));
        same.next().copied()
    }

    fn open(&mut self, command: &Command, facts: &Facts) -> Result<(), Stuck> {
        if let Some(text) = command.value("formmessage").or(command.value("text")) {
            self.message = self.told(text, facts);
        }
        let index = command.value("indexform").unwrap_or_default();
        let index = index.to_ascii_lowercase();
        self.form = Some(match index.as_str() {
            "ftx1" => Form::Status,
            "ftx2" => Form::Application,
            "ftx3" => {
                let mut fields = BTreeMap::new();
                for parameter in &command.parameters {
                    fields.insert(parameter.name.clone(), parameter.value.to_string());
                }
                let url = command.value("url").unwrap_or_default().to_owned();
                fields.retain(|name, _| !["indexform", "url"].contains(&name.to_ascii_lowercase().as_str()));
                Form::Cabinet(url, fields)
            }
            "bh1" => {
                self.succeeded = true;
                return Ok(());
            }
            "f4" | "1" => return Err(refused_login(&self.message)),
            "ftx4" | "ftx5" | "f2" | "f3" | "f5" | "f6" | "f7" | "f9" | "f10" | "f11" | "c20" | "2"
            | "13" | "18" | "19" => return Err(wants_a_person(&index, &self.message)),
            other => return Err(self.unknown("opened the form", other, facts)),
        });
        Ok(())
    }

    fn halt(&self, command: &Command, facts: &Facts) -> Result<Step, Stuck> {
        match command.value("errorcode").unwrap_or("0").trim() {
            "" | "0" if self.succeeded => Ok(Step::Succeeded),
            "" | "0" => Ok(Step::Rest(None)),
            code => Err(stopped(&self.told(code, facts), &self.message).into()),
        }
    }

    fn shown(&self, command: &Command, facts: &Facts) -> String {
        let text = command.value("messagetext").or(command.value("formmessage"));
        let text = text.or(command.value("explanationtext"));
        self.told(text.unwrap_or_default(), facts)
    }

    fn unknown(&self, does: &str, what: &str, facts: &Facts) -> Stuck {
        unknown(&format!("it {does} \"{}\"", self.told(what, facts))).into()
    }

    /// A text of the service that a person may see.
    pub(super) fn told(&self, text: &str, facts: &Facts) -> String {
        clean(&without(text, &self.secrets(facts)))
    }

    /// What the service knows and nobody else is to read.
    pub(super) fn secrets<'s>(&'s self, facts: &'s Facts) -> [&'s str; 3] {
        let password = facts.account.as_ref().map(|account| account.password.expose());
        let own = ["session_id", "openMarkerED"].map(|name| self.session.value(name));
        [password.unwrap_or_default(), own[0], own[1]]
    }

    /// Leaves the form and what was said in it: what the service answers now is what counts.
    pub(super) fn leave(&mut self) {
        self.form = None;
        self.message.clear();
    }
}

#[cfg(test)]
#[path = "dialogue_tests.rs"]
mod tests;
