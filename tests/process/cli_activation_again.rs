//! `keynode activation` where the centre and the node no longer know the same of a licence: a holder that the vendor
//! changed, a licence that was taken away, one that is forgotten.

use std::fs;

use keynode::activation::Refusal;
use keynode::licence::{ActivationCode, Itn, KeyNo, Licence};
use keynode::store::Author;
use serde_json::Value;

use crate::activation_desk::Desk;
use crate::harness::run;
use crate::living_centre::{Elsewhere, ITN, keeps_secret};

const OTHER_ITN: &str = "7707083893";

/// A code that is activated here, and its licence's number.
fn activated(desk: &mut Desk) -> (ActivationCode, KeyNo) {
    let code = desk.centre.code();
    desk.activation(&["activate", code.as_str(), "--itn", ITN]).ok();
    let key_no = desk.centre.key_no(&code);
    (code, key_no)
}

fn file(desk: &Desk, key_no: KeyNo) -> Licence {
    let file = fs::read(desk.state.licence(key_no)).unwrap();
    keynode::licence::inspect(&file).unwrap().0
}

#[test]
fn a_holder_whom_the_vendor_changed_comes_to_the_node() {
    let mut desk = Desk::new();
    let (code, key_no) = activated(&mut desk);
    let first = file(&desk, key_no);
    let rename = ["activate", code.as_str(), "--itn", OTHER_ITN];
    let told = desk.activation(&rename).fails(5);
    assert!(told.contains("another ITN"), "{told}");
    let row = desk.list()[0].clone();
    assert_eq!(
        (&row["Trouble"], &row["Waiting"]),
        (&Value::Null, &Value::Null),
        "nothing is wrong with the licence: {row}"
    );
    assert!(row["ITN"].to_string().contains(ITN), "{row}");
    assert_eq!(file(&desk, key_no), first);

    let author = Author {
        time: first.activation_date,
        name: "test".into(),
    };
    let itn = Itn::parse(OTHER_ITN).unwrap();
    desk.centre.books().bind(key_no, &itn, None, &author).unwrap();
    // Without the centre nobody knows of that.
    let mut alone = desk.state.keynode(&[&["activation"][..], &rename].concat());
    alone.env("KEYNODE_ACTIVATION_CENTRE", "http://127.0.0.1:1");
    let told = run(alone).fails(5);
    assert!(told.contains("another ITN"), "{told}");
    desk.activation(&rename).ok();
    assert_eq!(file(&desk, key_no).itn, Some(itn));
    assert_eq!(desk.licences()[0]["Enabled"], true);
    let row = desk.list()[0].clone();
    assert!(row["ITN"].to_string().contains(OTHER_ITN), "{row}");
    keeps_secret(&(desk.said + &desk.centre.log() + &told), &[&code]);
}

#[test]
fn the_centre_is_asked_again_where_that_is_wanted() {
    let mut desk = Desk::new();
    let (code, key_no) = activated(&mut desk);
    let first = file(&desk, key_no).nonce;
    let words = ["activate", code.as_str(), "--itn", ITN];
    desk.activation(&words).ok();
    assert_eq!(file(&desk, key_no).nonce, first, "it is here");
    let told = desk.activation(&[&words[..], &["--again"]].concat()).ok();
    assert!(told.contains("is here"), "{told}");
    let second = file(&desk, key_no).nonce;
    assert_ne!(second, first);
    // Who moves a licence wants the centre to know where it is.
    desk.activation(&["move", &key_no.to_string()]).ok();
    assert_ne!(file(&desk, key_no).nonce, second);
    desk.activation(&["renew"]).ok();
}

#[test]
fn a_licence_that_was_taken_away_comes_back_or_is_forgotten() {
    let mut desk = Desk::new();
    let (code, key_no) = activated(&mut desk);
    let number = key_no.to_string();
    let elsewhere = Elsewhere::new(&desk.centre);
    let recovery = desk.centre.recovery(&code);
    elsewhere.take(&code, Some(recovery)).unwrap();

    // This node has not heard of the revocation: its licence still works.
    let told = desk.activation(&["renew", &number]).fails(5);
    assert!(told.contains("--again"), "{told}");
    let row = desk.list()[0].clone();
    let trouble = row["Trouble"].as_str().unwrap();
    assert!(
        trouble.contains("could not be renewed") && trouble.contains("--again"),
        "{trouble}"
    );
    let told = desk
        .activation(&["activate", code.as_str(), "--itn", ITN, "--again"])
        .fails(5);
    assert!(
        told.contains(
            "recovery code if that computer is lost; with it: keynode activation move CODE --itn N"
        ),
        "{told}"
    );
    let back = desk.centre.recovery(&code);
    let words = ["move", &number, "--recovery", back.as_str()];
    desk.activation(&words).ok();
    assert_eq!(desk.list()[0]["Trouble"], Value::Null);
    assert_eq!(elsewhere.renew(key_no).unwrap_err(), Refusal::NotHere.into());

    let told = desk.activation(&["forget", &number]).fails(1);
    assert!(told.contains(&format!("activation return {number}")), "{told}");
    desk.state.run(&["licence", "remove", &number]).ok();
    let told = desk.activation(&["forget", &number]).ok();
    assert!(told.contains(&number), "{told}");
    assert_eq!(desk.list(), Value::Array(Vec::new()));
    desk.activation(&["forget", &number]).fails(4);
    desk.activation(&["forget", code.as_str()]).fails(4);

    // A request that nobody will answer.
    let request = ["request", code.as_str(), "--itn", ITN, "--qr"];
    desk.activation(&request).ok();
    assert_eq!(desk.list()[0]["Offline"], true);
    desk.with(&["forget", "-"], code.as_str()).ok();
    assert_eq!(desk.list(), Value::Array(Vec::new()));
    keeps_secret(&(desk.said + &desk.centre.log()), &[&code, &back]);
}
