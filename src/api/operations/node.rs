//! Operations about the node, its keys and its devices.

use super::Verb::{Get, Post};
use super::{Columns, Operation, Parameter, columns};
use crate::api::devices::DeviceView;
use crate::api::licences::LicenceView;
use crate::api::openapi::bodies;
use crate::api::route::Action;
use crate::api::server::ServerInfo;
use crate::api::usage::UsageView;

pub(super) const LICENCE: Columns = columns::<LicenceView>("Licence");
const DEVICE: Columns = columns::<DeviceView>("Device");
const SERVER: Columns = columns::<ServerInfo>("ServerInfo");

const USAGE: Columns = columns::<UsageView>("Usage");

const PERIOD: &[Parameter] = &[Parameter {
    name: "Period",
    description: "How far back.",
    required: false,
    schema: bodies::period,
}];

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new(Get, "", "getRoot", |_| Action::Root)
        .does("Version of the node, and the addresses that it answers.")
        .gives(200, "Version and addresses.", bodies::root),
    Operation::new(Get, "/serverinfo", "getServerInfo", |_| Action::ServerInfo)
        .does("The computer and the process that answer.")
        .shows(200, "The node.", SERVER),
    Operation::new(Get, "/publickey", "getPublicKey", |_| Action::PublicKey)
        .does("The keys that verify the node's answers.")
        .gives(200, "The keys.", bodies::public_key),
    Operation::new(Get, "/openapi.json", "getDocument", |_| Action::Document)
        .does("This document.")
        .gives(200, "An OpenAPI document.", bodies::any_object),
    Operation::new(Get, "/licences", "listLicences", |_| Action::ListLicences)
        .does("All keys with their verdicts, by KeyID and KeyNo.")
        .lists("Licences", "The keys.", LICENCE),
    Operation::new(Post, "/licences", "activate", |_| Action::Activate)
        .does("Turns an activation code into a licence on this computer or on a carrier.")
        .takes(bodies::activation)
        .shows(201, "The licence that was installed.", LICENCE)
        .shows(200, "The licence that this code brought here before.", LICENCE)
        .refuses(&[404, 409]),
    Operation::new(Get, "/licences/{KeyNo}", "getLicence", Action::GetLicence)
        .does("One key.")
        .shows(200, "The key.", LICENCE)
        .refuses(&[404]),
    Operation::new(Get, "/devices", "listDevices", |_| Action::ListDevices)
        .does("USB devices and tokens, with the carriers on them.")
        .lists("Devices", "The devices.", DEVICE),
    Operation::new(Get, "/devices/{ID}", "getDevice", Action::GetDevice)
        .does("One device.")
        .shows(200, "The device.", DEVICE)
        .refuses(&[404]),
    Operation::new(Get, "/usage", "listUsage", |_| Action::ListUsage)
        .does("How many seats were in use over the last day, week or year.")
        .parameters(PERIOD)
        .lists("Usage", "The history.", USAGE),
    Operation::new(Post, "/rescan", "rescan", |_| Action::Rescan)
        .does("Looks at devices, tokens and files anew.")
        .gives(200, "What was found.", bodies::rescanned),
];
