//! Tokens among the devices, and licences on carrier keys of tokens or bound to them.

use std::sync::Arc;

use crate::common::TestNode;
use crate::common::keys::{KEY_NO, licence, numbered};
use crate::common::plug::{blank, device};
use crate::common::tokens::{binding, hardware, loaded, proven, public_key, token};
use keynode::devices::token_carriers::token_trouble;
use keynode::devices::{CarrierError, CarrierState, Hardware, Inventory, TokenCarrier};
use keynode::licence::Licence;
use keynode::tokens::{PinWanted, Token, TokenState};
use serde_json::{Value, json};

fn plug(node: &TestNode, tokens: &[Token], carriers: Vec<TokenCarrier>) {
    node.devices.set_hardware(hardware(tokens, carriers));
    node.follow();
}

/// The manual's licence, for a carrier key of the token with this serial number.
fn bound(serial: &str, id: u8) -> Licence {
    Licence {
        binding: binding(serial, id),
        ..licence()
    }
}

/// What becomes of a carrier whose token is in this state.
fn troubled(token: &Token, carrier: TokenCarrier) -> TokenCarrier {
    TokenCarrier {
        state: CarrierState::Failed(token_trouble(token).unwrap()),
        token: Arc::new(token.clone()),
        ..carrier
    }
}

#[track_caller]
fn error(node: &TestNode, key_no: u64) -> String {
    let licence = node.licence(key_no);
    assert_eq!(licence["Workable"], false, "{licence}");
    licence["OpenError"].as_str().unwrap().to_owned()
}

#[test]
fn a_token_is_a_row_beside_usb_devices_and_its_carriers_follow_it() {
    let node = TestNode::start();
    let one = token("office", "5AB1", 1);
    let away = Token {
        state: TokenState::Absent,
        slot: None,
        ..token("away", "", 0)
    };
    let usb = [device("5ab1"), device("B2")].map(Arc::new).to_vec();
    let carrier = loaded(&one, 1, &bound("5AB1", 1));
    node.devices.set_hardware(Hardware {
        inventory: Arc::new(Inventory {
            devices: usb,
            errors: vec![],
        }),
        ..hardware(&[away, one], vec![carrier.clone()])
    });
    node.follow();
    let rows = node.get("/api/devices").expect(200).rows();
    let ids: Vec<&str> = rows.iter().map(|row| row["ID"].as_str().unwrap()).collect();
    assert_eq!(
        ids,
        [
            "usb-1209-0001-5ab1",
            "usb-1209-0001-B2",
            "pkcs11-away",
            "pkcs11-5AB1",
            "pkcs11-5AB1-01"
        ]
    );
    assert_eq!(
        (&rows[0]["Token"], &rows[0]["PinState"], &rows[0]["Port"]),
        (&Value::Null, &Value::Null, &json!("1-2"))
    );
    assert_eq!(
        (&rows[2]["Access"], &rows[2]["SerialNumber"], &rows[2]["Slot"]),
        (&json!("absent"), &Value::Null, &Value::Null)
    );
    assert_eq!(
        node.get("/api/devices/pkcs11-5AB1").expect(200).text(),
        concat!(
            r#"{"ID":"pkcs11-5AB1","Type":"Token","Family":null,"Driver":null,"VendorID":null,"ProductID":null,"#,
            r#""Manufacturer":"Example Tokens","Product":"T-1000","SerialNumber":"5AB1","Port":null,"Bus":null,"#,
            r#""Address":null,"Speed":null,"Class":null,"KernelDrivers":null,"Access":"ok","AccessDetail":null,"#,
            r#""WeakID":false,"CarrierNo":null,"Proof":null,"KeyNo":null,"Token":"office","Label":"label of office","#,
            r#""Module":"module.so","Slot":7,"PinState":"ok","USBDevice":"usb-1209-0001-5ab1"}"#
        )
    );
    assert_eq!(
        node.get("/api/devices/pkcs11-5AB1-01").expect(200).text(),
        concat!(
            r#"{"ID":"pkcs11-5AB1-01","Type":"TokenKey","Family":null,"Driver":"pkcs11","VendorID":null,"#,
            r#""ProductID":null,"Manufacturer":"Example Tokens","Product":"T-1000","SerialNumber":"5AB1","Port":null,"#,
            r#""Bus":null,"Address":null,"Speed":null,"Class":null,"KernelDrivers":null,"Access":"ok","#,
            r#""AccessDetail":null,"WeakID":false,"CarrierNo":"#,
        )
        .to_owned()
            + &carrier.number().to_string()
            + concat!(
                r#","Proof":"proven","KeyNo":7131766,"Token":"office","Label":"keynode-carrier 1","Module":"module.so","#,
                r#""Slot":7,"PinState":"ok","USBDevice":"usb-1209-0001-5ab1"}"#
            )
    );
    assert_eq!(
        node.get("/api/devices?Type=Token&Access=absent").column("ID"),
        [json!("pkcs11-away")]
    );
    assert_eq!(
        node.get("/api/devices?Driver=pkcs11&_fields=ID,Proof").rows(),
        [json!({"ID": "pkcs11-5AB1-01", "Proof": "proven"})]
    );
    let answer = node.ask("POST", "/api/rescan").send().expect(200).json();
    assert_eq!(answer["Devices"], 3, "what is absent is not plugged in");
}

#[test]
fn what_is_wrong_with_a_token_is_said_in_its_row() {
    let node = TestNode::start();
    let states = [
        (TokenState::Locked, "locked", Value::Null, json!("locked")),
        (
            TokenState::NeedsPin(PinWanted::Refused("the PIN was refused".into())),
            "needs PIN",
            json!("the PIN was refused"),
            json!("needed"),
        ),
        (
            TokenState::Faulty("it crashed".into()),
            "faulty",
            json!("it crashed"),
            Value::Null,
        ),
    ];
    for (state, access, detail, pin) in states {
        let one = Token {
            state,
            ..token("office", "5AB1", 1)
        };
        let carrier = troubled(&one, proven(&one, 1));
        plug(&node, &[one], vec![carrier]);
        let rows = node.get("/api/devices").rows();
        for row in &rows {
            let shown = (&row["Access"], &row["AccessDetail"], &row["PinState"]);
            assert_eq!(shown, (&json!(access), &detail, &pin));
        }
        assert!(rows[1]["Proof"].as_str().unwrap().starts_with("it"), "{rows:?}");
    }
}

#[test]
fn a_licence_on_a_token_works_while_the_token_does_and_says_why_not() {
    let node = TestNode::start();
    let one = token("office", "5AB1", 1);
    let carrier = loaded(&one, 1, &bound("5AB1", 1));
    plug(&node, std::slice::from_ref(&one), vec![carrier.clone()]);
    let licence = node.licence(KEY_NO);
    assert_eq!(
        (
            &licence["Type"],
            &licence["FileName"],
            &licence["Workable"],
            &licence["OpenError"]
        ),
        (
            &json!("USB"),
            &json!("pkcs11-5AB1-01"),
            &json!(true),
            &Value::Null
        )
    );
    node.seat("one");
    let locked = Token {
        state: TokenState::Locked,
        ..one.clone()
    };
    let refused = troubled(&locked, carrier.clone());
    plug(&node, &[locked], vec![refused]);
    assert_eq!(
        error(&node, KEY_NO),
        "the token is connected but its PIN is locked"
    );
    let absent = Token {
        state: TokenState::Absent,
        ..one.clone()
    };
    plug(&node, &[absent], vec![]);
    assert_eq!(error(&node, KEY_NO), "unplugged; it was last in token office");
    // The key alone is gone from it.
    plug(&node, std::slice::from_ref(&one), vec![]);
    assert_eq!(
        error(&node, KEY_NO),
        "its carrier key is no longer on token office, which is connected"
    );
    plug(&node, &[one], vec![carrier]);
    assert_eq!(node.licence(KEY_NO)["Workable"], true, "back by itself");
}

#[test]
fn two_licences_on_one_token_each_with_its_own_key() {
    let node = TestNode::start();
    let one = token("office", "5AB1", 3);
    let second = Licence {
        binding: binding("5AB1", 2),
        ..numbered(2)
    };
    let carriers = vec![
        loaded(&one, 1, &bound("5AB1", 1)),
        loaded(&one, 2, &second),
        proven(&one, 3),
    ];
    plug(&node, std::slice::from_ref(&one), carriers);
    assert_eq!(node.licence(KEY_NO)["Workable"], true);
    assert_eq!(node.licence(2)["Workable"], true);
    let blank = node.licence(proven(&one, 3).number());
    assert_eq!((&blank["IsBlank"], &blank["Type"]), (&json!(true), &json!("USB")));
    // One beside the wrong key is a copy.
    let copy = vec![loaded(&one, 2, &bound("5AB1", 1)), proven(&one, 1)];
    plug(&node, &[one], copy);
    assert!(error(&node, KEY_NO).contains("its public key is not that of the licence"));
}

#[test]
fn a_file_bound_to_a_token_follows_it() {
    let node = TestNode::start();
    let one = token("office", "5AB1", 2);
    let file = Licence {
        blank_key_no: Some(proven(&one, 1).number()),
        ..bound("5AB1", 1)
    };
    node.put(&file);
    assert_eq!(error(&node, KEY_NO), "its carrier pkcs11 5AB1 is not connected");
    let carriers = || vec![proven(&one, 1), proven(&one, 2)];
    plug(&node, std::slice::from_ref(&one), carriers());
    assert_eq!(node.licence(KEY_NO)["Workable"], true);
    // Another key with the same serial number, another serial number with the same key, a key that can be copied.
    let other = TokenCarrier {
        public_key: Some(public_key("other", 1)),
        ..proven(&one, 1)
    };
    plug(&node, std::slice::from_ref(&one), vec![other]);
    assert!(error(&node, KEY_NO).contains("another device with the same serial number"));
    let copy = token("office", "6CD2", 1);
    let same_key = TokenCarrier {
        public_key: Some(public_key("5AB1", 1)),
        ..proven(&copy, 1)
    };
    plug(&node, &[copy], vec![same_key]);
    assert!(error(&node, KEY_NO).contains("is not connected"));
    let copyable = TokenCarrier {
        state: CarrierState::Failed(CarrierError::Copyable),
        ..proven(&one, 1)
    };
    plug(&node, std::slice::from_ref(&one), vec![copyable, proven(&one, 2)]);
    assert!(error(&node, KEY_NO).contains("its key can be copied off the token"));
    // A locked token whose keys were never seen may be the one that is missed.
    let locked = Token {
        state: TokenState::Locked,
        ..token("office", "5AB1", 0)
    };
    plug(&node, &[locked], vec![]);
    assert!(error(&node, KEY_NO).contains("token office: its PIN is locked"));
}

#[test]
fn usb_devices_that_are_switched_off_are_no_reason_for_a_token() {
    let node = TestNode::with(|settings| settings.devices.enabled = false);
    let on_usb = Licence {
        binding: crate::common::plug::binding("A1"),
        ..numbered(2)
    };
    node.put(&bound("5AB1", 1));
    node.put(&on_usb);
    assert!(error(&node, 2).contains("devices.enabled"));
    assert_eq!(error(&node, KEY_NO), "its carrier pkcs11 5AB1 is not connected");
}

#[test]
fn carriers_on_usb_and_on_tokens_stand_side_by_side() {
    let node = TestNode::start();
    let one = token("office", "5AB1", 1);
    node.put(&bound("5AB1", 1));
    let key = Arc::new(blank("42"));
    node.devices.set_hardware(Hardware {
        inventory: Arc::new(Inventory {
            devices: vec![key.device.clone()],
            errors: vec![],
        }),
        carriers: vec![key],
        ..hardware(std::slice::from_ref(&one), vec![proven(&one, 1)])
    });
    node.follow();
    assert_eq!(node.licence(KEY_NO)["Workable"], true);
    assert_eq!(node.licence(42)["IsBlank"], true);
}
