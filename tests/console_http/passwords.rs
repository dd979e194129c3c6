//! The initial password, and changing one's own.

use keynode::store::Users;

use super::browser::Browser;
use super::common::TestNode;
use super::common::node::author;
use super::{PASSWORD, boss, node};

#[test]
fn with_the_initial_password_every_page_leads_to_changing_it() {
    let node = TestNode::licensed();
    let mut browser = Browser::logged_in(node.admin_address(), "admin", "admin");
    for path in ["", "keys", "sessions", "settings", "health"] {
        let page = browser.get(&format!("/console/{path}")).expect(303);
        assert_eq!(page.header("location"), Some("/console/password"), "{path}");
    }
    let form = browser.get("/console/password").expect(200);
    for (old, new, again) in [
        ("admin", "short", "short"),
        ("admin", "long enough", "long enoogh"),
        ("admin", "admin", "admin"),
        ("guessed", "long enough", "long enough"),
    ] {
        let page = browser.submit(
            &form,
            "/console/password",
            &[("old", old), ("new", new), ("again", again)],
        );
        assert!(page.status == 400 || page.status == 403, "{new}: {page:?}");
        assert!(page.text().contains("role=\"alert\""));
    }
    let fields = [("old", "admin"), ("new", "long enough"), ("again", "long enough")];
    browser.submit(&form, "/console/password", &fields).expect(303);
    browser.get("/console/keys").expect(200);
    assert_eq!(
        node.ask("GET", "/api")
            .login("admin", "long enough")
            .send()
            .status,
        200
    );
    assert_eq!(node.ask("GET", "/api").login("admin", "admin").send().status, 401);
    let mut again = Browser::new(node.admin_address());
    again.log_in("admin", "admin").expect(403);
    again.log_in("admin", "long enough").expect(303);
}

#[test]
fn a_changed_password_ends_the_other_logins() {
    let node = node();
    let (mut here, mut there) = (boss(&node), boss(&node));
    let form = here.get("/console/password").expect(200);
    let fields = [
        ("old", PASSWORD),
        ("new", "another horse"),
        ("again", "another horse"),
    ];
    here.submit(&form, "/console/password", &fields).expect(303);
    here.get("/console/").expect(200);
    there.get("/console/").expect(303);

    let users = Users::open(&node.database()).unwrap();
    users.set_password("boss", "a third horse", &author()).unwrap();
    node.advance(1_000);
    here.get("/console/").expect(303);
}
