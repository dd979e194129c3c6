//! CMS before judges that others wrote: `openssl` (with its GOST engine), `certtool` of GnuTLS, and BouncyCastle.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../tokens/modules/gost/arithmetic.rs"]
#[expect(dead_code, reason = "the test token uses all of it")]
mod arithmetic;
mod enveloped;
mod foreign;
mod judges;
#[path = "../tokens/modules/gost/key.rs"]
#[expect(dead_code, reason = "the test token uses all of it")]
mod key;
mod keys;
mod signed;
