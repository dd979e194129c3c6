//! What the vendor's own systems do at the centre.

use serde_json::{Value, json};

use super::client::{Call, Reply};
use super::served::{Asking, ITN, Served};

/// The vendor's shop.
struct Shop<'a> {
    centre: &'a Served,
    key: String,
}

impl<'a> Shop<'a> {
    fn of(centre: &'a Served) -> Self {
        let key = centre.api_key("shop");
        Self { centre, key }
    }

    fn call(&self, verb: &str, path: &str) -> Call {
        Call::new(verb, &format!("/v1/vendor{path}")).header("Authorization", &format!("Bearer {}", self.key))
    }

    fn get(&self, path: &str) -> Reply {
        self.call("GET", path).send(self.centre.address)
    }

    fn csv(&self, path: &str) -> Vec<Vec<String>> {
        let call = self.call("GET", path).header("Accept", "text/csv");
        table(&call.send(self.centre.address).expect(200))
    }

    fn post(&self, path: &str, body: &Value) -> Reply {
        self.call("POST", path).json(body).send(self.centre.address)
    }

    fn put(&self, path: &str, body: &Value) -> Reply {
        self.call("PUT", path).json(body).send(self.centre.address)
    }
}

fn table(reply: &Reply) -> Vec<Vec<String>> {
    assert_eq!(reply.header("content-type"), Some("text/csv; charset=utf-8"));
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(&reply.body[..]);
    let rows = reader
        .records()
        .map(|row| row.unwrap().iter().map(str::to_owned).collect());
    rows.collect()
}

#[test]
fn without_a_key_there_is_nothing() {
    let centre = Served::start();
    let shop = Shop::of(&centre);
    let asked = |authorization: Option<&str>, path: &str| {
        let mut call = Call::new("GET", path);
        if let Some(value) = authorization {
            call = call.header("Authorization", value);
        }
        call.send(centre.address)
    };
    let wrong = format!("Bearer {}x", shop.key);
    let basic = format!("Basic {}", shop.key);
    for value in [
        None,
        Some(wrong.as_str()),
        Some(&basic),
        Some("Bearer "),
        Some("Bearer"),
    ] {
        for path in ["/v1/vendor/products", "/v1/vendor/keys/1", "/v1/vendor/nothing"] {
            let reply = asked(value, path);
            assert!(reply.header("www-authenticate").unwrap().starts_with("Bearer"));
            assert_eq!(reply.refused(401), "EHTTPUnauthorized", "{value:?} {path}");
        }
    }
    asked(Some(&format!("bearer {}", shop.key)), "/v1/vendor/products").expect(200);
    centre.books().remove_api_key("shop", &centre.author()).unwrap();
    shop.get("/products").expect(401);
}

#[test]
fn products_and_series_are_added_changed_and_listed() {
    let centre = Served::start();
    let shop = Shop::of(&centre);
    let product = json!({ "Article": "2002", "ProductName": "Second", "ServiceType": 1 });
    let added = shop.post("/products", &product).expect(201).json();
    assert_eq!(
        (&added["ProductName"], &added["ArticleName"]),
        (&"Second".into(), &"Second".into())
    );
    assert_eq!(shop.post("/products", &product).refused(409), "EHTTPConflict");
    let renamed = json!({ "Article": "2002", "ProductName": "Renamed" });
    shop.put("/products", &renamed).expect(200);
    let products = shop.get("/products").expect(200).json();
    let names: Vec<_> = products["Products"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["ProductName"])
        .collect();
    assert_eq!(names, ["Продукт", "Renamed"]);

    let series =
        json!({ "KeyID": "7000", "Article": "2002", "LicenceCount": 20, "Period": 30, "KeyType": 4 });
    let added = shop.post("/series", &series).expect(201).json();
    assert_eq!(
        (&added["LicenceCount"], &added["Tolerance"]),
        (&20.into(), &1.into())
    );
    shop.put(
        "/series",
        &json!({ "KeyID": "7000", "Article": "2002", "Moves": 5 }),
    )
    .expect(200);
    let listed = shop.get("/series").expect(200).json();
    assert_eq!(listed["Series"][1]["Moves"], 5);
    assert_eq!(listed["Series"][1]["KeyType"], 3, "what is not said is as usual");
    for (body, status) in [
        (json!({ "KeyID": "7001", "Article": "none" }), 404),
        (json!({ "KeyID": "700", "Article": "2002" }), 400),
        (json!({ "KeyID": "7001", "Article": "2002", "Seats": 1 }), 400),
        (json!([]), 400),
    ] {
        shop.post("/series", &body).refused(status);
    }
    shop.call("DELETE", "/series").send(centre.address).refused(405);
}

#[test]
fn codes_are_issued_listed_and_exported() {
    let centre = Served::start();
    let shop = Shop::of(&centre);
    let order = json!({ "KeyID": "672B", "Count": 3, "Note": "order 17", "ITN": ITN });
    let issued = shop.post("/codes", &order).expect(201).json();
    let codes = issued["Codes"].as_array().unwrap();
    assert_eq!((codes.len(), &issued["Batch"]["Issued"]), (3, &3.into()));
    let call = shop.call("POST", "/codes").header("Accept", "text/csv");
    let rows = table(
        &call
            .json(&json!({ "KeyID": "672B", "Count": 2 }))
            .send(centre.address)
            .expect(201),
    );
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0], ["Code", "KeyNo", "RegNo", "KeyID", "Batch"]);

    let batches = shop.get("/batches").expect(200).json();
    assert_eq!(batches["Batches"][0]["Note"], "order 17");
    let first = codes[0]["Code"].as_str().unwrap();
    let listed = shop.get("/codes?Batch=1").expect(200);
    assert!(!listed.text().contains(first), "whole codes have to be asked for");
    let listed = listed.json();
    assert_eq!(listed["Codes"].as_array().unwrap().len(), 3);
    assert_eq!(
        listed["Codes"][0]["Code"],
        format!("{}-…-{}", &first[..4], &first[20..])
    );
    assert_eq!(
        (&listed["Codes"][0]["State"], &listed["Next"]),
        (&"New".into(), &Value::Null)
    );
    let whole = shop.get("/codes?Batch=1&Full=true").expect(200).json();
    assert_eq!(whole["Codes"][0]["Code"], first);
    let of_holder = shop
        .get(&format!("/codes?ITN={ITN}&KeyID=672B&State=new"))
        .expect(200)
        .json();
    assert_eq!(of_holder["Codes"].as_array().unwrap().len(), 3);

    // A page after another.
    let (mut after, mut seen) = (String::new(), Vec::new());
    loop {
        let page = shop.get(&format!("/codes?Limit=2{after}")).expect(200).json();
        seen.extend(
            page["Codes"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| row["KeyNo"].as_u64().unwrap()),
        );
        let Some(next) = page["Next"].as_u64() else { break };
        after = format!("&After={next}");
    }
    assert_eq!(seen.len(), 5);
    assert!(seen.is_sorted());

    let rows = shop.csv("/codes?Full=true");
    assert_eq!(rows.len(), 6);
    assert_eq!((rows[0][0].as_str(), rows[1][0].as_str()), ("Code", first));
    assert_eq!(shop.csv("/codes?Limit=4").len(), 5);
}

#[test]
fn an_order_that_is_repeated_issues_nothing_more() {
    let centre = Served::start();
    let shop = Shop::of(&centre);
    let order =
        |count: u64, name: &str| json!({ "KeyID": "672B", "Count": count, "Note": "17", "Order": name });
    let issued = shop.post("/codes", &order(3, "shop/17")).expect(201).json();
    assert_eq!(issued["Batch"]["Order"], "shop/17");
    // Its answer was lost, and the shop asks again: also when some of the codes are in use, and later.
    let key_no = issued["Codes"][0]["KeyNo"].as_u64().unwrap();
    centre.books().revoke(key_no, "", &centre.author()).unwrap();
    centre.clock.advance(1_000);
    assert_eq!(
        shop.post("/codes", &order(3, "shop/17")).expect(200).json(),
        issued
    );
    assert_eq!(
        shop.post("/codes", &order(4, "shop/17")).refused(409),
        "EHTTPConflict"
    );
    for (name, status) in [("", 400), ("a\nb", 400), (&*"x".repeat(201), 400)] {
        shop.post("/codes", &order(3, name)).refused(status);
    }
    let other = shop.post("/codes", &order(3, "shop/18")).expect(201).json();
    assert_ne!(other["Batch"]["Batch"], issued["Batch"]["Batch"]);
    shop.post("/codes", &json!({ "KeyID": "672B", "Count": 1 }))
        .expect(201);

    for (query, count) in [
        ("", 3),
        ("?Order=shop/18", 1),
        ("?Note=17", 2),
        ("?Note=17&Order=none", 0),
    ] {
        let batches = shop.get(&format!("/batches{query}")).expect(200).json();
        assert_eq!(batches["Batches"].as_array().unwrap().len(), count, "{query}");
    }
    shop.get("/batches?Colour=1").refused(400);
}

#[test]
fn a_long_export_comes_whole() {
    let centre = Served::start();
    let codes = centre.issue(10_001, |_| ());
    let shop = Shop::of(&centre);
    let rows = shop.csv("/codes?Full=true");
    assert_eq!(rows.len(), 10_002);
    assert_eq!(rows.last().unwrap()[0], codes.last().unwrap().code.as_str());
    assert_eq!(shop.csv("/codes?Limit=5000").len(), 5_001);
    assert_eq!(shop.csv("/codes?Limit=5001").len(), 5_002);
}

#[test]
fn wrong_orders_and_filters_are_told() {
    let centre = Served::start();
    let shop = Shop::of(&centre);
    for (body, status) in [
        (json!({ "KeyID": "672B", "Count": 0 }), 400),
        (json!({ "KeyID": "672B", "Count": 10_001 }), 400),
        (json!({ "KeyID": "0000", "Count": 1 }), 404),
        (json!({ "KeyID": "672B", "Count": 1, "ITN": "1234567890" }), 400),
        (json!({ "KeyID": "672B", "Count": 1, "Colour": 1 }), 400),
        (
            json!({ "KeyID": "672B", "Count": 1, "ValidUntil": "2001-01-31" }),
            400,
        ),
    ] {
        shop.post("/codes", &body).refused(status);
    }
    for (body, named) in [
        (json!({ "KeyID": "672B", "Count": "many" }), "Count: "),
        (json!({ "KeyID": 7, "Count": 1 }), "KeyID: "),
        (json!({ "KeyID": "672B", "Count": 1, "IEC": [] }), "IEC: "),
    ] {
        let reply = shop.post("/codes", &body).expect(400);
        assert!(reply.text().contains(named), "{}", reply.text());
    }
    for (query, named) in [
        ("State=lost", "State"),
        ("ITN=1", "ITN"),
        ("Limit=0", "Limit"),
        ("Limit=10001", "Limit"),
        ("Colour=1", "Colour"),
        ("KeyID=672B&Batch=x", "Batch: invalid digit"),
    ] {
        let reply = shop.get(&format!("/codes?{query}")).expect(400);
        assert!(reply.text().contains(named), "{query} {}", reply.text());
        assert!(!reply.text().contains("eserialize"), "{}", reply.text());
    }
}

#[test]
fn support_cases_are_handled() {
    let (centre, node) = (Served::start(), Asking::new("one"));
    let shop = Shop::of(&centre);
    let code = centre.issue(1, |_| ()).remove(0);
    let key = format!("/keys/{}", code.key_no);
    let bound = shop
        .post(
            &format!("{key}/holder"),
            &json!({ "ITN": ITN, "IEC": "770701001" }),
        )
        .expect(200)
        .json();
    assert_eq!(
        (&bound["ITN"], &bound["IEC"]),
        (&7_707_083_893_u64.into(), &"770701001".into())
    );
    let mut request = node.activate(&code.code, ITN);
    request.iec = Some(keynode::licence::Iec::parse("770701001").unwrap());
    centre.post("/v1/activations", node.seal(&request)).expect(201);

    let history = shop.get(&key).expect(200);
    assert!(!history.text().contains(code.code.as_str()));
    let history = history.json();
    assert_eq!(history["Key"]["State"], "Active");
    assert_eq!(history["Activations"].as_array().unwrap().len(), 1);
    assert_eq!(history["Activations"][0]["LastAddress"], "127.0.0.1");
    let found = shop
        .post("/keys/find", &json!({ "Code": code.code.as_str() }))
        .expect(200)
        .json();
    assert_eq!(found, history);

    shop.post(&format!("{key}/recovery"), &json!({ "Until": "2030-01-01" }))
        .refused(400);
    let recovery = shop
        .call("POST", &format!("{key}/recovery"))
        .body("")
        .send(centre.address)
        .expect(201)
        .json();
    let other = Asking::new("other");
    let mut moved = other.activate(&code.code, ITN);
    moved.iec.clone_from(&request.iec);
    moved.recovery = recovery["RecoveryCode"]
        .as_str()
        .map(|text| keynode::licence::ActivationCode::parse(text).unwrap());
    centre.post("/v1/activations", other.seal(&moved)).expect(201);

    let until = json!({ "RenewUntil": "2030-01-01T00:00:00.000Z" });
    let renewed = shop.post(&format!("{key}/renewal"), &until).expect(200).json();
    assert_eq!(renewed["RenewUntil"], until["RenewUntil"]);
    let ended = shop
        .post(&format!("{key}/renewal"), &json!({ "RenewUntil": null }))
        .expect(200)
        .json();
    assert_eq!(ended["RenewUntil"], Value::Null);
    shop.post(&format!("{key}/renewal"), &json!({})).refused(400);
    let allowed = shop
        .post(&format!("{key}/moves"), &json!({ "Moves": 9 }))
        .expect(200)
        .json();
    assert_eq!(allowed["Moves"], 9);

    let activations = shop.get("/activations").expect(200).json();
    assert_eq!(activations["Activations"].as_array().unwrap().len(), 2);
    let current = shop.get("/activations?Current=true").expect(200).json();
    assert_eq!(current["Activations"][0]["Recovered"], true);
    assert_eq!(
        shop.get("/activations?Cloned=true").expect(200).json()["Activations"],
        json!([])
    );
    let rows = shop.csv(&format!("/activations?KeyNo={}", code.key_no));
    assert_eq!(
        (rows.len(), rows[0][0].as_str(), rows[1][5].as_str()),
        (3, "Number", "Moved")
    );

    let revoked = shop
        .post(&format!("{key}/revocation"), &json!({ "Reason": "unpaid" }))
        .expect(200)
        .json();
    assert_eq!(revoked["State"], "Revoked");
    let refused = centre.post(
        "/v1/renewals",
        other.seal(&Asking::then(&moved, keynode::activation::Action::Renew)),
    );
    assert_eq!(refused.refused(403), "EActivationRevoked");
    for path in ["/keys/1", "/keys/0", "/keys/abc", "/keys/1/history"] {
        shop.get(path).refused(404);
    }
}

#[test]
fn who_did_something_is_in_the_audit_log() {
    let centre = Served::start();
    let shop = Shop::of(&centre);
    shop.post("/codes", &json!({ "KeyID": "672B", "Count": 1 }))
        .expect(201);
    let mut rows = Vec::new();
    centre.books().audit(|row| rows.push(format!("{row:?}"))).unwrap();
    assert!(
        rows.iter().any(|row| row.contains("API key shop@127.0.0.1")),
        "{rows:#?}"
    );
    assert!(
        !rows.iter().any(|row| row.contains(&shop.key)),
        "keys are secrets"
    );
}
