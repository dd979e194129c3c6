//! A stand-in for CRPT: registration of connections, directly and through 1C's gateway, their list, and their removal.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::judge::Judge;
use super::server::{Asked, Said, Sandbox};
use super::world::World;

/// The registration key that counts here; the operator's own are the operator's to give.
pub const REGISTRATION_KEY: &str = "5f0c2b7e-1d94-4c38-b6a7-9e8d7c6b5a43";

const CONNECTION: &str = "/api/v3/integration/connection";
const REGISTER: &str = "/public/api/program1c/connections/register";

/// What it remembers.
#[derive(Default)]
pub(super) struct Memory {
    /// By their names.
    connections: BTreeMap<String, Registered>,
    /// The stations of connections that were there before; they are in no list.
    known: HashMap<String, String>,
    /// Whose a station is: of who registered first.
    owners: HashMap<String, String>,
}

struct Registered {
    oms_id: String,
    address: String,
    name: String,
}

/// A registration, by whichever way it came.
struct Request<'r> {
    oms_id: String,
    signature: &'r str,
    body: &'r [u8],
}

/// Answers what is its own.
pub(super) fn answer(world: &Mutex<World>, judge: &Judge, asked: &Asked) -> Option<Said> {
    Some(match (asked.path.as_str(), asked.method.as_str()) {
        (CONNECTION, "POST") => register(world, judge, asked),
        (CONNECTION, "GET") => list(&lock(world), asked),
        (CONNECTION, "DELETE") => remove(&mut lock(world), asked),
        (REGISTER, "POST") => by_gateway(world, judge, asked),
        _ => return None,
    })
}

fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

fn register(world: &Mutex<World>, judge: &Judge, asked: &Asked) -> Said {
    if asked.header("x-registrationkey") != Some(REGISTRATION_KEY) {
        return wrong(400, "the registration key is unknown");
    }
    let request = Request {
        oms_id: asked.parameter("omsId").unwrap_or_default(),
        signature: asked.header("x-signature").unwrap_or_default(),
        body: &asked.body,
    };
    request.answer(world, judge)
}

impl Request<'_> {
    /// The operator's answer.
    fn answer(&self, world: &Mutex<World>, judge: &Judge) -> Said {
        if uuid::Uuid::parse_str(&self.oms_id).is_err() {
            return wrong(400, "omsId is no number of a station");
        }
        let body: Value = serde_json::from_slice(self.body).unwrap_or_default();
        let Some(address) = body["address"].as_str().filter(|address| !address.is_empty()) else {
            return wrong_field("address", "it is missing");
        };
        let name = body["name"].as_str();
        if name.is_some_and(|name| !(1..=256).contains(&name.chars().count())) {
            return wrong_field("name", "expected 1 to 256 characters");
        }
        let Ok(message) = STANDARD.decode(self.signature) else {
            return wrong(400, "X-Signature is no Base64");
        };
        match judge.is_attached(&message) {
            Ok(false) => {}
            Ok(true) => return wrong(413, "X-Signature carries its content"),
            Err(why) => return wrong(400, &format!("X-Signature: {why}")),
        }
        let itn = match judge.verify(&message, Some(self.body)) {
            Ok(verdict) => verdict.itn,
            Err(why) => return wrong(400, &format!("X-Signature: {why}")),
        };
        let Some(itn) = itn else {
            return wrong(400, "the certificate has no INN");
        };
        lock(world).crpt.add(&self.oms_id, address, name, &itn)
    }
}

impl Sandbox {
    /// Has a station have a connection that nobody registers here.
    pub fn know_connection(&self, oms_id: &str, oms_connection: &str) {
        let known = &mut self.world().crpt.known;
        known.insert(oms_connection.into(), oms_id.into());
    }
}

impl Memory {
    /// The station of a connection.
    pub(super) fn station_of(&self, connection: &str) -> Option<&str> {
        let registered = self.connections.get(connection).map(|own| own.oms_id.as_str());
        registered.or_else(|| self.known.get(connection).map(String::as_str))
    }

    fn add(&mut self, oms_id: &str, address: &str, name: Option<&str>, itn: &str) -> Said {
        if self.owners.entry(oms_id.into()).or_insert_with(|| itn.into()) != itn {
            return wrong(400, "the station is another organisation's");
        }
        let taken = |name: &str| self.connections.values().any(|own| own.name == name);
        if name.is_some_and(taken) {
            return wrong_field("name", "it is taken");
        }
        let connection = uuid::Uuid::new_v4().to_string();
        let name = name.map_or_else(|| format!("device {}", self.connections.len() + 1), str::to_owned);
        let registered = Registered {
            oms_id: oms_id.into(),
            address: address.into(),
            name: name.clone(),
        };
        self.connections.insert(connection.clone(), registered);
        let told = json!({ "status": "SUCCESS", "omsConnection": connection, "name": name });
        Said::json(200, &told)
    }
}

fn list(world: &World, asked: &Asked) -> Said {
    if !has_token(world, asked) {
        return wrong(401, "clientToken is unknown or over");
    }
    let number = |name: &str, other: usize| {
        let told = asked.parameter(name).and_then(|number| number.parse().ok());
        told.unwrap_or(other)
    };
    let oms_id = asked.parameter("omsId");
    let all = world.crpt.connections.iter();
    let own: Vec<Value> = all
        .filter(|(_, own)| Some(&own.oms_id) == oms_id.as_ref())
        .map(|(connection, own)| {
            json!({
                "omsConnection": connection, "name": own.name, "address": own.address,
                "programName": "keynode", "productGroups": [], "productVersion": "1", "vendorInn": "",
            })
        })
        .collect();
    let page = own.iter().skip(number("offset", 0)).take(number("limit", 10));
    let told = json!({ "omsConnectionInfos": page.collect::<Vec<_>>(), "total": own.len() });
    Said::json(200, &told)
}

fn remove(world: &mut World, asked: &Asked) -> Said {
    if !has_token(world, asked) {
        return wrong(401, "clientToken is unknown or over");
    }
    let connection = asked.parameter("omsConnection").unwrap_or_default();
    let connections = &mut world.crpt.connections;
    let own = connections.get(&connection);
    if own.is_none_or(|own| Some(&own.oms_id) != asked.parameter("omsId").as_ref()) {
        return wrong(404, "there is no such connection");
    }
    connections.remove(&connection);
    Said::json(200, &json!({ "omsConnection": connection }))
}

/// Whether it brings a token of a connection of the station that it asks about.
fn has_token(world: &World, asked: &Asked) -> bool {
    let token = asked.header("clienttoken").unwrap_or_default();
    let connection = world.ismp.connection_of(token);
    let station = connection.and_then(|connection| world.crpt.station_of(connection));
    station.is_some_and(|station| asked.parameter("omsId").is_some_and(|own| own == station))
}

/// 1C's gateway, which has a registration key and looks into nothing.
fn by_gateway(world: &Mutex<World>, judge: &Judge, asked: &Asked) -> Said {
    if !may_use_gateway(&mut lock(world), asked) {
        return problem(401, "UNAUTHORIZED", None);
    }
    let said = asked.json();
    let (request, client) = (&said["crptRequest"], &said["clientInfo"]);
    let correlation = asked.header("x-correlation-id").unwrap_or_default();
    let body = request["bodyBase64"]
        .as_str()
        .and_then(|body| STANDARD.decode(body).ok());
    let (Some(body), Ok(_)) = (body, uuid::Uuid::parse_str(correlation)) else {
        return problem(400, "BAD_REQUEST", None);
    };
    if client["programNick"].as_str().is_none_or(str::is_empty) {
        return problem(400, "UNKNOWN_PROGRAM", None);
    }
    let request = Request {
        oms_id: request["queryParameters"]["omsId"]
            .as_str()
            .unwrap_or_default()
            .into(),
        signature: request["headers"]["X-Signature"].as_str().unwrap_or_default(),
        body: &body,
    };
    let said = request.answer(world, judge);
    let told: Value = serde_json::from_slice(&said.body).unwrap_or_default();
    match said.status {
        200 => {
            let headers = json!({ "Content-Type": "application/json" });
            let told = json!({ "crptResponse": told, "crptResponseHeaders": headers });
            Said::json(200, &told)
        }
        500.. => problem(500, "BACKEND_API_ERROR", Some(told)),
        _ => problem(422, "BACKEND_API_ERROR", Some(told)),
    }
}

/// The support account, or a ticket that was made out to the gateway's address; that is used up.
fn may_use_gateway(world: &mut World, asked: &Asked) -> bool {
    let shown = asked.header("authorization").unwrap_or_default();
    let Some((scheme, shown)) = shown.split_once(' ') else {
        return false;
    };
    let login = format!("{}:{}", world.account.0, world.account.1);
    match scheme.to_ascii_lowercase().as_str() {
        "basic" => shown == STANDARD.encode(login),
        "bearer" => world.portal.redeem(shown, |owner| owner.ends_with(REGISTER)),
        _ => false,
    }
}

fn problem(status: u16, kind: &str, told: Option<Value>) -> Said {
    let mut body = json!({
        "type": kind, "title": kind, "status": status, "detail": "as the sandbox has it", "instance": REGISTER,
    });
    if let Some(told) = told {
        body["backendErrorResponse"] = told;
        body["backendErrorResponseHeaders"] = json!({ "Content-Type": "application/json" });
    }
    Said::json(status, &body)
}

fn wrong(status: u16, why: &str) -> Said {
    let errors = json!([{ "error": why, "errorCode": status }]);
    let body = json!({ "fieldErrors": [], "globalErrors": errors, "success": false });
    Said::json(status, &body)
}

fn wrong_field(name: &str, why: &str) -> Said {
    let errors = json!([{ "fieldError": why, "fieldName": name, "errorCode": 400 }]);
    let body = json!({ "fieldErrors": errors, "globalErrors": [], "success": false });
    Said::json(400, &body)
}
