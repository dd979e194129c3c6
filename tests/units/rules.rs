//! The udev rules: current, and what the real udev makes of them for devices described to umockdev.

use std::fs;
use std::process::Command;

use keynode::devices::rules::rules;
use keynode::devices::{Catalogue, Family};

use crate::described::{Described, root_hub};

const SHIPPED: &str = "udev/70-keynode.rules";

/// In a name space of its own, for `udevadm test` reads its rules from the system's directories and leaves links in
/// the real /dev. The group is one that this computer need not have.
const TRY: &str = r#"
(cat /etc/group && echo keynode:x:4321:) >"$1/group" && mount --bind "$1/group" /etc/group
mount -t tmpfs run /run && mkdir -p /run/udev && cp -r "$1/rules.d" /run/udev/
mount -t tmpfs dev /dev
exec udevadm test -a "$2" "$3"
"#;

#[test]
fn the_shipped_rules_are_those_of_the_catalogue() {
    let now = rules(&Catalogue::new(Vec::new()));
    if std::env::var_os("KEYNODE_WRITE_RULES").is_some() {
        fs::write(SHIPPED, &now).unwrap();
    }
    let shipped = fs::read_to_string(SHIPPED).unwrap();
    assert!(
        shipped == now,
        "{SHIPPED} is not what the catalogue gives; write it anew: \
         KEYNODE_WRITE_RULES=1 cargo test --test units the_shipped_rules"
    );
}

/// What udev says about an event of a device, under the shipped rules and one of the administrator's.
fn udev(device: &Described, action: &str, syspath: &str, local: &str) -> String {
    udev_with(
        &fs::read_to_string(SHIPPED).unwrap(),
        device,
        action,
        syspath,
        local,
    )
}

fn udev_with(own: &str, device: &Described, action: &str, syspath: &str, local: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let rules = dir.path().join("rules.d");
    fs::create_dir(&rules).unwrap();
    fs::write(rules.join("70-keynode.rules"), own).unwrap();
    fs::write(rules.join("60-local.rules"), local).unwrap();
    fs::write(dir.path().join("devices"), root_hub() + &device.text()).unwrap();
    let output = Command::new("umockdev-run")
        .arg("-d")
        .arg(dir.path().join("devices"))
        .args(["--", "unshare", "--map-root-user", "--mount"])
        .args(["sh", "-euc", TRY, "sh"])
        .arg(dir.path())
        .args([action, syspath])
        .output()
        .unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    // What udev does not understand it only complains of. Other files of rules are not ours.
    for line in said.lines().filter(|line| line.contains("70-keynode.rules")) {
        for complaint in ["nvalid", "nknown", "ailed", "gnoring"] {
            assert!(!line.contains(complaint), "{line}");
        }
    }
    said
}

/// The value of a property that the event ended with.
fn property<'a>(said: &'a str, name: &str) -> Option<&'a str> {
    said.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
}

/// The group and mode that udev would set, as it logs them.
fn permitted(said: &str) -> bool {
    let sets = |what: &str| {
        said.lines()
            .any(|line| line.contains("70-keynode.rules:") && line.ends_with(what))
    };
    assert_eq!(sets("GROUP 4321"), sets("MODE 0660"), "{said}");
    sets("GROUP 4321")
}

fn hidraw(device: &Described) -> String {
    let Described {
        vendor_id,
        product_id,
        ports,
        ..
    } = device;
    format!(
        "{}/1-{ports}:1.0/0003:{vendor_id:04X}:{product_id:04X}.0000/hidraw/hidraw0",
        device.syspath()
    )
}

#[test]
fn a_carrier_and_its_hidraw_node_are_the_groups_and_the_node_is_told() {
    let device = Described::default();
    let said = udev(&device, "add", &device.syspath(), "");
    assert!(permitted(&said), "{said}");
    assert_eq!(
        property(&said, "SYSTEMD_WANTS"),
        Some("keynode-rescan.service"),
        "{said}"
    );
    assert!(property(&said, "TAGS").unwrap().contains(":systemd:"), "{said}");

    let said = udev(&device, "add", &hidraw(&device), "");
    assert!(permitted(&said), "{said}");
    assert_eq!(property(&said, "SYSTEMD_WANTS"), None, "{said}");
}

#[test]
fn another_makers_key_keeps_its_permissions_and_the_node_is_told() {
    let device = Described {
        vendor_id: 0xfeed,
        ..Described::default()
    };
    let foreign = Family {
        name: "Another maker's".into(),
        vendor_id: device.vendor_id,
        product_id: Some(device.product_id),
        driver: None,
        stay_awake: false,
    };
    let rules = rules(&Catalogue::new(vec![foreign]));
    let said = udev_with(&rules, &device, "add", &hidraw(&device), "");
    assert!(!permitted(&said), "{said}");
    let said = udev_with(&rules, &device, "add", &device.syspath(), "");
    assert!(!permitted(&said), "{said}");
    assert_eq!(
        property(&said, "SYSTEMD_WANTS"),
        Some("keynode-rescan.service"),
        "{said}"
    );
}

#[test]
fn a_stranger_is_left_alone() {
    let device = Described {
        product_id: 0x0002,
        ..Described::default()
    };
    for path in [device.syspath(), hidraw(&device)] {
        let said = udev(&device, "add", &path, "");
        assert!(
            !permitted(&said) && property(&said, "SYSTEMD_WANTS").is_none(),
            "{said}"
        );
    }
}

#[test]
fn the_administrator_can_keep_keynode_away() {
    let device = Described::default();
    let line = "ATTRS{idVendor}==\"1209\", ATTRS{serial}==\"LK-00000042\", ENV{KEYNODE_IGNORE}=\"1\"\n";
    let documented = fs::read_to_string(SHIPPED).unwrap();
    assert!(
        documented.contains(line.trim_end()),
        "the rules document another line"
    );
    for path in [device.syspath(), hidraw(&device)] {
        let said = udev(&device, "add", &path, line);
        assert!(
            !permitted(&said) && property(&said, "SYSTEMD_WANTS").is_none(),
            "{said}"
        );
    }
}

#[test]
fn a_removal_starts_the_rescan_by_the_kernels_own_ids() {
    let device = Described::default();
    let said = udev(&device, "remove", &device.syspath(), "");
    assert!(
        said.contains("systemctl --no-block start keynode-rescan.service"),
        "{said}"
    );
    assert!(!permitted(&said), "{said}");
}
