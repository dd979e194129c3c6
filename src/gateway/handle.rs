//! The way to the gateway. It has a runtime of its own: no service that hangs, and no disk, holds up those who serve clients,
//! and what was begun for a client is finished when the client goes away.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::store::StoreError;

use super::gateway::{Gateway, GatewayParts};
use super::outcome::{Code, Trouble};
use super::rules::GatewayRules;

/// The way to the gateway for everybody else.
#[derive(Clone)]
pub struct GatewayHandle {
    gateway: Arc<Gateway>,
    runtime: Handle,
    stop: watch::Sender<bool>,
}

/// Why there is no gateway.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The state file.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system gave no thread.
    #[error("the gateway's thread: {0}")]
    Thread(#[from] std::io::Error),
}

impl GatewayHandle {
    /// Starts it: jobs that are due are done at once.
    ///
    /// # Errors
    /// [`GatewayError`].
    pub fn start(parts: GatewayParts) -> Result<(Self, JoinHandle<()>), GatewayError> {
        let certificates = parts.certificates.clone();
        let gateway = Arc::new(Gateway::new(parts)?);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .thread_name("gateway-wait")
            .build()?;
        let (stop, mut stopped) = watch::channel(false);
        let handle = Self {
            gateway: gateway.clone(),
            runtime: runtime.handle().clone(),
            stop,
        };
        // Weak, for the gateway holds the certificates.
        let (told, waiting) = (Arc::downgrade(&gateway), handle.runtime.clone());
        certificates.on_change(move || {
            if let Some(gateway) = told.upgrade() {
                waiting.spawn(async move { gateway.keys_changed().await });
            }
        });
        let thread = std::thread::Builder::new()
            .name("gateway".into())
            .spawn(move || {
                runtime.block_on(async {
                    let jobs = tokio::spawn(async move {
                        gateway.begin().await;
                        super::jobs::run(gateway).await;
                    });
                    let _ = stopped.wait_for(|stop| *stop).await;
                    jobs.abort();
                });
                // Whatever waits for a service ends here, as it would in a crash.
                runtime.shutdown_timeout(Duration::ZERO);
            })?;
        Ok((handle, thread))
    }

    /// Has the gateway do something, and waits for it; it is finished even where nobody waits any more.
    ///
    /// # Errors
    /// [`Trouble`] of the work itself, or that the node is stopping.
    pub async fn have<T, F>(&self, work: impl FnOnce(Arc<Gateway>) -> F) -> Result<T, Trouble>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Trouble>> + Send + 'static,
    {
        let done = self.runtime.spawn(work(self.gateway.clone())).await;
        done.unwrap_or_else(|ended| {
            let (message, info) = if ended.is_panic() {
                tracing::error!("work of the gateway ended in a panic");
                let message = "Внутренняя ошибка узла лицензирования. Обратитесь к его администратору.";
                (message, "a fault of the node: its log says more")
            } else {
                ("Узел лицензирования останавливается.", "the node is stopping")
            };
            Err(Trouble::new(Code::Service, message, info))
        })
    }

    /// `ok`, `off`, or what is wrong with the services.
    pub async fn health(&self) -> String {
        let told = self.have(|gateway| async move { Ok(gateway.health()) });
        told.await.unwrap_or_else(|trouble| trouble.info)
    }

    /// What is known of an organisation is other now: what waited for that may go on.
    pub fn organization_changed(&self, itn: String) {
        let gateway = self.gateway.clone();
        self.runtime
            .spawn(async move { gateway.organization_changed(&itn) });
    }

    /// The gateway, for what can be answered without waiting.
    pub fn now(&self) -> &Gateway {
        &self.gateway
    }

    /// Has the jobs looked at now: keys or the clock have changed.
    pub fn wake(&self) {
        self.gateway.shared.wake.notify_one();
    }

    /// Keys have come or gone, or organisations have others: what waits for one may go on.
    pub fn keys_changed(&self) {
        let gateway = self.gateway.clone();
        self.runtime.spawn(async move { gateway.keys_changed().await });
    }

    /// Follows other rules from now on.
    pub fn set_rules(&self, rules: GatewayRules) {
        self.gateway.shared.set_rules(rules);
        self.wake();
    }

    /// Ends the thread, whatever it waits for.
    pub fn stop(&self) {
        let _ = self.stop.send(true);
    }
}
