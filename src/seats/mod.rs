//! Seats: who holds which. A pure ledger decides; one task owns it, and answers only what is durable.

mod absence;
mod connections;
mod desk;
mod figures;
mod history;
mod index;
mod journal;
mod ledger;
mod offer;
mod pool;
mod roll;
mod series;
mod unsaved;
mod usage;

pub use connections::{Connection, ConnectionFields, Connections};
pub use desk::{Desk, DeskError, DeskHandle, Rules};
pub use figures::{DeskHealth, Totals};
pub use history::{Period, plot};
pub use journal::Journal;
pub use ledger::{Ledger, LedgerRules, Release, Taken};
pub use offer::{Offer, Reason, Refusal};
pub use usage::{Usage, UsageNow};

#[cfg(test)]
mod testing;
