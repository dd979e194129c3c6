//! Section 8, "Lists": rows 12 to 17.

use crate::common::TestNode;
use crate::common::keys::{KEY_NO, licence, numbered, sealed_payload};
use crate::manual::LATER;
use keynode::licence::{ActivationCode, Iec, Itn, KeyId, KeyType, Licence, Timestamp};
use serde_json::{Value, json};

/// A node with five keys of two series, and sessions of three applications.
fn populated() -> TestNode {
    let node = TestNode::start();
    for (key_no, key_type) in [
        (30, KeyType::Main),
        (4, KeyType::Additional),
        (200, KeyType::Demonstration),
    ] {
        node.put(&Licence {
            key_type,
            ..numbered(key_no)
        });
    }
    let other = KeyId::parse("0A1B").unwrap();
    for key_no in [7, 1000] {
        node.put(&Licence {
            key_id: other,
            product_name: "Über-Reihe".into(),
            ..numbered(key_no)
        });
    }
    for (client, app) in [("c", "Shop"), ("a", "Till"), ("b", "shop"), ("d", "Ware house")] {
        node.advance(1_000);
        let fields =
            json!({ "KeyID": "672B", "ClientSessionID": client, "AppName": app, "UserName": client });
        node.post("/api/sessions", &fields).expect(201);
    }
    node
}

#[track_caller]
fn numbers(node: &TestNode, query: &str) -> Vec<u64> {
    let answer = node.get(&format!("/api/licences{query}")).expect(200);
    answer
        .column("KeyNo")
        .iter()
        .map(|no| no.as_u64().unwrap())
        .collect()
}

#[track_caller]
fn users(node: &TestNode, query: &str) -> String {
    let answer = node.get(&format!("/api/sessions{query}")).expect(200);
    answer
        .column("UserName")
        .iter()
        .map(|user| user.as_str().unwrap())
        .collect()
}

#[test]
fn row_12_items() {
    let empty = TestNode::start();
    assert_eq!(
        empty.get("/api/licences").expect(200).text(),
        r#"{"Licences":[]}"#
    );
    assert_eq!(
        empty.get("/api/connections").expect(200).text(),
        r#"{"Connections":[]}"#
    );
    assert_eq!(
        empty.get("/api/sessions").expect(200).text(),
        r#"{"Sessions":[]}"#
    );
    let node = populated();
    for (list, id) in [("licences", "KeyNo"), ("connections", "ID"), ("sessions", "ID")] {
        let rows = node.get(&format!("/api/{list}")).expect(200).rows();
        assert!(rows.len() >= 3, "{list}");
        for row in rows {
            let id = row[id].to_string().replace('"', "");
            assert_eq!(node.get(&format!("/api/{list}/{id}")).expect(200).json(), row);
        }
    }
}

#[test]
fn row_13_order() {
    let node = populated();
    assert_eq!(numbers(&node, ""), [7, 1000, 4, 30, 200]);
    assert_eq!(users(&node, ""), "cabd");
    // Created at one moment: by identifier.
    for number in 0..8 {
        node.post("/api/connections", &json!({ "Process": number.to_string() }))
            .expect(201);
        node.post(
            "/api/sessions",
            &json!({ "KeyID": "672B", "ClientSessionID": format!("s{number}") }),
        )
        .expect(201);
    }
    for list in ["connections", "sessions"] {
        let ids = node
            .get(&format!("/api/{list}?_offset=4"))
            .expect(200)
            .column("ID");
        let mut sorted = ids.clone();
        sorted.sort_by_key(ToString::to_string);
        assert_eq!(ids, sorted, "{list}");
        assert!(ids.len() >= 8, "{list}");
    }
}

#[test]
fn row_14_filters() {
    let node = populated();
    for (query, expected) in [
        ("?KeyNo=30", vec![30]),
        ("?KeyID=0a1b", vec![7, 1000]),
        ("?KeyType=3&KeyType=5", vec![7, 1000, 30, 200]),
        ("?KeyType=3&KeyType=5&KeyID=672B", vec![30, 200]),
        ("?KeyID=672B&KeyID=0A1B&KeyType=4", vec![4]),
        ("?ProductName=%C3%BCBER-reihe", vec![7, 1000]),
        ("?OpenError=null&Enabled=TRUE&KeyType=4", vec![4]),
        ("?Expired=true", vec![]),
        ("?KeyNo=3", vec![]),
        ("?KeyNo=", vec![]),
        ("?ITN=1234567894&KeyNo=7", vec![7]),
        ("?ActivationDate=2018-03-30t21:00:00.414z&KeyNo=7", vec![7]),
        ("?%4BeyNo=30&&", vec![30]),
        ("?_other=1&__=2&_=&_fieldsx=Nonsense", vec![7, 1000, 4, 30, 200]),
    ] {
        assert_eq!(numbers(&node, query), expected, "{query}");
    }
    assert_eq!(users(&node, "?AppName=SHOP"), "cb");
    assert_eq!(users(&node, "?AppName=ware+house"), "d");
    assert_eq!(users(&node, "?AppName=Shop&AppName=Till&Expired=False"), "cab");
    assert_eq!(users(&node, "?SessionNumber=null"), "cabd");
    let shops = node.get("/api/connections?Process=Till&IsServer=false").rows();
    assert_eq!(shops.len(), 1);
    for list in ["licences", "connections", "sessions"] {
        for query in [
            "Nonsense=1",
            "keyid=672B",
            "_sort=Nonsense",
            "_fields=KeyID,Nonsense",
            "_sort=-Nonsense",
        ] {
            let answer = node.get(&format!("/api/{list}?{query}"));
            assert_eq!(answer.refused(400), "EHTTPBadRequest", "{query}");
            let named = query.rsplit(['=', ',']).next().unwrap().trim_start_matches('-');
            let named = if query.starts_with('_') {
                named
            } else {
                query.split('=').next().unwrap()
            };
            assert!(
                answer.message().contains(&format!("\"{named}\"")),
                "{}",
                answer.message()
            );
        }
    }
    node.get("/api/licences?KeyID=%FF").expect(400);
}

#[test]
fn row_14_selection_and_pages() {
    let node = populated();
    let chosen = node
        .get("/api/licences?_fields=KeyNo,KeyID,Enabled&_limit=1")
        .expect(200);
    // In the manual's order, not in that of the question.
    assert_eq!(
        chosen.text(),
        r#"{"Licences":[{"Enabled":true,"KeyNo":7,"KeyID":"0A1B"}]}"#
    );
    let one = node.get("/api/licences/7?_fields=KeyNo").expect(200);
    assert_eq!(one.text(), r#"{"KeyNo":7}"#);
    node.get("/api/licences/7?_fields=Nonsense").expect(400);
    for (query, expected) in [
        ("?_limit=2", vec![7, 1000]),
        ("?_limit=0", vec![]),
        ("?_limit=99", vec![7, 1000, 4, 30, 200]),
        ("?_offset=3", vec![30, 200]),
        ("?_offset=9", vec![]),
        ("?_offset=1&_limit=2", vec![1000, 4]),
        ("?_sort=KeyNo", vec![4, 7, 30, 200, 1000]),
        ("?_sort=-KeyNo&_limit=2", vec![1000, 200]),
        ("?_sort=KeyType&_offset=3", vec![4, 200]),
        ("?_sort=-KeyType", vec![200, 4, 7, 1000, 30]),
        ("?_sort=-FileName&_limit=1&KeyID=672B", vec![4]),
        ("?KeyID=672B&_offset=1&_limit=1", vec![30]),
    ] {
        assert_eq!(numbers(&node, query), expected, "{query}");
    }
    for (query, expected) in [
        ("?_limit=2", "ca"),
        ("?_offset=1&_limit=2", "ab"),
        ("?_sort=UserName", "abcd"),
        ("?_sort=-UserName&_limit=3", "dcb"),
        ("?AppName=shop&_offset=1", "b"),
        ("?AppName=shop&_limit=1", "c"),
        ("?_sort=UserName&AppName=shop&_offset=1", "c"),
        ("?_limit=0", ""),
        ("?_offset=99", ""),
    ] {
        assert_eq!(users(&node, query), expected, "{query}");
    }
    for bad in [
        "_limit=-1",
        "_limit=x",
        "_limit=",
        "_offset=1.5",
        "_limit=99999999999999999999999",
    ] {
        for list in ["licences", "sessions"] {
            let answer = node.get(&format!("/api/{list}?{bad}")).expect(400);
            assert!(answer.message().contains(bad.split('=').next().unwrap()), "{bad}");
        }
    }
    let pretty = node
        .get("/api/licences?_fields=KeyNo&_limit=1&_pretty=true")
        .expect(200);
    assert!(
        pretty.text().contains("\n      \"KeyNo\": 7\n"),
        "{}",
        pretty.text()
    );
}

#[test]
fn row_15_types() {
    let node = populated();
    let session = &node.get("/api/sessions").rows()[0];
    let post = json!({ "KeyID": "672B", "PID": "8236", "IsServer": true });
    let connection = node.post("/api/connections", &post).expect(201).json();
    let licence = node.licence(30);
    let info = node.get("/api/serverinfo").expect(200).json();
    let numbers = [
        &licence["KeyNo"],
        &licence["RegNo"],
        &licence["ITN"],
        &session["UsedLicence"],
        &info["PID"],
    ];
    assert!(numbers.iter().all(|value| value.is_u64()), "{numbers:?}");
    for text in [&connection["PID"], &licence["Version"], &licence["Article"]] {
        assert!(text.is_string(), "{text}");
    }
    let numbered = json!({ "KeyID": "672B", "ClientSessionID": "n", "SessionNumber": "2" });
    let numbered = node.post("/api/sessions", &numbered).expect(201);
    let numbered = node.get(numbered.header("Location").unwrap()).json();
    assert_eq!(numbered["SessionNumber"], "2");
    assert_eq!(licence["Expired"], false);
    assert_eq!(
        (&connection["Expired"], &session["Expired"]),
        (&json!("False"), &json!("False"))
    );
    assert_eq!(
        (&connection["IsServer"], &session["IsServer"]),
        (&json!(true), &json!(false))
    );
    node.advance(20_000);
    let id = connection["ID"].as_str().unwrap();
    assert_eq!(
        node.get(&format!("/api/connections/{id}")).json()["Expired"],
        "True"
    );
    node.put(&Licence {
        period: 1,
        ..crate::common::keys::numbered(99)
    });
    assert_eq!(node.licence(99)["Expired"], true);
}

/// The licence's payload with other values for ITN and IEC.
fn payload(itn: &Value, iec: &Value) -> Value {
    let mut payload = serde_json::to_value(licence()).unwrap();
    payload["ITN"] = itn.clone();
    payload["IEC"] = iec.clone();
    payload
}

#[test]
fn row_16_itn_and_iec() {
    let node = TestNode::start();
    let shown = |itn: Value, iec: Value| {
        node.put_file("672B.7131766.licence", &sealed_payload(&payload(&itn, &iec)));
        let licence = node.licence(KEY_NO);
        (licence["Workable"] == true).then(|| (licence["ITN"].clone(), licence["IEC"].clone()))
    };
    for (itn, iec, shows) in [
        (
            json!(7_707_083_893_u64),
            json!(null),
            (json!(7_707_083_893_u64), json!(null)),
        ),
        (
            json!("7707083893"),
            json!("770701001"),
            (json!(7_707_083_893_u64), json!("770701001")),
        ),
        (
            json!("0277039745"),
            json!("027701001"),
            (json!("0277039745"), json!("027701001")),
        ),
        (
            json!("500100732259"),
            json!(770_701_001),
            (json!(500_100_732_259_u64), json!("770701001")),
        ),
        (json!(null), json!(27_701_001), (json!(null), json!("027701001"))),
        (
            json!("027712345650"),
            json!("0277AB001"),
            (json!("027712345650"), json!("0277AB001")),
        ),
    ] {
        let written = format!("{itn} {iec}");
        assert_eq!(shown(itn, iec), Some(shows), "{written}");
    }
    for itn in [
        json!(7_707_083_894_u64),
        json!("500100732258"),
        json!(1234),
        json!("77070838930"),
        json!(true),
    ] {
        assert_eq!(shown(itn.clone(), json!(null)), None, "{itn}");
    }
    for iec in [
        json!("77070100"),
        json!("7707010011"),
        json!("770701o01"),
        json!(7_707_010_010_u64),
    ] {
        assert_eq!(shown(json!(null), iec.clone()), None, "{iec}");
    }
    assert!(shown(json!("0277039745"), json!(null)).is_some());
    assert_eq!(node.get("/api/licences?ITN=0277039745").rows().len(), 1);
}

#[test]
fn row_17_later_revision() {
    let node = TestNode::start();
    let before = Timestamp::from_millis(now_millis() - 1_000);
    let path = node.put(&Licence {
        support_date: Some(Timestamp::parse("2025-01-01T00:00:00Z").unwrap()),
        support_period: Some(365),
        industry_support_date: Some(Timestamp::parse("2025-02-01T00:00:00Z").unwrap()),
        industry_support_period: Some(30),
        product_version_name: Some("ПРОФ".into()),
        recovered: true,
        iec: Some(Iec::parse("770701001").unwrap()),
        itn: Some(Itn::parse("7707083893").unwrap()),
        activation_code: Some(ActivationCode::parse("4345-9320-2035-7421-5361").unwrap()),
        ..licence()
    });
    let full = node.licence(KEY_NO);
    let fields: Vec<_> = full.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields[27], "ArticleName");
    assert_eq!(fields[28..], LATER);
    assert_eq!(full["SupportDate"], "2025-01-01T00:00:00.000Z");
    assert_eq!(full["SupportPeriod"], 365);
    assert_eq!(full["IndustrySupportDate"], "2025-02-01T00:00:00.000Z");
    assert_eq!(full["IndustrySupportPeriod"], 30);
    assert_eq!(full["ProductVersionName"], "ПРОФ");
    assert_eq!(full["Recovered"], true);
    let updated = |value: &Value| Timestamp::parse(value["UpdateDate"].as_str().unwrap()).unwrap();
    // The time of the file's change is the system's, not the test clock's.
    assert!(updated(&full) >= before && updated(&full).millis() <= now_millis());
    node.put(&licence());
    let plain = node.licence(KEY_NO);
    for absent in &LATER[..5] {
        assert_eq!(plain[absent], Value::Null, "{absent}");
    }
    assert_eq!(plain["Recovered"], false);
    assert!(updated(&plain) >= updated(&full));
    std::fs::write(&path, "no licence").unwrap();
    node.wake();
    assert!(updated(&node.licence(KEY_NO)) >= updated(&plain), "never null");
    assert_eq!(node.licence(KEY_NO)["Recovered"], false);
}

fn now_millis() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(now.unwrap().as_millis()).unwrap()
}
