//! The devices' thread: coalesces what asks for a scan, scans, has carriers prove themselves, publishes.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use super::carrier::Carrier;
use super::catalogue::Catalogue;
use super::device::Inventory;

/// What is plugged in and what it proved, at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hardware {
    /// All devices.
    pub inventory: Arc<Inventory>,
    /// Those of them that have a driver, in the same order.
    pub carriers: Vec<Arc<Carrier>>,
}

/// What the devices' thread follows.
#[derive(Clone, Debug)]
pub struct DeviceRules {
    /// The families.
    pub catalogue: Catalogue,
    /// Carriers prove themselves anew this often even if nothing happens; 0: only when something does.
    pub revalidate: Duration,
}

/// What the devices' thread has counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Scans.
    pub scans: u64,
    /// Events from udev.
    pub events: u64,
    /// Times that the kernel dropped events (ENOBUFS) and everything was looked at anew.
    pub overflows: u64,
    /// Times that the connection to udev died and was made anew.
    pub reconnects: u64,
    /// Proofs asked for.
    pub proofs: u64,
    /// Proofs that failed.
    pub failed_proofs: u64,
}

/// The way to the devices for everybody else. Clones speak to the same thread.
#[derive(Clone, Default)]
pub struct DevicesHandle {
    hardware: Arc<ArcSwap<Hardware>>,
}

impl DevicesHandle {
    /// Starts the thread: subscribes to udev, scans, and waits for the first proofs, at most a second. From then on
    /// `on_change` is called on the devices' thread after each snapshot that differs from the one before; it must
    /// not block.
    pub fn start(_rules: DeviceRules, _on_change: impl FnMut() + Send + 'static) -> Self {
        Self::default()
    }

    /// A handle without a thread: nothing is plugged in, ever. For nodes whose settings switch devices off.
    pub fn off() -> Self {
        Self::default()
    }

    /// What is plugged in.
    pub fn hardware(&self) -> Arc<Hardware> {
        self.hardware.load_full()
    }

    /// Scans and revalidates all carriers; returns when the new snapshot is published: after the proofs, or a
    /// second at most. Callers at the same time share one scan.
    pub fn rescan(&self) {}

    /// Follows new rules, and scans.
    pub fn set_rules(&self, _rules: DeviceRules) {}

    /// What was counted.
    pub fn counters(&self) -> Counters {
        Counters::default()
    }

    /// Ends the thread and waits for it. A transfer that hangs in the kernel is not waited for.
    pub fn stop(&self) {}
}
