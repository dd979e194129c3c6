//! Whose licence is wanted, and where: the flags that several commands have.

use std::path::PathBuf;

use clap::Args;

use crate::licence::{Iec, Itn};

/// The holder.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct Holder {
    /// The holder's ITN (INN)
    #[arg(long, value_name = "N", value_parser = Itn::parse)]
    pub(super) itn: Itn,
    /// The holder's IEC (KPP)
    #[arg(long, value_name = "S", value_parser = Iec::parse)]
    pub(super) iec: Option<Iec>,
}

/// What the licence is to be bound to.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct Target {
    /// Bind the licence to this carrier, which must be plugged in, and not to this computer: its ID, or its serial
    /// number
    #[arg(long, value_name = "ID")]
    pub(super) carrier: Option<String>,
    /// Bind it to the security key that this file describes, which `keynode devices provision --driver fido2` made
    #[arg(long, value_name = "FILE", conflicts_with = "carrier")]
    pub(super) carrier_request: Option<PathBuf>,
}
