//! What whoever looks after the node is told of the services, and callers of a fault of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use keynode::gateway::Trouble;
use serde_json::Value;

use crate::common::Wire;
use crate::ismp::{HOUR, ask};
use crate::keys::Key;
use crate::world::World;

/// The line about the services in /health; the node is healthy all the same.
fn told(world: &World) -> String {
    // Reports are given out again for a second.
    world.node.advance(1_000);
    let mut wire = Wire::connect(world.node.admin_address());
    wire.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let report: Value = wire.answer(false).unwrap().json();
    report["gateway"].as_str().unwrap().to_owned()
}

#[test]
fn health_tells_of_keys_that_are_not_renewed() {
    let world = World::new(Key::File);
    ask(&world, "ИСМП").expect(201);
    assert_eq!(told(&world), "ok");
    world.key.pull();
    world.until_usable(false);
    world.node.advance(10 * HOUR - 300_000);
    world.until("the renewal fails", || told(&world).contains("КлючНеПодключен"));
    world.key.plug();
    world.until("it is well again", || told(&world) == "ok");
}

#[test]
fn health_tells_of_a_closed_seal_of_wrong_settings_and_of_services_that_are_off() {
    let mut world = World::new(Key::File);
    let file = world.node.settings.state_dir.join("gateway.key");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    world.node.restart(0);
    ask(&world, "СУЗ").expect(200);
    let closed = told(&world);
    assert!(
        closed.contains("gateway.key") && closed.contains("mode 644"),
        "{closed}"
    );
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    world.node.advance(60_000);
    ask(&world, "СУЗ").expect(201);
    assert_eq!(told(&world), "ok");
    world
        .node
        .reload(|all| all.gateway.ca = Some("/nowhere/at-all.pem".into()));
    assert!(told(&world).contains("gateway.ca"));
    world.node.reload(|all| {
        all.gateway.ca = None;
        for enabled in [
            &mut all.tickets.enabled,
            &mut all.ismp.enabled,
            &mut all.crpt.enabled,
            &mut all.taxcom.enabled,
        ] {
            *enabled = false;
        }
    });
    assert_eq!(told(&world), "off");
}

#[test]
fn a_fault_of_the_node_is_not_told_as_its_stopping() {
    let world = World::new(Key::File);
    let services = world.node.gateway();
    let waiting = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let failed = services.have(|_| async { panic!("as it is told") });
    let trouble: Result<(), Trouble> = waiting.block_on(failed);
    let trouble = trouble.unwrap_err();
    assert!(
        trouble.info.contains("fault") && !trouble.info.contains("stopping"),
        "{trouble:?}"
    );
    // It goes on.
    ask(&world, "ИСМП").expect(201);
}
