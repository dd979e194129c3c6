//! Session keys of IS MP (seed 001): each function by its name, sharing, what the operator is sent.

use keynode::gateway::{Changes, Connection, Facility, Organization};
use keynode::settings::Settings;
use serde_json::{Value, json};

use crate::common::Answer;
use crate::keys::Key;
use crate::world::{FACILITY, ITN, OMS_CONNECTION, OMS_ID, World, organization};

pub(crate) const AUTH: &str = "/api/v3/true-api/auth/";
pub(crate) const KEY: &str = "/api/v3/true-api/auth/key";
pub(crate) const SIGN_IN: &str = "/api/v3/true-api/auth/simpleSignIn";
const RETAIL: &str = "/api/v3/true-api/auth/permissive-access";

/// An hour, in milliseconds.
pub(crate) const HOUR: u64 = 3_600_000;

pub(crate) fn body(kind: &str) -> Value {
    json!({ "TokenType": kind, "ITN": ITN })
}

pub(crate) fn ask(world: &World, kind: &str) -> Answer {
    world.post("/api/ismp/session-keys", &body(kind))
}

/// Reads a token; `None` where there is no live one.
pub(crate) fn read(world: &World, kind: &str) -> Option<String> {
    read_of(world, &format!("TokenType={}&ITN={ITN}", encoded(kind)))
}

pub(crate) fn read_of(world: &World, query: &str) -> Option<String> {
    let answer = world.get(&format!("/api/ismp/session-keys?{query}"));
    match answer.status {
        200 => Some(answer.json()["Token"].as_str().unwrap().to_owned()),
        404 => None,
        other => panic!("{other}: {}", answer.text()),
    }
}

pub(crate) fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// How often somebody signed in.
pub(crate) fn sign_ins(world: &World) -> usize {
    let asked = world.sandbox.asked(AUTH);
    asked.iter().filter(|asked| asked.method == "POST").count()
}

#[track_caller]
pub(crate) fn ends(answer: &Value, code: &str, detail: &str) {
    assert_eq!(
        (&answer["ErrorCode"], &answer["Detail"]),
        (&code.into(), &detail.into()),
        "{answer}"
    );
    assert_eq!(answer["ErrorMessage"] == "", code.is_empty(), "{answer}");
    assert_eq!(answer["ErrorInfo"] == "", code.is_empty(), "{answer}");
}

with_both_keys!(запросить_ключ_сессии, |world| {
    let first = ask(&world, "ИСМП").expect(201).json();
    ends(&first, "", "");
    assert_eq!(first["Results"], json!({ ITN: true }));
    let sent = world.sandbox.asked(SIGN_IN)[0].json();
    let fields: Vec<&String> = sent.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["uuid", "data"]);
    for asked in world.sandbox.asked(AUTH) {
        assert_eq!(asked.header("accept"), Some("application/json"));
    }
    let token = read(&world, "ИСМП").unwrap();
    assert_eq!(world.sandbox.ismp_tokens(), [token]);
    let hours_10 = world.node.now().plus(36_000_000);
    assert_eq!(first["ValidUntil"], hours_10.to_string());

    // The token is shared while it lives, whoever asks, and has a place of production of its own.
    let second = ask(&world, "ISMP").expect(200).json();
    assert_eq!(second["ValidUntil"], first["ValidUntil"]);
    assert_eq!(sign_ins(&world), 1);

    // The order management station's tokens belong to connections: 9 hours, one alive.
    let station = ask(&world, "СУЗ").expect(201).json();
    assert_eq!(
        station["ValidUntil"],
        world.node.now().plus(32_400_000).to_string()
    );
    let path = format!("{SIGN_IN}/{OMS_CONNECTION}");
    assert_eq!(world.sandbox.asked(&path).len(), 1);
    assert!(world.sandbox.client_token_lives(&read(&world, "СУЗ").unwrap()));

    // Retail sale: neither uuid nor power of attorney.
    ask(&world, "ИСМПРозница").expect(201);
    let sent = world.sandbox.asked(RETAIL)[0].json();
    let fields: Vec<&String> = sent.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["data", "inn"]);
    assert_eq!(sent["inn"], ITN);
    assert!(read(&world, "Retail").is_some());
});

with_both_keys!(
    ключ_сессии_по_структуре_параметров_запроса,
    |world| {
        let query = format!("/api/ismp/request-parameters?ITN={ITN}&TokenType=SUZ");
        let structure = world.get(&query).expect(200).json();
        let body = json!({ "RequestParameters": structure });
        let had = world.post("/api/ismp/session-keys", &body).expect(201).json();
        assert_eq!(had["Results"], json!({ ITN: true }));
        assert!(read(&world, "СУЗ").is_some());
        // Several at once: each for itself.
        let other = world
            .get(&format!("/api/ismp/request-parameters?ITN={ITN}"))
            .json();
        let body = json!({ "ПараметрыЗапроса": [structure, other] });
        let had = world.post("/api/ismp/session-keys", &body).expect(201).json();
        assert_eq!(had["Results"], json!({ ITN: true }));
        assert_eq!(sign_ins(&world), 2);
    }
);

/// Kinds of products that are checked online, from a day on.
fn products(all: &mut Settings) {
    let since = [("Табак", "2024-04-01"), ("Пиво", "2026-01-16")];
    let since = since.map(|(product, day)| (product.to_owned(), day.to_owned()));
    all.ismp.retail_products.extend(since);
}

with_both_keys!(
    запросить_ключ_сессии_с_учетом_вида_токена,
    products,
    |world| {
        let sale = "ВыводИзОборотаРозничнаяПродажа";
        let ask = |operation: &str, at_the_desk: bool, product: &str| {
            let scan = json!({ "ITN": ITN, "Operation": operation, "KKTCheckRequired": at_the_desk });
            let body = json!({ "ScanParameters": scan, "ProductKind": product });
            let answer = world.post("/api/ismp/session-keys/by-product", &body).json();
            assert_eq!(answer["Results"], json!({ ITN: true }));
            answer["TokenType"].as_str().unwrap().to_owned()
        };
        assert_eq!(ask(sale, true, "Табак"), "ИСМПРозница");
        assert_eq!(ask(sale, false, "Табак"), "ИСМП");
        assert_eq!(ask("ВводВОборот", true, "Табак"), "ИСМП");
        assert_eq!(ask(sale, true, "Духи"), "ИСМП");
        assert_eq!(ask(sale, true, "Пиво"), "ИСМП");
        // The day begins in Moscow, three hours before UTC's.
        world.node.advance(9 * HOUR - 1);
        assert_eq!(ask(sale, true, "Пиво"), "ИСМП");
        world.node.advance(1);
        assert_eq!(ask(sale, true, "Пиво"), "ИСМПРозница");
        // The seed's own names.
        let scan = json!({ "Организация": ITN, "Операция": sale, "ТребуетсяПроверкаСредствамиККТ": true });
        let body = json!({ "ПараметрыСканирования": scan, "ВидПродукции": "Табак" });
        let answer = world.post("/api/ismp/session-keys/by-product", &body).json();
        assert_eq!(answer["TokenType"], "ИСМПРозница");
        // What was signed for retail sale, and only that, went there.
        let retail = world.sandbox.asked(RETAIL);
        assert!(!retail.is_empty() && retail.iter().all(|asked| asked.json()["inn"] == ITN));
        assert!(read(&world, "ИСМПРозница").is_some());
    }
);

#[test]
fn параметры_запроса_ключа_сессии() {
    let world = World::with(Key::File, |all| {
        all.ismp.url = "https://markirovka.crpt.ru".into();
        all.ismp.retail_url = Some("http://127.0.0.1:8080".into());
    });
    let get = |query: &str| {
        let target = format!("/api/ismp/request-parameters?ITN={ITN}&{query}");
        world.get(&target).expect(200).json()
    };
    let expected = json!({
        "ПредставлениеСервиса": "",
        "Организация": ITN,
        "Сервер": "markirovka.crpt.ru",
        "Порт": 443,
        "Таймаут": 60,
        "ИспользоватьЗащищенноеСоединение": true,
        "ВремяЖизни": 900,
        "ПроизводственныйОбъект": "",
        "ИмяПараметраСеанса": "ДанныеКлючаСессииИСМП",
        "АдресЗапросаПараметровАвторизации": "api/v3/true-api/auth/key",
        "АдресЗапросаКлючаСессии": "api/v3/true-api/auth/simpleSignIn",
        "РазрешенаПодписьДоверенногоЛицаСМЧД": true,
    });
    assert_eq!(get(&format!("ProductKind={}", encoded("Табак"))), expected);
    let retail = get("Retail=true");
    let told = [
        ("Сервер", json!("127.0.0.1")),
        ("Порт", json!(8080)),
        ("ИспользоватьЗащищенноеСоединение", json!(false)),
        ("ИмяПараметраСеанса", json!("ДанныеКлючаСессииИСМПРозница")),
        (
            "АдресЗапросаКлючаСессии",
            json!("api/v3/true-api/auth/permissive-access"),
        ),
        ("РазрешенаПодписьДоверенногоЛицаСМЧД", json!(false)),
    ];
    for (name, value) in told {
        assert_eq!(retail[name], value, "{name}");
    }
    let station = get(&format!(
        "TokenType=SUZ&ProductionFacility={}",
        encoded(FACILITY.0)
    ));
    assert_eq!(station["ВремяЖизни"], 32_400);
    let address = format!("api/v3/true-api/auth/simpleSignIn/{}", FACILITY.1);
    assert_eq!(station["АдресЗапросаКлючаСессии"], address);
    let nowhere = encoded("Цех 4");
    let nowhere = format!("/api/ismp/request-parameters?ITN={ITN}&ProductionFacility={nowhere}");
    assert!(world.get(&nowhere).expect(404).message().contains(FACILITY.0));
    let unknown = world.get("/api/ismp/request-parameters?ITN=7728168971");
    assert!(unknown.expect(404).message().contains("7728168971"));
}

#[test]
fn places_with_one_connection_share_its_one_token() {
    let world = World::new(Key::File);
    let with = |facilities: &[(&str, &str)]| Organization {
        facilities: facilities
            .iter()
            .map(|(name, connection)| Facility {
                name: (*name).into(),
                oms_connection: Some((*connection).into()),
            })
            .collect(),
        ..organization(&world.key.thumbprint)
    };
    let upper = FACILITY.1.to_uppercase();
    world.keep(
        ITN,
        &with(&[
            ("Цех 1", FACILITY.1),
            ("Цех 2", &upper),
            ("Цех 3", OMS_CONNECTION),
        ]),
    );
    let token = |facility: &str| {
        let body = json!({ "TokenType": "СУЗ", "ITN": ITN, "ProductionFacility": facility });
        world.post("/api/ismp/session-keys", &body);
        let query = format!("TokenType=SUZ&ITN={ITN}&ProductionFacility={}", encoded(facility));
        read_of(&world, &query).unwrap()
    };
    assert_eq!(token("Цех 1"), token("Цех 2"));
    assert_eq!(token("Цех 3"), token(""));
    assert_ne!(token("Цех 1"), token(""));
    assert_eq!(sign_ins(&world), 2);
    assert!(world.sandbox.client_token_lives(&token("Цех 1")));
    // One that the organisation does not have is told, with those that it has.
    let unknown = json!({ "TokenType": "СУЗ", "ITN": ITN, "ProductionFacility": "Цех 4" });
    let unknown = world.post("/api/ismp/session-keys", &unknown).expect(404);
    assert!(
        unknown.message().contains("Цех 1, Цех 2, Цех 3"),
        "{}",
        unknown.message()
    );
    // A place that gets another connection no longer answers with the token of the old one.
    world.keep(ITN, &with(&[("Цех 1", OMS_CONNECTION), ("Цех 2", FACILITY.1)]));
    assert_eq!(token("Цех 1"), token(""));
    assert_eq!(sign_ins(&world), 2);
}

#[test]
fn an_organisation_that_names_no_connection_uses_the_newest_that_was_registered() {
    let world = World::new(Key::File);
    let none = Organization {
        oms_connection: None,
        facilities: vec![],
        ..organization(&world.key.thumbprint)
    };
    world.keep(ITN, &none);
    let state = world.node.gateway();
    for (connection, days, itn) in [("old", 2, ITN), ("new", 1, ITN), ("other", 0, "7728168971")] {
        let registered = Connection {
            oms_id: OMS_ID.into(),
            oms_connection: connection.into(),
            name: None,
            address: None,
            itn: Some(itn.into()),
            created: world.node.now().plus(-days * 86_400_000),
            certificate: None,
        };
        world.sandbox.know_connection(OMS_ID, connection);
        let changes = Changes::new().put(connection, &registered);
        state.now().shared.state.commit(changes).unwrap();
    }
    ask(&world, "СУЗ").expect(201);
    assert_eq!(world.sandbox.asked(&format!("{SIGN_IN}/new")).len(), 1);
    let token = read(&world, "СУЗ").unwrap();
    let by_connection = state.now().ismp.live_of_connection("NEW").unwrap();
    assert_eq!(by_connection.expose(), token);
    assert!(state.now().ismp.live_of_connection("old").is_none());
}

#[test]
fn a_power_of_attorney_is_told_and_is_none_for_retail_sale() {
    let world = World::new(Key::File);
    let client = "7728168971";
    let own = Organization {
        power_of_attorney_itn: Some(client.into()),
        ..organization(&world.key.thumbprint)
    };
    world.keep(client, &own);
    let ask = |kind: &str| {
        let body = json!({ "TokenType": kind, "ITN": client });
        world.post("/api/ismp/session-keys", &body)
    };
    let refused = ask("ИСМП").expect(200).json();
    ends(&refused, "НеверныйЛогинИлиПароль", "");
    let words = refused["ErrorMessage"].as_str().unwrap();
    assert!(words.contains("не найден среди доверенных"), "{words}");
    assert_eq!(refused["Results"], json!({ client: words }));
    assert_eq!(world.sandbox.asked(SIGN_IN)[0].json()["inn"], client);
    world.sandbox.trust(ITN, client);
    ask("ИСМП").expect(201);
    let before = sign_ins(&world);
    ends(
        &ask("ИСМПРозница").expect(200).json(),
        "НеверныйЛогинИлиПароль",
        "",
    );
    assert_eq!(sign_ins(&world), before);
    // Told as somebody else from now on, the organisation wants another token.
    let query = format!("TokenType=ISMP&ITN={client}");
    assert!(read_of(&world, &query).is_some());
    world.keep(client, &organization(&world.key.thumbprint));
    assert_eq!(read_of(&world, &query), None);
}

#[test]
fn a_token_is_not_read_where_there_is_none_that_can_be_used() {
    let world = World::new(Key::File);
    assert_eq!(read(&world, "ИСМП"), None);
    ask(&world, "ИСМПРозница").expect(201);
    assert_eq!(read(&world, "ИСМП"), None);
    assert_eq!(read_of(&world, "TokenType=Retail&ITN=7728168971"), None);
    for query in [
        "TokenType=Retail",
        "ITN=7707083893",
        "TokenType=JWT&ITN=7707083893",
        "TokenType=Retail&ITN=1",
    ] {
        world.get(&format!("/api/ismp/session-keys?{query}")).refused(400);
    }
    // What is switched off meanwhile is gone, and is wanted anew.
    world
        .node
        .gateway()
        .now()
        .shared
        .organization(ITN)
        .unwrap()
        .unwrap();
    let target = format!("/api/organizations/{ITN}");
    world.node.delete(&target).expect(200);
    assert_eq!(read(&world, "ИСМПРозница"), None);
    ask(&world, "ИСМПРозница").refused(404);
}
