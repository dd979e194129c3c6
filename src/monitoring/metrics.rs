//! GET /metrics: figures in the text format of Prometheus.

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::Monitoring;

pub(super) async fn answer(monitoring: Data<Monitoring>) -> HttpResponse {
    let _ = monitoring.health.report().await;
    HttpResponse::NotImplemented().finish()
}
