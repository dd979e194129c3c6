//! A stand-in for 1C-Taxcom: a SOAP service that leads its client by commands, and takes or rejects applications.

mod application;
mod dialogue;
mod envelope;
mod gate;
mod marker;
mod odd;
mod wsdl;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

pub use gate::{Gate, HeldAt};
pub use odd::{Lost, Oddities};

use application::Application;
use dialogue::Session;
use gate::Shut;
use wsdl::Style;

use super::judge::Judge;
use super::server::{Asked, Said, Sandbox};
use super::world::World;

/// Where it is.
const PATH: &str = "/services/WebItsSimpleService";

/// Configurations that it supports.
const SUPPORTED: [&str; 2] = ["БухгалтерияПредприятия", "УправлениеТорговлей"];

/// What it remembers.
#[derive(Default)]
pub(super) struct Memory {
    style: Style,
    sessions: HashMap<String, Session>,
    /// By the certificate, Base64.
    applications: HashMap<String, Application>,
    /// How many have been sent.
    sent: usize,
    /// What no client may do, and one did.
    violations: Vec<String>,
    /// A request is to be held up.
    gate: Option<Shut>,
    odd: Oddities,
}

impl Memory {
    /// Decides about all applications that wait.
    pub(super) fn decide(&mut self, rejected: Option<&str>) {
        for application in self.applications.values_mut() {
            application.decide(rejected);
        }
    }
}

impl Sandbox {
    /// Has 1C-Taxcom write parameters as attributes, or as elements.
    pub fn set_taxcom_attributes(&self, attributes: bool) {
        self.world().taxcom.style.attributes = attributes;
    }

    /// Has 1C-Taxcom describe its schema in a document of its own, with elements in its namespace.
    pub fn set_taxcom_schema_apart(&self) {
        self.world().taxcom.style.apart = true;
    }

    /// Has 1C-Taxcom forget all sessions.
    pub fn forget_taxcom_sessions(&self) {
        self.world().taxcom.sessions.clear();
    }

    /// How many applications 1C-Taxcom was sent.
    pub fn taxcom_applications(&self) -> usize {
        self.world().taxcom.sent
    }

    /// How many sessions of 1C-Taxcom are open.
    pub fn taxcom_sessions(&self) -> usize {
        self.world().taxcom.sessions.len()
    }
}

/// Answers what is its own.
pub(super) fn answer(world: &Mutex<World>, judge: &Judge, asked: &Asked) -> Option<Said> {
    if asked.path != PATH {
        return None;
    }
    let address = format!("http://{}{PATH}", lock(world).address);
    let style = lock(world).taxcom.style;
    let (status, body) = match (asked.method.as_str(), asked.query.as_str()) {
        ("GET", "wsdl") => (200, wsdl::document(&address, style)),
        ("GET", "xsd=1") if style.apart => (200, wsdl::schema(style)),
        ("POST", _) => match let_in(world, || performed(world, judge, asked, style)) {
            Ok(answer) => (200, envelope::answer(&answer)),
            Err(fault) => (500, envelope::fault(&fault)),
        },
        _ => (405, String::new()),
    };
    Some(Said {
        status,
        content_type: "text/xml;charset=UTF-8",
        body: body.into_bytes(),
    })
}

/// Does a request, which may be held up.
fn let_in(world: &Mutex<World>, perform: impl FnOnce() -> Result<String, String>) -> Result<String, String> {
    let gate = lock(world).taxcom.gate.take_if(Shut::counts);
    let Some(gate) = gate else {
        return perform();
    };
    match gate.held {
        HeldAt::Done => {
            let answer = perform();
            gate.hold();
            answer
        }
        HeldAt::Late => {
            gate.hold();
            perform()
        }
        HeldAt::Lost => {
            gate.hold();
            Err("lost on its way".into())
        }
    }
}

fn performed(world: &Mutex<World>, judge: &Judge, asked: &Asked, style: Style) -> Result<String, String> {
    let kind = asked.header("content-type").unwrap_or_default();
    if !kind.to_ascii_lowercase().starts_with("text/xml") {
        return Err(format!("expected text/xml, not {kind}"));
    }
    let done = operation(world, judge, asked, style);
    let mut world = lock(world);
    let violations = std::mem::take(&mut world.taxcom.violations);
    world.offences.extend(violations);
    done
}

fn operation(world: &Mutex<World>, judge: &Judge, asked: &Asked, style: Style) -> Result<String, String> {
    match envelope::read(&asked.body, style)? {
        envelope::Request::Supported(name) => {
            let supported = SUPPORTED.contains(&name.as_str());
            Ok(format!(
                "<isConfigurationSupportedResponse xmlns=\"{}\">{supported}</isConfigurationSupportedResponse>",
                wsdl::NAMESPACE
            ))
        }
        envelope::Request::Process(parameters) => {
            let commands = dialogue::go_on(world, judge, &parameters)?;
            Ok(envelope::response(&commands, style.attributes))
        }
    }
}

fn lock(world: &Mutex<World>) -> std::sync::MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}
