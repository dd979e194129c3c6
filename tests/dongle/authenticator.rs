//! A security key, for tests only: the firmware of open ones (fido-authenticator on Trussed), running on threads of
//! this process. It takes and gives the 64-byte reports of its HID interface.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use ctaphid_dispatch::{Channel, DEFAULT_MESSAGE_SIZE, Dispatch};
use fido_authenticator::{Authenticator as App, Config, Conforming};
use rsa::rand_core::RngCore;
use trussed::backend::BackendId;
use trussed::platform::{Platform as _, UserInterface};
use trussed::types::ui;
use trussed::virt::{StoreConfig, with_platform};
use trussed_core::types::{consent, reboot};
use trussed_staging::virt::{BackendIds, Dispatcher};
use usb_device::bus::{PollResult, UsbBus, UsbBusAllocator};
use usb_device::device::{UsbDeviceBuilder, UsbVidPid};
use usb_device::endpoint::{EndpointAddress, EndpointType};
use usb_device::{UsbDirection, UsbError};
use usbd_ctaphid::CtapHid;
use usbd_ctaphid::types::Status;

/// A report of its HID interface.
pub(crate) type Report = [u8; 64];

/// The firmware looks for work this often.
const BETWEEN_LOOKS: Duration = Duration::from_millis(1);
/// It gives up on somebody to touch it after this many milliseconds.
const TOUCH_PATIENCE: u32 = 2000;

/// A security key; clones are the same one. It loses its power with the last of them.
#[derive(Clone)]
pub(crate) struct Authenticator {
    reports: Arc<Mutex<Sender<Report>>>,
    touched: Arc<AtomicBool>,
}

impl Authenticator {
    /// A new key. What it sends is given to `on_report`. It is touched whenever it asks for that, until
    /// [`Authenticator::set_touched`] says otherwise.
    pub(crate) fn new(on_report: impl Fn(Report) + Send + Sync + 'static) -> Self {
        let (reports, incoming) = channel();
        let touched = Arc::new(AtomicBool::new(true));
        let finger = Arc::clone(&touched);
        thread::spawn(move || run(&incoming, Box::new(on_report), finger));
        Self {
            reports: Arc::new(Mutex::new(reports)),
            touched,
        }
    }

    /// The host sends a report.
    pub(crate) fn send(&self, report: Report) {
        // An error: its firmware has crashed, and it answers no more.
        let _ = self.reports.lock().unwrap().send(report);
    }

    /// Whether somebody touches it from now on.
    pub(crate) fn set_touched(&self, touched: bool) {
        self.touched.store(touched, Ordering::Relaxed);
    }
}

/// Runs the firmware until nobody can send to it any more.
fn run(incoming: &Receiver<Report>, on_report: OnReport, touched: Arc<AtomicBool>) {
    // The platform for tests begins with the same random numbers each time: each key takes others, or all would have
    // the same secrets.
    static KEYS: AtomicU32 = AtomicU32::new(0);
    const BACKENDS: &[BackendId<BackendIds>] =
        &[BackendId::Custom(BackendIds::StagingBackend), BackendId::Core];
    let waiting = Arc::new(AtomicBool::new(false));
    let person = Person {
        touched,
        waiting: Arc::clone(&waiting),
        start: Instant::now(),
    };
    with_platform(StoreConfig::ram(), |mut platform| {
        for _ in 0..KEYS.fetch_add(1, Ordering::Relaxed) {
            platform.rng().next_u32();
        }
        platform.user_interface().set_inner(Box::new(person));
        platform.run_client_with_backends("fido", Dispatcher::default(), BACKENDS, |client| {
            let config = Config {
                max_resident_credential_count: Some(10),
                fido2_up_timeout: Some(TOUCH_PATIENCE),
                ..Config::new(DEFAULT_MESSAGE_SIZE)
            };
            let mut app = App::new(client, Conforming {}, config);
            let channel = Channel::<DEFAULT_MESSAGE_SIZE>::new();
            let (requester, responder) = channel.split().unwrap();
            let powered = AtomicBool::new(true);
            thread::scope(|scope| {
                scope.spawn(|| {
                    let mut dispatch = Dispatch::new(responder);
                    while powered.load(Ordering::Relaxed) {
                        dispatch.poll(&mut [&mut app]);
                        thread::sleep(BETWEEN_LOOKS);
                    }
                });
                usb(incoming, on_report, requester, &waiting);
                powered.store(false, Ordering::Relaxed);
            });
        });
    });
}

/// The USB side of the firmware.
fn usb(
    incoming: &Receiver<Report>,
    on_report: OnReport,
    requester: ctaphid_dispatch::Requester<'_, DEFAULT_MESSAGE_SIZE>,
    waiting: &AtomicBool,
) {
    let bus = UsbBusAllocator::new(Bus {
        to_device: Mutex::default(),
        on_report,
        endpoints: 0,
    });
    let mut ctaphid = CtapHid::new(&bus, requester, 0).implements_ctap2();
    let mut device = UsbDeviceBuilder::new(&bus, UsbVidPid(0x20a0, 0x42b2)).build();
    let start = Instant::now();
    let mut keep_alive = None;
    loop {
        match incoming.recv_timeout(BETWEEN_LOOKS) {
            Ok(report) => device.bus().to_device.lock().unwrap().push_back(report),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        device.poll(&mut [&mut ctaphid]);
        ctaphid.check_timeout(u32::try_from(start.elapsed().as_millis()).unwrap());
        let due = |status: Status| match status {
            Status::ReceivedData(pause) => Some(Instant::now() + Duration::from_millis(pause.0.into())),
            Status::Idle => None,
        };
        if let Some(begun) = due(ctaphid.did_start_processing()) {
            keep_alive = Some(begun);
        }
        if keep_alive.is_some_and(|at| at <= Instant::now()) {
            keep_alive = due(ctaphid.send_keepalive(waiting.load(Ordering::Relaxed)));
        }
    }
}

type OnReport = Box<dyn Fn(Report) + Send + Sync>;

/// A bus with nothing but the interrupt endpoints of one HID interface.
struct Bus {
    to_device: Mutex<VecDeque<Report>>,
    on_report: OnReport,
    /// How many were given out.
    endpoints: usize,
}

impl UsbBus for Bus {
    fn alloc_ep(
        &mut self,
        direction: UsbDirection,
        address: Option<EndpointAddress>,
        _kind: EndpointType,
        _size: u16,
        _interval: u8,
    ) -> usb_device::Result<EndpointAddress> {
        if let Some(address) = address {
            return Ok(address);
        }
        self.endpoints += 1;
        Ok(EndpointAddress::from_parts(1, direction))
    }

    fn write(&self, address: EndpointAddress, bytes: &[u8]) -> usb_device::Result<usize> {
        if address.index() == 1 {
            (self.on_report)(bytes.try_into().map_err(|_| UsbError::BufferOverflow)?);
        }
        Ok(bytes.len())
    }

    fn read(&self, _address: EndpointAddress, bytes: &mut [u8]) -> usb_device::Result<usize> {
        let report = self.to_device.lock().unwrap().pop_front();
        let report = report.ok_or(UsbError::WouldBlock)?;
        bytes[..report.len()].copy_from_slice(&report);
        Ok(report.len())
    }

    fn poll(&self) -> PollResult {
        PollResult::Data {
            ep_out: if self.to_device.lock().unwrap().is_empty() {
                0
            } else {
                2
            },
            ep_in_complete: 2,
            ep_setup: 0,
        }
    }

    fn enable(&mut self) {}
    fn reset(&self) {}
    fn set_device_address(&self, _address: u8) {}
    fn set_stalled(&self, _address: EndpointAddress, _stalled: bool) {}
    fn is_stalled(&self, _address: EndpointAddress) -> bool {
        false
    }
    fn suspend(&self) {}
    fn resume(&self) {}
}

/// Who touches it, and its light.
struct Person {
    touched: Arc<AtomicBool>,
    waiting: Arc<AtomicBool>,
    start: Instant,
}

impl UserInterface for Person {
    fn check_user_presence(&mut self) -> consent::Level {
        if self.touched.load(Ordering::Relaxed) {
            consent::Level::Normal
        } else {
            consent::Level::None
        }
    }

    fn set_status(&mut self, status: ui::Status) {
        let waiting = matches!(status, ui::Status::WaitingForUserPresence);
        self.waiting.store(waiting, Ordering::Relaxed);
    }

    fn uptime(&mut self) -> Duration {
        self.start.elapsed()
    }

    fn refresh(&mut self) {}

    fn reboot(&mut self, _to: reboot::To) -> ! {
        panic!("nobody reboots it")
    }

    fn wink(&mut self, _duration: Duration) {}
}
