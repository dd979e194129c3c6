//! Permanent addresses of the physical network cards, from `/sys/class/net`.

use std::path::Path;

use super::reader::{Reader, names};
use super::{Finding, FindingState, text};
use crate::licence::binding::ComponentKind;

/// `addr_assign_type` of an address that is the card's own (kernel: Documentation/ABI/testing/sysfs-class-net).
const PERMANENT: &str = "0";

pub(super) fn findings(reader: &Reader<'_>) -> Vec<Finding> {
    let dir = reader.roots.sys.join("class/net");
    let names = match names(&dir) {
        Ok(names) => names,
        Err(state) => return vec![Finding::new(ComponentKind::Mac, "net", state)],
    };
    // Bridges, tunnels, bonds and the like have no device behind them.
    let cards: Vec<Finding> = (names.iter())
        .filter(|name| dir.join(name).join("device").symlink_metadata().is_ok())
        .map(|name| {
            let source = format!("net/{}", text::clean(name.as_bytes()));
            Finding::new(ComponentKind::Mac, source, address(reader, &dir.join(name)))
        })
        .collect();
    if cards.is_empty() {
        vec![Finding::new(ComponentKind::Mac, "net", FindingState::Absent)]
    } else {
        cards
    }
}

fn address(reader: &Reader<'_>, card: &Path) -> FindingState {
    // A bond gives its own address to its members; theirs is kept here.
    let of_bond_member = reader.value(&card.join("bonding_slave/perm_hwaddr"));
    if of_bond_member != FindingState::Absent {
        return own(of_bond_member);
    }
    match (
        reader.value(&card.join("address")),
        raw(reader, &card.join("addr_assign_type")),
    ) {
        (FindingState::Found { text }, Ok(kind)) if kind != PERMANENT => {
            FindingState::Placeholder(format!("{text} (random or set by software)"))
        }
        (FindingState::Found { .. }, Err(failed)) if failed.could_not_look() => failed,
        (state, _) => own(state),
    }
}

/// Trimmed text; `value` would take the lone 0 of a permanent address for a placeholder.
fn raw(reader: &Reader<'_>, path: &Path) -> Result<String, FindingState> {
    reader.bytes(path).map(|bytes| text::clean(&bytes))
}

/// Lets only an address through that its maker gave to this one card.
fn own(state: FindingState) -> FindingState {
    let FindingState::Found { text } = state else {
        return state;
    };
    let octets: Option<Vec<u8>> = text
        .split(':')
        .map(|octet| u8::from_str_radix(octet, 16).ok())
        .collect();
    match octets.as_deref() {
        Some([first, _, _, _, _, _]) if first & 0b10 != 0 => {
            FindingState::Placeholder(format!("{text} (locally administered)"))
        }
        Some([first, _, _, _, _, _]) if first & 0b01 == 0 => FindingState::Found { text },
        _ => FindingState::Placeholder(format!("{text} (not a card's address)")),
    }
}
