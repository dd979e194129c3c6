//! GET /metrics: figures in the text format of Prometheus. docs/metrics.md says what each means.
//!
//! Everything but what hot paths count is worked out when it is asked for, and given out again for a second: whoever asks
//! often costs the node nothing. Labels are what the settings, the vendors' licences, the kernel and this program name, never
//! what a client or a device says.

mod desk;
mod gateway;
mod hardware;
mod keys;
mod process;
mod service;
mod text;

use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use tokio::sync::Mutex;

use crate::api::looks;
use crate::clock::Millis;
use crate::licence::Timestamp;

use super::Monitoring;
use text::Page;

/// A page is given out again for this long.
const FRESH: Millis = 1_000;

/// Rows of one kind at most: more is no page that anybody reads.
const MOST: usize = 2_000;

/// The last page, and when it was made.
#[derive(Default)]
pub(super) struct Last(Mutex<Option<(Millis, web::Bytes)>>);

pub(super) async fn answer(request: HttpRequest, monitoring: Data<Monitoring>) -> HttpResponse {
    if let Err(refusal) = looks(&request) {
        return refusal;
    }
    if let Err(refusal) = monitoring.api.admit_watcher(&request).await {
        return refusal;
    }
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(page(&monitoring).await)
}

async fn page(monitoring: &Monitoring) -> web::Bytes {
    // Who comes meanwhile waits for the same page.
    let mut last = monitoring.last_page.0.lock().await;
    let now = monitoring.health.clock.now().mono;
    if let Some((made, page)) = &*last
        && now < made + FRESH
    {
        return page.clone();
    }
    let page = web::Bytes::from(make(monitoring).await);
    *last = Some((now, page.clone()));
    page
}

async fn make(monitoring: &Monitoring) -> String {
    let mut page = Page::default();
    // At once, so that a node whose parts do not answer says so before its readers give up.
    let (report, totals, session_keys) = tokio::join!(
        monitoring.health.report(),
        desk::totals(monitoring),
        gateway::session_keys(monitoring),
    );
    service::health(&mut page, &report);
    desk::tell(&mut page, monitoring, totals.as_ref());
    keys::tell(&mut page, monitoring);
    hardware::devices(&mut page, monitoring);
    hardware::tokens(&mut page, monitoring);
    service::signing(&mut page, monitoring);
    service::requests(&mut page, monitoring);
    service::webhooks(&mut page, monitoring);
    gateway::tell(&mut page, monitoring, session_keys);
    process::tell(&mut page, report.started).await;
    page.into_text()
}

/// Time from `now` to `end`, below 0 after it.
fn seconds_left(end: Timestamp, now: Timestamp) -> f64 {
    seconds(end.millis() - now.millis())
}

#[expect(clippy::cast_precision_loss, reason = "thousands of years are exact")]
fn seconds(millis: i64) -> f64 {
    millis as f64 / 1000.0
}
