//! Computers with little of an identity: virtual machines, containers, laptops, cheap boards.

use super::FindingState::{Absent, Denied, Placeholder};
use super::*;

fn plain_vm(machine_id: &str) -> Machine {
    Machine::new(machine_id, "Intel(R) Xeon(R) Processor", 4 * GIB - 50_000)
        .card("eth0", "52:54:00:12:34:56", 0)
        .disk("vda", "pci0000:00/0000:00:04.0/virtio1", "serial", "")
}

#[test]
fn a_vm_without_dmi_is_weak_and_says_so() {
    let vm = plain_vm("3d1219c7c4c5404aaa1f6d2a48adfda4");
    assert_eq!(kinds(&vm), [MachineId, ComponentKind::Cpu, ComponentKind::Ram]);
    assert_eq!(
        state(&vm, "net/eth0"),
        Placeholder("52:54:00:12:34:56 (locally administered)".into())
    );
    assert_eq!(state(&vm, "block/vda"), Absent);
    assert_eq!(state(&vm, "dmi/product_uuid"), Absent);
    let warning = vm.inspect().warning().unwrap();
    assert!(
        warning.contains("only one strong component (machine-id)"),
        "{warning}"
    );
    assert!(warning.contains("virtual machine"), "{warning}");
    let other = plain_vm("11112222333344445555666677778888");
    assert!(
        !vm.licence_on(&other).matches,
        "the only strong component is gone"
    );
}

fn cloned_vm(uuid: &str, mac: &str, disk: &str) -> Machine {
    Machine::new("3d1219c7c4c5404aaa1f6d2a48adfda4", XEON, 8 * GIB)
        .dmi("product_uuid", uuid)
        .dmi("sys_vendor", "VMware, Inc.")
        .dmi("product_name", "VMware Virtual Platform")
        .card("ens192", mac, 0)
        .disk("sda", SATA, "device/wwid", disk)
}

#[test]
fn clones_with_one_machine_id_are_told_apart() {
    let original = cloned_vm(
        "564d1111-aaaa-bbbb-cccc-000000000001",
        "00:0c:29:00:00:01",
        "naa.6000c29000000001",
    );
    let copy = cloned_vm(
        "564d1111-aaaa-bbbb-cccc-000000000002",
        "00:0c:29:00:00:02",
        "naa.6000c29000000002",
    );
    let compared = original.licence_on(&copy);
    assert!(!compared.matches);
    assert!(
        compared
            .describe()
            .contains("product UUID changed, network card changed, disk changed (3 of 7"),
        "{}",
        compared.describe()
    );
    assert_ne!(original.id(), copy.id());
}

#[test]
fn a_container_with_hidden_sys_says_what_hides_it() {
    let inside = plain_vm("uninitialized").without("sys").file(
        "proc/self/mountinfo",
        "600 500 0:50 / / rw - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/A\n",
    );
    let seen = inside.inspect();
    assert_eq!(seen.container.as_deref(), Some("docker"));
    assert_eq!(seen.fingerprint.strong_count(), 0);
    assert_eq!(state(&inside, "machine-id"), Placeholder("uninitialized".into()));
    assert_eq!(state(&inside, "net"), Absent);
    assert_eq!(state(&inside, "block"), Absent);
    let warning = seen.warning().unwrap();
    assert!(
        warning.contains("no strong component") && warning.contains("container (docker)"),
        "{warning}"
    );
}

#[test]
fn container_managers_are_recognised_and_a_docker_host_is_no_container() {
    let manager = |file: &str, text: &str| plain_vm("x").file(file, text).inspect().container;
    assert_eq!(
        manager("proc/1/environ", "PATH=/bin\0container=systemd-nspawn\0").as_deref(),
        Some("systemd-nspawn")
    );
    assert_eq!(
        manager("proc/1/cgroup", "0::/kubepods/burstable/pod1\n").as_deref(),
        Some("kubernetes")
    );
    assert_eq!(
        manager("proc/1/cgroup", "1:name=systemd:/lxc/web\n").as_deref(),
        Some("lxc")
    );
    let host = "26 1 8:1 / / rw - ext4 /dev/mapper/docker--host-root rw\n\
                90 26 0:40 / /var/lib/docker/overlay2/1/merged rw - overlay overlay rw\n";
    assert_eq!(manager("proc/self/mountinfo", host), None);
}

#[test]
fn placeholders_identify_nothing() {
    let cheap = Machine::new(
        "00000000000000000000000000000000",
        "Common KVM processor",
        2 * GIB,
    )
    .dmi("product_uuid", "03000200-0400-0500-0006-000700080009")
    .dmi("product_serial", "To be filled by O.E.M.")
    .dmi("board_serial", "Default string")
    .dmi("sys_vendor", "System manufacturer")
    .dmi("product_name", "System Product Name")
    .dmi("board_vendor", "ASRock")
    .dmi("board_name", "Default string")
    .card("eth0", "00:00:00:00:00:00", 0)
    .disk(
        "sda",
        SATA,
        "device/wwid",
        "t10.ATA     QEMU HARDDISK                           QM00001\n",
    )
    .disk("sdb", SATA, "device/vpd_pg80", b"\0\x80\0\x0Bdrive-scsi0");
    assert_eq!(
        kinds(&cheap),
        [ComponentKind::BoardModel, ComponentKind::Cpu, ComponentKind::Ram]
    );
    assert_eq!(
        state(&cheap, "dmi/product_serial"),
        Placeholder("To be filled by O.E.M.".into())
    );
    assert_eq!(
        state(&cheap, "dmi/board_name"),
        FindingState::Found {
            text: "ASRock".into()
        }
    );
    assert!(matches!(state(&cheap, "block/sda"), Placeholder(_)));
    assert!(cheap.inspect().warning().unwrap().contains("no strong component"));
}

#[test]
fn a_placeholder_serial_gives_way_to_the_next_source() {
    let disk = |serial: &str| {
        let machine = plain_vm("x").disk("sda", SATA, "serial", serial);
        machine.file("sys/block/sda/device/wwid", "naa.5000c500a1b2c3d4")
    };
    assert_eq!(
        state(&disk("0000000000"), "block/sda"),
        FindingState::Found {
            text: "naa.5000c500a1b2c3d4".into()
        }
    );
    assert_eq!(
        state(&disk("WD-1"), "block/sda"),
        FindingState::Found { text: "WD-1".into() }
    );
    assert_eq!(
        state(&disk("WD-1").deny("serial"), "block/sda"),
        Denied,
        "another user would see WD-1"
    );
}

#[test]
fn random_addresses_of_a_laptop_are_not_counted() {
    let laptop = |wifi: &str, kind| {
        let disk = "S5GXNX0T000001";
        Machine::new(
            "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
            "Intel(R) Core(TM) i7-8650U",
            16 * GIB,
        )
        .card("wlp2s0", wifi, kind)
        .disk("nvme0n1", NVME, "device/serial", disk)
    };
    let today = laptop("3c:f0:11:5e:77:01", 3);
    assert_eq!(today.id(), laptop("60:57:18:9a:42:02", 1).id());
    assert!(!kinds(&today).contains(&Mac));
    assert!(matches!(state(&today, "net/wlp2s0"), Placeholder(text) if text.contains("random")));
    assert!(kinds(&laptop("3c:f0:11:5e:77:01", 0)).contains(&Mac));
}

#[test]
fn permission_is_the_remedy_named_where_it_is_missing() {
    let vm = plain_vm("3d1219c7c4c5404aaa1f6d2a48adfda4")
        .dmi("product_uuid", "4c4c4544-0042-3510-8052-b4c04f313233");
    assert_eq!(vm.inspect().warning(), None);
    let warning = vm.deny("product_uuid").inspect().warning().unwrap();
    assert!(
        warning.contains("Not permitted to read dmi/product_uuid") && warning.contains("LoadCredential"),
        "{warning}"
    );
}

#[test]
fn arm_boards_are_named_by_their_cores() {
    let cpuinfo = "processor : 0\nCPU implementer : 0x41\nCPU part : 0xd05\n\nprocessor : 4\nCPU implementer : 0x41\n\
                   CPU part : 0xd0a\n\nHardware : Amlogic\n";
    let board = plain_vm("x").file("proc/cpuinfo", cpuinfo);
    assert_eq!(
        state(&board, "cpuinfo"),
        FindingState::Found {
            text: "ARM 0x41/0xd05 0x41/0xd0a".into()
        }
    );
    let old = plain_vm("x").file("proc/cpuinfo", "Processor : ARMv6\nHardware : BCM2835\n");
    assert_eq!(
        state(&old, "cpuinfo"),
        FindingState::Found {
            text: "BCM2835".into()
        }
    );
}

#[test]
fn an_empty_root_is_inspected_too() {
    let nowhere = tempfile::tempdir().unwrap();
    let seen = inspect(&Roots::under(nowhere.path()));
    assert!(seen.fingerprint.components.is_empty());
    assert!(
        seen.findings.iter().all(|f| f.state == Absent),
        "{:#?}",
        seen.findings
    );
    assert!(seen.findings.iter().any(|f| f.kind == Disk) && seen.warning().is_some());
    assert_eq!(Roots::under(nowhere.path()).credentials, None);
}

#[test]
fn a_disk_serial_that_is_a_name_is_not_counted() {
    let vm = plain_vm("x").disk("vdb", SATA, "serial", "rootfs");
    assert_eq!(
        state(&vm, "block/vdb"),
        Placeholder("rootfs (a name, the same on every copy)".into())
    );
    let cloud = plain_vm("x").disk("vdb", SATA, "serial", "vol0a1b2c3d");
    assert_eq!(
        state(&cloud, "block/vdb"),
        FindingState::Found {
            text: "vol0a1b2c3d".into()
        }
    );
}
