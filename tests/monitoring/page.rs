//! A page of metrics as a client of the node gets it.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use keynode::devices::{Access, Carrier, Device, Hardware, TokenHardware};
use keynode::licence::Licence;

use crate::common::http::{Ask, basic};
use crate::common::{Answer, TestNode, Wire, keys, plug, tokens};

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

/// Another device of the test's family, which nobody may use.
pub(crate) fn forbidden(serial: &str) -> Device {
    Device {
        access: Access::NoPermission {
            mend: "a rule".into(),
        },
        ..plug::device(serial)
    }
}

/// A node of which nearly everything can be told: keys in a file and on a dongle, a token, a device without permission.
pub(crate) fn rich_node() -> TestNode {
    let node = TestNode::licensed();
    let ending = Licence {
        period: 3650,
        ..keys::numbered(keys::KEY_NO + 1)
    };
    node.put(&ending);
    let dongle = Licence {
        binding: plug::binding("D-1"),
        ..keys::numbered(keys::KEY_NO + 2)
    };
    let carriers: Vec<Carrier> = vec![plug::loaded("D-1", &dongle)];
    let carriers: Vec<_> = carriers.into_iter().map(std::sync::Arc::new).collect();
    let mut devices: Vec<_> = carriers.iter().map(|carrier| carrier.device.clone()).collect();
    devices.push(std::sync::Arc::new(forbidden("D-2")));
    let token = tokens::token("main", "T1", 1);
    node.devices.set_hardware(Hardware {
        inventory: std::sync::Arc::new(keynode::devices::Inventory {
            devices,
            errors: Vec::new(),
        }),
        carriers,
        tokens: std::sync::Arc::new(TokenHardware {
            carriers: vec![std::sync::Arc::new(tokens::proven(&token, 1))],
            tokens: std::sync::Arc::new(vec![std::sync::Arc::new(token)]),
        }),
        ..Hardware::default()
    });
    node.follow();
    node
}
