//! The licences of a demo: one of each kind, one that has ended, one for another computer.

use std::path::Path;

use crate::clock::SystemClock;
use crate::computer::{Roots, inspect};
use crate::licence::binding::{Binding, Component, Fingerprint};
use crate::licence::{
    ActivationCode, DAY, FORMAT_VERSION, Iec, Itn, KeyId, KeyNo, KeyType, Licence, Timestamp,
};

use super::super::failure::Failure;
use super::super::vendor::{Issuer, bound_to};
use super::SERIES;

/// Issues those demo licences that are not there.
pub(super) fn issue_missing(issuer: &Issuer, directory: &Path) -> Result<(), Failure> {
    let now = SystemClock::shared().now().wall;
    let here = inspect(&Roots::host()).fingerprint;
    for licence in licences(now, &here) {
        if !directory.join(licence.file_name()).exists() {
            issuer.issue(&licence, directory)?;
        }
    }
    Ok(())
}

fn licences(now: Timestamp, here: &Fingerprint) -> Vec<Licence> {
    let bound = || {
        if here.components.is_empty() {
            Binding::None
        } else {
            bound_to(here, 1)
        }
    };
    let main = Licence {
        binding: bound(),
        ..licence(7_131_766, KeyType::Main, now)
    };
    let additional = Licence {
        binding: bound(),
        ..licence(7_131_767, KeyType::Additional, now)
    };
    let demonstration = Licence {
        start_date: Some(now),
        period: 90,
        ..licence(7_181_155, KeyType::Demonstration, now)
    };
    let expired = Licence {
        start_date: Some(now.plus(-60 * DAY)),
        activation_date: now.plus(-60 * DAY),
        period: 30,
        ..licence(7_121_172, KeyType::Main, now)
    };
    let elsewhere = Licence {
        binding: bound_to(&another(here), 1),
        // No centre knows the codes of a demo's own licences: nobody is to be told to use this one's.
        activation_code: None,
        ..licence(7_131_768, KeyType::Main, now)
    };
    vec![main, additional, demonstration, expired, elsewhere]
}

/// A licence with every field of the manual filled.
fn licence(key_no: KeyNo, key_type: KeyType, now: Timestamp) -> Licence {
    let known = "a constant that its own type's tests accept";
    Licence {
        version: FORMAT_VERSION.into(),
        key_no,
        key_id: KeyId::parse(SERIES).expect(known),
        reg_no: 202,
        key_type,
        service_type: 0,
        licence_count: 5,
        product_version: 3,
        blank_key_no: None,
        activation_code: Some(ActivationCode::parse(&format!("4345-9320-2035-{key_no:08}")).expect(known)),
        activation_date: now,
        start_date: None,
        period: 0,
        flags: 0b101,
        itn: Some(Itn::parse("1234567894").expect(known)),
        iec: Some(Iec::parse("770701001").expect(known)),
        product_name: "Демонстрационная серия keynode".into(),
        article: "1111111111111".into(),
        article_name: "Демонстрационная номенклатура для проверки работоспособности узла лицензий".into(),
        support_date: Some(now),
        support_period: Some(365),
        industry_support_date: Some(now),
        industry_support_period: Some(365),
        product_version_name: Some("3.0".into()),
        recovered: false,
        binding: Binding::None,
        issued: Some(now),
        nonce: None,
    }
}

/// A computer with components of the same kinds, none of them the same.
fn another(here: &Fingerprint) -> Fingerprint {
    let turned = |component: &Component| Component {
        kind: component.kind,
        value: match component.value.parse::<u64>() {
            Ok(gib) if component.value.len() < 10 => (gib + 1_000_000).to_string(),
            _ => component
                .value
                .chars()
                .rev()
                .map(|c| if c == '0' { 'f' } else { '0' })
                .collect(),
        },
    };
    Fingerprint::new(here.components.iter().map(turned).collect(), Vec::new())
}
