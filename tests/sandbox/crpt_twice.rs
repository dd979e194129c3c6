//! Nothing is submitted to CRPT twice, whatever happens; what failed for certain is repeated once.

use futures_util::future::join_all;
use keynode::gateway::ConnectionOrder;
use keynode::sandbox::Canned;
use keynode::settings::CrptRoute;
use serde_json::Value;

use crate::crpt::{DIRECT, WORDS, asked, canned, ends, order, register};
use crate::keys::Key;
use crate::world::{ITN, OMS_ID, World};

/// The operator's pause, in milliseconds.
const PAUSE: u64 = 30_000;

fn world() -> World {
    World::new(Key::File)
}

fn is_unknown(answer: &Value) -> bool {
    let message = answer["ErrorMessage"].as_str().unwrap();
    message.contains("Неизвестно, зарегистрировано ли соединение")
}

fn connections(world: &World) -> usize {
    world.get("/api/crpt/connections").expect(200).rows().len()
}

#[test]
fn of_twenty_at_once_one_is_sent() {
    let world = world();
    let mut order = ConnectionOrder::new(OMS_ID.into(), WORDS.into(), CrptRoute::Direct);
    order.parameters = vec![("omsId".into(), OMS_ID.into())];
    order.itn = Some(ITN.into());
    let services = world.node.gateway();
    // Not over HTTP: nobody there could say when all of them have come.
    let registered = services.have(|gateway| async move {
        let all = (0..20).map(|_| gateway.crpt.register(order.clone()));
        Ok(join_all(all).await)
    });
    let waiting = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let answers = waiting.block_on(registered).unwrap();
    let first = answers[0].registered().unwrap();
    assert!(answers.iter().all(|answer| answer.registered() == Some(first)));
    assert_eq!((asked(&world), connections(&world)), (1, 1));
}

#[test]
fn http_500_is_repeated_once_after_thirty_seconds() {
    let world = world();
    world.sandbox.say_next(DIRECT, canned(500, "{}"));
    for _ in 0..2 {
        ends(&register(&world, &order("Direct")), "ОшибкаСервиса", "");
    }
    world.node.advance(PAUSE - 1);
    ends(&register(&world, &order("Direct")), "ОшибкаСервиса", "");
    assert_eq!(asked(&world), 1);
    world.node.advance(1);
    world.until("the repetition", || connections(&world) == 1);
    let sent = world.sandbox.asked(DIRECT);
    assert_eq!(sent.len(), 2);
    assert_eq!(
        sent[0].header("x-signature"),
        sent[1].header("x-signature"),
        "one signature"
    );
    let answer = register(&world, &order("Direct"));
    ends(&answer, "", "");
    let kept = world.get("/api/crpt/connections").rows();
    assert_eq!(answer["ResponseData"]["omsConnection"], kept[0]["OmsConnection"]);
    assert_eq!(
        asked(&world),
        2,
        "the result waits for the request that it belongs to"
    );
}

#[test]
fn the_repetition_survives_a_crash_and_another_500_ends_it() {
    let mut world = world();
    world.sandbox.say_next(DIRECT, canned(500, "{}"));
    world.sandbox.say_next(DIRECT, canned(500, "{}"));
    ends(&register(&world, &order("Direct")), "ОшибкаСервиса", "");
    world.node.crash(PAUSE);
    world.until("the repetition", || asked(&world) == 2);
    world.until("its end", || {
        let told = register(&world, &order("Direct"));
        told["ErrorCode"] == ""
    });
    assert_eq!(
        (asked(&world), connections(&world)),
        (3, 1),
        "the third is the caller's own"
    );
    world.node.advance(10 * PAUSE);
    assert_eq!(asked(&world), 3);
}

#[test]
fn an_answer_that_was_lost_is_told_until_the_caller_wants_it_sent_again() {
    let mut world = world();
    world.sandbox.say_next(
        DIRECT,
        Canned {
            after_doing: true,
            ..canned(0, "")
        },
    );
    let lost = register(&world, &order("Direct"));
    ends(&lost, "ОшибкаПодключения", "");
    assert!(is_unknown(&lost), "{lost}");
    world.node.crash(1000);
    world.node.advance(10 * PAUSE);
    assert!(is_unknown(&register(&world, &order("Direct"))));
    assert_eq!(asked(&world), 1);
    let mut again = order("Direct");
    again["Repeat"] = true.into();
    ends(&register(&world, &again), "", "");
    assert_eq!(asked(&world), 2);
    // Settled now.
    ends(&register(&world, &order("Direct")), "", "");
}

#[test]
fn an_unknown_outcome_is_forgotten_after_a_day() {
    let world = world();
    world.sandbox.say_next(DIRECT, canned(0, ""));
    assert!(is_unknown(&register(&world, &order("Direct"))));
    world.node.advance(24 * 60 * 60_000 - 1);
    assert!(is_unknown(&register(&world, &order("Direct"))));
    world.node.advance(1);
    ends(&register(&world, &order("Direct")), "", "");
}

#[test]
fn a_node_that_dies_while_it_sends_does_not_send_again() {
    let mut world = world();
    let slow = Canned {
        delay: std::time::Duration::from_secs(20),
        after_doing: true,
        ..canned(200, "{}")
    };
    world.sandbox.say_next(DIRECT, slow);
    let address = world.node.address();
    let client = std::thread::spawn(move || {
        let body = order("Direct").to_string();
        let ask = crate::common::http::Ask::new(address, "POST", "/api/crpt/connections");
        let bytes = ask.login("robot", crate::world::PASSWORD).body(body).bytes();
        let mut wire = crate::common::http::Wire::connect(address);
        wire.send(bytes);
        wire
    });
    world.until("the request", || asked(&world) == 1);
    world.node.crash(1000);
    drop(client.join().unwrap());
    let answer = register(&world, &order("Direct"));
    ends(&answer, "ОшибкаСервиса", "");
    assert!(is_unknown(&answer), "{answer}");
    world.node.advance(10 * PAUSE);
    assert!(is_unknown(&register(&world, &order("Direct"))));
    assert_eq!(asked(&world), 1);
}

#[test]
fn what_is_certain_may_be_asked_again() {
    let world = world();
    world.sandbox.say_next(DIRECT, canned(400, "{}"));
    ends(&register(&world, &order("Direct")), "НеверныйФорматЗапроса", "");
    let first = register(&world, &order("Direct"));
    ends(&first, "", "");
    // A success is told again for some minutes: the program that asks for the same did not hear of it, for it gives up after
    // 30 seconds. A second connection is one too many, and whoever wants it can say so. Until now each of the two got its own.
    assert_eq!(register(&world, &order("Direct")), first);
    assert_eq!((asked(&world), connections(&world)), (2, 1));
    let mut again = order("Direct");
    again["Repeat"] = true.into();
    assert_ne!(register(&world, &again)["ResponseData"], first["ResponseData"]);
    assert_eq!((asked(&world), connections(&world)), (3, 2));
}

#[test]
fn a_removed_connection_is_told_to_nobody() {
    let world = world();
    world.sandbox.say_next(DIRECT, canned(500, "{}"));
    register(&world, &order("Direct"));
    world.node.advance(PAUSE);
    world.until("the repetition", || connections(&world) == 1);
    let row = &world.get("/api/crpt/connections").rows()[0];
    let gone = row["OmsConnection"].as_str().unwrap().to_owned();
    let oms_id = row["OmsId"].as_str().unwrap();
    let target = format!("/api/crpt/connections?Source=Node&OmsId={oms_id}&OmsConnection={gone}");
    world.delete(&target).expect(200);
    let answer = register(&world, &order("Direct"));
    ends(&answer, "", "");
    assert_ne!(answer["ResponseData"]["omsConnection"], gone.as_str());
    assert_eq!(asked(&world), 3);
}

#[test]
fn what_cannot_be_repeated_is_given_up() {
    let world = world();
    world.sandbox.say_next(DIRECT, canned(500, "{}"));
    register(&world, &order("Direct"));
    std::fs::remove_file(world.directory.path().join("registration-key")).unwrap();
    world.node.advance(PAUSE);
    world.until("its end", || {
        register(&world, &order("Direct"))["ErrorCode"] == "НеверныйЛогинИлиПароль"
    });
    assert_eq!(asked(&world), 1);
}
