//! A node whose services are all switched on and pointed at stand-ins, with an organisation, its key, a support account, and
//! a robot that asks.

use std::path::Path;
use std::time::{Duration, Instant};

use keynode::gateway::{Account, Changes, Facility, Organization, Trouble};
use keynode::sandbox::{Sandbox, SandboxRules};
use keynode::settings::Settings;
use keynode::store::{Role, Users};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::http::Ask;
use crate::common::node::author;
use crate::common::{Answer, TestNode};
use crate::keys::{Key, NAME, Plugged, fixture, write};

/// ITN of the organisation, which is in the certificate of its key.
pub(crate) const ITN: &str = "7707083893";

/// The operator's number of its order management station.
pub(crate) const OMS_ID: &str = "b2f0a6d1-9d83-4b6a-9e0c-0a7b8c6d5e4f";

/// Its connection.
pub(crate) const OMS_CONNECTION: &str = "3c7d2a90-5a41-4a5e-8f1e-6b2d9c8e7f10";

/// Its place of production that has a connection of its own, and that.
pub(crate) const FACILITY: (&str, &str) = ("Цех 1", "7e1b4c52-0d3f-4f86-a1b9-2c5d8e7f9a01");

/// Login and password of the support portal.
pub(crate) const ACCOUNT: (&str, &str) = ("robot@example.com", "a password of the portal");

/// What the operator gave for direct registration.
pub(crate) const REGISTRATION_KEY: &str = "5f0c2b7e-1d94-4c38-b6a7-9e8d7c6b5a43";

/// Password of the users that a world has: `robot`, `monitor`, `client`, `signer`, each of the role.
pub(crate) const PASSWORD: &str = "works all day";

/// Nothing that a test waits for takes longer.
const PATIENCE: Duration = Duration::from_mins(1);

/// A node, its stand-ins and its key.
pub(crate) struct World {
    pub(crate) node: TestNode,
    pub(crate) sandbox: Sandbox,
    pub(crate) key: Plugged,
    /// Files that go with the world.
    pub(crate) directory: TempDir,
}

impl World {
    /// A world with this key, which is ready.
    pub(crate) fn new(key: Key) -> Self {
        Self::with(key, |_| ())
    }

    /// The same with changed settings.
    pub(crate) fn with(key: Key, change: impl FnOnce(&mut Settings)) -> Self {
        let world = Self::unready(key, change);
        world.until_usable(true);
        world
    }

    /// The same, whose key need not be ready.
    pub(crate) fn unready(key: Key, change: impl FnOnce(&mut Settings)) -> Self {
        Self::made(key, |all, _| change(all))
    }

    /// A world whose token gets a PIN that is not its own.
    pub(crate) fn with_wrong_pin(key: Key) -> Self {
        Self::made(key, |all, plugged| {
            let token = all.tokens.get_mut(NAME).unwrap();
            token.pin_file = Some(plugged.wrong_pin());
        })
    }

    fn made(key: Key, change: impl FnOnce(&mut Settings, &Plugged)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let sandbox = sandbox(directory.path());
        let key = Plugged::new(key);
        let registration_key = directory.path().join("registration-key");
        write(&registration_key, REGISTRATION_KEY.as_bytes());
        let node = TestNode::with(|all| {
            point(all, &sandbox.url());
            all.crpt.registration_key_file = Some(registration_key);
            key.apply(all);
            change(all, &key);
        });
        let roles = [
            ("robot", Role::Gateway),
            ("monitor", Role::Monitor),
            ("client", Role::Client),
            ("signer", Role::Signer),
        ];
        for (name, role) in roles {
            node.add_user(name, role, PASSWORD);
        }
        let users = Users::open(&node.database()).unwrap();
        users
            .grant("signer", &[key.thumbprint.parse().unwrap()], &author())
            .unwrap();
        let world = Self {
            node,
            sandbox,
            key,
            directory,
        };
        world.keep(ITN, &organization(&world.key.thumbprint));
        world.set_account(Some(ACCOUNT));
        world
    }

    /// Keeps an organisation as it is, without asking the API.
    pub(crate) fn keep(&self, itn: &str, organization: &Organization) {
        let (itn, organization) = (itn.to_owned(), organization.clone());
        let state = self.node.gateway();
        let changes = Changes::new().put(&itn, &organization);
        state.now().shared.state.commit(changes).unwrap();
    }

    /// The organisation as it is kept now.
    pub(crate) fn organization(&self) -> Organization {
        self.node
            .gateway()
            .now()
            .shared
            .organization(ITN)
            .unwrap()
            .unwrap()
    }

    /// Keeps this support account for all areas.
    pub(crate) fn set_account(&self, account: Option<(&str, &str)>) {
        let Some((login, password)) = account else {
            return;
        };
        let account = Account {
            login: login.into(),
            password: password.into(),
        };
        let services = self.node.gateway();
        let kept = services.have(|gateway| async move {
            let kept = gateway.shared.state.set_account(None, account).await;
            kept.unwrap();
            Ok::<_, Trouble>(())
        });
        waiting().block_on(kept).unwrap();
    }

    /// A request of the robot's.
    pub(crate) fn ask(&self, verb: &str, target: &str) -> Ask {
        self.ask_as("robot", verb, target)
    }

    /// A request of another user's.
    pub(crate) fn ask_as(&self, user: &str, verb: &str, target: &str) -> Ask {
        self.node.ask(verb, target).login(user, PASSWORD)
    }

    #[track_caller]
    pub(crate) fn get(&self, target: &str) -> Answer {
        self.ask("GET", target).send()
    }

    #[track_caller]
    pub(crate) fn post(&self, target: &str, body: &Value) -> Answer {
        self.ask("POST", target).body(body.to_string()).send()
    }

    #[track_caller]
    pub(crate) fn put(&self, target: &str, body: &Value) -> Answer {
        self.ask("PUT", target).body(body.to_string()).send()
    }

    #[track_caller]
    pub(crate) fn delete(&self, target: &str) -> Answer {
        self.ask("DELETE", target).send()
    }

    /// The row of the organisation's certificate.
    pub(crate) fn certificate(&self) -> Value {
        let target = format!("/api/certificates/{}", self.key.thumbprint);
        self.node.get(&target).json()
    }

    /// Waits until the node can, or cannot, use the key.
    #[track_caller]
    pub(crate) fn until_usable(&self, usable: bool) {
        self.until("the key is to change", || {
            self.node.post("/api/rescan", &json!({})).expect(200);
            (self.certificate()["Usable"] == true) == usable
        });
    }

    /// Waits until something is so.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, mut is: impl FnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is() {
            assert!(Instant::now() < deadline, "{what}: {}", self.certificate());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Rows of the audit log whose event is like this: actor, event, object, detail. The node is started anew, so that all are
/// written.
pub(crate) fn audit(world: &mut World, events: &str) -> Vec<(String, String, String, String)> {
    world.node.restart(0);
    let connection = world.node.database().connect().unwrap();
    let text = "SELECT actor, event, object, detail FROM audit WHERE event LIKE ?1 ORDER BY seq";
    let mut rows = connection.prepare(text).unwrap();
    let rows = rows.query_map([events], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// Stand-ins that trust the authorities of the fixtures.
pub(crate) fn sandbox(directory: &Path) -> Sandbox {
    let rules = SandboxRules {
        authority: fixture("authorities.pem"),
        directory: directory.to_owned(),
        account: (ACCOUNT.0.into(), ACCOUNT.1.into()),
        port: 0,
    };
    let sandbox = Sandbox::start(rules).unwrap();
    for connection in [OMS_CONNECTION, FACILITY.1] {
        sandbox.know_connection(OMS_ID, connection);
    }
    sandbox
}

/// Switches all services on and points them at the stand-ins.
pub(crate) fn point(all: &mut Settings, url: &str) {
    all.gateway.proxy = Some("none".into());
    all.gateway.timeout = Duration::from_secs(20);
    all.tickets.enabled = true;
    (all.tickets.url, all.tickets.url_eu) = (url.into(), url.into());
    all.ismp.enabled = true;
    all.ismp.url = url.into();
    all.crpt.enabled = true;
    (all.crpt.url, all.crpt.gateway_url) = (url.into(), url.into());
    all.taxcom.enabled = true;
    all.taxcom.url = format!("{url}/services/WebItsSimpleService");
}

/// The organisation.
pub(crate) fn organization(thumbprint: &str) -> Organization {
    let data = [
        ("Индекс", "117312"),
        ("КодРегиона", "77"),
        ("Регион", "Москва"),
        ("Район", ""),
        ("Город", "Москва"),
        ("НаселенныйПункт", ""),
        ("Улица", "Вавилова"),
        ("Дом", "19"),
        ("Корпус", ""),
        ("Квартира", ""),
        ("Телефон", "+7 495 000-00-00"),
        ("НаименованиеОрганизации", "ООО \"Ромашка\""),
        ("ИНН", ITN),
        ("КПП", "773601001"),
        ("ОГРН", "1027700132195"),
        ("КодНалоговогоОргана", "7736"),
        ("ЮрФизЛицо", "ЮрЛицо"),
        ("Фамилия", "Иванов"),
        ("Имя", "Иван"),
        ("Отчество", "Иванович"),
    ];
    let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    Organization {
        name: Some("Ромашка".into()),
        certificate: Some(thumbprint.into()),
        power_of_attorney_itn: None,
        oms_id: Some(OMS_ID.into()),
        oms_connection: Some(OMS_CONNECTION.into()),
        facilities: vec![Facility {
            name: FACILITY.0.into(),
            oms_connection: Some(FACILITY.1.into()),
        }],
        subscriber_id: None,
        registration_data: data.into_iter().map(own).collect(),
    }
}

fn waiting() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}
