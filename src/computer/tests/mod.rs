//! Made-up computers, each with what real ones do to an identity.

mod machine;
mod weak;

use super::FindingState::Denied;
use super::*;
use crate::licence::binding::ComponentKind::{self, Disk, Mac, MachineId, ProductSerial, ProductUuid};
use machine::Machine;

const SATA: &str = "pci0000:00/0000:00:17.0/ata1/host0";
const NVME: &str = "pci0000:00/0000:00:1d.0/nvme";
const GIB: u64 = 1 << 20;
const XEON: &str = "Intel(R) Xeon(R) Silver 4210R CPU @ 2.40GHz";

fn board(gib: u64) -> Machine {
    // The kernel keeps about 1.5 % of the RAM for itself.
    Machine::new(
        "8f3c2b7a9d1e4f60b2a4c6d8e0f12345",
        XEON,
        gib * GIB - gib * GIB / 64,
    )
    .dmi("product_uuid", "4c4c4544-0042-3510-8052-b4c04f313233")
    .dmi("product_serial", "7B5R123")
    .dmi("board_serial", ".7B5R123.CNFCP0012345AB.")
    .dmi("sys_vendor", "Dell Inc.")
    .dmi("product_name", "PowerEdge R440")
    .dmi("board_vendor", "Dell Inc.")
    .dmi("board_name", "04JN2K")
    .virtual_card("lo", "00:00:00:00:00:00")
    .virtual_card("br0", "b0:7b:25:00:00:09")
}

fn with_disks(machine: Machine) -> Machine {
    machine
        .disk("sda", SATA, "device/wwid", "naa.5000c500a1b2c3d4\n")
        .disk("sdb", SATA, "device/vpd_pg80", b"\0\x80\0\x08ZA1B2C3D")
        .disk("nvme0n1", NVME, "device/serial", "S4EWNX0R123456      \n")
}

fn server() -> Machine {
    with_disks(
        board(32)
            .card("eno1", "b0:7b:25:aa:bb:01", 0)
            .card("eno2", "b0:7b:25:aa:bb:02", 0),
    )
}

fn state(machine: &Machine, source: &str) -> FindingState {
    let findings = machine.inspect().findings;
    findings
        .iter()
        .find(|f| f.source == source)
        .unwrap_or_else(|| panic!("no {source} in {findings:#?}"))
        .state
        .clone()
}

fn kinds(machine: &Machine) -> Vec<ComponentKind> {
    machine
        .inspect()
        .fingerprint
        .components
        .iter()
        .map(|part| part.kind)
        .collect()
}

#[test]
fn a_server_shows_all_its_components_and_always_the_same() {
    let seen = server().inspect();
    assert_eq!(seen.fingerprint.components.len(), 13, "{:#?}", seen.findings);
    assert_eq!(seen.fingerprint.strong_count(), 9);
    assert_eq!(seen.warning(), None);
    assert_eq!(seen.container, None);
    assert!(seen.fingerprint.unreadable.is_empty());
    assert_eq!(
        seen.fingerprint.components.last().unwrap().value,
        "32",
        "RAM is in whole GiB"
    );
    assert_eq!(server().id(), server().id());
    assert!(server().licence_on(&server()).matches);
}

#[test]
fn reordered_disks_and_renamed_cards_change_nothing() {
    let other = board(32)
        .card("enp3s0", "B0:7B:25:AA:BB:02", 0)
        .card("enp4s0", "b0:7b:25:aa:bb:01", 0)
        .disk("sdb", SATA, "device/wwid", "naa.5000c500a1b2c3d4\n")
        .disk("sda", SATA, "device/vpd_pg80", b"\0\x80\0\x08ZA1B2C3D")
        .disk("nvme1n1", NVME, "device/serial", "S4EWNX0R123456\n");
    assert_eq!(other.id(), server().id());
}

#[test]
fn a_swapped_network_card_is_tolerated_and_named() {
    let other = with_disks(board(32).card("eno1", "b0:7b:25:aa:bb:01", 0).card(
        "eno2",
        "00:1b:21:12:34:56",
        0,
    ));
    let compared = server().licence_on(&other);
    assert!(compared.matches);
    assert!(
        compared.describe().contains("network card changed (1 of 13"),
        "{}",
        compared.describe()
    );
    assert_ne!(other.id(), server().id());
}

#[test]
fn a_swapped_card_and_a_lost_disk_are_too_much() {
    let other = board(32)
        .card("eno1", "b0:7b:25:aa:bb:01", 0)
        .card("eno2", "00:1b:21:12:34:56", 0)
        .disk("sda", SATA, "device/wwid", "naa.5000c500a1b2c3d4");
    let compared = server().licence_on(&other);
    assert!(!compared.matches);
    assert_eq!(compared.gone.len(), 3);
    assert!(
        compared
            .describe()
            .contains("network card changed, 2 disks missing"),
        "{}",
        compared.describe()
    );
}

#[test]
fn ram_may_grow_and_not_shrink() {
    let fitted = |gib| {
        with_disks(
            board(gib)
                .card("eno1", "b0:7b:25:aa:bb:01", 0)
                .card("eno2", "b0:7b:25:aa:bb:02", 0),
        )
    };
    let more = server().licence_on(&fitted(64));
    assert!(more.matches && more.gone.is_empty());
    let less = server().licence_on(&fitted(16));
    assert!(less.matches);
    assert!(
        less.describe().contains("RAM shrank from 32 to 16 GiB"),
        "{}",
        less.describe()
    );
}

fn unprivileged() -> Machine {
    server()
        .deny("product_uuid")
        .deny("product_serial")
        .deny("board_serial")
}

#[test]
fn an_unprivileged_view_says_could_not_be_read() {
    let seen = unprivileged().inspect();
    assert_eq!(
        seen.fingerprint.unreadable,
        [ProductUuid, ProductSerial, ComponentKind::BoardSerial]
    );
    assert_eq!(state(&unprivileged(), "dmi/product_uuid"), Denied);
    assert_eq!(
        state(&unprivileged(), "dmi/product_name"),
        state(&server(), "dmi/product_name")
    );
    let compared = server().licence_on(&unprivileged());
    assert!(!compared.matches);
    assert!(
        compared
            .describe()
            .contains("product UUID could not be read: no permission"),
        "{}",
        compared.describe()
    );
    assert!(!compared.describe().contains("product UUID changed"));
}

#[test]
fn credentials_give_the_unprivileged_service_the_same_identity() {
    let service = unprivileged()
        .file(
            "credentials/dmi-product_uuid",
            "4C4C4544-0042-3510-8052-B4C04F313233\n",
        )
        .file("credentials/dmi-product_serial", "7B5R123\n")
        .file("credentials/dmi-board_serial", ".7B5R123.CNFCP0012345AB.\n");
    assert_eq!(service.id(), server().id());
    assert!(service.inspect().fingerprint.unreadable.is_empty());
    assert!(matches!(
        state(&service, "credentials/dmi-product_uuid"),
        FindingState::Found { .. }
    ));
}

#[test]
fn bond_members_keep_their_own_addresses() {
    let bonded = with_disks(
        board(32)
            .bond_member("eno1", "b0:7b:25:aa:bb:01", "b0:7b:25:aa:bb:01")
            .bond_member("eno2", "b0:7b:25:aa:bb:01", "b0:7b:25:aa:bb:02")
            .virtual_card("bond0", "b0:7b:25:aa:bb:01"),
    );
    assert_eq!(bonded.id(), server().id());
}

#[test]
fn usb_and_removable_disks_and_disks_made_of_others_never_count() {
    let usb = "pci0000:00/0000:00:14.0/usb2/2-1/2-1:1.0/host6";
    let busy = server()
        .disk("sdc", usb, "device/wwid", "naa.5000c500ffffeeee")
        .disk("sdd", SATA, "device/wwid", "naa.5000c500ffffdddd")
        .file("sys/block/sdd/removable", "1\n")
        .disk("sr0", SATA, "device/wwid", "naa.5000c500ffffcccc")
        .disk("md127", SATA, "serial", "abc")
        .file("sys/block/dm-0/serial", "def");
    assert_eq!(busy.id(), server().id());
}

#[test]
fn a_read_error_is_neither_absent_nor_changed() {
    let broken = server()
        .without("sys/class/dmi/id/product_uuid")
        .file("sys/class/dmi/id/product_uuid/x", "");
    assert!(matches!(
        state(&broken, "dmi/product_uuid"),
        FindingState::Unreadable(_)
    ));
    assert_eq!(broken.inspect().fingerprint.unreadable, [ProductUuid]);
}
