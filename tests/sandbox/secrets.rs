//! Nothing secret is in the log, the audit log, the state file or any listing, whatever was had of the services. GOST and RSA
//! alike: what differs is the PIN.

use std::fs;
use std::io;
use std::sync::{Arc, Mutex, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keynode::sandbox::Canned;
use serde_json::{Value, json};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;

use crate::world::{ACCOUNT, ITN, PASSWORD, REGISTRATION_KEY, World, audit};

/// Everything that the node logs, down to what only its makers want to know.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

fn hex(text: &str) -> String {
    let bytes = text.bytes();
    bytes
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// That of the process, for there is one.
    fn start() -> Self {
        static LOG: OnceLock<Log> = OnceLock::new();
        let started = LOG.get_or_init(|| {
            let log = Self::default();
            let own = log.clone();
            let layer = tracing_subscriber::fmt::layer()
                .with_ansi(false)
                .with_writer(move || own.clone());
            let only = Targets::new().with_target("keynode", tracing::Level::TRACE);
            let subscriber = tracing_subscriber::registry().with(layer).with(only);
            tracing::subscriber::set_global_default(subscriber).unwrap();
            log
        });
        started.clone()
    }
}

/// What was had, under the name of what it is.
#[derive(Default)]
struct Secrets(Vec<(&'static str, String)>);

impl Secrets {
    fn add(&mut self, what: &'static str, secret: &Value) {
        let secret = secret.as_str().unwrap();
        assert!(secret.len() >= 8, "{what} is no secret: {secret:?}");
        self.0.push((what, secret.to_owned()));
    }

    fn assert_not_in(&self, place: &str, bytes: &[u8]) {
        for (what, secret) in &self.0 {
            let spelled = [secret.clone(), STANDARD.encode(secret), hex(secret)];
            for form in spelled {
                let found = bytes.windows(form.len()).any(|part| part == form.as_bytes());
                assert!(!found, "{what} is in {place}");
            }
        }
    }
}

/// Has the services give all that they give, and fail as far as they can.
fn used(world: &World) -> Secrets {
    let mut secrets = Secrets::default();
    let ticket = json!({ "TicketOwner": "login" });
    let had = world.post("/api/tickets", &ticket).expect(200).json();
    secrets.add("a ticket", &had["Ticket"]);
    let check = json!({ "Ticket": had["Ticket"], "TicketOwner": "login" });
    world.post("/api/tickets/check", &check).expect(200);
    let had = world
        .post("/hs/tickets/", &json!({ "zone": 0, "openUrl": "login" }))
        .expect(201)
        .json();
    secrets.add("a ticket of the drop-in", &had["ticket"]);

    for kind in ["ISMP", "SUZ"] {
        let order = json!({ "TokenType": kind, "ITN": ITN });
        world.post("/api/ismp/session-keys", &order).expect(201);
        let had = world.get(&format!("/api/ismp/session-keys?TokenType={kind}&ITN={ITN}"));
        secrets.add("a session key", &had.expect(200).json()["Token"]);
    }
    world
        .post("/api/ismp/responsible/initialize", &json!({}))
        .expect(200);

    for route in ["Gateway", "Direct"] {
        let order = json!({
            "RequestJSON": json!({ "address": route }).to_string(), "URLParameters": { "omsId": crate::world::OMS_ID },
            "Library": { "ID": "БГосИС", "Version": "1.0.1" }, "Route": route, "ITN": ITN,
        });
        world.post("/api/crpt/connections", &order).expect(200);
    }
    let order = json!({ "Kind": "SubscriberID", "Certificate": world.key.thumbprint, "ITN": ITN });
    world.post("/api/taxcom/processes", &order).expect(201);
    world
        .post(
            "/api/taxcom/cabinet",
            &json!({ "Certificate": world.key.thumbprint }),
        )
        .expect(200);

    // Accounts that are refused, and services that repeat what they were sent.
    let wrong = "the password nobody has";
    let account = json!({ "Login": ACCOUNT.0, "Password": wrong });
    let put = world
        .node
        .ask("PUT", "/api/support-account")
        .body(account.to_string());
    assert!(!put.send().expect(200).text().contains(wrong));
    let echo = json!({ "login": ACCOUNT.0, "password": ACCOUNT.1, "error": ACCOUNT.1 }).to_string();
    for (path, status) in [("/rest/public/ticket/get", 400), ("/rest/public/user/auth", 500)] {
        let body = echo.clone().into_bytes();
        world.sandbox.say_next(
            path,
            Canned {
                status,
                body,
                ..Canned::default()
            },
        );
    }
    let told = world.post("/api/tickets", &ticket).expect(200);
    assert!(!told.text().contains(ACCOUNT.1), "{}", told.text());
    let account = json!({ "Login": ACCOUNT.0, "Password": ACCOUNT.1 });
    let put = world
        .node
        .ask("PUT", "/api/support-account")
        .body(account.to_string());
    assert!(!put.send().expect(200).text().contains(ACCOUNT.1));

    secrets.add("the refused password", &json!(wrong));
    secrets.add("the password of the portal", &json!(ACCOUNT.1));
    secrets.add("the registration key", &json!(REGISTRATION_KEY));
    secrets.add("the password of the users", &json!(PASSWORD));
    for pin in [crate::softhsm::PIN, crate::keys::GOST_PIN] {
        secrets.add("the PIN", &json!(pin));
    }
    secrets
}

with_both_keys!(
    nothing_secret_is_anywhere_but_where_it_was_asked_for,
    |mut world| {
        let log = Log::start();
        let secrets = used(&world);
        for target in [
            "/api",
            "/api/serverinfo",
            "/api/organizations",
            "/api/ismp/tokens",
            "/api/ismp/reminders",
            "/api/ismp/responsible",
            "/api/crpt/connections",
            "/api/taxcom/processes",
            "/api/devices",
            "/api/certificates",
        ] {
            secrets.assert_not_in(target, &world.node.get(target).expect(200).body);
        }
        let organization = format!("/api/organizations/{ITN}");
        secrets.assert_not_in(&organization, &world.node.get(&organization).expect(200).body);
        world.key.pull();
        world.until_usable(false);
        world.post("/api/ismp/tokens/renew", &json!({}));
        secrets.assert_not_in(
            "/api/ismp/reminders",
            &world.get("/api/ismp/reminders").expect(200).body,
        );

        let rows = audit(&mut world, "%");
        assert!(rows.len() > 5, "{rows:?}");
        secrets.assert_not_in("the audit log", format!("{rows:?}").as_bytes());
        let mut files = 0;
        for entry in fs::read_dir(&world.node.settings.state_dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                files += 1;
                secrets.assert_not_in(&path.display().to_string(), &fs::read(&path).unwrap());
            }
        }
        assert!(files > 2);
        let log = log.0.lock().unwrap();
        assert!(!log.is_empty());
        secrets.assert_not_in("the log", &log);
    }
);
