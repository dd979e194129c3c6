//! The stand-ins for CRPT and IS MP know whose a connection and its token are.

use serde_json::{Value, json};

use crate::crpt::{DIRECT, ends, order, register};
use crate::ismp::{SIGN_IN, ask, read};
use crate::keys::Key;
use crate::world::{OMS_CONNECTION, OMS_ID, World};

/// A request to a stand-in: its status.
fn status(world: &World, verb: &str, target: &str, token: &str) -> u16 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http.request(verb.parse().unwrap(), format!("{}{target}", world.sandbox.url()));
    let answer = request.header("clientToken", token).body("{}").send();
    runtime.unwrap().block_on(answer).unwrap().status().as_u16()
}

#[test]
fn a_token_is_good_for_its_own_station_only() {
    let world = World::new(Key::File);
    ends(&register(&world, &order("Direct")), "", "");
    let own = world.get("/api/crpt/connections").rows()[0]["OmsConnection"].clone();
    ask(&world, "СУЗ").expect(201);
    let token = read(&world, "СУЗ").unwrap();
    let other = uuid::Uuid::new_v4().to_string();
    let list =
        |station: &str, token: &str| status(&world, "GET", &format!("{DIRECT}?omsId={station}"), token);
    assert_eq!(list(OMS_ID, &token), 200);
    assert_eq!(list(&other, &token), 401);
    assert_eq!(list(OMS_ID, "invented"), 401);
    // That of another station, which is good there.
    world.sandbox.know_connection(&other, OMS_CONNECTION);
    assert_eq!((list(OMS_ID, &token), list(&other, &token)), (401, 200));
    let remove = format!("{DIRECT}?omsId={OMS_ID}&omsConnection={}", own.as_str().unwrap());
    assert_eq!(status(&world, "DELETE", &remove, &token), 401);
    world.sandbox.know_connection(OMS_ID, OMS_CONNECTION);
    assert_eq!(status(&world, "DELETE", &remove, &token), 200);
}

#[test]
fn nobody_signs_in_to_a_connection_that_there_is_not() {
    let world = World::new(Key::File);
    let unknown = uuid::Uuid::new_v4();
    assert_eq!(status(&world, "POST", &format!("{SIGN_IN}/{unknown}"), ""), 403);
    let mut organization = world.organization();
    organization.oms_connection = Some(unknown.to_string());
    world.keep(crate::world::ITN, &organization);
    let told: Value = ask(&world, "СУЗ").expect(200).json();
    assert_eq!(told["ErrorCode"], json!("НеверныйЛогинИлиПароль"), "{told}");
}
