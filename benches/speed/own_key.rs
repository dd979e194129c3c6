//! The only private key of the only token of SoftHSM2, opened without the node.

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::object::{Attribute, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;

use super::Outcome;
use super::hsm::softhsm::{MODULE, PIN};

/// Opens it: `SOFTHSM2_CONF` says where the token is.
pub(crate) fn open() -> Outcome<(Session, ObjectHandle)> {
    let pkcs11 = Pkcs11::new(MODULE)?;
    pkcs11.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))?;
    let slot = *pkcs11
        .get_slots_with_initialized_token()?
        .first()
        .ok_or("no token")?;
    let session = pkcs11.open_rw_session(slot)?;
    session.login(UserType::User, Some(&AuthPin::new(PIN.into())))?;
    let key = *session
        .find_objects(&[Attribute::Class(ObjectClass::PRIVATE_KEY)])?
        .first()
        .ok_or("no key")?;
    Ok((session, key))
}
