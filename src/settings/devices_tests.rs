//! Tests of the section [devices] as its users meet it.

use std::time::Duration;

use super::Devices;
use super::tests::{load, refusal};

#[test]
fn wrong_intervals_and_families_are_refused_with_their_place() {
    let interval = "expected 0s, or a duration such as 5m, from 10s to 1day";
    assert_eq!(
        refusal("[devices]\nrevalidate = \"9s\"\n", &[]),
        format!("k.toml:2:14: devices.revalidate: \"9s\": {interval}")
    );
    let family = refusal(
        "[devices]\nfamilies = [\n  \"1209:4b4e hid A\",\n  \"0a89 - B\",\n]\n",
        &[],
    );
    assert!(
        family.starts_with(
            "k.toml:4:3: devices.families: \"0a89 - B\": expected families such as \"1209:4b4e hid"
        ),
        "{family}"
    );
    assert!(
        refusal("[devices]\nfamilies = [7]\n", &[]).starts_with("k.toml:2:13: devices.families: 7: expected")
    );
}

#[test]
fn two_entries_for_the_same_devices_are_refused() {
    let text = "[devices]\nfamilies = [\"1209:4b4e hid A\", \"0a89:* - B\", \"1209:4B4E serial C\"]\n";
    let told = refusal(text, &[]);
    assert!(
        told.starts_with("k.toml:2:") && told.contains("\"1209:4b4e hid A\" and \"1209:4b4e serial C\""),
        "{told}"
    );
    // One product and all of its vendor are no conflict.
    assert!(
        load(
            "[devices]\nfamilies = [\"1209:4b4e hid A\", \"1209:* - B\"]\n",
            &[]
        )
        .is_ok()
    );
}

#[test]
fn families_of_devices_are_given_in_the_file_or_as_text() {
    let text = "[devices]\nfamilies = [\"1209:4b4e hid Acme, the dongle\", \"0a89:* - awake Guardant\"]\nrevalidate = \"0s\"\n";
    let written = |devices: &Devices| {
        devices
            .families
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    let loaded = load(text, &[]).unwrap().settings;
    assert_eq!(
        written(&loaded.devices),
        ["1209:4b4e hid Acme, the dongle", "0a89:* - awake Guardant"]
    );
    assert_eq!(loaded.devices.revalidate, Duration::ZERO);
    let flags = [
        "--devices-families",
        "1bc0:0051 serial A, B; 0a89:* - C",
        "--devices-revalidate",
        "10s",
    ];
    let loaded = load(text, &flags).unwrap().settings;
    assert_eq!(written(&loaded.devices), ["1bc0:0051 serial A, B", "0a89:* - C"]);
    assert_eq!(loaded.devices.revalidate, Duration::from_secs(10));
    assert!(
        refusal("", &["--devices-families", "1bc0 - A"])
            .starts_with("--devices-families: \"1bc0 - A\": expected")
    );
}
