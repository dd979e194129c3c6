//! SMBIOS identity of product and board, from `/sys/class/dmi/id` or, where only root may read, from credentials.

use super::reader::Reader;
use super::{Finding, FindingState};
use crate::licence::binding::ComponentKind;

/// What only root may read (mode 0400), and its file.
const IDENTITIES: [(ComponentKind, &str); 3] = [
    (ComponentKind::ProductUuid, "product_uuid"),
    (ComponentKind::ProductSerial, "product_serial"),
    (ComponentKind::BoardSerial, "board_serial"),
];

/// What all may read: the files of the maker and of the model's name.
const MODELS: [(ComponentKind, &str, &str); 2] = [
    (ComponentKind::ProductModel, "sys_vendor", "product_name"),
    (ComponentKind::BoardModel, "board_vendor", "board_name"),
];

pub(super) fn findings(reader: &Reader<'_>) -> Vec<Finding> {
    let identities = IDENTITIES
        .iter()
        .map(|(kind, file)| identity(reader, *kind, file));
    let models = MODELS.iter().map(|(kind, vendor, name)| {
        let state = model(sysfs(reader, vendor), sysfs(reader, name));
        Finding::new(*kind, format!("dmi/{name}"), state)
    });
    identities.chain(models).collect()
}

/// The credential `dmi-<file>` stands in where sysfs does not tell.
fn identity(reader: &Reader<'_>, kind: ComponentKind, file: &str) -> Finding {
    let state = sysfs(reader, file);
    let untold = state == FindingState::Absent || state.could_not_look();
    if let Some(dir) = reader.roots.credentials.as_ref().filter(|_| untold) {
        let credential = format!("dmi-{file}");
        let given = reader.value(&dir.join(&credential));
        if given != FindingState::Absent {
            return Finding::new(kind, format!("credentials/{credential}"), given);
        }
    }
    Finding::new(kind, format!("dmi/{file}"), state)
}

fn sysfs(reader: &Reader<'_>, file: &str) -> FindingState {
    reader.value(&reader.roots.sys.join("class/dmi/id").join(file))
}

/// Maker and name together. Where one of them could not be read there is no model: a part of it would be another.
fn model(vendor: FindingState, name: FindingState) -> FindingState {
    match (vendor, name) {
        (FindingState::Found { text: vendor }, FindingState::Found { text: name }) => FindingState::Found {
            text: format!("{vendor} {name}"),
        },
        (failed, _) | (_, failed) if failed.could_not_look() => failed,
        (found @ FindingState::Found { .. }, _) | (_, found @ FindingState::Found { .. }) => found,
        (vendor, FindingState::Absent) => vendor,
        (_, name) => name,
    }
}
