//! How the stand-in leads its client: who are you, show your key, how your application fares.

use std::sync::Mutex;

use super::super::judge::Judge;
use super::super::world::World;
use super::application::Application;
use super::envelope::{Command, command, scoped};
use super::odd::{application_page, status_page};
use super::{Memory, lock, marker};

/// What a client says of itself first.
const START: [&str; 7] = [
    "libraryVersion",
    "versionConfiguration",
    "versionPlatform",
    "nameConfiguration",
    "language",
    "IDCertificateED",
    "IDOrganizationED",
];

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Login,
    Certificate,
    Marker,
    Status,
    Application,
}

/// A session.
#[derive(Clone, Debug)]
pub(super) struct Session {
    id: String,
    cabinet: bool,
    /// The subscriber that a certificate is added to.
    add_to: String,
    certificate: String,
    fingerprint: String,
    marker: String,
    place: Place,
}

/// A request's parameters.
struct Told<'a>(&'a [(String, String)]);

impl Told<'_> {
    fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(own, _)| own == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    fn pressed(&self, name: &str) -> bool {
        self.get(name) == "true"
    }
}

/// Answers a request, or refuses it by a Fault.
pub(super) fn go_on(
    world: &Mutex<World>,
    judge: &Judge,
    parameters: &[(String, String)],
) -> Result<Vec<Command>, String> {
    let told = Told(parameters);
    let id = told.get("session_id");
    if id.is_empty() {
        return begin(&mut lock(world).taxcom, &told);
    }
    let session = lock(world).taxcom.sessions.get(id).cloned();
    let Some(session) = session else {
        return lock(world).taxcom.odd.lost();
    };
    if told.pressed("CloseBP") {
        lock(world).taxcom.sessions.remove(id);
        return Ok(vec![command("ui.open", &[("indexform", "bh1")])]);
    }
    match session.place {
        Place::Login => Ok(login(&mut lock(world), session, &told)),
        Place::Certificate => certificate(world, judge, session, &told),
        Place::Marker => Ok(shown(&mut lock(world).taxcom, session, &told)),
        Place::Status | Place::Application => pressed(&mut lock(world).taxcom, session, &told),
    }
}

fn begin(memory: &mut Memory, told: &Told<'_>) -> Result<Vec<Command>, String> {
    if let Some(missing) = START.iter().find(|name| told.get(name).is_empty()) {
        return Err(format!("Не указан параметр {missing}"));
    }
    if told.get("APIVersion") != "1.0.1.1" {
        return Err("Версия API не поддерживается".into());
    }
    let (cabinet, add) = (told.get("enterPoint") == "taxcomPrivat", told.get("ToAddCert"));
    let add_to = match (told.get("enterPoint"), add) {
        ("taxcomPrivat", _) | ("taxcomGetID", "NO") => "",
        ("taxcomGetID", "YES") if !told.get("identifierTaxcomED").is_empty() => {
            told.get("identifierTaxcomED")
        }
        _ => return Err("Неверная точка входа".into()),
    };
    let session = Session {
        id: uuid::Uuid::new_v4().to_string(),
        cabinet,
        add_to: add_to.into(),
        certificate: String::new(),
        fingerprint: String::new(),
        marker: String::new(),
        place: Place::Login,
    };
    let answer = vec![
        command("store.put", &[("session_id", &session.id)]),
        scoped("store.get", &[("login", ""), ("password", "")], "startup"),
    ];
    put(memory, session);
    Ok(answer)
}

fn put(memory: &mut Memory, session: Session) {
    memory.sessions.insert(session.id.clone(), session);
}

fn login(world: &mut World, session: Session, told: &Told<'_>) -> Vec<Command> {
    let (login, password) = &world.account;
    if (told.get("login"), told.get("password")) != (login.as_str(), password.as_str()) {
        world.taxcom.sessions.remove(&session.id);
        return vec![command(
            "ui.open",
            &[("indexform", "f4"), ("formmessage", "Неверный логин или пароль")],
        )];
    }
    let place = Place::Certificate;
    put(&mut world.taxcom, Session { place, ..session });
    vec![
        command("performtheaction", &[("action", "getCertificate")]),
        command("store.get", &[("certificateED", "")]),
    ]
}

fn certificate(
    world: &Mutex<World>,
    judge: &Judge,
    session: Session,
    told: &Told<'_>,
) -> Result<Vec<Command>, String> {
    let certificate = told.get("certificateED").to_owned();
    let secret = uuid::Uuid::new_v4().to_string();
    let (message, fingerprint) = marker::encrypted(judge, &certificate, &secret)?;
    let put_marker = [
        ("markerED", message.as_str()),
        ("certificatefingerprintED", &fingerprint),
    ];
    let answer = vec![
        command("store.put", &put_marker),
        command("performtheaction", &[("action", "findCertificateFingerprint")]),
        command("performtheaction", &[("action", "decode")]),
        command("store.get", &[("openMarkerED", "")]),
    ];
    let session = Session {
        certificate,
        fingerprint,
        marker: secret,
        place: Place::Marker,
        ..session
    };
    put(&mut lock(world).taxcom, session);
    Ok(answer)
}

/// The key was shown, or was not.
fn shown(memory: &mut Memory, session: Session, told: &Told<'_>) -> Vec<Command> {
    if told.get("openMarkerED") != session.marker {
        memory.sessions.remove(&session.id);
        return vec![command("system.halt", &[("errorCode", "105")])];
    }
    let status = memory.applications.get(&session.certificate);
    if session.cabinet {
        if status.is_none_or(|application| application.status != "obtained") {
            memory.sessions.remove(&session.id);
            return vec![
                command("message.show", &[("messageText", "Абонент не зарегистрирован")]),
                command("system.halt", &[("errorCode", "404")]),
            ];
        }
        let url = format!("https://lk.taxcom.example/enter?ticket={}", session.marker);
        return vec![command(
            "ui.open",
            &[
                ("indexform", "ftx3"),
                ("url", &url),
                ("caption", "Личный кабинет"),
            ],
        )];
    }
    let mut answer = vec![command("setcodesregion", &[("77", "Москва")])];
    answer.extend(status_form(memory, &session));
    let place = if memory.odd.hasty {
        Place::Application
    } else {
        Place::Status
    };
    put(memory, Session { place, ..session });
    answer
}

fn status_form(memory: &Memory, session: &Session) -> Vec<Command> {
    vec![told_status(memory, session), memory.odd.first_form()]
}

fn told_status(memory: &Memory, session: &Session) -> Command {
    let none = vec![("applicationStatusED", "none")];
    let application = memory.applications.get(&session.certificate);
    let told = match memory.odd.status {
        Some(word) => vec![("applicationStatusED", word)],
        None => application.map_or(none, Application::told),
    };
    command("store.put", &told)
}

/// A button of a form was pressed.
fn pressed(memory: &mut Memory, session: Session, told: &Told<'_>) -> Result<Vec<Command>, String> {
    let status = memory
        .applications
        .get(&session.certificate)
        .map_or("none", |application| application.status);
    if told.get("endForm") == "send" {
        return sent(memory, session, told);
    }
    if told.pressed("getApplicationStatus") && session.place == Place::Status {
        if status != "notconsidered" && status != "obtained" && status != "rejected" {
            memory
                .violations
                .push("the status of no application was asked for".into());
        }
        return Ok(status_form(memory, &session));
    }
    if told.pressed("newApplicationED") {
        if !matches!(status, "none" | "rejected") {
            memory
                .violations
                .push(format!("a new application was begun while one is {status}"));
            return Err("Заявка уже подана".into());
        }
        if memory.odd.stubborn {
            return Ok(status_form(memory, &session));
        }
        let place = Place::Application;
        put(memory, Session { place, ..session });
        return Ok(vec![
            command(
                "performtheaction",
                &[("action", "getInformationAboutOrganization")],
            ),
            command("ui.close", &[("indexform", "ftx1")]),
            application_page(),
        ]);
    }
    Err("Команда не распознана".into())
}

fn sent(memory: &mut Memory, session: Session, told: &Told<'_>) -> Result<Vec<Command>, String> {
    memory.sent += 1;
    let known = memory.applications.get(&session.certificate);
    let status = known.map(|application| application.status);
    if session.place != Place::Application || status.is_some_and(|status| status != "rejected") {
        let violation = format!(
            "an application was sent at {:?} while one is {status:?}",
            session.place
        );
        memory.violations.push(violation);
        return Err("Заявка уже подана".into());
    }
    if told.get("certificateED") != session.certificate || told.get("identifierTaxcomED") != session.add_to {
        return Err("Заявка относится к другому сертификату".into());
    }
    let number = memory.sent - 1;
    let read = Application::read(number, &session.add_to, session.fingerprint.clone(), told.0);
    let application = match read {
        Ok(application) => application,
        Err(why) => {
            memory.sent -= 1;
            return Ok(vec![
                command("message.show", &[("messageText", &why)]),
                command("ui.open", &[("indexform", "ftx2")]),
            ]);
        }
    };
    memory
        .applications
        .insert(session.certificate.clone(), application);
    let session = Session {
        place: Place::Status,
        ..session
    };
    let told = told_status(memory, &session);
    let answer = if memory.odd.silent {
        vec![told]
    } else {
        let close = command("ui.close", &[("indexform", "ftx2")]);
        vec![close, told, status_page()]
    };
    put(memory, session);
    Ok(answer)
}
