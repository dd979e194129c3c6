//! What the node needs before it builds its parts: users with passwords of their own, the places of keys, tokens, a computer that can
//! be told from others.

use std::path::Path;
use std::sync::Arc;

use crate::computer::Roots;
use crate::keyring::{KeyProvider, LicenceFiles, Plugged, Sources};
use crate::settings::Settings;
use crate::store::Users;
use crate::tokens::{CertificatesHandle, TokensHandle, Workers};

use super::{StartError, rules, state_dir};

/// Refuses an address that others reach while a user has the initial password: users log in on either. Warns where they
/// would do so in clear.
pub(super) fn check_passwords(settings: &Settings, users: &Users) -> Result<(), StartError> {
    users.ensure_initial()?;
    let addresses = [
        (settings.listen, "listen"),
        (settings.admin_listen, "admin-listen"),
    ];
    let open = (addresses.into_iter()).find(|(address, _)| !address.ip().is_loopback());
    let initial = users.list()?.into_iter().find(|user| user.initial);
    if let (Some((address, flag)), Some(user)) = (open, initial) {
        return Err(StartError::InitialPassword {
            user: user.name,
            address,
            flag,
        });
    }
    if !settings.admin_listen.ip().is_loopback() {
        tracing::warn!(
            address = %settings.admin_listen,
            "others reach admin_listen, which has no TLS: passwords for it go over the network in clear"
        );
    }
    Ok(())
}

/// Where keys come from; the directories are made. Warns where the computer can hardly be told from others.
pub(super) fn sources(
    settings: &Settings,
    roots: Roots,
    devices: Arc<dyn Plugged>,
) -> Result<Sources, StartError> {
    let (licence_dir, vendor_dir) = (settings.licence_dir(), settings.vendor_dir());
    let revocation_dir = settings.revocation_dir();
    for path in [&licence_dir, &vendor_dir, &revocation_dir] {
        state_dir::create(path).map_err(|source| StartError::StateDir {
            path: path.clone(),
            source,
        })?;
    }
    if let Some(warning) = crate::computer::inspect(&roots).warning() {
        tracing::warn!("{warning}");
    }
    let files: Box<dyn KeyProvider> = Box::new(LicenceFiles::new(&licence_dir));
    Ok(Sources {
        providers: vec![files],
        devices,
        vendor_dir,
        revocation_dir,
        watched: vec![licence_dir],
        roots,
    })
}

/// Starts the threads of the tokens, whose modules run in processes of the program `worker`, and that of the certificates.
pub(super) fn tokens(
    settings: &Settings,
    credentials: Option<&Path>,
    worker: &Path,
) -> (TokensHandle, CertificatesHandle) {
    let tokens = TokensHandle::start(
        rules::token_rules(&settings.tokens, credentials),
        Workers {
            program: worker.into(),
            state_dir: Some(settings.state_dir.clone()),
        },
    );
    let rules = rules::certificate_rules(&settings.certificates, credentials);
    let certificates = CertificatesHandle::start(rules, tokens.clone());
    (tokens, certificates)
}
