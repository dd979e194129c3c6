//! The stand-in for IS MP is as strict as the operator: what it refuses, and in which words.

use serde_json::{Value, json};

use crate::ismp::{KEY, SIGN_IN};
use crate::keys::Key;
use crate::world::{ITN, OMS_CONNECTION, World};

/// Sends this many requests at once; status and body of each answer.
fn send_all(
    world: &World,
    many: usize,
    verb: &str,
    path: &str,
    accept: &str,
    body: &str,
) -> Vec<(u16, Value)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let one = || async {
        let url = format!("{}{path}", world.sandbox.url());
        let request = http.request(verb.parse().unwrap(), url).header("Accept", accept);
        let answer = request.body(body.to_owned()).send().await.unwrap();
        let status = answer.status().as_u16();
        (
            status,
            serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap(),
        )
    };
    let all = futures_util::future::join_all((0..many).map(|_| one()));
    runtime.unwrap().block_on(all)
}

fn send(world: &World, verb: &str, path: &str, body: &str) -> (u16, Value) {
    send_all(world, 1, verb, path, "application/json", body).remove(0)
}

/// A challenge: its uuid and its text.
fn challenge(world: &World) -> (String, String) {
    let told = send(world, "GET", KEY, "").1;
    let text = |name: &str| told[name].as_str().unwrap().to_owned();
    let data = text("data");
    assert!(
        data.len() == 30 && data.bytes().all(|byte| byte.is_ascii_uppercase()),
        "{data}"
    );
    (text("uuid"), data)
}

fn signature(world: &World, content: &str, detached: bool) -> String {
    use base64::Engine;
    let target = format!("/api/certificates/{}/signatures", world.key.thumbprint);
    let data = base64::engine::general_purpose::STANDARD.encode(content);
    let body = json!({ "Data": data, "Detached": detached }).to_string();
    let made = world.ask_as("signer", "POST", &target).body(body).send();
    made.expect(201).json()["Signature"].as_str().unwrap().to_owned()
}

#[test]
fn each_signature_that_does_not_do_is_refused_in_the_operators_words() {
    let world = World::new(Key::File);
    let (_, other) = challenge(&world);
    let cases: Vec<(&str, u16, &str)> = vec![
        ("nothing", 400, "Тело запроса не может быть пустым"),
        (
            "no uuid",
            400,
            "В запросе отсутствует идентификатор авторизации (UUID)",
        ),
        ("no data", 400, "В запросе отсутствует параметр data"),
        (
            "united",
            400,
            "Одновременное заполнение inn и unitedToken невозможно",
        ),
        (
            "another uuid",
            400,
            "UUID не найден в хранилище ключей. UUID = a63ff582",
        ),
        ("no base64", 400, "Ошибка при проверке подписи"),
        ("no message", 400, "Ошибка при проверке подписи"),
        ("detached", 403, "Ошибка авторизации. Код ошибки: 2"),
        ("another challenge", 400, "Подпись не валидна"),
        (
            "a short inn",
            400,
            "В параметре inn должен быть передан ИНН организации",
        ),
        (
            "another's inn",
            403,
            "ИНН организации 7728168971 не найден среди доверенных",
        ),
    ];
    for (what, status, words) in cases {
        let (uuid, data) = challenge(&world);
        let signed = || signature(&world, &data, false);
        let body = match what {
            "nothing" => Value::Null,
            "no uuid" => json!({ "data": signed() }),
            "no data" => json!({ "uuid": uuid }),
            "united" => json!({ "uuid": uuid, "data": signed(), "inn": ITN, "unitedToken": true }),
            "another uuid" => json!({ "uuid": "a63ff582", "data": signed() }),
            "no base64" => json!({ "uuid": uuid, "data": "~" }),
            "no message" => json!({ "uuid": uuid, "data": "AAAA" }),
            "detached" => json!({ "uuid": uuid, "data": signature(&world, &data, true) }),
            "another challenge" => json!({ "uuid": uuid, "data": signature(&world, &other, false) }),
            "a short inn" => json!({ "uuid": uuid, "data": signed(), "inn": "12" }),
            _ => json!({ "uuid": uuid, "data": signed(), "inn": "7728168971" }),
        };
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let (found, answer) = send(&world, "POST", SIGN_IN, &body);
        let said = answer["error_message"].as_str().unwrap_or_default();
        assert_eq!(found, status, "{what}: {said}");
        assert!(said.starts_with(words), "{what}: {said}");
    }
    assert!(world.sandbox.ismp_tokens().is_empty());
}

#[test]
fn a_challenge_is_good_once_and_a_new_token_kills_the_old() {
    let world = World::new(Key::File);
    let path = format!("{SIGN_IN}/{OMS_CONNECTION}");
    let had = || {
        let (uuid, data) = challenge(&world);
        let body = json!({ "uuid": uuid, "data": signature(&world, &data, false), "inn": ITN }).to_string();
        let (_, token) = send(&world, "POST", &path, &body);
        let (_, again) = send(&world, "POST", &path, &body);
        assert!(
            again["error_message"]
                .as_str()
                .unwrap()
                .starts_with("UUID не найден")
        );
        token["token"].as_str().unwrap().to_owned()
    };
    let first = had();
    assert!(world.sandbox.client_token_lives(&first));
    let second = had();
    assert!(!world.sandbox.client_token_lives(&first) && world.sandbox.client_token_lives(&second));
}

#[test]
fn what_it_is_asked_for_and_how_often_is_looked_at() {
    let world = World::new(Key::File);
    let (status, _) = send_all(&world, 1, "GET", KEY, "text/html", "").remove(0);
    assert_eq!(status, 406);
    let mut refused = 0;
    while refused == 0 {
        // However slow this computer is: it is asked by many at once.
        let answers = send_all(&world, 80, "GET", KEY, "*/*", "");
        refused = answers.iter().filter(|(status, _)| *status == 429).count();
    }
    assert_eq!(world.sandbox.offences().len(), refused);
}
