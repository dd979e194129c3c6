//! Operations about the node, its keys and its devices.

use super::Verb::{Get, Post};
use super::{Columns, Given, Operation, Parameter, QueryOf, Shape, columns, given};
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

const INSTALLED: &[Given] = &[
    given(201, "The licence that was installed.", Shape::Object(LICENCE)),
    given(
        200,
        "The licence that this code brought here before.",
        Shape::Object(LICENCE),
    ),
];

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new(Get, "", "getRoot", |_| Action::Root)
        .does("Version of the node, and the addresses that it answers.")
        .answers(&[given(200, "Version and addresses.", Shape::Schema(bodies::root))]),
    Operation::new(Get, "/serverinfo", "getServerInfo", |_| Action::ServerInfo)
        .does("The computer and the process that answer.")
        .query(QueryOf::Object(SERVER))
        .answers(&[given(200, "The node.", Shape::Object(SERVER))]),
    Operation::new(Get, "/publickey", "getPublicKey", |_| Action::PublicKey)
        .does("The keys that verify the node's answers.")
        .answers(&[given(200, "The keys.", Shape::Schema(bodies::public_key))]),
    Operation::new(Get, "/openapi.json", "getDocument", |_| Action::Document)
        .does("This document.")
        .answers(&[given(
            200,
            "An OpenAPI document.",
            Shape::Schema(bodies::any_object),
        )]),
    Operation::new(Get, "/licences", "listLicences", |_| Action::ListLicences)
        .does("All keys with their verdicts, by KeyID and KeyNo.")
        .query(QueryOf::List(LICENCE))
        .answers(&[given(200, "The keys.", Shape::List("Licences", LICENCE))]),
    Operation::new(Post, "/licences", "activate", |_| Action::Activate)
        .does("Turns an activation code into a licence on this computer or on a carrier.")
        .takes(bodies::activation)
        .query(QueryOf::Object(LICENCE))
        .answers(INSTALLED)
        .refuses(&[404, 409]),
    Operation::new(Get, "/licences/{KeyNo}", "getLicence", Action::GetLicence)
        .does("One key.")
        .query(QueryOf::Object(LICENCE))
        .answers(&[given(200, "The key.", Shape::Object(LICENCE))])
        .refuses(&[404]),
    Operation::new(Get, "/devices", "listDevices", |_| Action::ListDevices)
        .does("USB devices and tokens, with the carriers on them.")
        .query(QueryOf::List(DEVICE))
        .answers(&[given(200, "The devices.", Shape::List("Devices", DEVICE))]),
    Operation::new(Get, "/devices/{ID}", "getDevice", Action::GetDevice)
        .does("One device.")
        .query(QueryOf::Object(DEVICE))
        .answers(&[given(200, "The device.", Shape::Object(DEVICE))])
        .refuses(&[404]),
    Operation::new(Get, "/usage", "listUsage", |_| Action::ListUsage)
        .does("How many seats were in use over the last day, week or year.")
        .parameters(PERIOD)
        .query(QueryOf::List(USAGE))
        .answers(&[given(200, "The history.", Shape::List("Usage", USAGE))]),
    Operation::new(Post, "/rescan", "rescan", |_| Action::Rescan)
        .does("Looks at devices, tokens and files anew.")
        .answers(&[given(200, "What was found.", Shape::Schema(bodies::rescanned))]),
];
