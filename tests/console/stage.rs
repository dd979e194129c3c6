//! Nodes whose console has something to show, and what a script may ask for.

use keynode::devices::CarrierError;
use keynode::licence::{KeyId, Licence, Timestamp};
use keynode::store::Role;
use serde_json::{Value, json};

use crate::common::TestNode;
use crate::common::keys::{licence, numbered};
use crate::common::plug::{binding, blank, failed, loaded, moved};
use crate::keys::Key;
use crate::world::{ITN, OMS_ID, World};

/// Password of `olga`, an administrator, and `max`, a monitor.
pub(crate) const PASSWORD: &str = "a good password";

/// Gives a node its people.
pub(crate) fn employ(node: &TestNode) {
    node.add_user("olga", Role::Admin, PASSWORD);
    node.add_user("max", Role::Monitor, PASSWORD);
}

/// A node with a licence and nothing else.
pub(crate) fn plain() -> TestNode {
    let node = TestNode::licensed();
    employ(&node);
    node
}

/// A node that has one of everything that a page shows: keys that give seats and keys that do not, devices, seats, connections,
/// a token with a certificate, an organisation, a session key, a connection and a process of the operators' services.
pub(crate) fn furnished() -> World {
    let world = World::new(Key::SoftHsm);
    let node = &world.node;
    employ(node);
    node.put(&licence());
    node.put(&Licence {
        key_id: KeyId::parse("5F01").unwrap(),
        licence_count: 20,
        product_name: "Серия с датой окончания".into(),
        start_date: Some(Timestamp::parse("2026-01-01T00:00:00.000Z").unwrap()),
        period: 40,
        ..numbered(7_131_767)
    });
    node.put(&Licence {
        start_date: Some(Timestamp::parse("2024-01-01T00:00:00.000Z").unwrap()),
        period: 30,
        ..numbered(7_131_768)
    });
    node.put_file("broken.licence", "no licence");
    let dongle = Licence {
        binding: binding("A1"),
        licence_count: 10,
        ..numbered(7_181_155)
    };
    let stubborn = CarrierError::NoPermission("no permission to open /dev/hidraw0".into());
    node.plug(vec![
        loaded("A1", &dongle),
        moved(blank("B2"), "1-3.1"),
        moved(failed(blank("C3"), stubborn), "1-3.2"),
    ]);
    for (number, (person, computer)) in [
        ("Иванова", "BUH-01"),
        ("Петров", "SKLAD-02"),
        ("Smith", "sales-03"),
    ]
    .into_iter()
    .enumerate()
    {
        let opened =
            json!({ "ComputerName": computer, "Process": "1cv8c.exe", "PID": format!("{}", 4100 + number) });
        let connection = made(node, "/api/connections", &opened)["ID"].clone();
        take(
            node,
            &json!({
                "KeyID": "672B", "ClientSessionID": format!("seat-{number}"), "AppName": "1CV8C",
                "UserName": person, "ComputerName": computer, "SessionConnection": connection,
            }),
        );
    }
    take(
        node,
        &json!({ "KeyID": "5F01", "ClientSessionID": "seat-of-another-series", "UserName": "Сидорова" }),
    );
    let key = json!({ "TokenType": "ISMP", "ITN": ITN });
    world.post("/api/ismp/session-keys", &key).expect(201);
    let connection =
        json!({ "OmsId": OMS_ID, "ITN": ITN, "Address": "г.Москва, ул. Вавилова, 19", "Route": "Gateway" });
    world.post("/api/crpt/connections", &connection).expect(200);
    let process = json!({ "Kind": "SubscriberID", "Certificate": world.key.thumbprint, "ITN": ITN });
    world.post("/api/taxcom/processes", &process).expect(201);
    world
}

/// Takes a seat; the result is the session.
#[track_caller]
fn take(node: &TestNode, order: &Value) -> Value {
    made(node, "/api/sessions", order)
}

/// What was made of an order.
#[track_caller]
fn made(node: &TestNode, list: &str, order: &Value) -> Value {
    let made = node.post(list, order).expect(201);
    node.get(made.header("Location").unwrap()).expect(200).json()
}

/// Does what a script asks for, and answers when the API shows it.
pub(crate) fn act(node: &TestNode, what: &str, value: &Value) -> Value {
    let text = || value.as_str().unwrap();
    match what {
        // These are plugged in, and no others.
        "plug" => {
            let serials = value.as_array().unwrap().iter();
            node.plug(serials.map(|serial| blank(serial.as_str().unwrap())).collect());
        }
        "take" => {
            let order = json!({ "KeyID": "672B", "ClientSessionID": text(), "UserName": text() });
            return take(node, &order);
        }
        "take as" => return take(node, value),
        "open" => {
            return made(node, "/api/connections", &json!({ "ComputerName": text() }));
        }
        "get" => return node.get(text()).json(),
        "post" => return node.post(value["to"].as_str().unwrap(), &value["body"]).json(),
        "delete" => return node.delete(text()).status.into(),
        _ => panic!("nobody knows how to \"{what}\""),
    }
    Value::Null
}
