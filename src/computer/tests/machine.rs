//! Builds the files of a made-up computer under a temporary directory: sysfs with its links, proc and etc.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::symlink;
use std::path::Path;

use tempfile::TempDir;

use crate::computer::reader::{Reader, read_bounded};
use crate::computer::{Inspection, Roots, inspect, inspect_with};
use crate::licence::binding::{Comparison, ComputerBinding};

/// A computer whose parts are added one by one.
pub(super) struct Machine {
    dir: TempDir,
    denied: BTreeSet<&'static str>,
}

impl Machine {
    pub(super) fn new(machine_id: &str, cpu: &str, mem_kib: u64) -> Self {
        let machine = Self {
            dir: tempfile::tempdir().unwrap(),
            denied: BTreeSet::new(),
        };
        machine
            .file("etc/machine-id", format!("{machine_id}\n"))
            .file(
                "proc/cpuinfo",
                format!("processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: {cpu}\n\n"),
            )
            .file(
                "proc/meminfo",
                format!("MemTotal:       {mem_kib} kB\nMemFree:        1024 kB\n"),
            )
            .folder("sys/class/net")
            .folder("sys/block")
    }

    pub(super) fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    fn folder(self, path: &str) -> Self {
        fs::create_dir_all(self.dir.path().join(path)).unwrap();
        self
    }

    pub(super) fn without(self, path: &str) -> Self {
        let path = self.dir.path().join(path);
        let removed = if path.is_dir() {
            fs::remove_dir_all(path)
        } else {
            fs::remove_file(path)
        };
        removed.unwrap();
        self
    }

    pub(super) fn dmi(self, file: &str, value: &str) -> Self {
        self.file(&format!("sys/class/dmi/id/{file}"), format!("{value}\n"))
    }

    /// A network interface without a device: a bridge, a veth...
    pub(super) fn virtual_card(self, name: &str, address: &str) -> Self {
        let dir = format!("sys/devices/virtual/net/{name}");
        self.file(&format!("{dir}/address"), format!("{address}\n"))
            .file(&format!("{dir}/addr_assign_type"), "0\n")
            .link(
                &format!("sys/class/net/{name}"),
                &format!("../../devices/virtual/net/{name}"),
            )
    }

    pub(super) fn card(self, name: &str, address: &str, assign_type: u8) -> Self {
        let device = format!("sys/devices/pci0000:00/0000:{name}");
        let dir = format!("{device}/net/{name}");
        self.file(&format!("{dir}/address"), format!("{address}\n"))
            .file(&format!("{dir}/addr_assign_type"), format!("{assign_type}\n"))
            .link(&format!("{dir}/device"), &format!("../../../0000:{name}"))
            .link(
                &format!("sys/class/net/{name}"),
                &format!("../../devices/pci0000:00/0000:{name}/net/{name}"),
            )
    }

    /// A member of a bond: shows the bond's address, keeps its own aside.
    pub(super) fn bond_member(self, name: &str, bond: &str, own: &str) -> Self {
        let aside = format!("sys/class/net/{name}/bonding_slave/perm_hwaddr");
        self.card(name, bond, 3).file(&aside, format!("{own}\n"))
    }

    /// A disk on a bus (`pci0000:00/0000:00:17.0`), with the file that has its identity, relative to the disk.
    pub(super) fn disk(self, name: &str, bus: &str, identity: &str, value: impl AsRef<[u8]>) -> Self {
        let device = format!("sys/devices/{bus}/dev-{name}");
        let dir = format!("{device}/block/{name}");
        self.file(&format!("{dir}/removable"), "0\n")
            .link(&format!("{dir}/device"), &format!("../../../dev-{name}"))
            .link(
                &format!("sys/block/{name}"),
                &format!("../devices/{bus}/dev-{name}/block/{name}"),
            )
            .file(&format!("{dir}/{identity}"), value)
    }

    fn link(self, path: &str, target: &str) -> Self {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, &path).unwrap();
        assert!(path.exists(), "the link {} dangles", path.display());
        self
    }

    /// Files of this name may not be read.
    pub(super) fn deny(mut self, name: &'static str) -> Self {
        self.denied.insert(name);
        self
    }

    pub(super) fn inspect(&self) -> Inspection {
        let roots = Roots::under(self.dir.path());
        if self.denied.is_empty() {
            return inspect(&roots);
        }
        let guarded = |path: &Path| match path.file_name().and_then(|name| name.to_str()) {
            Some(name)
                if self.denied.contains(name) && !path.starts_with(self.dir.path().join("credentials")) =>
            {
                Err(io::Error::from(ErrorKind::PermissionDenied))
            }
            _ => read_bounded(path),
        };
        inspect_with(&Reader::with_read(&roots, &guarded))
    }

    pub(super) fn id(&self) -> String {
        self.inspect().fingerprint.computer_id()
    }

    /// What a licence bound to this computer, with one change allowed, says of another.
    pub(super) fn licence_on(&self, other: &Machine) -> Comparison {
        let components = self.inspect().fingerprint.components;
        ComputerBinding {
            components,
            tolerance: 1,
        }
        .compare(&other.inspect().fingerprint)
    }
}
