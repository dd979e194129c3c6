//! Processes with 1C-Taxcom that are led by their caller: the actions and their legal states.

use std::io::{Read, Write};
use std::net::TcpListener;

use keynode::store::GatewayRecords;
use serde_json::{Value, json};

use crate::keys::Key;
use crate::taxcom::{POLL, PROCESSES, act, assert_clean, now, order, started, until};
use crate::world::{ITN, World};

/// Starts a process that waits for its caller at these forms.
#[track_caller]
fn led(world: &World, status: bool, create: bool) -> Value {
    let mut order = order(world, "SubscriberID");
    (order["OnStatus"], order["OnCreate"]) = (status.into(), create.into());
    world.post(PROCESSES, &order).expect(201).json()
}

fn action(word: &str) -> Value {
    json!({ "Action": word })
}

/// All actions that do not fit are refused with 409 and change nothing.
#[track_caller]
fn assert_refused(world: &World, process: &Value, words: &[&str]) {
    for word in words {
        let refusal = act(world, process, &action(word), 409);
        assert!(refusal["Message"].as_str().unwrap().contains(word), "{refusal}");
    }
    assert_eq!(now(world, process)["Stage"], process["Stage"]);
}

#[test]
fn a_caller_leads_a_process_from_form_to_form() {
    let world = World::new(Key::File);
    let process = led(&world, true, true);
    assert_eq!(process["RequestStatus"], "Отсутствует");
    assert_eq!(
        process["AllowedActions"],
        json!(["СтандартнаяОбработка", "Завершить", "НоваяЗаявка"])
    );
    assert_refused(&world, &process, &["ПроверитьСтатусЗаявки", "ОтправитьЗаявку"]);

    // The application's form is filled in with what the organisation has.
    let process = act(&world, &process, &action("НоваяЗаявка"), 200);
    assert_eq!(process["Stage"], "Application", "{process}");
    assert_eq!(
        process["AllowedActions"],
        json!(["СтандартнаяОбработка", "Завершить", "ОтправитьЗаявку"])
    );
    assert_eq!(process["RequestData"]["КПП"], "773601001");
    assert_refused(&world, &process, &["НоваяЗаявка", "ПроверитьСтатусЗаявки"]);
    assert_clean(&world, 0);

    // Wrong data are not sent.
    let mut data = process["RequestData"].clone();
    data["ОтпечатокСертификата"] = Value::Null;
    for (field, value) in [
        ("КПП", "12345678"),
        ("ОГРН", "304500116000157"),
        ("КодНалоговогоОргана", "77"),
        ("ЮрФизЛицо", "Юр"),
        ("ИНН", "7707083894"),
        ("Фамилия", ""),
        ("Имя", "Ив\nан"),
        ("Чужое", "1"),
    ] {
        let mut wrong = data.clone();
        wrong[field] = value.into();
        let body = json!({ "Action": "ОтправитьЗаявку", "RequestData": wrong });
        let told = act(&world, &process, &body, 200);
        assert_eq!(told["ErrorCode"], "НеверныйФорматЗапроса", "{field}: {told}");
        assert!(told["ErrorMessage"].as_str().unwrap().contains(field), "{told}");
        assert_eq!(told["Stage"], "Application");
    }
    assert_clean(&world, 0);
    let again = json!({ "Action": "НоваяЗаявка", "RequestData": {} });
    act(&world, &process, &again, 409);
    act(
        &world,
        &process,
        &json!({ "Action": "Завершить", "RequestData": {} }),
        400,
    );
    act(
        &world,
        &process,
        &json!({ "Action": "ОтправитьЗаявку", "RequestData": 1 }),
        400,
    );
    act(&world, &process, &json!({ "Action": "Ещё" }), 400);

    data["Телефон"] = "+7 999".into();
    let body = json!({ "Action": "ОтправитьЗаявку", "RequestData": data });
    let process = act(&world, &process, &body, 200);
    assert_eq!(process["RequestStatus"], "ОжиданиеОбработки", "{process}");
    assert_eq!(
        process["NextAttempt"],
        Value::Null,
        "its caller looks, not the node"
    );
    assert_refused(&world, &process, &["НоваяЗаявка", "ОтправитьЗаявку"]);

    world.sandbox.decide(Some("Нет договора"));
    let process = act(&world, &process, &action("ПроверитьСтатусЗаявки"), 200);
    assert_eq!(process["RequestStatus"], "Отклонена");
    assert_eq!(process["ErrorCode"], "17");
    assert_eq!(process["ErrorDescription"], "Нет договора");
    assert_eq!(process["ErrorMessage"], "");
    assert_eq!(process["RequestData"]["Телефон"], "+7 999");
    assert_refused(&world, &process, &["ПроверитьСтатусЗаявки", "ОтправитьЗаявку"]);

    // Another one, whose form the standard processing fills in.
    act(&world, &process, &action("НоваяЗаявка"), 200);
    let process = act(&world, &process, &action("СтандартнаяОбработка"), 200);
    assert_eq!(process["RequestStatus"], "ОжиданиеОбработки", "{process}");
    assert_eq!(process["RequestNumber"], "000000002");
    assert_eq!(process["ErrorCode"], "");
    world.sandbox.decide(None);
    let process = act(&world, &process, &action("ПроверитьСтатусЗаявки"), 200);
    assert_eq!(process["RequestStatus"], "Обработана");
    assert_eq!(process["Stage"], "Status", "its caller ends it");
    assert_refused(&world, &process, &["НоваяЗаявка", "ПроверитьСтатусЗаявки"]);
    assert_eq!(
        world.organization().subscriber_id.as_deref(),
        process["SubscriberID"].as_str()
    );
    let process = act(&world, &process, &action("Завершить"), 200);
    assert_eq!(process["Stage"], "Ended");
    for word in ["СтандартнаяОбработка", "Завершить", "НоваяЗаявка"] {
        act(&world, &process, &action(word), 409);
    }
    assert_eq!(world.sandbox.taxcom_sessions(), 0);
    assert_clean(&world, 2);
}

#[test]
fn a_rejected_application_stops_the_standard_processing() {
    let world = World::new(Key::File);
    let process = started(&world);
    world.sandbox.decide(Some("Нет договора"));
    world.node.advance(POLL);
    let process = until(&world, &process, "RequestStatus", "Отклонена");
    assert_eq!(process["NextAttempt"], Value::Null);
    assert_eq!(
        (&process["ErrorCode"], &process["RequestErrorCode"]),
        (&json!("17"), &json!("17"))
    );
    let process = act(&world, &process, &action("СтандартнаяОбработка"), 200);
    assert_eq!(process["RequestStatus"], "Отклонена");
    assert_clean(&world, 1);
    // A caller may have it send another.
    let process = act(&world, &process, &action("НоваяЗаявка"), 200);
    assert_eq!(process["RequestStatus"], "ОжиданиеОбработки");
    assert_eq!(process["RequestNumber"], "000000002");
    assert_clean(&world, 2);
}

#[test]
fn an_action_hands_a_form_over_to_the_standard_processing() {
    let world = World::new(Key::File);
    let process = led(&world, true, false);
    let process = act(&world, &process, &action("СтандартнаяОбработка"), 200);
    assert_eq!(process["RequestStatus"], "ОжиданиеОбработки");
    world.sandbox.decide(None);
    world.node.advance(POLL);
    until(&world, &process, "Stage", "Ended");
    assert_clean(&world, 1);
}

#[test]
fn a_certificate_has_one_process_at_a_time() {
    let world = World::new(Key::File);
    let first = started(&world);
    let second = world
        .post(PROCESSES, &order(&world, "SubscriberID"))
        .expect(200)
        .json();
    assert_eq!(second["ID"], first["ID"]);
    let mut other = order(&world, "AddCertificate");
    other["SubscriberID"] = "2AL-KNOWN".into();
    world.post(PROCESSES, &other).refused(409);
    assert_eq!(world.get(PROCESSES).rows().len(), 1);
    let target = format!("{PROCESSES}/{}", first["ID"].as_str().unwrap());
    assert_eq!(world.delete(&target).expect(200).json()["Stage"], "Ended");
    assert_eq!(world.sandbox.taxcom_sessions(), 0);
    world.delete(&target).refused(409);
    // The service knows of the application that was sent before.
    let third = started(&world);
    assert_ne!(third["ID"], first["ID"]);
    assert_eq!(third["RequestStatus"], "ОжиданиеОбработки");
    assert_clean(&world, 1);
}

#[test]
fn many_who_start_at_once_start_one() {
    let world = World::new(Key::File);
    let ids: Vec<Value> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| world.post(PROCESSES, &order(&world, "SubscriberID")).json()))
            .collect();
        asking
            .into_iter()
            .map(|asked| asked.join().unwrap()["ID"].clone())
            .collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_clean(&world, 1);
}

#[test]
fn requests_are_held_against_what_is_known() {
    let mut world = World::new(Key::File);
    let print = world.key.thumbprint.clone();
    for (body, status) in [
        (json!({}), 400),
        (json!({ "Kind": "Other", "ITN": ITN }), 400),
        (json!({ "Kind": "SubscriberID" }), 400),
        (json!({ "Kind": "SubscriberID", "Certificate": "zz" }), 400),
        (json!({ "Kind": "SubscriberID", "ITN": "123" }), 400),
        (json!({ "Kind": "SubscriberID", "ITN": "7736050003" }), 404),
        (
            json!({ "Kind": "SubscriberID", "ITN": ITN, "SubscriberID": "2AL" }),
            400,
        ),
        (
            json!({ "Kind": "SubscriberID", "ITN": ITN, "OnStatus": "http://erp.example/" }),
            400,
        ),
        (json!({ "Kind": "SubscriberID", "ITN": ITN, "OnCreate": 1 }), 400),
        (
            json!({ "Kind": "SubscriberID", "Certificate": print, "ITN": "500100732259" }),
            404,
        ),
    ] {
        let answer = world.post(PROCESSES, &body);
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
    }
    // A certificate of another organisation is not lent.
    world.keep("500100732259", &keynode::gateway::Organization::default());
    let body = json!({ "Kind": "SubscriberID", "Certificate": print, "ITN": "500100732259" });
    world.post(PROCESSES, &body).refused(400);
    let nobody = format!("{PROCESSES}/0123456789ABCDEF0123456789ABCDEF");
    world.get(&nobody).refused(404);
    world.get(&format!("{PROCESSES}/x")).refused(404);
    world.delete(&nobody).refused(404);
    world
        .post(&format!("{nobody}/actions"), &action("Завершить"))
        .refused(404);
    world.post("/api/taxcom/cabinet", &json!({})).refused(400);
    world
        .get(&format!(
            "/api/taxcom/registered?Configuration={}",
            "x".repeat(129)
        ))
        .refused(400);
    assert_eq!(world.get(PROCESSES).rows().len(), 0);

    // The role `monitor` looks, and does nothing; others do not even look.
    let start = order(&world, "SubscriberID").to_string();
    world.ask_as("monitor", "GET", PROCESSES).send().expect(200);
    for user in ["monitor", "client", "signer"] {
        world
            .ask_as(user, "POST", PROCESSES)
            .body(start.clone())
            .send()
            .refused(403);
    }
    world.ask_as("client", "GET", PROCESSES).send().refused(403);

    // Without the thumbprint the organisation's own certificate is taken, without the ITN the certificate's.
    let process = world
        .post(PROCESSES, &json!({ "Kind": "SubscriberID", "ITN": ITN }))
        .expect(201)
        .json();
    assert_eq!(process["Certificate"], print.as_str());
    let same = json!({ "Kind": "SubscriberID", "Certificate": world.certificate()["ThumbprintBase64"] });
    assert_eq!(
        world.post(PROCESSES, &same).expect(200).json()["ID"],
        process["ID"]
    );

    let poll = |world: &World| {
        let records = GatewayRecords::open(&world.node.database()).unwrap();
        let jobs = records.jobs().unwrap();
        let job = jobs.into_iter().find(|job| job.kind == "taxcom-poll");
        job.unwrap().due
    };
    let asked = world.sandbox.asked("/services/").len();
    world.node.reload(|all| all.taxcom.enabled = false);
    world.get(PROCESSES).refused(503);
    let due = poll(&world);
    world.node.advance(POLL);
    // The job has come and gone.
    world.until("the poll", || poll(&world) > due);
    assert_eq!(
        world.sandbox.asked("/services/").len(),
        asked,
        "a service that is off was asked"
    );
    world.node.reload(|all| all.taxcom.enabled = true);
    world.until("the poll that was due", || {
        world.node.advance(POLL);
        world.sandbox.asked("/services/").len() > asked
    });
}

#[test]
fn a_callers_address_is_told_that_a_process_waits() {
    let world = World::new(Key::File);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/hook", listener.local_addr().unwrap());
    let told = std::thread::spawn(move || {
        // The first call is cut off, the second heard.
        drop(listener.accept().unwrap());
        let (mut call, _) = listener.accept().unwrap();
        let mut text = Vec::new();
        let mut part = [0; 4096];
        while !text.ends_with(b"}") {
            let read = call.read(&mut part).unwrap();
            assert_ne!(read, 0, "{}", String::from_utf8_lossy(&text));
            text.extend_from_slice(&part[..read]);
        }
        call.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            .unwrap();
        String::from_utf8(text).unwrap()
    });
    let mut order = order(&world, "SubscriberID");
    order["OnStatus"] = address.into();
    let process = world.post(PROCESSES, &order).expect(201).json();
    let text = told.join().unwrap();
    assert!(text.starts_with("POST /hook HTTP/1.1\r\n"), "{text}");
    let body: Value = serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(body["ID"], process["ID"]);
    assert_eq!(body["RequestStatus"], "Отсутствует");
}
