//! /health: whether the centre can do what it is there for. Tells strangers no more than that.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde_json::json;

use super::site::Site;

pub(super) async fn answer(site: Data<Site>) -> HttpResponse {
    // The list comes from the database, by way of the centre's thread, and a new one has to be signed.
    match site.centre.revocations().await {
        Ok(_) => HttpResponse::Ok().json(json!({ "Healthy": true })),
        Err(error) => {
            // Whoever asks must not be able to fill the log.
            tracing::debug!(%error, "the centre is not healthy");
            HttpResponse::ServiceUnavailable().json(json!({ "Healthy": false }))
        }
    }
}
