//! What identifies this computer: finds the components, tells how each look went, makes the fingerprint.
//! Reads sysfs, proc and etc under roots that tests set; knows nothing of licences but their components.
//!
//! sysinfo is not used here: it cannot tell "no permission" from "absent", and has no disk serials.

mod container;
mod disk;
mod dmi;
mod finding;
mod net;
mod reader;
mod system;
#[cfg(test)]
mod tests;
mod text;

use std::path::{Path, PathBuf};

use crate::licence::binding::Fingerprint;

pub use finding::{Finding, FindingState};
use reader::Reader;

/// With fewer strong components than this a computer is hard to tell from its copy.
const ENOUGH_STRONG: usize = 2;

/// Where the system's files are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roots {
    /// sysfs, `/sys` on a host.
    pub sys: PathBuf,
    /// procfs, `/proc` on a host.
    pub proc: PathBuf,
    /// `/etc` on a host.
    pub etc: PathBuf,
    /// The service's credentials (systemd.exec(5)), which bring it the files that only root may read.
    pub credentials: Option<PathBuf>,
}

impl Roots {
    /// This computer's own files; credentials are in `$CREDENTIALS_DIRECTORY`, if systemd set it.
    pub fn host() -> Self {
        let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        Self {
            sys: "/sys".into(),
            proc: "/proc".into(),
            etc: "/etc".into(),
            credentials,
        }
    }

    /// `dir/sys`, `dir/proc`, `dir/etc`, and `dir/credentials` if it is there.
    pub fn under(dir: &Path) -> Self {
        let credentials = Some(dir.join("credentials")).filter(|dir| dir.is_dir());
        Self {
            sys: dir.join("sys"),
            proc: dir.join("proc"),
            etc: dir.join("etc"),
            credentials,
        }
    }
}

/// Everything found out about this computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// How each look went, in the order of the kinds.
    pub findings: Vec<Finding>,
    /// The identity made of what was found.
    pub fingerprint: Fingerprint,
    /// The container manager, when the node runs in a container: `docker`, `lxc`, `systemd-nspawn`...
    pub container: Option<String>,
}

/// Looks at every component once. Never fails: each failed look is a finding with its reason.
pub fn inspect(roots: &Roots) -> Inspection {
    inspect_with(&Reader::new(roots))
}

fn inspect_with(reader: &Reader<'_>) -> Inspection {
    let mut findings = vec![system::machine_id(reader)];
    findings.extend(dmi::findings(reader));
    findings.push(system::cpu(reader));
    findings.extend(net::findings(reader));
    findings.extend(disk::findings(reader));
    findings.push(system::ram(reader));

    let components = findings.iter().filter_map(Finding::component).collect();
    let unreadable = findings
        .iter()
        .filter(|f| f.state.could_not_look())
        .map(|f| f.kind)
        .collect();
    Inspection {
        fingerprint: Fingerprint::new(components, unreadable),
        container: container::manager(reader),
        findings,
    }
}

impl Inspection {
    /// What to tell the administrator of a computer with fewer than two strong components; none when it has enough.
    pub fn warning(&self) -> Option<String> {
        let strong: Vec<&str> = (self.fingerprint.components.iter())
            .filter(|part| part.kind.is_strong())
            .map(|part| part.kind.label())
            .collect();
        if strong.len() >= ENOUGH_STRONG {
            return None;
        }
        let has = match strong.first() {
            Some(only) => format!("only one strong component ({only})"),
            None => "no strong component".to_owned(),
        };
        Some(format!(
            "this computer has {has}: a licence bound to it may also fit a copy of it, and is lost when that \
             component changes. {}",
            self.remedy()
        ))
    }

    fn remedy(&self) -> String {
        let denied: Vec<&str> = (self.findings.iter())
            .filter(|f| f.kind.is_strong() && f.state == FindingState::Denied)
            .map(|f| f.source.as_str())
            .collect();
        if !denied.is_empty() {
            return format!(
                "Not permitted to read {}: run as root, or give the service credentials \
                 (LoadCredential=dmi-product_uuid:/sys/class/dmi/id/product_uuid, and so on).",
                denied.join(", ")
            );
        }
        match &self.container {
            Some(manager) => format!(
                "In a container ({manager}) the computer's identity is hidden: run the node on the host, or let it \
                 see the host's /sys and /etc/machine-id."
            ),
            None => "On a virtual machine, give it a disk with a serial number, an SMBIOS UUID, or a network card \
                     with a globally administered address."
                .to_owned(),
        }
    }
}
