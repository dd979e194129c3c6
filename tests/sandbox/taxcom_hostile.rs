//! Answers that no service gives: a node that gets them harms nobody, and goes on.

use crate::keys::Key;
use crate::taxcom::{assert_clean, started};
use crate::taxcom_errors::{SERVICE, canned, command, commands, end, reads_description, world};
use crate::world::World;

#[test]
fn a_description_that_sends_the_password_elsewhere_is_not_followed() {
    let elsewhere = World::new(Key::File);
    let world = World::new(Key::File);
    let address = format!("{}/services/WebItsSimpleService", elsewhere.sandbox.url());
    let wsdl = |address: &str| {
        format!(
            "<d:definitions xmlns:d=\"w\"><d:service><d:port><a location=\"{address}\"/><d:address location=\"{address}\"/></d:port></d:service></d:definitions>"
        )
    };
    for address in [
        address.replace("127.0.0.1", "localhost"),
        "http://webits.1c.ru/x".into(),
    ] {
        world.sandbox.say_next(SERVICE, canned(200, wsdl(&address)));
        let process = started(&world);
        assert_eq!(process["ErrorCode"], "ОшибкаСервиса", "{process}");
        end(&world, &process);
    }
    assert_eq!(elsewhere.sandbox.asked("/").len(), 0);
}

#[test]
fn hostile_answers_harm_nobody() {
    let world = world();
    let entities = "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]>".to_owned();
    let put = |name: &str, value: &str| command("store.put", name, value);
    let bodies = [
        (entities + &put("a", "&b;")).into_bytes(),
        "<a>".repeat(200_000).into_bytes(),
        ("<a>".repeat(100_000) + &"</a>".repeat(100_000)).into_bytes(),
        commands(&"<command name=\"x\"/>".repeat(100_000)).into_bytes(),
        put("a", &"x".repeat(3_000_000)).into_bytes(),
        vec![b'x'; 5 * 1024 * 1024],
        vec![0xff; 100],
        put(&"n".repeat(1000), "v").into_bytes(),
        commands("<command><name>ui.open</name></command>").into_bytes(),
        commands("<command/>").into_bytes(),
        command("store.get", "markerED", "").into_bytes(),
        command("performtheaction", "action", "decode").into_bytes(),
    ];
    for (number, body) in bodies.into_iter().enumerate() {
        let start: String = String::from_utf8_lossy(&body).chars().take(300).collect();
        reads_description(&world, number);
        world.sandbox.say_next(SERVICE, canned(200, body));
        let process = started(&world);
        // The stand-in refuses a client that has no session.
        assert_ne!(process["ErrorCode"], "", "{start}: {process}");
        assert!(!process["ErrorInfo"].as_str().unwrap().contains("root:"));
        end(&world, &process);
    }
    // Markers that are none.
    for (number, marker) in ["!!", "", "MAA=", "MIIB"].into_iter().enumerate() {
        let body = commands(&format!(
            "<command name=\"store.put\"><parameters><parameter name=\"markerED\" value=\"{marker}\"/></parameters></command>\
             <command name=\"performtheaction\"><parameters><parameter name=\"action\" value=\"decode\"/></parameters></command>"
        ));
        reads_description(&world, 100 + number);
        world.sandbox.say_next(SERVICE, canned(200, body));
        let process = started(&world);
        assert_eq!(process["ErrorCode"], "ОшибкаСервиса", "{marker}: {process}");
        end(&world, &process);
    }
    let process = started(&world);
    assert_eq!(process["RequestStatus"], "ОжиданиеОбработки", "{process}");
    assert_clean(&world, 1);
}

#[test]
fn a_service_that_leads_on_without_end_is_left() {
    let world = world();
    for _ in 0..100 {
        world
            .sandbox
            .say_next(SERVICE, canned(200, command("store.get", "language", "")));
    }
    let before = world.sandbox.asked(SERVICE).len();
    let process = started(&world);
    assert_eq!(process["ErrorCode"], "ОшибкаСервиса", "{process}");
    assert!(world.sandbox.asked(SERVICE).len() - before < 40);
}
