//! Nothing secret is in the log, the audit log, the state file or any listing, whatever was had of the services. GOST and RSA
//! alike: what differs is the PIN.

use std::fs;
use std::io;
use std::sync::{Arc, Mutex, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keynode::sandbox::Canned;
use serde_json::{Value, json};
use tracing_subscriber::layer::SubscriberExt;

use crate::crpt::{DIRECT, GATEWAY, canned, order, register};
use crate::ismp::{SIGN_IN, encoded};
use crate::world::{ACCOUNT, ITN, OMS_ID, PASSWORD, REGISTRATION_KEY, World, audit};

/// Everything that the node and what it is made of log, down to what only their makers want to know: an administrator may ask
/// for that (`log.level`).
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
            let subscriber = tracing_subscriber::registry().with(layer);
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

    for kind in ["ISMP", "SUZ", "ИСМПРозница"] {
        let order = json!({ "TokenType": kind, "ITN": ITN });
        world.post("/api/ismp/session-keys", &order).expect(201);
        let kind = encoded(kind);
        let had = world.get(&format!("/api/ismp/session-keys?TokenType={kind}&ITN={ITN}"));
        secrets.add("a session key", &had.expect(200).json()["Token"]);
    }
    world
        .post("/api/ismp/responsible/initialize", &json!({}))
        .expect(200);

    for route in ["Gateway", "Direct"] {
        let order = json!({
            "RequestJSON": json!({ "address": route }).to_string(), "URLParameters": { "omsId": OMS_ID },
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

    bearers(world, &mut secrets);
    areas(world, &mut secrets);
    echoes(world, &mut secrets);
    secrets.add("the refused password", &json!(wrong));
    secrets.add("the password of the portal", &json!(ACCOUNT.1));
    secrets.add("the registration key", &json!(REGISTRATION_KEY));
    secrets.add("the password of the users", &json!(PASSWORD));
    for pin in [crate::softhsm::PIN, crate::keys::GOST_PIN] {
        secrets.add("the PIN", &json!(pin));
    }
    secrets
}

/// Programs that show tickets, good and bad, and one that is made out by this node.
fn bearers(world: &World, secrets: &mut Secrets) {
    let show = |ticket: &Value| {
        let body = json!({
            "crptRequest": {
                "headers": {}, "queryParameters": { "omsId": OMS_ID },
                "bodyBase64": STANDARD.encode(json!({ "address": "Казань" }).to_string()),
            },
            "clientInfo": { "programNick": "Accounting" },
        });
        let ask = world.node.ask("POST", GATEWAY).anonymous();
        let ask = ask.header("Authorization", format!("Bearer {}", ticket.as_str().unwrap()));
        ask.body(body.to_string()).send().status
    };
    let owner = json!({ "TicketOwner": format!("{}{GATEWAY}", world.sandbox.url()) });
    let good = world.post("/api/tickets", &owner).expect(200).json()["Ticket"].clone();
    secrets.add("a ticket of a bearer", &good);
    let bad = json!("a ticket that nobody made");
    secrets.add("a wrong ticket", &bad);
    assert_eq!((show(&good), show(&bad)), (200, 401));
}

/// An account of an area of data, which the portal refuses when it is used.
fn areas(world: &World, secrets: &mut Secrets) {
    let password = json!("a password of the area");
    world
        .sandbox
        .say_next("/rest/public/user/auth", canned(200, "{}"));
    let account = json!({ "Login": "area@example.com", "Password": password, "DataArea": 7 });
    let put = world
        .node
        .ask("PUT", "/api/support-account")
        .body(account.to_string());
    assert_eq!(put.send().expect(200).json()["Kept"], true);
    world.sandbox.say_next("/rest/public/ticket/get", echo(400));
    let ticket = json!({ "TicketOwner": "login", "DataArea": 7 });
    let told = world.post("/api/tickets", &ticket).expect(200).text().to_owned();
    assert!(
        told.contains("***") && !told.contains("a password of the area"),
        "{told}"
    );
    secrets.add("the password of an area", &password);
}

fn echo(status: u16) -> Canned {
    Canned {
        echo: true,
        ..canned(status, "")
    }
}

/// Services that repeat what they were sent: a signature, a login, a key, a token; in their words and in their headers.
fn echoes(world: &World, secrets: &mut Secrets) {
    world.sandbox.say_next(SIGN_IN, echo(403));
    let rows = json!({ "Rows": [{ "TokenType": "ISMP", "ITN": ITN }] });
    world.node.advance(60_001);
    world.post("/api/ismp/tokens/renew", &rows).expect(200);
    let asked = world.sandbox.asked(SIGN_IN);
    let signed = asked.last().unwrap().json()["data"].clone();
    secrets.add("a signature of a challenge", &signed);

    for (route, path, secret) in [
        ("Direct", DIRECT, REGISTRATION_KEY),
        ("Gateway", GATEWAY, ACCOUNT.1),
    ] {
        let login = STANDARD.encode(format!("{}:{}", ACCOUNT.0, ACCOUNT.1));
        let mut said = echo(400);
        said.headers = vec![("X-Echo".into(), format!("{secret} {login}"))];
        world.sandbox.say_next(path, said);
        let mut order = order(route);
        order["RequestJSON"] = json!({ "address": format!("echo {route}") }).to_string().into();
        let told = register(world, &order).to_string();
        assert!(told.contains("***") && !told.contains(secret), "{told}");
        assert!(route == "Direct" || !told.contains(&login), "{told}");
    }
    let token = world.get(&format!("/api/ismp/session-keys?TokenType=SUZ&ITN={ITN}"));
    let token = token.expect(200).json()["Token"].as_str().unwrap().to_owned();
    let mut said = echo(400);
    said.headers = vec![("X-Echo".into(), token.clone())];
    world.sandbox.say_next(DIRECT, said);
    let listed = world.get(&format!("/api/crpt/connections?Source=Operator&OmsId={OMS_ID}"));
    let listed = listed.expect(200).text().to_owned();
    assert!(listed.contains("***") && !listed.contains(&token), "{listed}");
}

/// Tickets that this node issues itself.
fn issued(world: &mut World, secrets: &mut Secrets) {
    world.node.reload(|all| all.tickets.issuer = true);
    let had = world.post("/api/tickets", &json!({ "TicketOwner": "login" }));
    let ticket = had.expect(200).json()["Ticket"].clone();
    secrets.add("a ticket of this node", &ticket);
    let check = json!({ "ticket": ticket, "serviceNick": "login" }).to_string();
    let ask = |path: &str, body: &str| world.node.ask("POST", path).anonymous().body(body).send();
    ask("/rest/public/ticket/check", &check);
    let get = json!({ "login": "robot", "password": PASSWORD, "serviceNick": "login" }).to_string();
    let had = ask("/rest/public/ticket/get", &get).expect(200).json()["ticket"].clone();
    secrets.add("a ticket of this node in place of the portal", &had);
    let had = world.post("/hs/tickets/", &json!({ "zone": 0, "openUrl": "login" }));
    secrets.add(
        "a ticket of this node in place of the manager",
        &had.expect(201).json()["ticket"],
    );
}

with_both_keys!(
    nothing_secret_is_anywhere_but_where_it_was_asked_for,
    |mut world| {
        let log = Log::start();
        let mut secrets = used(&world);
        issued(&mut world, &mut secrets);
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
        let log_text = String::from_utf8_lossy(&log);
        for source in ["keynode::", "hyper_util::client", "actix_http::h1"] {
            assert!(log_text.contains(source), "{source} logs nothing");
        }
        secrets.assert_not_in("the log", &log);
    }
);
