//! The console: the web page for the node's administrators, at /console/ on the second listener, and on the first where the
//! settings say so.

use std::sync::Arc;

use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};

use crate::api::{Api, Health};
use crate::events::Feed;
use crate::settings::Settings;

/// What the pages show and do.
pub struct Console {
    /// The node as the API sees it.
    pub api: Arc<Api>,
    /// How the node is.
    pub health: Arc<Health>,
    /// What happens.
    pub feed: Feed,
    /// The settings that the node was started with.
    pub settings: Settings,
}

impl Console {
    /// Puts the pages below /console/ into an application.
    pub fn serve(self: &Arc<Self>, app: &mut ServiceConfig) {
        app.app_data(Data::from(self.clone()))
            .route("/", web::get().to(home))
            .route("/console", web::get().to(home))
            .service(web::scope("/console/").default_service(web::to(answer)));
    }
}

async fn home() -> HttpResponse {
    HttpResponse::Found()
        .insert_header(("location", "/console/"))
        .finish()
}

async fn answer(request: HttpRequest, console: Data<Console>) -> HttpResponse {
    let _ = (request, &console.settings);
    HttpResponse::NotImplemented().finish()
}
