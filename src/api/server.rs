//! /api, /api/serverinfo, /api/publickey: what the node is (spec, sections 2 and 3, row 5).

use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::PoisonError;

use serde_json::json;
use sysinfo::{Networks, System};

use crate::clock::{Millis, Moment};
use crate::licence::Timestamp;

use super::error::ApiError;
use super::gateway;
use super::record::{Scalar, record};
use super::reply::Reply;
use super::route::URNS;
use super::{Api, Request};

/// Addresses of the computer may change; they are looked up again after this time.
const ADDRESSES_AGE: Millis = 10_000;

/// Version of the program as the API writes it: four numbers (row 8).
pub const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), ".0");

/// The operating system as the API names it.
pub(super) const OS_TYPE: &str = "Linux";

/// What does not change while the node runs.
pub struct Facts {
    computer_name: String,
    os_version: String,
    module_name: String,
    pid: u32,
    started: Timestamp,
    addresses: Mutex<Option<(Millis, String)>>,
}

impl Facts {
    /// Asks the system; `started` is the node's start.
    pub fn gather(started: Timestamp) -> Self {
        let os = System::name().unwrap_or_else(|_| OS_TYPE.into());
        let release = System::os_version().unwrap_or_default();
        let kernel = System::kernel_version().unwrap_or_default();
        let words = [os.as_str(), &release, &kernel]
            .map(str::trim)
            .into_iter()
            .filter(|word| !word.is_empty());
        let module = std::env::current_exe().unwrap_or_default();
        Self {
            computer_name: System::host_name().unwrap_or_default(),
            os_version: format!(
                "{} ({})",
                words.collect::<Vec<_>>().join(" "),
                std::env::consts::ARCH
            ),
            module_name: module.to_string_lossy().into_owned(),
            pid: std::process::id(),
            started,
            addresses: Mutex::default(),
        }
    }

    /// The computer's name.
    pub fn computer_name(&self) -> &str {
        &self.computer_name
    }

    /// `<version>,<OSType>,<CPU>` for the header `Licence-ServerVersion` (row 8).
    pub fn server_version() -> String {
        format!("{VERSION},{OS_TYPE},{}", cpu())
    }

    /// IPv4 addresses of the computer, loopback left out, as one string.
    fn local_ip(&self, now: Moment) -> String {
        let mut known = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Some((asked, addresses)) if now.mono < asked + ADDRESSES_AGE => addresses.clone(),
            _ => {
                let addresses = look_up_addresses();
                *known = Some((now.mono, addresses.clone()));
                addresses
            }
        }
    }
}

fn look_up_addresses() -> String {
    let Ok(networks) = Networks::new_with_refreshed_list() else {
        return String::new();
    };
    let networks = networks.values().flat_map(sysinfo::NetworkData::ip_networks);
    let mut addresses: Vec<_> = networks
        .filter_map(|network| match network.addr {
            IpAddr::V4(address) if !address.is_loopback() => Some(address),
            _ => None,
        })
        .collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(",")
}

/// Bitness of the process as the manual names it.
fn cpu() -> &'static str {
    match std::env::consts::ARCH {
        "x86" => "i386",
        other => other,
    }
}

pub(super) struct ServerInfo<'a> {
    facts: &'a Facts,
    local_ip: String,
    computer_id: &'a str,
}

record!(ServerInfo<'_>, this, {
    "ComputerName": Text => Scalar::text(this.facts.computer_name.as_str()),
    "LocalIP": Text => Scalar::text(this.local_ip.as_str()),
    "OSType": Text => Scalar::text(OS_TYPE),
    "OSVersion": Text => Scalar::text(this.facts.os_version.as_str()),
    "ModuleName": Text => Scalar::text(this.facts.module_name.as_str()),
    "PID": Number => Scalar::number(this.facts.pid.into()),
    "CPU": Text => Scalar::text(cpu()),
    "Version": Text => Scalar::text(VERSION),
    "Started": Time => Scalar::Time(this.facts.started),
    "ComputerID": Text => Scalar::text(this.computer_id),
});

pub(super) fn root(api: &Api, request: &Request) -> Reply {
    let urns: Vec<_> = URNS.into_iter().chain(gateway::urns(api)).collect();
    let root = json!({ "Version": VERSION, "Urns": urns });
    Reply::json(root.to_string().into_bytes(), &request.query)
}

pub(super) fn info(api: &Api, request: &Request) -> Result<Reply, ApiError> {
    let keyring = api.keys.keyring();
    let local_ip = api.facts.local_ip(api.desk.clock().now());
    let info = ServerInfo {
        facts: &api.facts,
        local_ip,
        computer_id: keyring.computer_id(),
    };
    Reply::object(&info, &request.query)
}
