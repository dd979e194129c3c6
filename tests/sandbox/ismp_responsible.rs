//! Whoever is responsible for tokens of IS MP (seed 001): settings, reminders, the form, the names of parameters.

use keynode::gateway::{Changes, MOST_RULES, Rule, TokenType};
use serde_json::{Value, json};

use crate::ismp::{HOUR, SIGN_IN, ask, encoded, read};
use crate::ismp_faults::canned;
use crate::keys::Key;
use crate::world::{FACILITY, ITN, World, audit};

const SETTINGS: &str =
    "ИнтерфейсАвторизацииИСМПКлиент.НастройкиОтветственногоЗаАктуализациюТокеновАвторизации";
const REMINDERS: &str =
    "ИнтерфейсАвторизацииИСМПКлиент.НапоминанияОтветственногоЗаАктуализациюТокеновАвторизации";

fn rule(kind: &str, before: u32) -> Value {
    json!({ "TokenType": kind, "ITN": ITN, "NotifyBefore": before })
}

fn reminders(world: &World) -> Value {
    world.get("/api/ismp/reminders").expect(200).json()
}

fn parameter(world: &World, name: &str) -> Value {
    let target = format!("/api/parameters/{}", encoded(name));
    let told = world.get(&target).expect(200).json();
    assert_eq!(told["Name"], name);
    told["Value"].clone()
}

fn refresh(world: &World, for_view: bool) -> Value {
    let body = json!({ "ForView": for_view });
    let told = world.post("/api/ismp/responsible/settings/refresh", &body);
    told.expect(200).json()
}

/// A world whose key is away.
fn without_key() -> World {
    let world = World::new(Key::File);
    world.key.pull();
    world.until_usable(false);
    world
}

#[test]
fn rules_are_kept_listed_and_removed() {
    let mut world = World::new(Key::File);
    let target = format!("/api/ismp/responsible/{}", encoded("Иванов: Цех 1"));
    let own = json!({
        "ТипТокенаАвторизации": "СУЗ",
        "Организация": ITN,
        "ПроизводственныйОбъект": FACILITY.0,
        "ВремяОповещения": 900,
    });
    let expected = json!({
        "ID": "Иванов: Цех 1",
        "TokenType": "СУЗ",
        "ITN": ITN,
        "ProductionFacility": FACILITY.0,
        "NotifyBefore": 900,
    });
    assert_eq!(world.put(&target, &own).expect(201).json(), expected);
    assert_eq!(world.put(&target, &own).expect(200).json(), expected);
    world.node.crash(0);
    let list = world.get("/api/ismp/responsible").expect(200).json();
    assert_eq!(list, json!({ "Responsible": [expected] }));
    world.delete(&target).expect(200);
    world.delete(&target).refused(404);
    let wrong = [
        (rule("JWT", 1), 400),
        (json!({ "TokenType": "СУЗ", "ITN": ITN, "NotifyBefore": -1 }), 400),
        (
            json!({ "TokenType": "СУЗ", "ITN": ITN, "NotifyBefore": "soon" }),
            400,
        ),
        (
            json!({ "TokenType": "СУЗ", "ITN": ITN, "NotifyBefore": 86_401 }),
            400,
        ),
        (json!({ "TokenType": "СУЗ", "ITN": "7728168971" }), 404),
    ];
    for (body, status) in wrong {
        assert_eq!(world.put(&target, &body).status, status, "{body}");
    }
    let long = format!("/api/ismp/responsible/{}", "x".repeat(129));
    world.put(&long, &rule("СУЗ", 1)).refused(400);
}

#[test]
fn выполнить_инициализацию_настроек_ответственного_за_актуализацию_токенов_авторизации() {
    let mut world = World::new(Key::File);
    let initialize = |world: &World| {
        let told = world.post("/api/ismp/responsible/initialize", &json!({}));
        told.expect(200).json()
    };
    let next = world.node.now().plus(3_600_000).to_string();
    let none = json!({ "Enabled": false, "NextSettingsRefresh": next });
    assert_eq!(initialize(&world), none);
    world
        .put("/api/ismp/responsible/1", &rule("ИСМП", 600))
        .expect(201);
    // The second time nothing begins anew, nor after a crash.
    world.node.advance(HOUR / 2);
    let one = json!({ "Enabled": true, "NextSettingsRefresh": next });
    assert_eq!(initialize(&world), one);
    world.node.crash(0);
    assert_eq!(initialize(&world), one);
    world.node.advance(HOUR / 2);
    let next = world.node.now().plus(3_600_000).to_string();
    assert_eq!(initialize(&world)["NextSettingsRefresh"], next);
}

#[test]
fn выполнить_обновление_настроек_ответственного_за_актуализацию_токенов_авторизации() {
    let world = World::new(Key::File);
    ask(&world, "СУЗ").expect(201);
    world
        .put("/api/ismp/responsible/1", &rule("ИСМП", 600))
        .expect(201);
    let row = |kind: &str, before: u32| {
        json!({
            "ТипТокенаАвторизации": kind,
            "Организация": ITN,
            "ПроизводственныйОбъект": "",
            "ВремяОповещения": before,
        })
    };
    // The node signs by itself: nobody is reminded.
    let told = refresh(&world, false);
    assert_eq!(told["Settings"], json!([row("ИСМП", 0)]));
    let next = world.node.now().plus(3_600_000).to_string();
    assert_eq!(told["NextSettingsRefresh"], next);
    assert_eq!(parameter(&world, SETTINGS)["ОткрытаФормаПросмотра"], false);
    // To be viewed: all tokens.
    let told = refresh(&world, true);
    assert_eq!(told["Settings"], json!([row("ИСМП", 0), row("СУЗ", 0)]));
    assert_eq!(parameter(&world, SETTINGS)["ОткрытаФормаПросмотра"], true);
    world.key.pull();
    world.until_usable(false);
    assert_eq!(refresh(&world, false)["Settings"], json!([row("ИСМП", 600)]));
}

#[test]
fn проверить_напоминания_ответственному_за_актуализацию_токенов_авторизации() {
    let mut world = World::new(Key::File);
    world
        .put("/api/ismp/responsible/1", &rule("ИСМП", 600))
        .expect(201);
    // Missing: the node could have it, but nobody has asked, so that it does not.
    let told = reminders(&world);
    assert_eq!(told["Required"], true, "{told}");
    assert_eq!(told["Reminders"][0]["Отсутствует"], true);
    // From then on it is renewed: no matter for a person.
    ask(&world, "ИСМП").expect(201);
    assert_eq!(reminders(&world)["Required"], false);
    world.key.pull();
    world.until_usable(false);
    let now = world.node.now();
    let expected = json!({
        "ТипТокенаАвторизации": "ИСМП",
        "Организация": ITN,
        "ПроизводственныйОбъект": "",
        "ДатаДействия": now.plus(36_000_000).to_string(),
        "ВремяДействия": 36_000,
        "Отсутствует": false,
        "Просрочен": false,
        "ТребуетсяАктуализация": false,
        "ОповещениеИспользуется": true,
        "ОповещатьЗа": 600,
        "ОповеститьЧерез": 35_400,
    });
    let told = reminders(&world);
    assert_eq!(told["Reminders"], json!([expected]));
    assert_eq!(told["NextCheck"], now.plus(35_400_000).to_string());
    // Whole minutes are left.
    world.node.advance(1);
    assert_eq!(reminders(&world)["Reminders"][0]["ВремяДействия"], 35_940);
    // Ten minutes before the end.
    world.node.advance(35_400_000 - 1);
    let told = reminders(&world);
    assert_eq!(
        (&told["Required"], &told["Reminders"][0]["ОповеститьЧерез"]),
        (&json!(true), &json!(0))
    );
    assert_eq!(told["NextCheck"], world.node.now().to_string());
    // A user who wants peace has it; others do not, and a restart does not end it.
    let until = world.node.now().plus(120_000).to_string();
    let snooze = json!({ "Until": until });
    world.post("/api/ismp/reminders/snooze", &snooze).expect(200);
    world.node.restart(0);
    world.until_usable(false);
    let told = reminders(&world);
    assert_eq!(
        (&told["Required"], &told["NextCheck"]),
        (&json!(false), &json!(until))
    );
    assert_eq!(world.node.get("/api/ismp/reminders").json()["Required"], true);
    world.node.advance(120_000);
    assert_eq!(reminders(&world)["Required"], true);
    // What has ended is told whoever wants peace.
    let until = world.node.now().plus(3_600_000).to_string();
    world
        .post("/api/ismp/reminders/snooze", &json!({ "Until": until }))
        .expect(200);
    assert_eq!(reminders(&world)["Required"], false);
    world.node.advance(480_000);
    let told = reminders(&world);
    assert_eq!(
        (&told["Required"], &told["Reminders"][0]["Просрочен"]),
        (&json!(true), &json!(true))
    );
    // The key is there again, the node does the rest.
    world.key.plug();
    world.until_usable(true);
    world.until("the token is renewed", || {
        world.node.gateway().wake();
        reminders(&world)["Required"] == false && read(&world, "ИСМП").is_some()
    });
    for body in [json!({}), json!({ "Until": "soon" })] {
        world.post("/api/ismp/reminders/snooze", &body).refused(400);
    }
}

#[test]
fn a_renewal_that_fails_is_told_before_the_token_ends() {
    let world = World::new(Key::File);
    world
        .put("/api/ismp/responsible/1", &rule("ИСМП", 600))
        .expect(201);
    ask(&world, "ИСМП").expect(201);
    world.sandbox.say_next(SIGN_IN, canned(403, ""));
    world.node.advance(10 * HOUR - 300_000);
    world.until("the renewal is refused", || reminders(&world)["Required"] == true);
    let told = reminders(&world)["Reminders"][0].clone();
    assert_eq!(
        (&told["Просрочен"], &told["ОповещатьЗа"], &told["ВремяДействия"]),
        (&json!(false), &json!(600), &json!(300)),
        "{told}"
    );
    assert!(read(&world, "ИСМП").is_some());
    // Mended, it is the node's matter again.
    world.node.advance(HOUR);
    world.until("it is renewed", || reminders(&world)["Required"] == false);
}

#[test]
fn rules_are_in_the_audit_log_and_bounded() {
    let mut world = World::new(Key::File);
    let changes = (1..MOST_RULES).fold(Changes::new(), |changes, at| {
        let rule = Rule {
            token_type: TokenType::Ismp,
            itn: ITN.into(),
            production_facility: String::new(),
            notify_before: 0,
        };
        changes.put(&format!("{at}"), &rule)
    });
    let services = world.node.gateway();
    services.now().shared.state.commit(changes).unwrap();
    let put = |id: &str| world.put(&format!("/api/ismp/responsible/{id}"), &rule("ИСМП", 1));
    put("last").expect(201);
    let full = put("one-more").expect(400);
    assert!(full.message().contains("1000"), "{}", full.message());
    put("last").expect(200);
    world.delete("/api/ismp/responsible/last").expect(200);
    let rows = audit(&mut world, "ismp-responsible");
    let told: Vec<_> = rows
        .iter()
        .map(|(actor, _, object, detail)| (actor.starts_with("robot@"), object.as_str(), detail.as_str()))
        .collect();
    let row = |detail| (true, ITN, detail);
    assert_eq!(
        told,
        [
            row("rule \"last\", made"),
            row("rule \"last\", changed"),
            row("rule \"last\", removed")
        ]
    );
}

with_both_keys!(
    открыть_форму_актуализации_токенов_авторизации,
    |world| {
        ask(&world, "СУЗ").expect(201);
        world
            .put("/api/ismp/responsible/1", &rule("ИСМП", 600))
            .expect(201);
        let form = world.get("/api/ismp/tokens").expect(200).json();
        let rows = form["Tokens"].as_array().unwrap();
        assert_eq!(rows.len(), 2);
        let kinds: Vec<&Value> = rows.iter().map(|row| &row["ТипТокенаАвторизации"]).collect();
        assert_eq!(kinds, ["ИСМП", "СУЗ"]);
        assert_eq!(rows[0]["Отсутствует"], true);
        let row = &rows[1];
        assert_eq!(row["ВремяДействия"], 32_400);
        assert_eq!(row["Certificate"], world.key.thumbprint);
        assert_eq!(row["KeyReady"], true);
        assert_eq!(row["NextRenewal"], world.node.now().plus(32_100_000).to_string());
        // The marked rows are renewed.
        let body = json!({ "Rows": [rows[0]] });
        let renewed = world.post("/api/ismp/tokens/renew", &body).expect(200).json();
        assert_eq!(renewed["Results"][0]["Результат"], true);
        assert!(read(&world, "ИСМП").is_some());
        world.key.pull();
        world.until_usable(false);
        let body = json!({ "Rows": [{ "ТипТокенаАвторизации": "ИСМПРозница", "Организация": ITN }] });
        let renewed = world.post("/api/ismp/tokens/renew", &body).expect(200).json();
        assert_eq!(renewed["Detail"], "КлючНеПодключен");
        assert_eq!(renewed["Results"][0]["Результат"], renewed["ErrorMessage"]);
    }
);

#[test]
fn имя_параметра_настроек_ответственного_за_актуализацию_токенов_авторизации() {
    let world = without_key();
    let names = world.get("/api/ismp/parameter-names").expect(200).json();
    assert_eq!(names["Settings"], SETTINGS);
    world
        .put("/api/ismp/responsible/1", &rule("ИСМП", 600))
        .expect(201);
    let value = parameter(&world, SETTINGS);
    let names: Vec<&String> = value.as_object().unwrap().keys().collect();
    let expected = [
        "Настройки",
        "ОткрытаФормаПросмотра",
        "ОткрытаФормаАктуализации",
        "ТребуетсяПроверкаНапоминаний",
        "ВремяСледующейПроверки",
    ];
    assert_eq!(names, expected);
    assert_eq!(value["Настройки"][0]["ВремяОповещения"], 600);
    assert_eq!(value["ОткрытаФормаАктуализации"], true);
    assert_eq!(value["ТребуетсяПроверкаНапоминаний"], true);
    assert_eq!(value["ВремяСледующейПроверки"], world.node.now().to_string());
}

#[test]
fn имя_параметра_напоминаний_ответственного_за_актуализацию_токенов_авторизации() {
    let world = without_key();
    let names = world.get("/api/ismp/parameter-names").expect(200).json();
    assert_eq!(names["Reminders"], REMINDERS);
    assert_eq!(parameter(&world, REMINDERS), json!([]));
    world
        .put("/api/ismp/responsible/1", &rule("ИСМП", 600))
        .expect(201);
    assert_eq!(parameter(&world, REMINDERS), reminders(&world)["Reminders"]);
    assert_eq!(parameter(&world, REMINDERS)[0]["ТребуетсяАктуализация"], true);
    world.get("/api/parameters/other").refused(404);
}
