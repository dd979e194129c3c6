//! For whoever watches the node from outside: the event stream, metrics, webhooks. On the second listener.

mod events;
mod metrics;
pub mod webhooks;

use std::sync::Arc;

use actix_web::web::{self, Data, ServiceConfig};

use crate::api::{Api, Health};
use crate::events::Feed;

use events::Streams;

/// What the parts of this layer share.
pub struct Monitoring {
    /// The node as the API sees it.
    pub api: Arc<Api>,
    /// How the node is.
    pub health: Arc<Health>,
    /// What happens.
    pub feed: Feed,
    streams: Streams,
    last_page: metrics::Last,
}

impl Monitoring {
    /// Nothing was told yet.
    pub fn new(api: Arc<Api>, health: Arc<Health>, feed: Feed) -> Self {
        Self {
            api,
            health,
            feed,
            streams: Streams::default(),
            last_page: metrics::Last::default(),
        }
    }

    /// Puts /events and /metrics into an application.
    pub fn serve(self: &Arc<Self>, app: &mut ServiceConfig) {
        app.app_data(Data::from(self.clone()))
            .route("/events", web::to(events::answer))
            .route("/metrics", web::to(metrics::answer));
    }
}
