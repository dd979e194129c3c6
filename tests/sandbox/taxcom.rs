//! The functions of the seed 000 over HTTP, against the stand-in of 1C-Taxcom.

#![allow(
    non_snake_case,
    reason = "a test of a function of the seed has the function's name"
)]

use serde_json::{Value, json};

use crate::keys::Key;
use crate::world::{ITN, World};

/// Time between two looks at an application.
pub(crate) const POLL: u64 = 60_000;

pub(crate) const PROCESSES: &str = "/api/taxcom/processes";

/// What starts a process of this kind.
pub(crate) fn order(world: &World, kind: &str) -> Value {
    json!({ "Kind": kind, "Certificate": world.key.thumbprint, "ITN": ITN })
}

/// Starts one that gets a subscriber's number.
#[track_caller]
pub(crate) fn started(world: &World) -> Value {
    let started = world.post(PROCESSES, &order(world, "SubscriberID"));
    started.expect(201).json()
}

/// A process as it is now.
#[track_caller]
pub(crate) fn now(world: &World, process: &Value) -> Value {
    let id = process["ID"].as_str().unwrap();
    world.get(&format!("{PROCESSES}/{id}")).expect(200).json()
}

/// Has the next look at the application come, and waits for what it finds.
#[track_caller]
pub(crate) fn until(world: &World, process: &Value, field: &str, value: &str) -> Value {
    world.until(&format!("{field} is to be {value}"), || {
        now(world, process)[field] == value
    });
    now(world, process)
}

/// Does an action.
#[track_caller]
pub(crate) fn act(world: &World, process: &Value, body: &Value, status: u16) -> Value {
    let id = process["ID"].as_str().unwrap();
    let answer = world.post(&format!("{PROCESSES}/{id}/actions"), body);
    answer.expect(status).json()
}

/// Nobody did what none may do.
#[track_caller]
pub(crate) fn assert_clean(world: &World, applications: usize) {
    assert_eq!(world.sandbox.offences(), Vec::<String>::new());
    assert_eq!(world.sandbox.taxcom_applications(), applications);
}

/// Whether a text is anywhere in the state directory.
pub(crate) fn is_kept(world: &World, text: &str) -> bool {
    let files = std::fs::read_dir(&world.node.settings.state_dir).unwrap();
    files.into_iter().any(|file| {
        let content = std::fs::read(file.unwrap().path()).unwrap_or_default();
        content.windows(text.len()).any(|part| part == text.as_bytes())
    })
}

with_both_keys!(
    /// `ПолучитьУникальныйИдентификаторАбонента`: from nothing to the number, with nobody there.
    получить_уникальный_идентификатор_абонента,
    |world| {
        let process = started(&world);
        assert_eq!(process["ErrorCode"], "", "{process}");
        assert_eq!(process["RequestStatus"], "ОжиданиеОбработки");
        assert_eq!(process["RequestNumber"], "000000001");
        assert_eq!(process["RequestDate"], "2026-03-02 10:00:00");
        let data = process["RequestData"].as_object().unwrap();
        assert_eq!(data.len(), 21);
        assert_eq!(data["НаименованиеОрганизации"], "ООО \"Ромашка\"");
        assert_eq!(data["ЮрФизЛицо"], "ЮрЛицо");
        assert_eq!(data["ОтпечатокСертификата"], world.certificate()["ThumbprintBase64"]);
        assert_eq!(process["SubscriberID"], "");
        assert_eq!(
            process["AllowedActions"],
            json!(["СтандартнаяОбработка", "Завершить", "ПроверитьСтатусЗаявки"])
        );
        world.sandbox.decide(None);
        world.node.advance(POLL);
        let process = until(&world, &process, "RequestStatus", "Обработана");
        let number = process["SubscriberID"].as_str().unwrap();
        assert!(number.starts_with("2AL-"), "{number}");
        assert_eq!(process["Stage"], "Ended");
        assert_eq!(process["AllowedActions"], json!([]));
        assert_eq!(world.organization().subscriber_id.as_deref(), Some(number));
        assert_eq!(world.sandbox.taxcom_sessions(), 0, "the session was not closed");
        assert_clean(&world, 1);
    }
);

with_both_keys!(
    /// `ЗарегистрироватьСертификатАбонента`.
    зарегистрировать_сертификат_абонента,
    |world| {
        let mut order = order(&world, "AddCertificate");
        world.post(PROCESSES, &order).refused(400);
        order["SubscriberID"] = " ".into();
        world.post(PROCESSES, &order).refused(400);
        order["SubscriberID"] = "2AL-KNOWN".into();
        let process = world.post(PROCESSES, &order).expect(201).json();
        assert_eq!(process["RequestStatus"], "ОжиданиеОбработки", "{process}");
        assert_eq!(process["Registered"], false);
        world.sandbox.decide(None);
        world.node.advance(POLL);
        let process = until(&world, &process, "RequestStatus", "Обработана");
        assert_eq!(process["Registered"], true);
        assert_eq!(process["RequestData"]["ИдентификаторАбонента"], "2AL-KNOWN");
        // Whose certificate it is changes nothing about the organisation.
        assert_eq!(world.organization().subscriber_id, None);
        assert_clean(&world, 1);
    }
);

with_both_keys!(
    /// `ОткрытьЛичныйКабинетАбонента`.
    открыть_личный_кабинет_абонента,
    |world| {
        let open = || {
            let body = json!({ "Certificate": world.key.thumbprint });
            world.post("/api/taxcom/cabinet", &body).expect(200).json()
        };
        let refused = open();
        assert_eq!(refused["ErrorCode"], "ОшибкаСервиса");
        assert_eq!(refused["Url"], "");
        assert!(
            refused["ErrorMessage"].as_str().unwrap().contains("не зарегистрирован"),
            "{refused}"
        );
        let process = started(&world);
        world.sandbox.decide(None);
        world.node.advance(POLL);
        until(&world, &process, "Stage", "Ended");
        let opened = open();
        assert_eq!(opened["ErrorCode"], "", "{opened}");
        let url = opened["Url"].as_str().unwrap();
        assert!(url.starts_with("https://lk.taxcom.example/enter?ticket="));
        assert_eq!(opened["Fields"], json!({ "caption": "Личный кабинет" }));
        // The address lets its bearer in: it is kept nowhere.
        let ticket = url.rsplit('=').next().unwrap();
        assert!(!is_kept(&world, ticket), "the cabinet's address is in the state directory");
        assert_eq!(world.sandbox.taxcom_sessions(), 0);
    }
);

/// `КонфигурацияЗарегистрированаВСервисе1СТакском`.
#[test]
fn конфигурация_зарегистрирована_в_сервисе_1с_такском() {
    let world = World::new(Key::File);
    let asked = |name: &str| {
        let name = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
        let target = format!("/api/taxcom/registered?Configuration={name}");
        world.get(&target).expect(200).json()
    };
    let own = world.get("/api/taxcom/registered").expect(200).json();
    assert_eq!(
        (&own["Registered"], &own["ServiceError"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(asked("УправлениеТорговлей")["Registered"], true);
    let other = asked("Самописная");
    assert_eq!(
        (&other["Registered"], &other["ErrorCode"]),
        (&json!(false), &json!(""))
    );
    // What the service said holds for an hour.
    let soap = || {
        let asked = world.sandbox.asked("/services/");
        asked.iter().filter(|asked| asked.method == "POST").count()
    };
    assert_eq!(soap(), 3);
    asked("Самописная");
    world.node.advance(59 * POLL);
    asked("Самописная");
    assert_eq!(soap(), 3);
    world.node.advance(2 * POLL);
    asked("Самописная");
    assert_eq!(soap(), 4);
    // An error is told as such, and does not hold.
    world.node.advance(61 * POLL);
    world
        .sandbox
        .say_next("/services/", keynode::sandbox::Canned::default());
    let failed = world.get("/api/taxcom/registered").expect(200).json();
    assert_eq!(
        (
            &failed["Registered"],
            &failed["ServiceError"],
            &failed["ErrorCode"]
        ),
        (&json!(false), &json!(true), &json!("ОшибкаПодключения"))
    );
    assert_eq!(world.get("/api/taxcom/registered").json()["Registered"], true);
}

/// Both forms of parameters are spoken, as the WSDL says or as the settings say.
#[test]
fn a_schema_that_is_described_apart_is_followed() {
    for attributes in [false, true] {
        let world = World::new(Key::File);
        world.sandbox.set_taxcom_attributes(attributes);
        world.sandbox.set_taxcom_schema_apart();
        let process = started(&world);
        assert_eq!(
            process["RequestStatus"], "ОжиданиеОбработки",
            "{attributes}: {process}"
        );
        assert_clean(&world, 1);
    }
}

#[test]
fn either_form_of_parameters_is_spoken() {
    use keynode::settings::TaxcomForm;
    for (attributes, form) in [
        (false, TaxcomForm::Wsdl),
        (true, TaxcomForm::Wsdl),
        (false, TaxcomForm::Elements),
        (true, TaxcomForm::Attributes),
    ] {
        let world = World::with(Key::File, |all| all.taxcom.form = form);
        world.sandbox.set_taxcom_attributes(attributes);
        let process = started(&world);
        assert_eq!(
            process["RequestStatus"], "ОжиданиеОбработки",
            "{attributes}, {form:?}: {process}"
        );
        assert_clean(&world, 1);
    }
    // The wrong one is refused by the service.
    let world = World::with(Key::File, |all| all.taxcom.form = TaxcomForm::Attributes);
    let process = started(&world);
    assert_eq!(process["ErrorCode"], "ОшибкаСервиса", "{process}");
    assert!(
        process["ErrorInfo"]
            .as_str()
            .unwrap()
            .contains("cvc-complex-type")
    );
}
