//! The rules of the comparison, by example and by property.

use proptest::prelude::*;

use super::*;

fn part(kind: ComponentKind, text: &str) -> Component {
    let value = if kind == ComponentKind::Ram {
        text.to_owned()
    } else {
        format!("{text:0>32}")
    };
    Component { kind, value }
}

fn server() -> Vec<Component> {
    use ComponentKind::{Cpu, Disk, Mac, MachineId, ProductUuid, Ram};
    vec![
        part(MachineId, "1"),
        part(ProductUuid, "2"),
        part(Cpu, "3"),
        part(Mac, "4"),
        part(Disk, "5"),
        part(Ram, "32"),
    ]
}

fn bind(components: Vec<Component>, tolerance: u32) -> ComputerBinding {
    ComputerBinding {
        components,
        tolerance,
    }
}

fn without(kind: ComponentKind) -> Vec<Component> {
    server().into_iter().filter(|part| part.kind != kind).collect()
}

#[test]
fn the_same_computer_matches_with_no_tolerance() {
    let compared = bind(server(), 0).compare(&Fingerprint::new(server(), vec![]));
    assert!(compared.matches);
    assert_eq!(
        compared.describe(),
        "this computer is the one the licence was issued for"
    );
}

#[test]
fn a_mismatch_names_what_changed() {
    let mut now = without(ComponentKind::Mac);
    now.retain(|part| part.kind != ComponentKind::Disk);
    now.extend([part(ComponentKind::Mac, "b"), part(ComponentKind::Disk, "c")]);
    let compared = bind(server(), 1).compare(&Fingerprint::new(now, vec![]));
    assert!(!compared.matches);
    assert_eq!(
        compared.describe(),
        "this computer differs from the one the licence was issued for: network card changed, disk changed \
         (2 of 6 components; 1 may change)"
    );
}

#[test]
fn one_change_within_the_tolerance_still_matches_and_is_named() {
    let compared = bind(server(), 1).compare(&Fingerprint::new(without(ComponentKind::Disk), vec![]));
    assert!(compared.matches);
    assert_eq!(
        compared.describe(),
        "this computer is the one the licence was issued for: disk missing (1 of 6 components; 1 may change)"
    );
}

#[test]
fn could_not_look_is_not_changed() {
    let now = Fingerprint::new(
        without(ComponentKind::ProductUuid),
        vec![ComponentKind::ProductUuid],
    );
    let compared = bind(server(), 0).compare(&now);
    assert!(!compared.matches);
    assert_eq!(compared.unreadable, [ComponentKind::ProductUuid]);
    assert!(
        compared
            .describe()
            .contains("product UUID could not be read: no permission"),
        "{}",
        compared.describe()
    );
    assert!(
        compared.describe().contains("none may change"),
        "{}",
        compared.describe()
    );
}

#[test]
fn ram_may_grow_but_not_shrink() {
    let with_ram = |gib| {
        let mut parts = without(ComponentKind::Ram);
        parts.push(part(ComponentKind::Ram, gib));
        Fingerprint::new(parts, vec![])
    };
    assert!(bind(server(), 0).compare(&with_ram("64")).matches);
    assert!(bind(server(), 0).compare(&with_ram("32")).matches);
    let less = bind(server(), 0).compare(&with_ram("8"));
    assert!(!less.matches);
    assert!(
        less.describe().contains("RAM shrank from 32 to 8 GiB"),
        "{}",
        less.describe()
    );
}

#[test]
fn tolerance_alone_is_not_enough() {
    let bound = vec![
        part(ComponentKind::MachineId, "1"),
        part(ComponentKind::Cpu, "2"),
        part(ComponentKind::Ram, "4"),
    ];
    let with = |left: &[usize]| {
        let left = left.iter().map(|place| bound[*place].clone()).collect();
        bind(bound.clone(), 2).compare(&Fingerprint::new(left, vec![]))
    };
    assert!(with(&[0, 1]).matches, "a weak one may go");
    let compared = with(&[1, 2]);
    assert!(
        !compared.matches,
        "two weak ones weigh only as much as the strong one that is gone"
    );
    assert!(
        compared.describe().contains("must weigh more"),
        "{}",
        compared.describe()
    );
}

#[test]
fn an_empty_binding_fits_no_computer() {
    let compared = bind(vec![], 5).compare(&Fingerprint::new(server(), vec![]));
    assert!(!compared.matches);
    assert!(compared.describe().contains("fits none"));
}

#[test]
fn several_of_a_kind_are_counted() {
    let disks = vec![part(ComponentKind::Disk, "1"), part(ComponentKind::Disk, "2")];
    let compared = bind(disks, 0).compare(&Fingerprint::new(server(), vec![]));
    assert!(
        compared.describe().contains("2 disks changed"),
        "{}",
        compared.describe()
    );
}

#[test]
fn the_binding_is_written_as_the_format_says() {
    let computer = Binding::Computer(bind(vec![part(ComponentKind::ProductUuid, "a")], 1));
    let carrier = Binding::Carrier(CarrierBinding {
        driver: "serial".into(),
        serial: "77".into(),
        public_key: None,
    });
    let written = |binding: &Binding| serde_json::to_string(binding).unwrap();
    assert_eq!(written(&Binding::None), r#""none""#);
    assert_eq!(
        written(&computer),
        r#"{"computer":{"components":[{"kind":"product-uuid","value":"0000000000000000000000000000000a"}],"tolerance":1}}"#
    );
    assert_eq!(
        written(&carrier),
        r#"{"carrier":{"driver":"serial","serial":"77"}}"#
    );
    for binding in [Binding::None, computer, carrier] {
        assert_eq!(
            serde_json::from_str::<Binding>(&written(&binding)).unwrap(),
            binding
        );
    }
    for foreign in [
        r#""anywhere""#,
        r#"{"computer":{"components":[],"tolerance":1,"more":2}}"#,
        r#"{"computer":{"components":[{"kind":"colour","value":"red"}],"tolerance":1}}"#,
        r#"{"computer":{"components":[],"tolerance":-1}}"#,
        r#"{"carrier":{"driver":"serial"}}"#,
        r#"{"computer":{"components":[],"tolerance":1},"carrier":{"driver":"a","serial":"b"}}"#,
    ] {
        assert!(serde_json::from_str::<Binding>(foreign).is_err(), "{foreign}");
    }
}

#[test]
fn the_name_is_what_serde_writes() {
    for kind in KINDS {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
    }
}

#[test]
fn values_are_checked() {
    for good in server() {
        good.validate().unwrap();
    }
    for bad in ["", "0", "+4", " 4", "4 GiB", "99999999999999999999999"] {
        let ram = Component {
            kind: ComponentKind::Ram,
            value: bad.into(),
        };
        assert_eq!(ram.validate(), Err(ComponentError::Ram), "{bad:?}");
    }
    for bad in ["", "abc", "0000000000000000000000000000000A"] {
        let disk = Component {
            kind: ComponentKind::Disk,
            value: bad.into(),
        };
        assert_eq!(
            disk.validate(),
            Err(ComponentError::Hash(ComponentKind::Disk)),
            "{bad:?}"
        );
    }
}

#[test]
fn computer_id_is_the_documented_hash() {
    // printf '%s\n%s' 'cpu 00000000000000000000000000000003' 'ram 32' | sha256sum
    let some = Fingerprint::new(
        vec![part(ComponentKind::Ram, "32"), part(ComponentKind::Cpu, "3")],
        vec![],
    );
    assert_eq!(some.computer_id(), "9BF721ACED418DBF8B8461CCC76E2A975E2920FB");
    assert_eq!(Fingerprint::new(server(), vec![]).strong_count(), 4);
}

const KINDS: [ComponentKind; 10] = [
    ComponentKind::MachineId,
    ComponentKind::ProductUuid,
    ComponentKind::ProductSerial,
    ComponentKind::BoardSerial,
    ComponentKind::ProductModel,
    ComponentKind::BoardModel,
    ComponentKind::Cpu,
    ComponentKind::Mac,
    ComponentKind::Disk,
    ComponentKind::Ram,
];

fn components() -> impl Strategy<Value = Vec<Component>> {
    let one = (prop::sample::select(&KINDS[..]), 1..6u32).prop_map(|(kind, n)| part(kind, &n.to_string()));
    prop::collection::vec(one, 0..12)
}

proptest! {
    #[test]
    fn adding_components_never_breaks_a_match(
        bound in components(), now in components(), more in components(), tolerance in 0..4u32,
    ) {
        let bound = bind(bound, tolerance);
        let before = bound.compare(&Fingerprint::new(now.clone(), vec![]));
        let after = bound.compare(&Fingerprint::new([now, more].concat(), vec![]));
        prop_assert!(!before.matches || after.matches);
        prop_assert!(after.gone.len() <= before.gone.len());
    }

    #[test]
    fn order_and_repetition_never_matter(
        (bound, mixed_bound) in components().prop_flat_map(|c| (Just(c.clone()), Just([c.clone(), c].concat()).prop_shuffle())),
        (now, mixed_now) in components().prop_flat_map(|c| (Just(c.clone()), Just([c.clone(), c].concat()).prop_shuffle())),
        tolerance in 0..4u32,
    ) {
        let (straight, mixed) = (Fingerprint::new(now, vec![]), Fingerprint::new(mixed_now, vec![]));
        prop_assert_eq!(straight.computer_id(), mixed.computer_id());
        prop_assert_eq!(bind(bound, tolerance).compare(&straight), bind(mixed_bound, tolerance).compare(&mixed));
    }

    #[test]
    fn a_match_never_lost_more_than_the_tolerance(
        bound in components(), now in components(), unreadable in prop::collection::vec(prop::sample::select(&KINDS[..]), 0..3),
        tolerance in 0..4u32,
    ) {
        let count = Fingerprint::new(bound.clone(), vec![]).components.len();
        let compared = bind(bound, tolerance).compare(&Fingerprint::new(now, unreadable));
        prop_assert_eq!(compared.present.len() + compared.gone.len(), count);
        prop_assert!(!compared.matches || (compared.gone.len() <= tolerance as usize && !compared.present.is_empty()));
        prop_assert!(!compared.describe().is_empty());
    }
}
