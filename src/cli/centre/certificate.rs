//! The centre's certificate, which is renewed every few weeks while the centre runs on.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::api::tls::{TlsError, load};
use crate::settings::Settings;

/// The certificate of the files as they were when they were last read.
pub(super) struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    current: Arc<Current>,
    config: Arc<ServerConfig>,
}

/// What new connections are shown.
struct Current(ArcSwap<Arc<dyn ResolvesServerCert>>);

impl std::fmt::Debug for Current {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Current")
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.load().resolve(hello)
    }
}

impl Certificate {
    /// Reads the files that the settings name, if they name any.
    ///
    /// # Errors
    /// [`TlsError`], naming the file.
    pub(super) fn open(settings: &Settings) -> Result<Option<Self>, TlsError> {
        let files = (&settings.centre.certificate, &settings.centre.private_key);
        let (Some(chain), Some(key)) = files else {
            return Ok(None);
        };
        let loaded = load(chain, key)?;
        let current = Arc::new(Current(ArcSwap::from_pointee(loaded.cert_resolver.clone())));
        let mut config = ServerConfig::clone(&loaded);
        config.cert_resolver = current.clone();
        Ok(Some(Self {
            chain: chain.clone(),
            key: key.clone(),
            current,
            config: Arc::new(config),
        }))
    }

    /// What a listener serves with.
    pub(super) fn config(&self) -> Arc<ServerConfig> {
        self.config.clone()
    }

    /// Reads the files anew; where they cannot be used, the certificate from before is shown on.
    ///
    /// # Errors
    /// [`TlsError`], naming the file.
    pub(super) fn renew(&self) -> Result<(), TlsError> {
        let loaded = load(&self.chain, &self.key)?;
        self.current.0.store(Arc::new(loaded.cert_resolver.clone()));
        Ok(())
    }
}
