//! Tests of the licence file format.

use super::super::tests::{licence, vendor_key, vendor_public};
use super::*;
use crate::licence::Revocations;
use crate::licence::binding::{Binding, CarrierBinding};

fn sealed(licence: &Licence) -> String {
    let key = vendor_key();
    seal::<()>(licence, vendor_public().kid(), |message| Ok(key.sign(message))).unwrap()
}

fn resealed(header: &str, payload: &str) -> String {
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(payload)
    );
    let signature = URL_SAFE_NO_PAD.encode(vendor_key().sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

fn header() -> String {
    format!(
        r#"{{"alg":"RS256","typ":"licence+jws","kid":"{}"}}"#,
        vendor_public().kid()
    )
}

fn trusted() -> VendorKeys {
    [vendor_public()].into_iter().collect()
}

#[test]
fn what_was_sealed_opens_with_or_without_a_newline() {
    let file = sealed(&licence());
    assert_eq!(open(file.as_bytes(), &trusted()), Ok(licence()));
    assert_eq!(open(format!("{file}\n").as_bytes(), &trusted()), Ok(licence()));
    assert_eq!(
        inspect(file.as_bytes()).unwrap(),
        (licence(), vendor_public().kid().to_owned())
    );
}

#[test]
fn an_unknown_vendor_is_named() {
    let failure = open(sealed(&licence()).as_bytes(), &VendorKeys::default()).unwrap_err();
    assert_eq!(
        failure,
        OpenFailure::UnknownVendor(vendor_public().kid().to_owned())
    );
}

#[test]
fn every_cut_and_every_changed_byte_is_found() {
    let file = sealed(&licence());
    for length in (0..file.len()).step_by(7) {
        assert!(
            open(&file.as_bytes()[..length], &trusted()).is_err(),
            "cut at {length}"
        );
    }
    for place in (0..file.len()).step_by(11) {
        let mut bytes = file.clone().into_bytes();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        assert!(open(&bytes, &trusted()).is_err(), "byte {place} changed");
    }
}

#[test]
fn hostile_files_have_their_own_reason() {
    let payload = serde_json::to_string(&licence()).unwrap();
    let kid = vendor_public().kid().to_owned();
    let cases: [(Vec<u8>, OpenFailure); 8] = [
        (vec![b'A'; MAX_FILE + 1], OpenFailure::TooLarge),
        (vec![], OpenFailure::NotJws("it is empty")),
        (vec![0xff; 64], OpenFailure::NotJws("it is not text")),
        (
            b"a.b.c.d".to_vec(),
            OpenFailure::NotJws("it has not three parts with dots between them"),
        ),
        (
            resealed(
                &format!(r#"{{"alg":"none","typ":"licence+jws","kid":"{kid}"}}"#),
                &payload,
            )
            .into_bytes(),
            OpenFailure::Algorithm("none".into()),
        ),
        (
            resealed(
                &format!(r#"{{"alg":"HS256","typ":"licence+jws","kid":"{kid}"}}"#),
                &payload,
            )
            .into_bytes(),
            OpenFailure::Algorithm("HS256".into()),
        ),
        (
            resealed(
                &format!(r#"{{"alg":"RS256","typ":"JWT","kid":"{kid}"}}"#),
                &payload,
            )
            .into_bytes(),
            OpenFailure::Kind {
                found: "JWT".into(),
                expected: "licence+jws",
            },
        ),
        (
            resealed(&header().replace('}', r#","crit":["exp"]}"#), &payload).into_bytes(),
            OpenFailure::Critical,
        ),
    ];
    for (file, failure) in cases {
        assert_eq!(open(&file, &trusted()), Err(failure));
    }
}

#[test]
fn fields_of_the_future_are_refused_by_name() {
    let payload = serde_json::to_string(&licence())
        .unwrap()
        .replacen('{', r#"{"MaxUsers":3,"#, 1);
    let failure = open(resealed(&header(), &payload).as_bytes(), &trusted()).unwrap_err();
    assert!(failure.to_string().contains("MaxUsers"), "{failure}");
}

#[test]
fn values_out_of_range_are_refused_by_name() {
    let mut licence = licence();
    licence.article_name = "x".repeat(101);
    let failure = open(sealed(&licence).as_bytes(), &trusted()).unwrap_err();
    assert!(failure.to_string().contains("ArticleName"), "{failure}");
    licence.article_name.clear();
    licence.version = "2".into();
    let failure = open(sealed(&licence).as_bytes(), &trusted()).unwrap_err();
    assert!(failure.to_string().contains("version 2"), "{failure}");
    let carrier = CarrierBinding {
        driver: "hid".into(),
        serial: "LK\u{1b}[2J".into(),
        public_key: None,
    };
    licence.version = "1".into();
    licence.binding = Binding::Carrier(carrier);
    let failure = open(sealed(&licence).as_bytes(), &trusted()).unwrap_err();
    assert!(failure.to_string().contains("serial"), "{failure}");
}

#[test]
fn a_header_deeply_nested_or_huge_does_no_harm() {
    let deep = format!(
        r#"{{"alg":"RS256","crit":{}{}}}"#,
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    assert!(open(resealed(&deep, "{}").as_bytes(), &trusted()).is_err());
}

#[test]
fn what_was_issued_after_its_key_expired_is_refused() {
    let activated = licence().activation_date;
    let expiring = |date: Timestamp| -> VendorKeys {
        let pem = include_str!("../../tests/fixtures/vendor.pub.pem");
        let key = VendorKey::from_pem(&format!("Expires: {date}\n{pem}")).unwrap();
        [key].into_iter().collect()
    };
    let file = sealed(&licence());
    let refused = |file: &str, date| match open(file.as_bytes(), &expiring(date)) {
        Ok(_) => None,
        Err(OpenFailure::Expired { expired, issued, .. }) => Some((expired, issued)),
        Err(other) => panic!("{other}"),
    };
    assert_eq!(refused(&file, activated.plus(1)), None);
    assert_eq!(refused(&file, activated), Some((activated, activated)));
    let issued = activated.plus(1000);
    let renewed = sealed(&Licence {
        issued: Some(issued),
        ..licence()
    });
    assert_eq!(
        refused(&renewed, activated.plus(1)),
        Some((activated.plus(1), issued))
    );
    assert_eq!(refused(&renewed, issued.plus(1)), None);
    let list = Revocations {
        issued,
        ..Revocations::default()
    };
    let list = seal_notice::<_, ()>(&list, vendor_public().kid(), |message| {
        Ok(vendor_key().sign(message))
    })
    .unwrap();
    assert!(open_notice::<Revocations>(list.as_bytes(), &expiring(issued.plus(1))).is_ok());
    let late = open_notice::<Revocations>(list.as_bytes(), &expiring(issued)).unwrap_err();
    assert!(late.to_string().contains("expired"), "{late}");
}
