//! The books, as the vendor's programs use them.

use std::os::unix::fs::PermissionsExt;

use keynode::activation::centre::{
    ActivationFilter, Books, CentreError, CodeFilter, CodeState, DATABASE, End, IssueOrder, Series, Which,
};
use keynode::activation::{Action, Refusal, Request};
use keynode::licence::{DAY, Iec, Itn, KeyId, Revocations, Timestamp, open_notice};

use crate::world::{Node, SERIES, World, licence, make, order, vendor, vendors};

fn itn() -> Itn {
    Itn::parse("7707083893").unwrap()
}

#[test]
fn a_centre_is_made_once_for_its_owner_alone() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("centre");
    assert!(matches!(Books::open(&place), Err(CentreError::NoCentre(_))));
    drop(make(&place));
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&place), mode(&place.join(DATABASE))), (0o700, 0o600));
    assert!(matches!(Books::create(&place, None), Err(CentreError::Exists(_))));
    assert_eq!(Books::open(&place).unwrap().products().unwrap().len(), 1);
}

#[test]
fn products_and_series_are_added_changed_and_checked() {
    let dir = tempfile::tempdir().unwrap();
    let mut books = make(dir.path());
    let by = vendor();
    let mut product = books.products().unwrap().remove(0);
    assert!(matches!(
        books.add_product(&product, &by),
        Err(CentreError::Taken(_))
    ));
    product.product_name = "Better product".into();
    books.change_product(&product, &by).unwrap();
    assert_eq!(books.products().unwrap(), [product.clone()]);
    product.article_name = "x".repeat(101);
    assert!(matches!(
        books.change_product(&product, &by),
        Err(CentreError::Invalid(_))
    ));
    product.article = "4602".into();
    product.article_name.clear();
    assert!(matches!(
        books.change_product(&product, &by),
        Err(CentreError::NoProduct(_))
    ));

    let key_id = KeyId::parse("00AA").unwrap();
    let mut series = Series::new(key_id, "4602");
    assert!(matches!(
        books.add_series(&series, &by),
        Err(CentreError::NoProduct(_))
    ));
    books.add_product(&product, &by).unwrap();
    (series.period, series.support_date) = (365, Some(by.time));
    books.add_series(&series, &by).unwrap();
    assert_eq!(books.one_series(key_id).unwrap(), series);
    series.seats = 50;
    books.change_series(&series, &by).unwrap();
    assert_eq!(books.series().unwrap()[0], series);
    assert_eq!(books.series().unwrap().len(), 2);
    series.key_id = KeyId::parse("00BB").unwrap();
    assert!(matches!(
        books.change_series(&series, &by),
        Err(CentreError::NoSeries(_))
    ));
    assert!(matches!(
        books.issue(&IssueOrder::new(series.key_id, 1), &by, |_, _| true),
        Err(CentreError::NoSeries(_))
    ));
}

#[test]
fn an_interrupted_batch_is_continued_and_exported() {
    let dir = tempfile::tempdir().unwrap();
    let mut books = make(dir.path());
    let mut seen = Vec::new();
    let part = books.issue(&order(10_100), &vendor(), |_, codes| {
        seen.extend_from_slice(codes);
        false
    });
    assert_eq!(part.unwrap().issued, 10_000);
    let mut books = Books::open(dir.path()).unwrap();
    let whole = books.resume(1, &vendor(), |_, codes| {
        seen.extend_from_slice(codes);
        true
    });
    assert_eq!(whole.unwrap().issued, 10_100);
    books.issue(&order(5), &vendor(), |_, _| true).unwrap();
    assert!(matches!(
        books.resume(9, &vendor(), |_, _| true),
        Err(CentreError::NoBatch(9))
    ));
    let filter = CodeFilter {
        batch: Some(1),
        ..CodeFilter::default()
    };
    let rows = books.codes(&filter, vendor().time).unwrap();
    let issued: Vec<_> = seen
        .iter()
        .map(|code| (code.code.clone(), code.key_no, code.reg_no))
        .collect();
    let exported: Vec<_> = rows
        .iter()
        .map(|row| (row.code.clone(), row.key_no, row.reg_no))
        .collect();
    assert_eq!(issued, exported);
    assert_eq!((rows[0].key_no, rows[0].reg_no), (1_001, 1));
    assert!(rows.iter().all(|row| row.state == CodeState::New));
    let page = CodeFilter {
        after: Some(rows[9].key_no),
        limit: Some(3),
        ..filter
    };
    assert_eq!(books.codes(&page, vendor().time).unwrap(), rows[10..13]);
    assert_eq!(books.batches().unwrap().len(), 2);
}

#[tokio::test]
async fn codes_are_found_by_their_state_and_holder() {
    let mut world = World::new();
    let expiring = IssueOrder {
        valid_until: Some(vendor().time.plus(DAY)),
        ..order(2)
    };
    let (kept, spare) = {
        let mut codes = world.order(&expiring);
        (codes.remove(0), codes.remove(0))
    };
    let (active, returned, revoked) = (world.issue(), world.issue(), world.issue());
    let mut node = Node::new();
    for code in [&active, &returned] {
        let answer = node.ask(&world.centre, Action::Activate, &code.code).await;
        assert!(answer.is_ok());
    }
    let answer = node.ask(&world.centre, Action::Return, &returned.code).await;
    assert!(answer.is_ok());
    let by = world.vendor();
    world.books.revoke(revoked.key_no, "a test", &by).unwrap();
    for promise in [
        world.books.recovery(revoked.key_no, &by).map(drop),
        world.books.extend(revoked.key_no, Some(by.time), &by),
    ] {
        assert!(promise.unwrap_err().to_string().contains("revoked"));
    }
    world.books.bind(kept.key_no, &itn(), None, &by).unwrap();
    let found = |filter: &CodeFilter, time: Timestamp| {
        let rows = world.books.codes(filter, time).unwrap();
        rows.iter().map(|row| row.key_no).collect::<Vec<_>>()
    };
    let now = by.time;
    let of = |state| CodeFilter {
        state: Some(state),
        ..CodeFilter::default()
    };
    assert_eq!(found(&of(CodeState::New), now), [kept.key_no, spare.key_no]);
    assert_eq!(
        found(&of(CodeState::Expired), now.plus(DAY)),
        [kept.key_no, spare.key_no]
    );
    assert!(found(&of(CodeState::New), now.plus(DAY)).is_empty());
    assert_eq!(found(&of(CodeState::Active), now), [active.key_no]);
    assert_eq!(found(&of(CodeState::Returned), now), [returned.key_no]);
    assert_eq!(found(&of(CodeState::Revoked), now), [revoked.key_no]);
    let theirs = CodeFilter {
        itn: Some(itn()),
        key_id: Some(KeyId::parse(SERIES).unwrap()),
        ..CodeFilter::default()
    };
    assert_eq!(found(&theirs, now), [kept.key_no]);
    assert!(matches!(
        world.books.find(&Which::KeyNo(1), now),
        Err(CentreError::NoCode)
    ));
}

#[tokio::test]
async fn a_lost_computer_is_a_support_case() {
    let mut world = World::new();
    let code = world.issue();
    let (mut old_node, mut other) = (Node::new(), Node::new());
    let answer = old_node.ask(&world.centre, Action::Activate, &code.code).await;
    let old = licence(&answer.unwrap());
    let by = world.vendor();
    let recovery = world.books.recovery(code.key_no, &by).unwrap();
    assert_eq!(recovery.until, by.time.plus(14 * DAY));
    let with = |node: &Node| Request {
        recovery: Some(recovery.code.clone()),
        ..node.request(Action::Activate, &code.code)
    };
    let request = with(&other);
    let answer = other.send(&world.centre, &request).await.unwrap();
    assert!(licence(&answer).recovered);
    let list = world.centre.revocations().await.unwrap();
    assert_eq!(
        *list,
        *world.centre.revocations().await.unwrap(),
        "signed once for a number"
    );
    let refused = with(&old_node);
    assert_eq!(
        old_node.send(&world.centre, &refused).await,
        Err(Refusal::Recovery),
        "used"
    );
    let rows = world.books.activations(&ActivationFilter::default()).unwrap();
    let shown: Vec<_> = rows
        .iter()
        .map(|row| (row.recovered, row.ended.map(|(_, end)| end)))
        .collect();
    assert_eq!(shown, [(false, Some(End::Moved)), (true, None)]);
    assert!(rows[0].place.starts_with("computer ") && rows[0].node.len() == 16);
    assert_eq!(rows[0].started, old.activation_date);
    let secret = world.books.audit(|row| {
        let text = format!("{:?}", row.entry);
        assert!(!text.contains(code.code.as_str()) && !text.contains(recovery.code.as_str()));
    });
    secret.unwrap();
}

#[tokio::test]
async fn holders_terms_and_moves_are_set_for_one_code() {
    let mut world = World::new();
    let code = world.issue();
    let by = world.vendor();
    let iec = Iec::parse("770701001").unwrap();
    world.books.bind(code.key_no, &itn(), None, &by).unwrap();
    let mut node = Node::new();
    let stranger = node.ask(&world.centre, Action::Activate, &code.code).await;
    assert_eq!(stranger, Err(Refusal::Holder));
    let request = Request {
        itn: itn(),
        iec: Some(iec.clone()),
        ..node.request(Action::Activate, &code.code)
    };
    let held = licence(&node.send(&world.centre, &request).await.unwrap());
    assert_eq!((held.itn, held.iec), (Some(itn()), Some(iec)));
    world.books.set_moves(code.key_no, Some(0), &by).unwrap();
    world
        .books
        .extend(code.key_no, Some(by.time.plus(DAY)), &by)
        .unwrap();
    let row = world
        .books
        .find(&Which::Code(code.code.clone()), by.time)
        .unwrap();
    assert_eq!((row.moves, row.renew_until), (0, Some(by.time.plus(DAY))));
    let elsewhere = Request {
        computer: Some(crate::world::computer(u64::MAX)),
        nonce: keynode::activation::Nonce::random().unwrap(),
        ..request
    };
    assert_eq!(
        node.send(&world.centre, &elsewhere).await,
        Err(Refusal::NoMoves { again: None })
    );
}

#[tokio::test]
async fn a_node_that_runs_twice_is_marked() {
    let mut world = World::new();
    let code = world.issue();
    let mut node = Node::new();
    node.ask(&world.centre, Action::Activate, &code.code)
        .await
        .unwrap();
    let begun = node.last;
    let mut last = [begun, begun];
    for turn in [0, 1, 0, 1] {
        node.last = last[turn];
        node.ask(&world.centre, Action::Renew, &code.code).await.unwrap();
        last[turn] = node.last;
    }
    let cloned = ActivationFilter {
        cloned: true,
        ..ActivationFilter::default()
    };
    let rows = world.books.activations(&cloned).unwrap();
    assert!(rows.len() == 1 && rows[0].cloned.is_some());
    let row = world.books.find(&Which::KeyNo(code.key_no), vendor().time);
    assert!(row.unwrap().cloned);
}

#[test]
fn api_keys_are_known_again_until_they_are_removed() {
    let dir = tempfile::tempdir().unwrap();
    let mut books = make(dir.path());
    let key = books.add_api_key("shop", &vendor()).unwrap();
    assert!(matches!(
        books.add_api_key("shop", &vendor()),
        Err(CentreError::Taken(_))
    ));
    assert_eq!(books.check_api_key(&key).unwrap().as_deref(), Some("shop"));
    assert_eq!(books.check_api_key("guess").unwrap(), None);
    assert_eq!(books.api_keys().unwrap()[0].name, "shop");
    assert!(books.remove_api_key("shop", &vendor()).unwrap());
    assert!(!books.remove_api_key("shop", &vendor()).unwrap());
    assert_eq!(books.check_api_key(&key).unwrap(), None);
}

#[tokio::test]
async fn a_batch_that_leaked_is_taken_back() {
    let mut world = World::new();
    let codes = world.order(&order(2_500));
    let mut node = Node::new();
    let held = node.ask(&world.centre, Action::Activate, &codes[7].code).await;
    let held = licence(&held.unwrap());
    let by = world.vendor();
    let before = world.centre.revocations().await.unwrap();
    let mut parts = Vec::new();
    let mut revoke = |books: &mut Books, all: bool| {
        books.revoke_batch(1, all, "leaked", &by, |count| {
            parts.push(count);
            true
        })
    };
    assert_eq!(revoke(&mut world.books, false).unwrap(), 2_499);
    assert_eq!(revoke(&mut world.books, false).unwrap(), 0);
    let after = world.centre.revocations().await.unwrap();
    assert_eq!(after, before, "what was never used is on no list");
    let mut other = Node::new();
    let refused = other.ask(&world.centre, Action::Activate, &codes[8].code).await;
    assert_eq!(refused, Err(Refusal::Revoked));
    assert!(
        node.ask(&world.centre, Action::Renew, &codes[7].code)
            .await
            .is_ok()
    );

    assert_eq!(revoke(&mut world.books, true).unwrap(), 1);
    assert_eq!(parts, [1_000, 2_000, 2_499, 1], "in parts");
    let list = world.centre.revocations().await.unwrap();
    let (list, _) = open_notice::<Revocations>(list.text.as_bytes(), &vendors()).unwrap();
    assert!(list.keys.len() == 1 && list.reason(&held).is_some());
    let unknown = world.books.revoke_batch(2, false, "", &by, |_| true);
    assert!(matches!(unknown, Err(CentreError::NoBatch(2))));
    let mut rows = Vec::new();
    world
        .books
        .audit(|row| rows.push(row.entry.detail.clone()))
        .unwrap();
    assert_eq!(
        rows.iter()
            .filter(|detail| detail.contains("codes never used"))
            .count(),
        3
    );
}
