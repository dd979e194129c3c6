//! Tells whether the node runs in a container, whose manager hides the computer's identity.

use super::reader::Reader;
use super::text;

/// What container managers leave in control group and mount paths.
const MARKS: [(&str, &str); 9] = [
    ("/kubepods", "kubernetes"),
    ("/kubelet/", "kubernetes"),
    ("/libpod", "podman"),
    ("/containers/storage/", "podman"),
    ("/docker/", "docker"),
    ("system.slice/docker-", "docker"),
    ("/containerd/", "containerd"),
    ("/lxc/", "lxc"),
    ("/lxc.payload", "lxc"),
];

/// Files that a manager mounts into every container, and its root; other mounts also exist on the host itself.
const MOUNT_POINTS: [&str; 3] = ["/", "/etc/hostname", "/etc/resolv.conf"];

/// The container manager's name. What cannot be read tells nothing: a container may go unnoticed.
pub(super) fn manager(reader: &Reader<'_>) -> Option<String> {
    let proc = &reader.roots.proc;
    let lines = |file: &str| reader.lines(&proc.join(file)).unwrap_or_default();
    declared(&reader.bytes(&proc.join("1/environ")).unwrap_or_default())
        .or_else(|| lines("1/cgroup").iter().find_map(|line| marked(line)))
        .or_else(|| {
            lines("self/mountinfo")
                .iter()
                .filter(|line| is_telling(line))
                .find_map(|line| marked(line))
        })
}

/// `container=` in the environment of the first process (systemd.io, Container Interface).
fn declared(environ: &[u8]) -> Option<String> {
    let name = environ
        .split(|byte| *byte == 0)
        .find_map(|variable| variable.strip_prefix(b"container="))?;
    Some(text::clean(name)).filter(|name| !name.is_empty())
}

fn marked(line: &str) -> Option<String> {
    MARKS
        .iter()
        .find(|(mark, _)| line.contains(mark))
        .map(|(_, manager)| (*manager).to_owned())
}

/// The mount point is the fifth field (`proc_pid_mountinfo(5)`).
fn is_telling(line: &str) -> bool {
    line.split(' ')
        .nth(4)
        .is_some_and(|point| MOUNT_POINTS.contains(&point))
}
