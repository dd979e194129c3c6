//! Tells the ledger what the keys offer.

use std::collections::{BTreeMap, HashMap};

use crate::keyring::{Key, Keyring};
use crate::licence::{KeyNo, KeyType};
use crate::seats::Offer;

/// Which access codes a key is listed under in the settings (spec, row 40).
#[derive(Debug, Default)]
pub(super) struct AccessCodes(HashMap<KeyNo, Vec<String>>);

impl AccessCodes {
    /// From the settings' map of codes to keys.
    pub(super) fn new(codes: &BTreeMap<String, Vec<KeyNo>>) -> Self {
        let mut by_key: HashMap<KeyNo, Vec<String>> = HashMap::new();
        for (code, keys) in codes {
            for key_no in keys {
                by_key.entry(*key_no).or_default().push(code.clone());
            }
        }
        Self(by_key)
    }
}

/// One offer for each key whose series is known.
pub(super) fn offers(keyring: &Keyring, codes: &AccessCodes) -> Vec<Offer> {
    keyring.by_number().filter_map(|key| offer(key, codes)).collect()
}

fn offer(key: &Key, codes: &AccessCodes) -> Option<Offer> {
    let licence = key.licence.as_deref();
    Some(Offer {
        key_no: key.key_no,
        key_id: key.key_id?,
        // A key that cannot be opened gives no seats; it is here so that a refusal can name its cause.
        key_type: licence.map_or(KeyType::Main, |licence| licence.key_type),
        expires: licence.and_then(crate::licence::Licence::expire_date),
        seats: licence.map_or(0, |licence| licence.licence_count),
        enabled: key.verdict.cause.clone().map_or(Ok(()), Err),
        codes: codes.0.get(&key.key_no).cloned().unwrap_or_default(),
    })
}
