//! Whether the carrier that a licence belongs on is here and has proved itself. Knows no hardware: what is plugged
//! in comes in as [`Carriers`].

use serde::{Deserialize, Serialize};

use crate::licence::KeyNo;

/// The drivers that this version can have a carrier proven by, and whether a carrier shows a public key to it.
const DRIVERS: &[(&str, bool)] = &[
    ("serial", false),
    ("hid", true),
    ("pkcs11", true),
    ("fido2", true),
];

/// The driver of carriers that are on tokens; those of all others are USB devices.
const ON_TOKENS: &str = "pkcs11";

/// A binding to a hardware carrier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CarrierBinding {
    /// The driver that proves the carrier: `serial`, `hid`, `pkcs11` or `fido2`.
    pub driver: String,
    /// The carrier's serial number as its driver reports it; for `serial` the text `vid:pid:serial`, ids in
    /// lower-case hex; for `fido2` the id of a credential, in base64url without padding.
    pub serial: String,
    /// The key that the carrier's answers verify under, in base64url without padding: for `hid` the 32 bytes,
    /// for `pkcs11` the `SubjectPublicKeyInfo`, for `fido2` the COSE key; none for the driver `serial`, which proves
    /// presence only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
}

/// A carrier that is plugged in, as far as licences care.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenCarrier {
    /// Name of the driver that proves it.
    pub driver: String,
    /// Its serial number, in the form of [`CarrierBinding::serial`].
    pub serial: Option<String>,
    /// The number by which a licence's `BlankKeyNo` names it.
    pub number: KeyNo,
    /// The public key that it proved to hold, in the form of [`CarrierBinding::public_key`].
    pub public_key: Option<String>,
    /// It is proven, or why not: a sentence that begins with "it".
    pub proof: Result<(), String>,
}

/// All carriers that are plugged in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Carriers {
    /// Those that could be seen.
    pub seen: Vec<SeenCarrier>,
    /// Why there may be USB devices that could not be seen.
    pub blind: Option<String>,
    /// Why there may be carriers on tokens that could not be seen.
    pub hidden: Option<String>,
}

/// Why a licence's carrier does not vouch for it. The text is the licence's OpenError.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum CarrierMiss {
    /// Nothing like it is plugged in.
    #[error("its carrier {0} is not connected")]
    Absent(String),
    /// It may be plugged in or not: it could not be looked.
    #[error("its carrier {carrier} was not found, but devices could not be looked for everywhere: {why}")]
    Blind {
        /// Which.
        carrier: String,
        /// What stood in the way.
        why: String,
    },
    /// It is not there by its name, but a device of its kind is that does not tell who it is.
    #[error("its carrier {carrier} was not found; a device that may be it is connected, but {why}")]
    Nameless {
        /// Which.
        carrier: String,
        /// What is known of that device's failure.
        why: String,
    },
    /// It is there and is not proven.
    #[error("its carrier {carrier} is connected but {why}")]
    Unproven {
        /// Which.
        carrier: String,
        /// What is known of its failure.
        why: String,
    },
    /// Its serial number is there on a device with another key.
    #[error(
        "what is connected as {0} is another device with the same serial number: its public key is not that of the \
         licence"
    )]
    Other(String),
    /// The licence's `BlankKeyNo` names another device than its binding.
    #[error("its carrier {carrier} is connected, but it is not the one that BlankKeyNo {number} names")]
    Divided {
        /// The carrier of the binding.
        carrier: String,
        /// The licence's `BlankKeyNo`.
        number: KeyNo,
    },
    /// The binding's driver is one of another version.
    #[error(
        "its carrier {0} has a driver that this version of keynode does not know: it knows serial, hid, pkcs11 and fido2; a newer \
         one may be needed"
    )]
    Driver(String),
    /// Anybody's device with this serial number would do.
    #[error(
        "the licence does not name the public key of its carrier {0}, so nothing tells that from a copy: ask the \
         vendor for a new licence"
    )]
    Keyless(String),
}

impl CarrierBinding {
    fn name(&self) -> String {
        format!("{} {}", self.driver, self.serial)
    }

    /// Whether this version can have the binding proven at all.
    fn check(&self) -> Result<(), CarrierMiss> {
        match DRIVERS.iter().find(|(driver, _)| *driver == self.driver) {
            None => Err(CarrierMiss::Driver(self.name())),
            Some((_, true)) if self.public_key.is_none() => Err(CarrierMiss::Keyless(self.name())),
            Some(_) => Ok(()),
        }
    }
}

impl SeenCarrier {
    /// Whether this device has the name that the binding gives; anybody can give theirs the same.
    pub fn has_name_of(&self, binding: &CarrierBinding) -> bool {
        self.driver == binding.driver && self.serial.as_ref() == Some(&binding.serial)
    }

    /// Whether this device, which has the binding's name, is the one that the licence is bound to.
    fn proves(&self, binding: &CarrierBinding) -> Result<(), CarrierMiss> {
        let carrier = binding.name();
        match &self.proof {
            Err(why) => {
                let why = why.clone();
                Err(CarrierMiss::Unproven { carrier, why })
            }
            Ok(()) if self.public_key != binding.public_key => Err(CarrierMiss::Other(carrier)),
            Ok(()) => Ok(()),
        }
    }

    /// Whether this one device is what a licence with this binding and `BlankKeyNo` belongs on.
    ///
    /// # Errors
    /// [`CarrierMiss`] says why not.
    pub fn vouches(
        &self,
        binding: Option<&CarrierBinding>,
        number: Option<KeyNo>,
    ) -> Result<(), CarrierMiss> {
        let alone = Carriers {
            seen: vec![self.clone()],
            ..Carriers::default()
        };
        alone.vouch(binding, number)
    }
}

impl Carriers {
    /// Whether the carrier is here that a licence with this binding and `BlankKeyNo` belongs on, and has proved
    /// itself. Where both are given they mean one device.
    ///
    /// # Errors
    /// [`CarrierMiss`] says why not.
    pub fn vouch(&self, binding: Option<&CarrierBinding>, number: Option<KeyNo>) -> Result<(), CarrierMiss> {
        match (binding, number) {
            (None, None) => Ok(()),
            (None, Some(number)) => {
                let name = format!("BlankKeyNo {number}");
                let prove = |seen: &SeenCarrier| match seen.proof.clone() {
                    Ok(()) => Ok(()),
                    Err(why) => Err(CarrierMiss::Unproven {
                        carrier: name.clone(),
                        why,
                    }),
                };
                let blind = self.blind.as_ref().or(self.hidden.as_ref());
                self.best(&name, blind, |seen| seen.number == number, prove)
                    .map(|_| ())
            }
            (Some(binding), number) => {
                binding.check()?;
                let carrier = binding.name();
                let blind = if binding.driver == ON_TOKENS {
                    &self.hidden
                } else {
                    &self.blind
                };
                let found = self.best(
                    &carrier,
                    blind.as_ref(),
                    |seen| seen.has_name_of(binding),
                    |seen| seen.proves(binding),
                );
                let found = found.map_err(|miss| self.or_nameless(binding, miss))?;
                match number {
                    Some(number) if number != found.number => Err(CarrierMiss::Divided { carrier, number }),
                    _ => Ok(()),
                }
            }
        }
    }

    /// A device that is not found by its name may be one of its kind that failed before it told who it is.
    fn or_nameless(&self, binding: &CarrierBinding, miss: CarrierMiss) -> CarrierMiss {
        let nameless = |seen: &&SeenCarrier| seen.driver == binding.driver && seen.serial.is_none();
        let failed = self
            .seen
            .iter()
            .filter(nameless)
            .find_map(|seen| seen.proof.clone().err());
        match (miss, failed) {
            (CarrierMiss::Absent(carrier) | CarrierMiss::Blind { carrier, .. }, Some(why)) => {
                CarrierMiss::Nameless { carrier, why }
            }
            (miss, _) => miss,
        }
    }

    /// The first of those that are meant that is proven; else what is most likely wrong with the right one: a device
    /// that failed may be it, one that proved another key is not.
    fn best(
        &self,
        name: &str,
        blind: Option<&String>,
        meant: impl Fn(&SeenCarrier) -> bool,
        prove: impl Fn(&SeenCarrier) -> Result<(), CarrierMiss>,
    ) -> Result<&SeenCarrier, CarrierMiss> {
        let mut failure = None;
        for seen in self.seen.iter().filter(|seen| meant(seen)) {
            match prove(seen) {
                Ok(()) => return Ok(seen),
                Err(other @ CarrierMiss::Other(_)) => failure = failure.or(Some(other)),
                Err(unproven) if !matches!(failure, Some(CarrierMiss::Unproven { .. })) => {
                    failure = Some(unproven);
                }
                Err(_) => {}
            }
        }
        let carrier = name.to_owned();
        Err(failure.unwrap_or(match blind.cloned() {
            Some(why) => CarrierMiss::Blind { carrier, why },
            None => CarrierMiss::Absent(carrier),
        }))
    }
}
