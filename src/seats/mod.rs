//! Seats: who holds which. A pure ledger decides; one task owns it, and answers only what is durable.

mod absence;
mod connections;
mod desk;
mod figures;
mod history;
mod index;
mod journal;
mod journal_news;
mod ledger;
mod offer;
mod outbox;
mod outcome;
mod pool;
mod roll;
mod series;
mod unsaved;
mod usage;
mod work;

pub use connections::{Connection, ConnectionFields, Connections};
pub use desk::DeskHandle;
pub use figures::{DeskHealth, DeskMeasures, SeriesTotals, Totals};
pub use history::{Period, plot};
pub use journal::Journal;
pub use ledger::{Ledger, LedgerRules};
pub use offer::{Offer, Reason, Refusal};
pub use outcome::{Release, Taken};
pub use usage::{Usage, UsageNow};
pub use work::{Desk, DeskError, Rules};

#[cfg(test)]
mod testing;
