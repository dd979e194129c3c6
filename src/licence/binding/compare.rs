//! The comparison of a bound computer with the present one, and the sentence that names what changed.

use serde::Serialize;

use super::{Component, ComponentKind, ComputerBinding, Fingerprint};

/// What became of the bound components.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Bound components that are still there (RAM: as much or more), sorted.
    pub present: Vec<Component>,
    /// Bound components that were not seen, sorted.
    pub gone: Vec<Component>,
    /// Kinds among `gone` of which something could not be read: perhaps not gone at all. They still count as gone.
    pub unreadable: Vec<ComponentKind>,
    /// Components that are not in the binding; they never count. RAM of another size is here besides.
    pub added: Vec<Component>,
    /// How many may be gone, from the binding.
    pub tolerance: u32,
    /// Whether this is the computer the licence was issued for.
    pub matches: bool,
}

impl Comparison {
    pub(super) fn new(bound: &ComputerBinding, current: &Fingerprint) -> Self {
        let mut wanted = bound.components.clone();
        wanted.sort();
        wanted.dedup();
        let mut added: Vec<Component> = current
            .components
            .iter()
            .filter(|part| wanted.binary_search(part).is_err())
            .cloned()
            .collect();
        added.sort();
        let (present, gone): (Vec<_>, Vec<_>) = wanted
            .into_iter()
            .partition(|part| is_present(part, &current.components));
        let mut unreadable: Vec<ComponentKind> = gone.iter().map(|part| part.kind).collect();
        unreadable.dedup();
        unreadable.retain(|kind| current.unreadable.contains(kind));

        let tolerated = u32::try_from(gone.len()).is_ok_and(|count| count <= bound.tolerance);
        let matches = tolerated && weight(&present) > weight(&gone);
        Self {
            present,
            gone,
            unreadable,
            added,
            tolerance: bound.tolerance,
            matches,
        }
    }

    /// One sentence for people, without a full stop: whether it is the same computer, and what changed.
    pub fn describe(&self) -> String {
        let bound = self.present.len() + self.gone.len();
        if bound == 0 {
            return "the licence is bound to a computer but names no component, so it fits none".to_owned();
        }
        let verdict = if self.matches {
            "this computer is the one the licence was issued for"
        } else {
            "this computer differs from the one the licence was issued for"
        };
        if self.gone.is_empty() {
            return verdict.to_owned();
        }
        let may_change = match self.tolerance {
            0 => "none may change".to_owned(),
            count => format!("{count} may change"),
        };
        let outweighed = if weight(&self.present) > weight(&self.gone) {
            ""
        } else {
            ", and what is left must weigh more than what changed"
        };
        let count = self.gone.len();
        let changes = self.changes().join(", ");
        format!("{verdict}: {changes} ({count} of {bound} components; {may_change}{outweighed})")
    }

    /// What happened to each kind that lost a component, one phrase a kind.
    fn changes(&self) -> Vec<String> {
        self.gone
            .chunk_by(|a, b| a.kind == b.kind)
            .map(|lost| self.change(lost))
            .collect()
    }

    fn change(&self, lost: &[Component]) -> String {
        let kind = lost[0].kind;
        let what = match lost.len() {
            1 => kind.label().to_owned(),
            count => format!("{count} {}s", kind.label()),
        };
        let mut successors = self.added.iter().filter(|part| part.kind == kind);
        if self.unreadable.contains(&kind) {
            return format!("{what} could not be read: no permission, or a read error");
        }
        match successors.next() {
            Some(now) => match (lost[0].gib(), now.gib()) {
                (Some(then), Some(now)) => format!("{what} shrank from {then} to {now} GiB"),
                _ => format!("{what} changed"),
            },
            None => format!("{what} missing"),
        }
    }
}

fn is_present(bound: &Component, current: &[Component]) -> bool {
    match bound.gib() {
        Some(then) => current.iter().filter_map(Component::gib).any(|now| now >= then),
        None => current.contains(bound),
    }
}

fn weight(components: &[Component]) -> usize {
    components.iter().map(|part| part.kind.weight()).sum()
}
