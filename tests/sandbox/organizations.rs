//! /api/organizations: what is kept, what is refused, what the node knows of the certificate.

use serde_json::{Value, json};

use crate::keys::Key;
use crate::world::{FACILITY, ITN, OMS_CONNECTION, OMS_ID, World, audit};

/// Another organisation, without a certificate here.
const OTHER: &str = "500100732259";

/// Its connections, and one of its place of production.
const CONNECTIONS: [&str; 2] = [
    "91d0c7a4-5f32-4d07-8a52-6b1e0c2f7d18",
    "c3e5f8b2-7a14-4f69-b0d8-2e4a6c9d1f35",
];

fn target(itn: &str) -> String {
    format!("/api/organizations/{itn}")
}

fn put(world: &World, itn: &str, body: &Value) -> crate::common::Answer {
    world.node.ask("PUT", &target(itn)).body(body.to_string()).send()
}

#[test]
fn an_organization_is_kept_changed_told_and_removed() {
    let mut world = World::new(Key::File);
    let thumbprint = world.key.thumbprint.clone();
    let base64 = world.certificate()["ThumbprintBase64"].clone();
    let whole = json!({
        "Name": "Ромашка", "Certificate": base64, "PowerOfAttorneyITN": 7_707_083_893_u64,
        "OmsId": OMS_ID.to_uppercase(), "OmsConnection": CONNECTIONS[0],
        "Facilities": [{ "Name": FACILITY.0, "OmsConnection": CONNECTIONS[1] }, { "Name": "Цех 2" }],
        "SubscriberID": "2AL-7707", "RegistrationData": { "КПП": 773_601_001, "ОГРН": "1027700132195" },
    });
    let made = put(&world, OTHER, &whole).expect(201).json();
    let expected = json!({
        "ITN": OTHER, "Name": "Ромашка", "Certificate": thumbprint, "PowerOfAttorneyITN": ITN,
        "OmsId": OMS_ID, "OmsConnection": CONNECTIONS[0],
        "Facilities": [
            { "Name": FACILITY.0, "OmsConnection": CONNECTIONS[1] }, { "Name": "Цех 2", "OmsConnection": null },
        ],
        "SubscriberID": "2AL-7707", "RegistrationData": { "КПП": "773601001", "ОГРН": "1027700132195" },
        "Signer": { "Thumbprint": thumbprint, "Usable": true, "Reason": null },
    });
    assert_eq!(made, expected);
    assert_eq!(world.get(&target(OTHER)).expect(200).json(), expected);
    // What was told may be sent back; what is left out is empty then, but for the subscriber's number.
    assert_eq!(put(&world, OTHER, &expected).expect(200).json(), expected);
    world.node.restart(0);
    assert_eq!(world.get(&target(OTHER)).expect(200).json(), expected);
    let changed = put(&world, OTHER, &json!({ "Name": "Лютик" })).expect(200).json();
    assert_eq!(
        (&changed["Name"], &changed["OmsId"]),
        (&json!("Лютик"), &Value::Null)
    );

    let list = world.get("/api/organizations?_sort=-ITN").expect(200).json();
    let itns: Vec<_> = list["Organizations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["ITN"])
        .collect();
    assert_eq!(itns, [ITN, OTHER]);
    let named = world
        .get("/api/organizations?Name=%D0%9B%D1%8E%D1%82%D0%B8%D0%BA")
        .expect(200)
        .json();
    assert_eq!(named["Organizations"].as_array().unwrap().len(), 1);

    world.node.delete(&target(OTHER)).expect(200);
    assert_eq!(world.get(&target(OTHER)).refused(404), "EOrganizationNotFound");
    assert_eq!(
        world.node.delete(&target(OTHER)).refused(404),
        "EOrganizationNotFound"
    );
    let rows = audit(&mut world, "organization%");
    let told: Vec<_> = rows
        .iter()
        .map(|(_, event, object, detail)| (event.as_str(), object.as_str(), detail.as_str()))
        .collect();
    assert_eq!(told[0], ("organization", OTHER, "made"));
    assert_eq!(told[1], ("organization", OTHER, "unchanged"));
    let changed = told[2].2;
    assert!(
        changed.starts_with("changed ") && changed.contains("OmsId"),
        "{changed}"
    );
    assert_eq!(told[3], ("organization", OTHER, "removed"));
    assert_eq!(told[4].0, "organization-failure");
}

#[test]
fn a_field_that_is_wrong_is_named() {
    let world = World::new(Key::File);
    let registration = |name: &str, value: &str| json!({ "RegistrationData": { name: value } });
    let cases = [
        (json!({ "Nmae": "x" }), "Nmae"),
        (json!({ "Name": 7 }), "Name"),
        (json!({ "Name": "a\u{7}b" }), "Name"),
        (json!({ "ITN": ITN }), "ITN"),
        (json!({ "Certificate": "x" }), "Certificate"),
        (
            json!({ "PowerOfAttorneyITN": "7707083894" }),
            "PowerOfAttorneyITN",
        ),
        (json!({ "OmsId": "7" }), "OmsId"),
        (json!({ "OmsConnection": "7" }), "OmsConnection"),
        (json!({ "Facilities": {} }), "Facilities"),
        (json!({ "Facilities": ["x"] }), "Facilities"),
        (json!({ "Facilities": [{ "Name": "" }] }), "Name"),
        (json!({ "Facilities": [{ "Name": "a", "Port": 7 }] }), "Port"),
        (
            json!({ "Facilities": [{ "Name": "a" }, { "Name": "a" }] }),
            "twice",
        ),
        (
            json!({ "Facilities": [{ "Name": "a", "OmsConnection": "7" }] }),
            "OmsConnection",
        ),
        (json!({ "SubscriberID": [] }), "SubscriberID"),
        (json!({ "RegistrationData": 7 }), "RegistrationData"),
        (json!({ "RegistrationData": { "Дом": [] } }), "Дом"),
        (registration("КПП", "77"), "КПП"),
        (registration("ОГРН", "77"), "ОГРН"),
        (registration("КодНалоговогоОргана", "77"), "КодНалоговогоОргана"),
        (registration("ЮрФизЛицо", "ИП"), "ЮрФизЛицо"),
        (registration("ИНН", ITN), "ИНН"),
        (registration("Планета", "Земля"), "Планета"),
    ];
    for (body, field) in cases {
        let answer = put(&world, OTHER, &body);
        assert_eq!(answer.refused(400), "EHTTPBadRequest", "{body}");
        assert!(answer.message().contains(field), "{body}: {}", answer.message());
    }
    for itn in ["7707083894", "770708389", "x", "%0a"] {
        let answer = put(&world, itn, &json!({}));
        assert_eq!(answer.refused(400), "EHTTPBadRequest", "{itn}");
        assert!(answer.message().contains("ITN"));
    }
    assert_eq!(world.get(&target(OTHER)).refused(404), "EOrganizationNotFound");
}

#[test]
fn an_organization_shows_which_certificate_would_sign_and_whether_it_can() {
    let world = World::new(Key::SoftHsm);
    // The one that bears its ITN, where none is set.
    put(&world, ITN, &json!({})).expect(200);
    let signer = || world.get(&target(ITN)).expect(200).json()["Signer"].clone();
    let usable = json!({ "Thumbprint": world.key.thumbprint, "Usable": true, "Reason": null });
    assert_eq!(signer(), usable);
    world.key.pull();
    world.until_usable(false);
    let away = signer();
    assert_eq!(
        (&away["Thumbprint"], &away["Usable"]),
        (&json!(world.key.thumbprint), &json!(false))
    );
    assert_eq!(away["Reason"], "token robot is absent");
    world.key.plug();
    world.until_usable(true);
    assert_eq!(signer(), usable);

    let nobody = put(&world, OTHER, &json!({})).expect(201).json()["Signer"].clone();
    assert_eq!(
        (&nobody["Thumbprint"], &nobody["Usable"]),
        (&Value::Null, &json!(false))
    );
    assert!(nobody["Reason"].as_str().unwrap().contains(OTHER));
    let set = put(
        &world,
        OTHER,
        &json!({ "Certificate": "A9993E364706816ABA3E25717850C26C9CD0D89D" }),
    );
    let unknown = set.expect(200).json()["Signer"].clone();
    assert!(unknown["Reason"].as_str().unwrap().contains("is not here"));
}

#[test]
fn a_record_that_is_damaged_hides_no_others_and_can_be_replaced() {
    let world = World::new(Key::File);
    put(&world, OTHER, &json!({})).expect(201);
    let connection = world.node.database().connect().unwrap();
    connection
        .execute("UPDATE gateway_records SET record = '{' WHERE name = ?1", [OTHER])
        .unwrap();
    let list = world.get("/api/organizations").expect(200).json();
    assert_eq!(list["Organizations"].as_array().unwrap().len(), 1);
    assert_eq!(world.get(&target(OTHER)).refused(500), "EHTTPInternalServerError");
    put(&world, OTHER, &json!({})).expect(201);
    world.get(&target(OTHER)).expect(200);
}

#[test]
fn the_subscribers_number_that_the_node_got_outlives_the_administrators_own_file() {
    let world = World::new(Key::File);
    let number = |body: Value| put(&world, ITN, &body).expect(200).json()["SubscriberID"].clone();
    assert_eq!(number(json!({ "SubscriberID": "2AL-7" })), "2AL-7");
    assert_eq!(number(json!({ "Name": "Ромашка" })), "2AL-7");
    assert_eq!(number(json!({ "SubscriberID": null })), Value::Null);
    assert_eq!(number(json!({})), Value::Null);
}

#[test]
fn a_connection_has_one_power_of_attorney() {
    let world = World::new(Key::File);
    let with = |connection: &str, told: Option<&str>| json!({ "OmsConnection": connection, "PowerOfAttorneyITN": told });
    // The world's organisation has it, and signs for itself.
    let shared = OMS_CONNECTION.to_uppercase();
    let refused = put(&world, OTHER, &with(&shared, Some(ITN)));
    assert_eq!(refused.refused(400), "EHTTPBadRequest");
    assert!(refused.message().contains(ITN), "{}", refused.message());
    let of_a_facility = json!({
        "PowerOfAttorneyITN": ITN,
        "Facilities": [{ "Name": "Цех", "OmsConnection": FACILITY.1 }],
    });
    put(&world, OTHER, &of_a_facility).refused(400);
    put(&world, OTHER, &with(&shared, None)).expect(201);
    put(&world, OTHER, &with(OMS_ID, Some(ITN))).expect(200);
}
