//! Who gets in, and what every answer says to the browser.

use keynode::store::{Role, Users};

use super::browser::Browser;
use super::common::node::author;
use super::{PASSWORD, boss, node, watcher, with};

#[test]
fn every_answer_keeps_the_page_to_itself() {
    let node = node();
    let mut stranger = Browser::new(node.admin_address());
    let mut boss = boss(&node);
    let answers = [
        stranger.get("/console/"),
        stranger.get("/console/login"),
        stranger.get("/console/nothing"),
        stranger.get("/console/assets/htmx.js"),
        stranger.post(
            "/console/login",
            &[("user", "boss"), ("password", "wrong password")],
        ),
        boss.get("/console/"),
        boss.get("/console/nothing"),
        boss.send("DELETE", "/console/keys", &[], None),
        boss.send("POST", "/console/look", &[], Some("language=ru")),
    ];
    for answer in answers {
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{answer:?}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("cross-origin-opener-policy"), Some("same-origin"));
        let keep = answer.header("cache-control").unwrap();
        assert!(
            keep == "no-store" || answer.header("etag").is_some(),
            "{answer:?}"
        );
        let text = answer.text();
        for inline in ["<script>", "style=\"", "<style", "onclick", "javascript:"] {
            assert!(
                answer.header("content-type") != Some("text/html; charset=utf-8") || !text.contains(inline),
                "{inline}: {text}"
            );
        }
    }
}

#[test]
fn the_cookie_is_for_this_page_alone_and_for_no_script() {
    let node = node();
    let mut browser = Browser::new(node.admin_address());
    let answer = browser.log_in("boss", PASSWORD).expect(303);
    let cookie = answer.header("set-cookie").unwrap();
    let name = format!("keynode_console_{}=", node.admin_address().port());
    assert!(cookie.starts_with(&name), "{cookie}");
    for part in ["HttpOnly", "SameSite=Lax", "Path=/console"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "there is no TLS here: {cookie}");
    let value = browser.cookie();
    assert!(value.len() >= 43, "256 bits: {value}");
    browser.get("/console/keys").expect(200);
}

#[test]
fn two_nodes_behind_one_name_do_not_log_each_other_out() {
    let (one, other) = (node(), node());
    let mut first = boss(&one);
    let mut second = Browser::new(other.admin_address());
    // Browsers keep cookies by host, whatever the port.
    second.cookies = first.cookies.clone();
    second.log_in("boss", PASSWORD).expect(303);
    first.cookies = second.cookies.clone();
    first.get("/console/keys").expect(200);
    second.get("/console/keys").expect(200);
}

#[test]
fn a_new_login_ends_the_one_before() {
    let node = node();
    let mut browser = boss(&node);
    let old = browser.cookies.clone();
    browser.log_in("boss", PASSWORD).expect(303);
    browser.get("/console/keys").expect(200);
    browser.cookies = old;
    browser.get("/console/keys").expect(303);
}

#[test]
fn a_wrong_password_lets_nobody_in_and_too_many_are_refused() {
    let node = with(|settings| {
        settings.login.free_attempts = 5;
        settings.login.refuse_after = 3;
    });
    let mut browser = Browser::new(node.admin_address());
    for _ in 0..3 {
        let page = browser.log_in("boss", "not the password").expect(403);
        assert!(
            page.text().contains("User or password is wrong."),
            "{}",
            page.text()
        );
    }
    let page = browser.log_in("boss", PASSWORD).expect(403);
    assert!(page.text().contains("Too many failed logins"), "{}", page.text());
    assert!(browser.cookies.is_empty());
    node.advance(61_000);
    browser.log_in("boss", PASSWORD).expect(303);
}

#[test]
fn a_password_that_somebody_used_is_guessed_no_faster() {
    let node = with(|settings| {
        settings.login.free_attempts = 5;
        settings.login.refuse_after = 3;
    });
    let mut first = boss(&node);
    let mut guesser = Browser::new(node.admin_address());
    for _ in 0..3 {
        guesser.log_in("boss", "not the password").expect(403);
    }
    let page = guesser.log_in("boss", PASSWORD).expect(403);
    assert!(page.text().contains("Too many failed logins"), "{}", page.text());
    assert!(guesser.cookies.is_empty());
    first.get("/console/keys").expect(200);
}

#[test]
fn roles_without_pages_are_told_so() {
    let node = node();
    node.add_user("till", Role::Client, PASSWORD);
    node.advance(1_000);
    let mut browser = Browser::new(node.admin_address());
    let page = browser.log_in("till", PASSWORD).expect(403);
    assert!(page.text().contains("role client"), "{}", page.text());
    assert!(browser.cookies.is_empty());
}

#[test]
fn a_monitor_looks_and_changes_nothing() {
    let node = node();
    let session = node.seat("till 1");
    let id = session.rsplit('/').next().unwrap();
    let mut watcher = watcher(&node);
    let list = watcher.get("/console/sessions").expect(200).text();
    assert!(list.contains(id) && !list.contains("/release"), "{list}");
    watcher.get("/console/settings").expect(403);
    watcher
        .get(&format!("/console/sessions/{id}/release"))
        .expect(404);
    let page = watcher.get("/console/sessions");
    watcher
        .submit(&page, "/console/sessions/release", &[("pick", id)])
        .expect(403);
    node.get(&session).expect(200);
}

#[test]
fn a_form_from_elsewhere_is_refused() {
    let node = node();
    let session = node.seat("till 1");
    let id = session.rsplit('/').next().unwrap();
    let mut boss = boss(&node);
    let page = boss.get(&format!("/console/sessions/{id}/release")).expect(200);
    let body = format!("token={}&pick={id}", page.input("token"));
    let foreign: [&[(&str, &str)]; 4] = [
        &[("Origin", "http://evil.example")],
        &[("Origin", "null")],
        &[("Sec-Fetch-Site", "cross-site")],
        &[],
    ];
    for headers in foreign {
        boss.send("POST", "/console/sessions/release", headers, Some(&body))
            .expect(403);
    }
    boss.post("/console/sessions/release", &[("token", "guessed"), ("pick", id)])
        .expect(403);
    boss.post("/console/sessions/release", &[("pick", id)])
        .expect(403);
    node.get(&session).expect(200);
    let login = "user=boss&password=correct%20horse";
    Browser::new(node.admin_address())
        .send(
            "POST",
            "/console/login",
            &[("Origin", "http://evil.example")],
            Some(login),
        )
        .expect(403);
    boss.submit(&page, "/console/sessions/release", &[("pick", id)])
        .expect(303);
    node.get(&session).expect(404);
}

#[test]
fn another_name_for_loopback_is_refused() {
    let node = node();
    let mut boss = boss(&node);
    boss.send("GET", "/console/", &[("Host", "rebound.example")], None)
        .expect(403);
    let localhost = format!("localhost:{}", node.admin_address().port());
    boss.send("GET", "/console/", &[("Host", &localhost)], None)
        .expect(200);
}

#[test]
fn a_login_ends_when_it_is_not_used_and_after_a_week_anyway() {
    let node = with(|settings| settings.console.idle = std::time::Duration::from_hours(1));
    let mut first = boss(&node);
    node.advance(59 * 60_000);
    let page = first.get("/console/keys").expect(200);
    node.advance(59 * 60_000);
    // What a page asks by itself is no use of it.
    first.get(&page.live()).expect(204);
    node.advance(2 * 60_000);
    let gone = first.get("/console/keys").expect(303);
    assert_eq!(
        gone.header("location"),
        Some("/console/login?back=%2Fconsole%2Fkeys")
    );

    let mut second = boss(&node);
    // 170 times 59 minutes are a little less than seven days, 171 times a little more.
    for _ in 0..170 {
        node.clock.advance(59 * 60_000);
        second.get("/console/keys").expect(200);
    }
    node.clock.advance(59 * 60_000);
    second.get("/console/keys").expect(303);
}

#[test]
fn a_login_ends_with_its_user_and_with_log_out() {
    let node = node();
    let (mut first, mut second) = (boss(&node), boss(&node));
    let page = first.get("/console/").expect(200);
    let old = first.cookies.clone();
    first.submit(&page, "/console/logout", &[]).expect(303);
    assert!(first.cookies.is_empty());
    first.cookies = old;
    first.get("/console/").expect(303);
    second.get("/console/").expect(200);

    let users = Users::open(&node.database()).unwrap();
    users.remove("boss", &author()).unwrap();
    node.advance(1_000);
    second.get("/console/").expect(303);
}

#[test]
fn files_are_compressed_and_kept() {
    let node = node();
    let mut browser = Browser::new(node.admin_address());
    let page = browser.get("/console/login").expect(200).text();
    let at = page.find("/console/assets/htmx.js?v=").unwrap();
    let address = page[at..].split('"').next().unwrap().to_owned();
    let plain = browser.get(&address).expect(200);
    let small = browser
        .send("GET", &address, &[("Accept-Encoding", "br, gzip")], None)
        .expect(200);
    assert_eq!(small.header("content-encoding"), Some("gzip"));
    assert!(small.body.len() * 2 < plain.body.len());
    assert!(small.header("cache-control").unwrap().contains("immutable"));
    let tag = small.header("etag").unwrap().to_owned();
    browser
        .send("GET", &address, &[("If-None-Match", &tag)], None)
        .expect(304);
    let other = browser.get("/console/assets/htmx.js?v=old").expect(200);
    assert_eq!(other.header("cache-control"), Some("no-cache"));
    browser.get("/console/assets/../main.rs").expect(404);
}
