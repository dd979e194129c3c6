//! Operations of 1C-Taxcom.

use super::Verb::{Delete, Get, Post};
use super::{Columns, Operation, Parameter, columns};
use crate::api::gateway::ProcessRow;
use crate::api::gateway::route::{Call, TaxcomCall};
use crate::api::openapi::taxcom as schemas;
use crate::api::route::Action;

const PROCESS: Columns = columns::<ProcessRow>("ProcessRow");

const CONFIGURATION: &[Parameter] = &[Parameter {
    name: "Configuration",
    required: false,
    schema: schemas::configuration,
    description: "Name of a 1C configuration.",
}];

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new(Get, "/taxcom/processes", "listProcesses", |_| {
        Action::Gateway(Call::Taxcom(TaxcomCall::List))
    })
    .does("Processes with 1C-Taxcom.")
    .lists("Processes", "The processes.", PROCESS),
    Operation::new(Post, "/taxcom/processes", "startProcess", |_| {
        Action::Gateway(Call::Taxcom(TaxcomCall::Start))
    })
    .does("Begins to get a subscriber's number, or to add a certificate to one.")
    .takes(schemas::order)
    .gives(
        200,
        "The process, which was there already; or how it ended.",
        schemas::process,
    )
    .gives(201, "The process, which is new.", schemas::process)
    .refuses(&[404, 409]),
    Operation::new(Get, "/taxcom/processes/{ID}", "getProcess", |id| {
        Action::Gateway(Call::Taxcom(TaxcomCall::Get(id)))
    })
    .does("One process.")
    .gives(200, "The process.", schemas::process)
    .refuses(&[404]),
    Operation::new(Delete, "/taxcom/processes/{ID}", "closeProcess", |id| {
        Action::Gateway(Call::Taxcom(TaxcomCall::Close(id)))
    })
    .does("Ends a process.")
    .gives(200, "The process.", schemas::process)
    .refuses(&[404, 409]),
    Operation::new(Post, "/taxcom/processes/{ID}/actions", "actInProcess", |id| {
        Action::Gateway(Call::Taxcom(TaxcomCall::Act(id)))
    })
    .does("Goes on with a process that waits for its caller.")
    .takes(schemas::action)
    .gives(200, "The process.", schemas::process)
    .refuses(&[404, 409]),
    Operation::new(Post, "/taxcom/cabinet", "openCabinet", |_| {
        Action::Gateway(Call::Taxcom(TaxcomCall::Cabinet))
    })
    .does("Address and fields by which a browser gets into the subscriber's cabinet.")
    .takes(schemas::parties)
    .gives(200, "The address.", schemas::cabinet)
    .refuses(&[404, 409]),
    Operation::new(Get, "/taxcom/registered", "isRegistered", |_| {
        Action::Gateway(Call::Taxcom(TaxcomCall::Registered))
    })
    .does("Whether a configuration is registered with 1C-Taxcom.")
    .parameters(CONFIGURATION)
    .gives(200, "Whether it is.", schemas::registered),
];
