//! A page of metrics as a client of the node gets it.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use keynode::devices::{Access, Device, Hardware, Inventory};
use keynode::licence::Licence;
use keynode::settings::CertificateFile;
use serde_json::json;

use crate::common::http::{Ask, basic};
use crate::common::{Answer, TestNode, Wire, keys, plug};

/// What the node answers to a GET over its second listener.
pub(crate) fn get(address: SocketAddr, path: &str, login: Option<(&str, &str)>) -> Answer {
    let ask = Ask::new(address, "GET", path).anonymous();
    let ask = match login {
        Some((user, password)) => ask.header("Authorization", basic(user, password)),
        None => ask,
    };
    let mut wire = Wire::connect(address);
    wire.send(ask.bytes());
    wire.answer(false).unwrap()
}

/// The metrics of a node at a moment.
pub(crate) struct Page(pub(crate) String);

impl Page {
    /// As of now: a second later than what was asked for before.
    pub(crate) fn of(node: &TestNode) -> Self {
        node.clock.advance(1_000);
        let answer = get(node.admin_address(), "/metrics", None).expect(200);
        Self(answer.text().to_owned())
    }

    /// The value of a sample, named with its labels as the page has them.
    #[track_caller]
    pub(crate) fn value(&self, sample: &str) -> f64 {
        self.find(sample)
            .unwrap_or_else(|| panic!("{sample} is not in\n{}", self.0))
    }

    pub(crate) fn find(&self, sample: &str) -> Option<f64> {
        let value = self
            .0
            .lines()
            .find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
        value.map(|value| value.parse().unwrap())
    }

    /// Names of all families.
    pub(crate) fn families(&self) -> BTreeSet<String> {
        let heads = self.0.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        heads
            .map(|head| head.split(' ').next().unwrap().to_owned())
            .collect()
    }
}

/// Another device of the test's family, at another port, which nobody may use.
pub(crate) fn forbidden(serial: &str) -> Device {
    Device {
        access: Access::NoPermission {
            mend: "a rule".into(),
        },
        port: "1-3".into(),
        ..plug::device(serial)
    }
}

/// Plugs in a dongle with a licence, and another device.
pub(crate) fn plug_in(node: &TestNode, other: Device) {
    let dongle = Licence {
        binding: plug::binding("D-1"),
        ..keys::numbered(keys::KEY_NO + 2)
    };
    let carrier = Arc::new(plug::loaded("D-1", &dongle));
    node.devices.set_hardware(Hardware {
        inventory: Arc::new(Inventory {
            devices: vec![carrier.device.clone(), Arc::new(other)],
            errors: Vec::new(),
        }),
        carriers: vec![carrier],
        ..Hardware::default()
    });
    node.follow();
}

/// A node of which nearly everything can be told: keys in files and on a dongle, a device without permission, a
/// token whose module is not there, a certificate.
pub(crate) fn rich_node() -> TestNode {
    let node = TestNode::with(|settings| {
        let folder = &settings.state_dir;
        fs::create_dir_all(folder).unwrap();
        fs::write(
            folder.join("shop.pem"),
            include_str!("../fixtures/sandbox/rsa.pem"),
        )
        .unwrap();
        let key = folder.join("shop.key");
        fs::write(&key, include_str!("../fixtures/sandbox/rsa.key")).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        let certificate = CertificateFile {
            file: folder.join("shop.pem"),
            key: Some(key),
            password_file: None,
            password_credential: None,
        };
        settings.certificates.insert("shop".into(), certificate);
        let module = json!({ "module": "/nowhere/module.so" });
        settings
            .tokens
            .insert("broken".into(), serde_json::from_value(module).unwrap());
    });
    node.put(&keys::licence());
    let ending = Licence {
        period: 3650,
        ..keys::numbered(keys::KEY_NO + 1)
    };
    node.put(&ending);
    plug_in(&node, forbidden("D-2"));
    node
}
