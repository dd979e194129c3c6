//! What the pages show, and what they never show.

use serde_json::json;

use super::browser::Browser;
use super::{boss, node, watcher, with};

const PAGES: [&str; 6] = ["", "keys", "sessions", "connections", "settings", "health"];

/// A session whose client says this of itself.
fn hostile(node: &super::TestNode, name: &str) -> String {
    let body = json!({
        "KeyID": "672B", "ClientSessionID": name, "UserName": name, "ComputerName": name, "AppName": name,
    });
    let taken = node.post("/api/sessions", &body).expect(201);
    taken
        .header("Location")
        .unwrap()
        .rsplit('/')
        .next()
        .unwrap()
        .to_owned()
}

#[test]
fn every_page_is_there_in_both_languages() {
    let node = node();
    node.seat("till 1");
    let mut boss = boss(&node);
    for path in PAGES {
        let english = boss.get(&format!("/console/{path}")).expect(200).text();
        assert!(
            english.contains("<html lang=\"en\"") && english.contains("<h1>"),
            "{english}"
        );
        boss.language = "ru-RU,ru;q=0.9,en;q=0.5";
        let russian = boss.get(&format!("/console/{path}")).expect(200).text();
        assert!(
            russian.contains("<html lang=\"ru\"") && russian.contains("Выйти"),
            "{russian}"
        );
        boss.language = "en";
    }
    let page = boss.post(
        "/console/look",
        &[("language", "ru"), ("colours", "dark"), ("back", "/console/keys")],
    );
    assert_eq!(page.expect(303).header("location"), Some("/console/keys"));
    let chosen = boss.get("/console/keys").expect(200).text();
    assert!(
        chosen.contains("<html lang=\"ru\" data-colours=\"dark\">"),
        "{chosen}"
    );
}

#[test]
fn names_that_clients_choose_are_text_and_nothing_else() {
    let node = node();
    let name = "<script>alert('x')</script>\"><img src=x>";
    let id = hostile(&node, name);
    let mut boss = boss(&node);
    for path in [
        "sessions".to_owned(),
        format!("sessions/{id}"),
        format!("sessions/{id}/release"),
        "connections".into(),
    ] {
        let text = boss.get(&format!("/console/{path}")).expect(200).text();
        assert!(
            text.contains("alert(") && !text.contains("<script>") && !text.contains("<img"),
            "{path}: {text}"
        );
    }
    let found = boss.get("/console/sessions?q=%3Cscript%3E").expect(200).text();
    assert!(found.contains(&id) && !found.contains("<script>"), "{found}");
    let notice = boss.get("/console/?notice=%3Cscript%3E").expect(200).text();
    assert!(!notice.contains("<script>"), "{notice}");
}

#[test]
fn a_name_turns_no_text_around() {
    let node = node();
    let id = hostile(&node, "Anna\u{202e}avonavI\u{2066}\u{200f}");
    let mut boss = boss(&node);
    for path in [
        "sessions".to_owned(),
        format!("sessions/{id}"),
        format!("sessions/{id}/release"),
        "audit".into(),
    ] {
        let text = boss.get(&format!("/console/{path}")).expect(200).text();
        assert!(text.contains("Anna avonavI"), "{path}: {text}");
        assert!(!text.contains(['\u{202e}', '\u{2066}', '\u{200f}']), "{path}");
    }
    let question = boss
        .get(&format!("/console/sessions/{id}/release"))
        .expect(200)
        .text();
    assert!(
        question.contains("<bdi>Anna avonavI  </bdi>, <bdi>"),
        "{question}"
    );
}

#[test]
fn sessions_are_found_by_any_text_sorted_and_shown_in_parts() {
    let node = node();
    for (user, computer) in [("anna", "TILL-7"), ("Boris", "till-8"), ("clara", "office")] {
        let body = json!({
            "KeyID": "672B", "ClientSessionID": user, "UserName": user, "ComputerName": computer,
            "AccessCode": "sesame",
        });
        node.post("/api/sessions", &body).expect(201);
    }
    let mut watcher = watcher(&node);
    let found = watcher.get("/console/sessions?q=TILL").expect(200).text();
    assert!(
        found.contains("anna") && found.contains("Boris") && !found.contains("clara"),
        "{found}"
    );
    let sorted = watcher
        .get("/console/sessions?sort=-ComputerName")
        .expect(200)
        .text();
    let at = |name: &str| sorted.find(name).unwrap();
    assert!(at("Boris") < at("clara") && at("clara") < at("anna"), "{sorted}");
    assert!(sorted.contains("aria-sort=\"descending\""));
    let by_code = watcher.get("/console/sessions?q=sesame").expect(200).text();
    assert!(
        by_code.contains("Nothing found.") && !by_code.contains("anna"),
        "{by_code}"
    );
    let behind = watcher
        .get("/console/sessions?sort=Nonsense&page=99")
        .expect(200)
        .text();
    assert!(behind.contains("There are no further rows."), "{behind}");
}

#[test]
fn several_sessions_are_released_together_after_a_question() {
    let node = node();
    let paths = [node.seat("till 1"), node.seat("till 2"), node.seat("till 3")];
    let ids: Vec<_> = paths
        .iter()
        .map(|path| path.rsplit('/').next().unwrap())
        .collect();
    let mut boss = boss(&node);
    let target = format!("/console/sessions/release?pick={}&pick={}", ids[0], ids[1]);
    let question = boss.get(&target).expect(200);
    assert!(question.text().contains(ids[0]) && question.text().contains(ids[1]));
    node.get(&paths[0]).expect(200);
    boss.submit(
        &question,
        "/console/sessions/release",
        &[("pick", ids[0]), ("pick", ids[1])],
    )
    .expect(303);
    node.get(&paths[0]).expect(404);
    node.get(&paths[1]).expect(404);
    node.get(&paths[2]).expect(200);
    let empty = boss.get("/console/sessions/release").expect(303);
    assert_eq!(
        empty.header("location"),
        Some("/console/sessions?notice=sessions.none-chosen")
    );
}

#[test]
fn a_connection_is_closed_after_a_question() {
    let node = node();
    let opened = node
        .post("/api/connections", &json!({ "ComputerName": "office" }))
        .expect(201);
    let path = opened.header("Location").unwrap().to_owned();
    let id = path.rsplit('/').next().unwrap();
    let mut boss = boss(&node);
    let question = boss.get(&format!("/console/connections/{id}/close")).expect(200);
    assert!(question.text().contains("office"));
    boss.submit(&question, "/console/connections/close", &[("pick", id)])
        .expect(303);
    node.get(&path).expect(404);
}

#[test]
fn a_key_says_why_it_gives_no_seats() {
    let node = node();
    let expired = keynode::licence::Licence {
        key_no: 77,
        period: 1,
        ..super::common::keys::licence()
    };
    node.put(&expired);
    let mut watcher = watcher(&node);
    let text = watcher.get("/console/keys/77").expect(200).text();
    assert!(
        text.contains("expired") && text.contains("its period ended on"),
        "{text}"
    );
    let overview = watcher.get("/console/").expect(200).text();
    assert!(overview.contains("Key 77 gives no seats"), "{overview}");
    watcher.get("/console/keys/78").expect(404);
    watcher.get("/console/keys/nonsense").expect(400);
}

#[test]
fn two_keys_of_one_number_have_a_page_each() {
    let node = node();
    let licence = super::common::keys::licence();
    let copy = node.put_file("a-copy.licence", &super::common::keys::sealed(&licence));
    let mut watcher = watcher(&node);
    let list = watcher.get("/console/keys").expect(200).text();
    let number = licence.key_no;
    for id in [format!("id=\"to-{number}\""), format!("id=\"to-{number}-2\"")] {
        assert_eq!(list.matches(&id).count(), 1, "{id}: {list}");
    }
    let place = |text: &str| {
        let at = text.find("<dt>File or device</dt><dd>").expect("its place");
        text[at + 27..].split('<').next().unwrap().to_owned()
    };
    let first = watcher.get(&format!("/console/keys/{number}")).expect(200).text();
    assert!(first.contains("This number is there more than once."), "{first}");
    let at = first.find("id=\"other-1\" href=\"").expect("a link to the other");
    let other = first[at + 19..].split('"').next().unwrap();
    let second = watcher.get(other).expect(200).text();
    let mut places = [place(&first), place(&second)];
    places.sort();
    assert!(
        places[0] != places[1] && places.iter().any(|place| copy.ends_with(place)),
        "{places:?}"
    );
}

#[test]
fn no_secret_is_on_any_page() {
    let node = with(|settings| {
        settings.access_codes.insert("open-sesame".into(), vec![4242]);
    });
    let body = json!({ "KeyID": "672B", "ClientSessionID": "till", "AccessCode": "open-sesame" });
    let taken = node.post("/api/sessions", &body).expect(201);
    let id = taken
        .header("Location")
        .unwrap()
        .rsplit('/')
        .next()
        .unwrap()
        .to_owned();
    let mut boss = boss(&node);
    let cookie = boss.cookie().to_owned();
    let mut paths: Vec<String> = PAGES.iter().map(ToString::to_string).collect();
    paths.push(format!("sessions/{id}"));
    let further = [
        "devices",
        "certificates",
        "gateway",
        "activations",
        "audit",
        "usage",
        "api",
    ];
    paths.extend(further.map(str::to_owned));
    // The licence was activated with this code: whoever has it can do that again.
    let code = super::common::keys::licence().activation_code.unwrap();
    let key = format!("keys/{}", super::common::keys::licence().key_no);
    let shown = watcher(&node).get(&format!("/console/{key}")).expect(200).text();
    assert!(shown.contains(&format!("{code:?}")), "{shown}");
    paths.push(key);
    for path in paths {
        let text = boss.get(&format!("/console/{path}")).expect(200).text();
        for secret in ["open-sesame", super::PASSWORD, &cookie, "argon2id", code.as_str()] {
            assert!(!text.contains(secret), "{path}: {secret}");
        }
    }
}

#[test]
fn the_first_listener_has_the_console_where_the_settings_say_so() {
    let node = node();
    Browser::new(node.address()).get("/console/login").expect(404);
    let node = with(|settings| settings.console.on_listen = true);
    let mut browser = Browser::new(node.address());
    browser.get("/console/login").expect(200);
    browser.log_in("boss", super::PASSWORD).expect(303);
    browser.get("/console/keys").expect(200);
    node.get("/api/licences").expect(200);
}

#[test]
fn a_console_that_is_switched_off_is_not_there() {
    let node = with(|settings| settings.console.enabled = false);
    Browser::new(node.admin_address())
        .get("/console/login")
        .expect(404);
}
