//! Section 8, "Access": rows 36 to 39.

use crate::common::http::basic;
use crate::common::node::author;
use crate::common::{TestNode, Wire};
use keynode::node::StartError;
use keynode::store::{INITIAL_USER, Role, Users};
use serde_json::json;
use std::time::{Duration, Instant};

#[test]
fn row_36_scope() {
    let node = TestNode::licensed();
    let seat = node.seat("a");
    for path in [
        "/api",
        "/api/",
        "/api/serverinfo",
        "/api/publickey",
        "/api/licences",
        "/api/licences/7131766",
        "/api/connections",
        "/api/sessions",
        &seat,
        "/api/nothing",
    ] {
        for verb in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"] {
            let answer = node.ask(verb, path).anonymous().query_id("1").send().expect(401);
            let challenge = answer.header("WWW-Authenticate").unwrap();
            assert!(challenge.starts_with("Basic realm="), "{challenge}");
            if verb != "HEAD" {
                assert_eq!(answer.refused(401), "EHTTPUnauthorized");
            }
        }
    }
    for header in [
        "",
        "Basic",
        "Basic !!!",
        "Bearer YWRtaW46YWRtaW4=",
        "Basic YWRtaW4=",
        "Basic YWRtaW46YWRtaW4",
        "Basic /w==",
    ] {
        node.ask("GET", "/api")
            .anonymous()
            .header("Authorization", header)
            .send()
            .expect(401);
    }
    // The scheme's name has no case (RFC 7617), the user's and the password have.
    let lower = basic("admin", "admin").replace("Basic", "basic");
    node.ask("GET", "/api")
        .anonymous()
        .header("Authorization", lower)
        .send()
        .expect(200);
    node.ask("GET", "/api").login("Admin", "admin").send().expect(401);
    node.ask("GET", "/api").login("admin", "Admin").send().expect(401);
    assert_eq!(node.get("/api/sessions").rows().len(), 1, "nothing was done");
}

#[test]
fn row_36_hosts_on_loopback() {
    let node = TestNode::with(|settings| settings.api.allowed_hosts = vec!["licence.example".into()]);
    let login = format!("Authorization: {}\r\n", basic("admin", "admin"));
    let status = |request: &str, headers: &str| {
        let mut wire = Wire::connect(node.address());
        wire.send(format!("{request}\r\n{headers}{login}\r\n"));
        wire.answer(false).map(|answer| answer.status)
    };
    let host = |host: &str| status("GET /api HTTP/1.1", &format!("Host: {host}\r\n"));
    for own in [
        "localhost",
        "LocalHost:9099",
        "127.0.0.1",
        "127.0.0.1:1",
        "[::1]:9099",
        "licence.example:80",
        "LICENCE.example",
    ] {
        assert_eq!(host(own), Some(200), "{own}");
    }
    for other in [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:9099",
        "evil.example:127.0.0.1",
        "localhost@evil.example",
        "192.0.2.1",
        "[2001:db8::1]",
        "localhost:x",
        "",
    ] {
        assert_eq!(host(other), Some(403), "{other}");
    }
    let own = format!("Host: {}\r\n", node.address());
    // HTTP itself refuses these (RFC 9112, section 3.2): no request, no path, no answer of the API.
    assert_eq!(status("GET /api HTTP/1.1", ""), Some(400), "no Host");
    assert_eq!(
        status("GET /api HTTP/1.1", &own.repeat(2)),
        Some(400),
        "two Hosts"
    );
    assert_eq!(
        status("GET /api HTTP/1.1", &format!("{own}Host: evil.example\r\n")),
        Some(400)
    );
    // The absolute form names the host itself (RFC 9112, section 3.2.2).
    assert_eq!(
        status(&format!("GET http://{}/api HTTP/1.1", node.address()), &own),
        Some(200)
    );
    assert_eq!(status("GET http://evil.example/api HTTP/1.1", &own), Some(403));
    assert_eq!(
        status("GET http://localhost:9099/api HTTP/1.1", "Host: evil.example\r\n"),
        Some(200)
    );
    assert_eq!(status("GET /api HTTP/1.0", ""), Some(200));
}

#[test]
fn row_37_admin_admin() {
    let everywhere = "0.0.0.0:0".parse().unwrap();
    let refused = TestNode::try_with(|settings| settings.listen = everywhere)
        .err()
        .unwrap();
    assert!(matches!(refused, StartError::InitialPassword { .. }), "{refused}");
    assert!(refused.is_about_settings());
    let how = refused.to_string();
    assert!(
        how.contains("keynode user passwd admin") && how.contains("0.0.0.0:0 (--listen)"),
        "{how}"
    );
    // Users log in at the second address too.
    let refused = TestNode::try_with(|settings| settings.admin_listen = everywhere)
        .err()
        .unwrap();
    let how = refused.to_string();
    assert!(how.contains("0.0.0.0:0 (--admin-listen)"), "{how}");
    let changed = TestNode::with(|settings| {
        settings.listen = everywhere;
        std::fs::create_dir_all(&settings.state_dir).unwrap();
        let users = Users::open(&keynode::store::Database::open(&settings.state_dir).unwrap()).unwrap();
        users.ensure_initial().unwrap();
        users
            .set_password(INITIAL_USER, "correct horse", &author())
            .unwrap();
    });
    changed
        .ask("GET", "/api")
        .login("admin", "correct horse")
        .send()
        .expect(200);
    changed
        .ask("GET", "/api")
        .login("admin", "admin")
        .send()
        .expect(401);
    // On loopback it works, as the manual says; a node without users makes this one.
    let mut node = TestNode::start();
    node.get("/api").expect(200);
    node.database()
        .connect()
        .unwrap()
        .execute("DELETE FROM users", [])
        .unwrap();
    node.restart(0);
    node.get("/api").expect(200);
}

/// A node whose guessers are answered quickly: slowed after three failures, refused after four.
fn guarded() -> TestNode {
    TestNode::with(|settings| {
        settings.login.free_attempts = 3;
        settings.login.refuse_after = 4;
    })
}

#[test]
fn row_39_guessing() {
    let node = guarded();
    node.add_user("shop", Role::Client, "shop's own");
    let login = |user: &str, password: &str| node.ask("GET", "/api").login(user, password).send();
    login("admin", "admin").expect(200);
    let mut took = Vec::new();
    for guess in ["1", "2", "3", "4"] {
        let asked = Instant::now();
        login("admin", guess).expect(401);
        took.push(asked.elapsed());
    }
    assert!(took[3] >= Duration::from_millis(100), "slowed: {took:?}");
    let refused = login("admin", "5");
    assert_eq!(refused.refused(403), "EHTTPForbidden");
    assert_eq!(refused.header("Retry-After"), Some("60"));
    login("admin", "admin").expect(200);
    login("shop", "shop's own").expect(200);
    node.advance(20_000);
    assert_eq!(login("admin", "6").expect(403).header("Retry-After"), Some("40"));
    node.advance(39_999);
    assert_eq!(login("admin", "7").expect(403).header("Retry-After"), Some("1"));
    node.advance(1);
    login("admin", "8").expect(401);
}

#[test]
fn row_39_who_verified_before_goes_on_working() {
    let node = guarded();
    node.put(&crate::common::keys::licence());
    node.add_user("late", Role::Client, "late's own");
    let login = |user: &str, password: &str| node.ask("GET", "/api").login(user, password).send();
    node.get("/api").expect(200);
    for guess in ["1", "2", "3", "4"] {
        login("admin", guess).expect(401);
        login("late", guess).expect(401);
    }
    // Not known from before: it might be the guess that hit.
    login("late", "late's own").expect(403);
    // The state file changes with each session; the users in it did not.
    for client in ["a", "b", "c"] {
        node.take(client).expect(201);
        node.advance(1_000);
        node.get("/api").expect(200);
    }
    node.add_user("new", Role::Client, "new's own");
    node.advance(1_000);
    node.get("/api").expect(200);
    login("new", "new's own").expect(200);
    // A password that was changed is another one.
    let users = Users::open(&node.database()).unwrap();
    users.set_password("new", "another one", &author()).unwrap();
    node.advance(1_000);
    login("new", "new's own").expect(401);
    login("new", "another one").expect(200);
    users.remove("new", &author()).unwrap();
    node.advance(1_000);
    login("new", "another one").expect(401);
    node.advance(60_000);
    login("late", "late's own").expect(200);
}

#[test]
fn row_39_many_names_from_one_peer() {
    let node = TestNode::with(|settings| {
        settings.login.free_attempts = 1;
        settings.login.refuse_after = 1;
    });
    node.get("/api").expect(200);
    for number in 0..5 {
        node.ask("GET", "/api")
            .login(&format!("user{number}"), "x")
            .send()
            .expect(401);
    }
    node.ask("GET", "/api").login("another", "x").send().expect(403);
    node.get("/api").expect(200);
    let body = json!({ "KeyID": "672B", "ClientSessionID": "a" }).to_string();
    let post = node.ask("POST", "/api/sessions").login("another", "x").body(body);
    assert_eq!(post.send().refused(403), "EHTTPForbidden");
}
