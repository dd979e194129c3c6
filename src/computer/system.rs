//! machine-id, CPU model and RAM size.

use std::collections::BTreeSet;

use super::reader::{Reader, judge};
use super::{Finding, FindingState};
use crate::licence::binding::ComponentKind;

const KIB_PER_GIB: u64 = 1 << 20;

/// `/etc/machine-id`: 32 hex digits (machine-id(5)); anything else, and all zeros, is nobody's id.
pub(super) fn machine_id(reader: &Reader<'_>) -> Finding {
    let state = match reader.value(&reader.roots.etc.join("machine-id")) {
        FindingState::Found { text } if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) => {
            FindingState::Placeholder(text)
        }
        state => state,
    };
    Finding::new(ComponentKind::MachineId, "machine-id", state)
}

/// The model name; on ARM without one the implementer and part of each kind of core, else the board's name.
pub(super) fn cpu(reader: &Reader<'_>) -> Finding {
    let state = match reader.lines(&reader.roots.proc.join("cpuinfo")) {
        Ok(lines) => cpu_model(&lines).map_or(FindingState::Absent, |model| judge(model.as_bytes())),
        Err(state) => state,
    };
    Finding::new(ComponentKind::Cpu, "cpuinfo", state)
}

fn cpu_model(lines: &[String]) -> Option<String> {
    let fields: Vec<(String, &str)> = (lines.iter())
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_lowercase(), value.trim()))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let first = |wanted: &str| {
        fields
            .iter()
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| (*value).to_owned())
    };
    first("model name")
        .or_else(|| arm_cores(&fields))
        .or_else(|| first("hardware"))
}

/// All kinds of cores, sorted: which core is number 0 may differ from boot to boot.
fn arm_cores(fields: &[(String, &str)]) -> Option<String> {
    let mut implementer = "";
    let mut cores = BTreeSet::new();
    for (name, value) in fields {
        match name.as_str() {
            "cpu implementer" => implementer = value,
            "cpu part" => _ = cores.insert(format!("{implementer}/{value}")),
            _ => {}
        }
    }
    let cores: Vec<String> = cores.into_iter().collect();
    if cores.is_empty() {
        None
    } else {
        Some(format!("ARM {}", cores.join(" ")))
    }
}

/// `MemTotal`, rounded up to whole GiB: the kernel keeps a little for itself, a little more with each version.
pub(super) fn ram(reader: &Reader<'_>) -> Finding {
    let state = match reader.lines(&reader.roots.proc.join("meminfo")) {
        Ok(lines) => match lines
            .iter()
            .find_map(|line| line.strip_prefix("MemTotal:"))
            .and_then(kib)
        {
            Some(kib) if kib > 0 => FindingState::Found {
                text: format!("{} GiB", kib.div_ceil(KIB_PER_GIB)),
            },
            _ => FindingState::Absent,
        },
        Err(state) => state,
    };
    Finding::new(ComponentKind::Ram, "meminfo", state)
}

fn kib(rest: &str) -> Option<u64> {
    rest.trim().strip_suffix("kB")?.trim().parse().ok()
}
