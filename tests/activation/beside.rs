//! An activator beside a node, as commands have it: returns, and requests that go other ways than the network.

use std::collections::HashSet;
use std::sync::Arc;

use keynode::activation::{
    ActivationError, ActivationRules, Activator, ActivatorParts, Host, Order, Place, Refusal, open_request,
};
use keynode::clock::Clock;
use keynode::computer::{Roots, inspect};
use keynode::keyring::{KeyProvider, Keyring, LicenceFiles, Situation, assemble, read_vendor_keys};
use keynode::licence::binding::Carriers;
use keynode::licence::{ActivationCode, Itn, Licence, Revocation, RevocationReason, Revocations};
use keynode::store::Database;
use serde_json::json;

use crate::centre::{FakeCentre, Heard, KEY_NO, Reply, licence, refuse};
use crate::common::{TestNode, keys};
use crate::first::{CODE, files, node, order};
use crate::harness::eventually;
use crate::keeping::{rows, wait_for_workable};

/// The keys of a node's directories, as a command sees them that runs beside it.
struct Beside {
    licences: std::path::PathBuf,
    vendors: std::path::PathBuf,
    roots: Roots,
    clock: Arc<dyn Clock>,
}

impl Host for Beside {
    fn keyring(&self) -> Arc<Keyring> {
        let vendors = read_vendor_keys(&self.vendors);
        let found = LicenceFiles::new(&self.licences).scan(&vendors).unwrap();
        let (now, computer) = (self.clock.now().wall, inspect(&self.roots).fingerprint);
        let situation = Situation {
            now,
            highest: now,
            computer: &computer,
            carriers: &Carriers::default(),
            switched_off: &HashSet::new(),
            revoked: &keynode::keyring::Revoked::default(),
        };
        Arc::new(assemble(&found, &situation, &Keyring::default()))
    }

    fn attest(&self, _: &str, _: &[u8; 32]) -> Result<Vec<u8>, String> {
        Err("it is not here".into())
    }

    fn look_again(&self) {}
}

/// An activator beside a node, as commands have it.
pub(crate) fn beside(node: &TestNode) -> Activator {
    let settings = &node.settings;
    let roots = Roots::under(&settings.state_dir.parent().unwrap().join("machine"));
    let host = Beside {
        licences: settings.licence_dir(),
        vendors: settings.vendor_dir(),
        roots: roots.clone(),
        clock: node.clock.clone(),
    };
    Activator::new(ActivatorParts {
        rules: ActivationRules::from(&settings.activation),
        state_dir: settings.state_dir.clone(),
        licence_dir: settings.licence_dir(),
        vendor_dir: settings.vendor_dir(),
        roots,
        database: Database::open(&settings.state_dir).unwrap(),
        clock: node.clock.clone(),
        host: Arc::new(host),
    })
}

pub(crate) fn wait_for<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(work)
}

#[test]
fn a_licence_is_given_back_once_the_centre_has_confirmed_it() {
    let centre = FakeCentre::start();
    let node = node(&centre);
    node.post("/api/licences", &order()).expect(201);
    let activator = beside(&node);
    let stranger = wait_for(activator.give_back(5)).unwrap_err();
    assert!(matches!(stranger, ActivationError::Unknown(_)), "{stranger}");
    centre.script(|_| {
        Reply::Say(
            200,
            json!({ "Receipt": keys::sealed(&keys::licence()) }).to_string(),
        )
    });
    let forged = wait_for(activator.give_back(KEY_NO)).unwrap_err();
    assert!(matches!(forged, ActivationError::Answer(_)), "{forged}");
    assert_eq!(files(&node).len(), 1);
    centre.honest();
    wait_for(activator.give_back(KEY_NO)).unwrap();
    assert_eq!((files(&node), rows(&node)), (vec![], vec![]));
    let heard = centre.heard();
    assert_eq!(heard[1].body, heard[2].body, "the same request");
    assert_eq!(heard[1].request().last, Some(heard[0].request().nonce));
    eventually("no key", || {
        (node.get("/api/licences").rows().is_empty()).then_some(())
    });
}

#[test]
fn a_return_that_was_not_answered_is_finished_after_a_restart() {
    let centre = FakeCentre::start();
    let mut node = node(&centre);
    node.post("/api/licences", &order()).expect(201);
    // The centre takes it back, and the answer is lost.
    centre.script(|_| Reply::Raw(vec![]));
    let lost = wait_for(beside(&node).give_back(KEY_NO)).unwrap_err();
    assert!(matches!(lost, ActivationError::Unreachable { .. }), "{lost}");
    assert_eq!(files(&node).len(), 1, "it is here until the centre has confirmed");
    let asked = centre.heard().len();
    centre.honest();
    node.restart(3_600_000);
    centre.wait_for(asked + 1);
    eventually("the end of the licence", || files(&node).is_empty().then_some(()));
    eventually("the end of the record", || rows(&node).is_empty().then_some(()));
    let bodies: HashSet<String> = centre.heard()[1..]
        .iter()
        .map(|heard: &Heard| heard.body.clone())
        .collect();
    assert_eq!(bodies.len(), 1, "the same request");
}

#[test]
fn a_request_goes_other_ways_and_its_answer_comes_back_so() {
    let centre = FakeCentre::start();
    let node = node(&centre);
    let activator = beside(&node);
    let asked = Order {
        code: ActivationCode::parse(CODE).unwrap(),
        itn: Itn::parse("1234567894").unwrap(),
        iec: None,
        place: Place::Computer,
        recovery: None,
    };
    let text = activator.prepare(&asked).unwrap();
    assert_eq!(
        activator.prepare(&asked).unwrap(),
        text,
        "the same until it is answered"
    );
    let (request, _) = open_request(text.as_bytes()).unwrap();
    let file = keys::sealed(&licence(&request));
    let other = keys::sealed(&Licence {
        nonce: None,
        ..licence(&request)
    });
    assert_eq!(activator.accept(other.as_bytes()).unwrap(), None);
    let of_another_node = keys::sealed(&Licence {
        nonce: Some("AAAAAAAAAAAAAAAAAAAAAA".into()),
        ..licence(&request)
    });
    let refused = activator.accept(of_another_node.as_bytes()).unwrap_err();
    assert!(matches!(refused, ActivationError::Answer(_)), "{refused}");
    assert_eq!(files(&node), [""; 0]);
    let copied = format!("\u{feff}{}\r\n {}\n", &file[..100], &file[100..]);
    let taken = activator.accept(copied.as_bytes()).unwrap().unwrap();
    assert!(taken.new);
    assert_eq!(files(&node).len(), 1);
    assert_eq!(
        activator.accept(file.as_bytes()).unwrap(),
        None,
        "it was answered"
    );
    assert_eq!(centre.heard().len(), 0);
    assert!(rows(&node)[0].pending.is_none());
}

#[test]
fn whoever_is_told_that_a_licence_is_revoked_sees_the_list_that_says_so() {
    let centre = FakeCentre::start();
    let node = node(&centre);
    node.post("/api/licences", &order()).expect(201);
    let until = node.now();
    centre.script_all(move |heard| match heard.line.as_str() {
        "GET /v1/revocations" => {
            let list = Revocations {
                number: 9,
                issued: until,
                keys: [(KEY_NO, Revocation(until, RevocationReason::Revoked))].into(),
            };
            Reply::Say(200, keys::notice(&list))
        }
        _ => refuse(&Refusal::Revoked),
    });
    let told = wait_for(beside(&node).renew(KEY_NO)).unwrap_err();
    assert_eq!(told, Refusal::Revoked.into());
    // Long before its next look at the list is due.
    wait_for_workable(&node, false);
}
