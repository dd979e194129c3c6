//! A small made-up computer: the files that its identity is read from.

use std::fs;
use std::path::Path;

use keynode::computer::{Roots, inspect};
use keynode::licence::binding::{Binding, ComputerBinding};

const FILES: [(&str, &str); 7] = [
    ("etc/machine-id", "0f5ae4bd3c9d4be0a5a3a2f7d6c81b2e\n"),
    (
        "sys/class/dmi/id/product_uuid",
        "4c4c4544-0042-3510-8057-b7c04f4e3332\n",
    ),
    ("sys/class/dmi/id/board_serial", "CN1234567890AB\n"),
    ("sys/class/dmi/id/sys_vendor", "Dell Inc.\n"),
    ("sys/class/dmi/id/product_name", "PowerEdge R740\n"),
    (
        "proc/cpuinfo",
        "processor\t: 0\nmodel name\t: Intel(R) Xeon(R) Silver 4110 CPU @ 2.10GHz\n\n",
    ),
    ("proc/meminfo", "MemTotal:       32657408 kB\n"),
];

/// Builds the computer under `dir`.
pub(crate) fn build(dir: &Path) -> Roots {
    for (path, content) in FILES {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    Roots::under(dir)
}

/// A binding to the computer as it is; one component may change.
pub(crate) fn binding(roots: &Roots) -> Binding {
    Binding::Computer(ComputerBinding {
        components: inspect(roots).fingerprint.components,
        tolerance: 1,
    })
}
