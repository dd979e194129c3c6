//! The vendor's activation centre: codes are issued, activated, moved, renewed, returned and revoked here.

mod books;
mod clones;
mod codes;
mod columns;
mod decide;
mod desk;
mod error;
mod goods;
pub mod http;
mod lists;
mod record;
mod renewal;
mod rows;
mod schema;
mod service;
mod shown;
mod signer;
mod store;
#[cfg(test)]
mod testing;

pub use books::Books;
pub use error::CentreError;
pub use goods::{Product, Series};
pub use lists::SignedList;
pub use rows::{
    ActivationFilter, ActivationRow, ApiKeyRow, Batch, CloneMark, CodeFilter, CodeRow, CodeState, End,
    IssueOrder, IssuedCode, RecoveryCode, Which,
};
pub use schema::DATABASE;
pub use service::{Answer, Centre};
pub use shown::{ACTIVATION_COLUMNS, CODE_COLUMNS, ISSUED_COLUMNS, code_text};
pub use signer::VendorSigner;

/// Name of the file with the vendor key's public half in the centre's directory; its remarks may say when the key expires.
pub const VENDOR_PUBLIC: &str = "vendor.pem";

/// Name of the directory in the centre's with the files of vendor keys from before: `NAME.key`, and `NAME.pem` where it
/// says when the key expires.
pub const RETIRED_KEYS: &str = "retired";

/// Name of the vendor key's file in the centre's directory, where the key is not on a token.
pub const VENDOR_KEY: &str = "vendor.key";
