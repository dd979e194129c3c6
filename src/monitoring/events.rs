//! GET /events: what happens, as server-sent events.

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::Monitoring;

pub(super) async fn answer(monitoring: Data<Monitoring>) -> HttpResponse {
    let _ = monitoring.feed.subscribe(None);
    HttpResponse::NotImplemented().finish()
}
