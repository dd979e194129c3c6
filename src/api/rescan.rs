//! Has everything looked at anew: POST /api/rescan, and POST /rescan on the second listener (an extension).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::web;
use serde::{Deserialize, Serialize};

use crate::keyring::KeeperHandle;
use crate::tokens::{CertificatesHandle, TokenState};

use super::error::ApiError;
use super::reply::Reply;
use super::{Api, Request};

/// What a rescan found.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "PascalCase")]
pub struct Rescanned {
    /// Devices and tokens that are plugged in.
    pub devices: usize,
    /// Keys, as GET /api/licences lists them.
    pub licences: usize,
    /// Scans of the devices since the start.
    pub scans: u64,
}

/// Runs one rescan at a time for all who ask: however many they are, they cost two scans.
pub struct Rescans {
    keys: KeeperHandle,
    certificates: CertificatesHandle,
    asked: AtomicU64,
    /// The last one of `asked` whose rescan is done.
    done: tokio::sync::Mutex<u64>,
}

impl Rescans {
    /// Nothing is scanned yet.
    pub fn new(keys: KeeperHandle, certificates: CertificatesHandle) -> Self {
        Self {
            keys,
            certificates,
            asked: AtomicU64::new(0),
            done: tokio::sync::Mutex::default(),
        }
    }

    /// Looks at devices and files anew; what it returns is no older than the call. Takes a second or so at most, on
    /// a thread of its own.
    pub async fn run(self: &Arc<Self>) -> Rescanned {
        let this = self.clone();
        let turn = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        // A task of its own: who asks and hangs up must not let the next one begin beside a rescan that runs.
        let _ = actix_web::rt::spawn(async move { this.take(turn).await }).await;
        let hardware = self.keys.hardware();
        let tokens = hardware.tokens.tokens.iter();
        let tokens = tokens.filter(|token| token.state != TokenState::Absent);
        Rescanned {
            devices: hardware.inventory.devices.len() + tokens.count(),
            licences: self.keys.keyring().keys().len(),
            scans: self.keys.devices().counters().scans,
        }
    }

    /// Waits for the rescan that runs, and runs the next unless somebody did so meanwhile.
    async fn take(&self, turn: u64) {
        let mut done = self.done.lock().await;
        if *done >= turn {
            return;
        }
        let last = self.asked.load(Ordering::SeqCst);
        let (keys, certificates) = (self.keys.clone(), self.certificates.clone());
        let look = move || {
            keys.rescan();
            certificates.rescan();
        };
        if web::block(look).await.is_ok() {
            *done = last;
        }
    }
}

pub(super) async fn answer(api: &Api, request: &Request) -> Result<Reply, ApiError> {
    let rescanned = api.rescans.run().await;
    let body = serde_json::to_vec(&rescanned).expect("numbers have a JSON form");
    Ok(Reply::json(body, &request.query))
}
