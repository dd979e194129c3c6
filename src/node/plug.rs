//! All hardware of a node: starts the devices' thread and that of the token carriers, and sees that they end.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::computer::Roots;
use crate::devices::attestation::attest_once;
use crate::devices::fido2::Credential;
use crate::devices::{
    self, CarrierError, Counters, DeviceRules, DevicesHandle, Hardware, TokenCarriers, TokenHardware,
    token_carriers,
};
use crate::keyring::{KeyProvider, LicenceFiles, Plugged, credentials, read_vendor_keys};
use crate::settings::Settings;
use crate::tokens::{TokensHandle, Workers};

use super::rules::{device_rules, token_rules};

/// To be called when what is plugged in has changed; never blocks.
pub type OnPlug = Box<dyn FnMut() + Send>;

/// Tokens are waited for so long by those who have everything looked at anew.
const PATIENCE: Duration = Duration::from_secs(2);

/// A single look waits so long: some tokens take seconds to log in to.
const LOOK: Duration = Duration::from_secs(17);

/// The computer's own USB devices.
pub fn host_devices(rules: DeviceRules, on_plug: OnPlug) -> Arc<dyn Plugged> {
    Arc::new(DevicesHandle::start(rules, on_plug))
}

/// USB devices and tokens as one.
struct AllHardware {
    /// None where the settings switch them off.
    usb: Option<Arc<dyn Plugged>>,
    tokens: TokenCarriers,
}

impl AllHardware {
    fn start(
        usb: Option<Arc<dyn Plugged>>,
        tokens: TokensHandle,
        revalidate: Duration,
        on_plug: impl FnMut() + Send + 'static,
    ) -> Self {
        let tokens = TokenCarriers::start(tokens, revalidate, on_plug);
        tokens.rescan(PATIENCE);
        Self { usb, tokens }
    }
}

impl Plugged for AllHardware {
    fn hardware(&self) -> Arc<Hardware> {
        let usb = self.usb.as_ref().map(|usb| usb.hardware());
        join(usb, self.tokens.hardware())
    }

    fn rescan(&self) {
        thread::scope(|scope| {
            scope.spawn(|| self.tokens.rescan(PATIENCE));
            if let Some(usb) = &self.usb {
                usb.rescan();
            }
        });
    }

    fn set_rules(&self, rules: DeviceRules) {
        self.tokens.set_revalidate(rules.revalidate);
        if let Some(usb) = &self.usb {
            usb.set_rules(rules);
        }
    }

    fn set_credentials(&self, credentials: Vec<Credential>) {
        if let Some(usb) = &self.usb {
            usb.set_credentials(credentials);
        }
    }

    fn attest(&self, id: &str, challenge: &[u8; 32]) -> Result<Vec<u8>, CarrierError> {
        match (self.tokens.attest(id, challenge), &self.usb) {
            (Err(CarrierError::Absent), Some(usb)) => usb.attest(id, challenge),
            (answer, _) => answer,
        }
    }

    fn counters(&self) -> Counters {
        let usb = self.usb.as_ref();
        usb.map_or_else(Counters::default, |usb| usb.counters())
    }

    fn stop(&self) {
        self.tokens.stop();
        if let Some(usb) = &self.usb {
            usb.stop();
        }
    }
}

fn join(usb: Option<Arc<Hardware>>, tokens: Arc<TokenHardware>) -> Arc<Hardware> {
    match usb {
        // What comes with tokens of its own already is all there is.
        Some(usb) if tokens.tokens.is_empty() => usb,
        Some(usb) => Arc::new(Hardware {
            tokens,
            ..Hardware::clone(&usb)
        }),
        None => Arc::new(Hardware {
            tokens,
            usb_off: true,
            ..Hardware::default()
        }),
    }
}

/// Hardware that is stopped when this is dropped.
pub(super) struct Devices(pub(super) Arc<dyn Plugged>);

impl Devices {
    /// USB devices, if any, beside carriers on these tokens. Waits for the first proofs, two seconds at most.
    pub(super) fn start(
        usb: Option<Arc<dyn Plugged>>,
        tokens: TokensHandle,
        revalidate: Duration,
        on_plug: impl FnMut() + Send + 'static,
    ) -> Self {
        Self(Arc::new(AllHardware::start(usb, tokens, revalidate, on_plug)))
    }
}

impl Drop for Devices {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// The tokens of these settings, for commands that use them themselves.
pub fn host_tokens(settings: &Settings) -> TokensHandle {
    let credentials = Roots::host().credentials;
    TokensHandle::start(
        token_rules(&settings.tokens, credentials.as_deref()),
        Workers::this_program(Some(settings.state_dir.clone())),
    )
}

/// All hardware of these settings, for commands that stay; it ends with the last of the result's clones.
pub fn watch(
    settings: &Settings,
    tokens: &TokensHandle,
    on_plug: impl FnMut() + Clone + Send + 'static,
) -> Arc<dyn Plugged> {
    let rules = device_rules(&settings.devices);
    let (tokens, revalidate) = (tokens.clone(), rules.revalidate);
    let usb = (settings.devices.enabled).then(|| host_devices(rules, Box::new(on_plug.clone())));
    Arc::new(AllHardware::start(usb, tokens, revalidate, on_plug))
}

/// One look at all hardware of these settings, for commands that do not stay.
pub fn look(settings: &Settings) -> Hardware {
    let tokens = host_tokens(settings);
    let hardware = look_with(settings, &tokens);
    tokens.stop();
    hardware
}

/// As [`look`], with tokens that are used further.
pub fn look_with(settings: &Settings, tokens: &TokensHandle) -> Hardware {
    let rules = device_rules(&settings.devices);
    thread::scope(|scope| {
        let look = move || Arc::new(devices::look(&rules, asked(settings)));
        let usb = scope.spawn(move || settings.devices.enabled.then(look));
        let tokens = look_at_tokens(tokens);
        let usb = usb
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Hardware::clone(&join(usb, tokens))
    })
}

/// Has a carrier that was seen in one look sign this challenge, for commands that do not stay. The name is its stable
/// name, or the id of a security key's credential in base64url. Blocks for as long as a device hangs.
///
/// # Errors
/// Why it did not.
pub fn attest(
    settings: &Settings,
    hardware: &Hardware,
    name: &str,
    challenge: &[u8; 32],
) -> Result<Vec<u8>, CarrierError> {
    let mut on_tokens = hardware.tokens.carriers.iter();
    let Some(carrier) = on_tokens.find(|carrier| carrier.id == name) else {
        return attest_once(hardware, name, challenge);
    };
    let tokens = host_tokens(settings);
    tokens.rescan();
    let proof = token_carriers::attest(&tokens, carrier, challenge);
    tokens.stop();
    proof
}

/// What security keys are asked for: the credentials that licence files here are bound to.
fn asked(settings: &Settings) -> Vec<Credential> {
    let vendors = read_vendor_keys(&settings.vendor_dir());
    let files = LicenceFiles::new(&settings.licence_dir()).scan(&vendors);
    credentials(&files.unwrap_or_default())
}

/// One look at tokens and their carriers.
pub fn look_at_tokens(tokens: &TokensHandle) -> Arc<TokenHardware> {
    let carriers = TokenCarriers::start(tokens.clone(), Duration::ZERO, || ());
    carriers.rescan(LOOK);
    carriers.stop();
    carriers.hardware()
}
