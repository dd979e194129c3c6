//! Connections of CRPT, listed and removed: those of this node, and the operator's.

use serde_json::{Value, json};

use crate::crpt::{DIRECT, canned, ends, order, register};
use crate::keys::Key;
use crate::world::{ITN, OMS_ID, World};

const LIST: &str = "/api/crpt/connections";

fn of_operator(world: &World) -> Value {
    let target = format!("{LIST}?Source=Operator&OmsId={OMS_ID}");
    world.get(&target).expect(200).json()
}

/// Has a live token of the station.
fn sign_in(world: &World) {
    let body = json!({ "TokenType": "СУЗ", "ITN": ITN });
    let had = world.post("/api/ismp/session-keys", &body).json();
    assert_eq!(had["ErrorCode"], "", "{had}");
}

fn registered(world: &World) -> String {
    let answer = register(world, &order("Direct"));
    answer["ResponseData"]["omsConnection"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn the_operators_list_wants_a_live_token() {
    let world = World::new(Key::File);
    ends(&of_operator(&world), "НеверныйЛогинИлиПароль", "");
    assert!(world.sandbox.asked(DIRECT).is_empty());
    let connection = registered(&world);
    sign_in(&world);
    let listed = of_operator(&world);
    ends(&listed, "", "");
    assert_eq!(listed["Total"], 1);
    let row = &listed["Connections"][0];
    assert_eq!(row["OmsConnection"], connection, "{listed}");
    assert_eq!(row["Address"], "г.Москва, ул. Вавилова, 19");
    let asked = world.sandbox.asked(DIRECT);
    let last = asked.last().unwrap();
    assert_eq!(last.query, format!("omsId={OMS_ID}&limit=10&offset=0"));
    let paged = world.get(&format!(
        "{LIST}?Source=Operator&OmsId={OMS_ID}&_offset=1&_limit=1"
    ));
    let paged = paged.expect(200).json();
    assert_eq!((&paged["Connections"], &paged["Total"]), (&json!([]), &json!(1)));
}

#[test]
fn every_row_of_its_error_map() {
    let world = World::new(Key::File);
    sign_in(&world);
    for (status, body, code) in [
        (401, "{}", "НеверныйЛогинИлиПароль"),
        (400, "{}", "НеверныйФорматЗапроса"),
        (429, "{}", "ПревышеноКоличествоПопыток"),
        (500, "{}", "ОшибкаСервиса"),
        (503, "{}", "ОшибкаПодключения"),
        (0, "", "ОшибкаПодключения"),
        (404, "{}", "НеизвестнаяОшибка"),
        (200, "no JSON", "ОшибкаСервиса"),
    ] {
        world.sandbox.say_next(DIRECT, canned(status, body));
        let listed = of_operator(&world);
        assert_eq!(listed["ErrorCode"], code, "{status}: {listed}");
        ends(&listed, code, "");
        assert_eq!(listed["Connections"], json!([]));
    }
}

#[test]
fn a_connection_is_removed_there_and_here() {
    let world = World::new(Key::File);
    let connection = registered(&world);
    let target = format!("{LIST}?OmsId={OMS_ID}&OmsConnection={connection}");
    ends(
        &world.delete(&target).expect(200).json(),
        "НеверныйЛогинИлиПароль",
        "",
    );
    sign_in(&world);
    world.sandbox.say_next(DIRECT, canned(500, "{}"));
    ends(&world.delete(&target).expect(200).json(), "ОшибкаСервиса", "");
    assert_eq!(world.get(LIST).rows().len(), 1, "what the operator has is kept");
    ends(&world.delete(&target).expect(200).json(), "", "");
    assert!(world.get(LIST).rows().is_empty());
    assert_eq!(of_operator(&world)["Total"], 0);
    ends(&world.delete(&target).expect(200).json(), "НеизвестнаяОшибка", "");
}

#[test]
fn a_connection_is_forgotten_here_alone() {
    let world = World::new(Key::File);
    let connection = registered(&world);
    let target = format!("{LIST}?Source=Node&OmsId={OMS_ID}&OmsConnection={connection}");
    ends(&world.delete(&target).expect(200).json(), "", "");
    assert_eq!(world.delete(&target).refused(404), "EConnectionNotFound");
    assert_eq!(world.sandbox.asked(DIRECT).len(), 1);
}

#[test]
fn lists_are_filtered_and_what_is_missing_is_told() {
    let world = World::new(Key::File);
    let connection = registered(&world);
    let own = |target: &str| world.get(&format!("{LIST}?{target}")).expect(200).rows().len();
    assert_eq!(own(&format!("OmsId={OMS_ID}")), 1);
    assert_eq!(own("OmsId=other"), 0);
    assert_eq!(own(&format!("Source=Node&OmsConnection={connection}")), 1);
    assert_eq!(own(&format!("ITN={ITN}")), 1);
    for target in ["Source=Operator", "Source=Elsewhere"] {
        assert_eq!(
            world.get(&format!("{LIST}?{target}")).refused(400),
            "EHTTPBadRequest"
        );
    }
    for target in ["", "OmsId=a", "OmsConnection=b"] {
        assert_eq!(
            world.delete(&format!("{LIST}?{target}")).refused(400),
            "EHTTPBadRequest"
        );
    }
    let monitor = world.ask_as("monitor", "DELETE", &format!("{LIST}?OmsId=a&OmsConnection=b"));
    assert_eq!(monitor.send().refused(403), "EHTTPForbidden");
}
