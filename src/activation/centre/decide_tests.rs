//! The rules of the centre, by example.

use super::super::record::Recovery;
use super::super::testing::{HOME, activate, asked, computer, nonce, record, then};
use super::*;
use crate::activation::Request;
use crate::licence::binding::{Binding, CarrierBinding, Component, ComponentKind, Fingerprint};
use crate::licence::{ActivationCode, Iec, Itn, Revocation};

const HOUR: i64 = 3_600_000;

fn at(hours: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + hours * HOUR)
}

/// Decides the request of a node, so many hours in.
fn ask(record: &mut Record, request: &Request, node: u8, hours: i64) -> Result<Given, Refusal> {
    let before = record.clone();
    let decision = record.decide(&asked(request, node, at(hours)));
    if decision.is_err() {
        assert_eq!(*record, before, "a refusal changes nothing");
    }
    decision.map(|decision| decision.given)
}

fn licence(given: Result<Given, Refusal>) -> (Licence, bool) {
    match given {
        Ok(Given::Licence { licence, new }) => (*licence, new),
        other => panic!("{other:?}"),
    }
}

fn is_revoked(record: &Record, licence: &Licence) -> bool {
    let Some(Revocation(until, _)) = record.revocation else {
        return false;
    };
    licence.issued.unwrap() <= until
}

fn recovery(record: &mut Record, hours: i64) -> ActivationCode {
    let code = ActivationCode::parse("RRRR-RRRR-RRRR-RRRR-RRRR").unwrap();
    record.recoveries = vec![Recovery {
        code: code.clone(),
        until: at(hours),
        used: false,
    }];
    code
}

#[test]
fn a_first_activation_settles_holder_and_dates() {
    let mut record = record();
    record.series.period = 365;
    let (first, new) = licence(ask(&mut record, &activate(1, 1), 1, 0));
    assert!(new);
    assert_eq!(
        (first.activation_date, first.start_date, first.period),
        (at(0), Some(at(0)), 365)
    );
    assert_eq!(first.itn, Some(activate(1, 1).itn));
    assert_eq!(first.nonce, Some(nonce(1).to_string()));
    assert!(!first.recovered && first.check().is_ok());
    let stranger = Request {
        itn: Itn::parse("7707083893").unwrap(),
        ..activate(2, 1)
    };
    assert_eq!(ask(&mut record, &stranger, 1, 1), Err(Refusal::Holder));
    let other_iec = Request {
        iec: Some(Iec::parse("770701001").unwrap()),
        ..activate(3, 1)
    };
    assert_eq!(ask(&mut record, &other_iec, 1, 1), Err(Refusal::Holder));
}

#[test]
fn an_itn_set_beforehand_leaves_the_iec_to_the_first_use() {
    let iec = Iec::parse("770701001").unwrap();
    let mut record = record();
    record.holder.itn = Some(activate(1, 1).itn);
    let request = Request {
        iec: Some(iec.clone()),
        ..activate(1, 1)
    };
    assert_eq!(licence(ask(&mut record, &request, 1, 0)).0.iec, Some(iec));
    assert_eq!(
        ask(&mut record, &activate(2, 1), 1, 1),
        Err(Refusal::Holder),
        "none is another one"
    );
}

#[test]
fn codes_expire_unless_they_were_used() {
    let mut record = record();
    record.valid_until = Some(at(10));
    assert_eq!(
        ask(&mut record, &activate(1, 1), 1, 10),
        Err(Refusal::Expired(at(10)))
    );
    licence(ask(&mut record, &activate(2, 1), 1, 9));
    licence(ask(&mut record, &activate(3, 1), 1, 20));
}

#[test]
fn the_same_place_gets_a_fresh_document_as_often_as_it_asks() {
    let mut record = record();
    let (first, _) = licence(ask(&mut record, &activate(1, 1), 1, 0));
    let (again, new) = licence(ask(&mut record, &activate(1, 1), 1, 5));
    assert_eq!(
        (&again, new),
        (&first, false),
        "a nonce repeated: the same document"
    );
    let mut request = activate(2, 1);
    request.computer.as_mut().unwrap().remove(2);
    for node in [1, 2] {
        request.nonce = nonce(10 + u64::from(node));
        let (fresh, new) = licence(ask(&mut record, &request, node, 6));
        assert!(!new && fresh.issued > first.issued);
        assert_eq!(fresh.activation_date, first.activation_date);
    }
    assert!(record.moved.is_empty() && record.revocation.is_none());
}

#[test]
fn another_node_needs_a_recovery_code() {
    let mut record = record();
    let (lost, _) = licence(ask(&mut record, &activate(1, 1), 1, 0));
    assert_eq!(ask(&mut record, &activate(2, 2), 2, 1), Err(Refusal::Used));
    let code = recovery(&mut record, 10);
    let with = |number, recovery: &ActivationCode| Request {
        recovery: Some(recovery.clone()),
        ..activate(number, 2)
    };
    let wrong = ActivationCode::parse("WWWW-RRRR-RRRR-RRRR-RRRR").unwrap();
    assert_eq!(ask(&mut record, &with(3, &wrong), 2, 2), Err(Refusal::Recovery));
    assert_eq!(
        ask(&mut record, &with(4, &code), 2, 10),
        Err(Refusal::Recovery),
        "too old"
    );
    let (found, new) = licence(ask(&mut record, &with(5, &code), 2, 9));
    assert!(new && found.recovered);
    assert!(is_revoked(&record, &lost) && !is_revoked(&record, &found));
    assert!(record.moved.is_empty(), "it is no move that counts");
    let other = Request {
        computer: activate(6, 3).computer,
        ..with(6, &code)
    };
    assert_eq!(ask(&mut record, &other, 3, 9), Err(Refusal::Recovery), "used up");
    assert_eq!(
        licence(ask(&mut record, &with(5, &code), 2, 11)).0,
        found,
        "its own repeat is answered"
    );
    assert_eq!(
        ask(&mut record, &then(Action::Renew, 7, 1), 1, 12),
        Err(Refusal::NotHere)
    );
}

#[test]
fn a_changed_computer_moves_as_often_as_its_series_says() {
    let mut record = record();
    licence(ask(&mut record, &activate(1, 1), 1, 0));
    let year = 365 * 24;
    for (number, hours) in [(2, 100), (3, 200)] {
        let before = record.current.clone().unwrap().document;
        let (moved, new) = licence(ask(
            &mut record,
            &activate(number, u8::try_from(number).unwrap()),
            1,
            hours,
        ));
        assert!(new && is_revoked(&record, &before) && !is_revoked(&record, &moved));
    }
    let again = Some(at(100 + year));
    assert_eq!(
        ask(&mut record, &activate(4, 4), 1, 99 + year),
        Err(Refusal::NoMoves { again })
    );
    licence(ask(&mut record, &activate(5, 4), 1, 100 + year));
    let again = Some(at(200 + year));
    assert_eq!(
        ask(&mut record, &activate(6, 5), 1, 101 + year),
        Err(Refusal::NoMoves { again })
    );
    record.moves = 0;
    assert_eq!(
        ask(&mut record, &activate(7, 5), 1, 101 + 3 * year),
        Err(Refusal::NoMoves { again: None })
    );
    (record.moves, record.series.reactivation) = (5, false);
    assert_eq!(
        ask(&mut record, &activate(8, 5), 1, 102 + year),
        Err(Refusal::Used)
    );
}

#[test]
fn a_request_from_before_a_move_moves_nothing_back() {
    let mut record = record();
    licence(ask(&mut record, &activate(1, 1), 1, 0));
    licence(ask(&mut record, &activate(2, 2), 1, 1));
    let replayed = ask(&mut record, &activate(1, 1), 1, 2);
    assert!(matches!(replayed, Err(Refusal::BadRequest(_))), "{replayed:?}");
}

#[test]
fn a_return_frees_the_code_and_a_place_elsewhere_counts() {
    let mut record = record();
    let (held, _) = licence(ask(&mut record, &activate(1, 1), 1, 0));
    for wrong in [
        then(Action::Return, 2, 99),
        Request {
            last: None,
            ..then(Action::Return, 2, 1)
        },
    ] {
        assert_eq!(ask(&mut record, &wrong, 1, 1), Err(Refusal::NotHere));
    }
    let back = then(Action::Return, 2, 1);
    assert_eq!(
        ask(&mut record, &back, 2, 1),
        Err(Refusal::NotHere),
        "another node"
    );
    let receipt = ask(&mut record, &back, 1, 1);
    assert!(matches!(receipt, Ok(Given::Receipt(_))) && is_revoked(&record, &held));
    assert_eq!(ask(&mut record, &back, 1, 2), receipt);

    let (same, new) = licence(ask(&mut record, &activate(3, 1), 1, 3));
    assert!(new && record.moved.is_empty() && !is_revoked(&record, &same));
    assert_eq!(
        ask(&mut record, &back, 1, 3),
        receipt,
        "a late repeat gives nothing back again"
    );
    assert!(record.current.is_some());
    ask(&mut record, &then(Action::Return, 4, 3), 1, 4).unwrap();
    licence(ask(&mut record, &activate(5, 2), 2, 5));
    assert_eq!(record.moved, [at(5)]);
    record.moves = 1;
    ask(&mut record, &then(Action::Return, 6, 5), 2, 6).unwrap();
    let refused = ask(&mut record, &activate(7, 3), 3, 7);
    assert!(matches!(refused, Err(Refusal::NoMoves { again: Some(_) })));
    let code = recovery(&mut record, 100);
    let recovered = Request {
        recovery: Some(code),
        ..activate(8, 3)
    };
    licence(ask(&mut record, &recovered, 3, 8));
}

#[test]
fn a_clock_that_went_back_revokes_no_document_that_counts() {
    let mut record = record();
    let (first, _) = licence(ask(&mut record, &activate(1, 1), 1, 100));
    let (moved, _) = licence(ask(&mut record, &activate(2, 2), 1, 50));
    assert!(is_revoked(&record, &first) && !is_revoked(&record, &moved));
    ask(&mut record, &then(Action::Return, 3, 2), 1, 10).unwrap();
    let (again, _) = licence(ask(&mut record, &activate(4, 2), 1, 20));
    assert!(is_revoked(&record, &moved) && !is_revoked(&record, &again));
}

#[test]
fn a_renewal_extends_once_and_says_nothing_otherwise() {
    let mut record = record();
    record.series.period = 365;
    record.renew_until = Some(at(365 * 24 * 3));
    let (first, _) = licence(ask(&mut record, &activate(1, 1), 1, 0));
    let alive = then(Action::Renew, 2, 1);
    assert_eq!(ask(&mut record, &alive, 1, 24), Ok(Given::Nothing));
    assert_eq!(ask(&mut record, &alive, 1, 25), Ok(Given::Nothing), "repeated");
    let due = 300 * 24;
    let (longer, new) = licence(ask(&mut record, &then(Action::Renew, 3, 2), 1, due));
    assert!(!new && longer.period == 730 && longer.issued > first.issued);
    assert_eq!(
        (longer.start_date, longer.activation_date),
        (first.start_date, first.activation_date)
    );
    assert_eq!(longer.nonce, Some(nonce(3).to_string()));
    assert_eq!(
        licence(ask(&mut record, &then(Action::Renew, 3, 2), 1, due + 1)).0,
        longer
    );
    assert_eq!(
        ask(&mut record, &then(Action::Renew, 4, 3), 1, due + 2),
        Ok(Given::Nothing)
    );
    let (restored, _) = licence(ask(&mut record, &then(Action::Renew, 5, 1), 1, due + 3));
    assert_eq!(restored.period, 730, "who lost the answer gets the licence");
    assert!(record.revocation.is_none());
    record.revoke(at(due + 4));
    assert_eq!(
        ask(&mut record, &then(Action::Renew, 6, 5), 1, due + 5),
        Err(Refusal::Revoked)
    );
    assert!(is_revoked(&record, &restored));
}

#[test]
fn a_move_does_not_lengthen_a_period() {
    let mut record = record();
    record.series.period = 30;
    let (first, _) = licence(ask(&mut record, &activate(1, 1), 1, 0));
    let (moved, _) = licence(ask(&mut record, &activate(2, 2), 1, 20 * 24));
    assert_eq!(moved.expire_date(), first.expire_date());
    assert_eq!(moved.activation_date, at(20 * 24));
}

#[test]
fn two_nodes_that_renew_in_turn_are_marked() {
    let mut record = record();
    licence(ask(&mut record, &activate(1, 1), 1, 0));
    for (number, last, clone) in [(2, 1, false), (3, 1, false), (4, 2, true), (5, 3, false)] {
        let request = then(Action::Renew, number, last);
        let decision = record.decide(&asked(&request, 1, at(1))).unwrap();
        assert_eq!(decision.cloned.is_some(), clone, "{number}");
    }
    let mark = record.current.unwrap().cloned.unwrap();
    assert_eq!((mark.time, mark.addresses), (at(1), [HOME, HOME]));
}

#[test]
fn a_carrier_must_prove_itself_and_is_known_again() {
    let mut record = record();
    let mut request = activate(1, 1);
    request.computer = None;
    request.carrier = Some(crate::activation::CarrierClaim {
        binding: CarrierBinding {
            driver: "hid".into(),
            serial: "0A1B".into(),
            public_key: Some("key".into()),
        },
        number: 77,
        proof: String::new(),
    });
    let mut question = asked(&request, 1, at(0));
    question.proven = false;
    assert_eq!(record.decide(&question).unwrap_err(), Refusal::Proof);
    let (held, _) = licence(ask(&mut record, &request, 1, 0));
    assert_eq!(held.blank_key_no, Some(77));
    request.nonce = nonce(2);
    let (_, new) = licence(ask(&mut record, &request, 2, 1));
    assert!(!new, "the carrier is the place, whatever node it is in");
    request.nonce = nonce(3);
    request.carrier.as_mut().unwrap().binding.public_key = Some("other".into());
    assert_eq!(ask(&mut record, &request, 3, 2), Err(Refusal::Used));
}

#[test]
fn a_node_that_was_set_back_can_give_back_and_a_nonce_is_for_one_place() {
    let mut record = record();
    licence(ask(&mut record, &activate(1, 1), 1, 0));
    let elsewhere = activate(1, 2);
    assert!(matches!(
        ask(&mut record, &elsewhere, 1, 1),
        Err(Refusal::BadRequest(_))
    ));
    ask(&mut record, &then(Action::Renew, 2, 1), 1, 2).unwrap();
    // Its state is that of before the renewal.
    let receipt = ask(&mut record, &then(Action::Return, 3, 1), 1, 3);
    assert!(matches!(receipt, Ok(Given::Receipt(_))), "{receipt:?}");
}

#[test]
fn a_licence_fits_no_computer_that_has_only_weak_components_of_its_own() {
    let weak = |kind, value: &str| Component {
        kind,
        value: value.into(),
    };
    let model = [
        weak(ComponentKind::Cpu, &"c".repeat(32)),
        weak(ComponentKind::ProductModel, &"d".repeat(32)),
        weak(ComponentKind::Ram, "16"),
    ];
    for made_up in 1..3 {
        let mut record = record();
        record.series.tolerance = 5;
        let request = Request {
            computer: Some([&computer(1)[..made_up], &model].concat()),
            ..activate(1, 1)
        };
        let (licence, _) = licence(ask(&mut record, &request, 1, 0));
        let Binding::Computer(binding) = licence.binding else {
            panic!("{licence:?}");
        };
        let another = Fingerprint::new([&computer(2)[..], &model].concat(), Vec::new());
        assert!(!binding.compare(&another).matches);
    }
}
