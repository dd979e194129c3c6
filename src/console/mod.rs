//! The console: the web page for the node's administrators, at /console/ on the second listener, and on the first where the
//! settings say so. One file per page in `pages/`, its words in `words/`, its look in `templates/`.

mod answer;
mod assets;
mod cookie;
mod dates;
mod facts;
mod fragments;
mod frame;
mod grid;
mod live;
mod login;
mod logins;
mod look;
mod markup;
mod origin;
mod pages;
mod params;
mod password;
mod row;
mod site;
mod table;
mod visit;
mod words;

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::guard;
use actix_web::web::{self, Data, ServiceConfig};
use arc_swap::ArcSwap;

use crate::api::{Api, Health, HealthReport};
use crate::events::Feed;
use crate::settings::{Loaded, Settings};

use fragments::Fragments;
use logins::Logins;

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
    /// The settings in force, with where they came from.
    loaded: ArcSwap<Loaded>,
    logins: Logins,
    fragments: Fragments,
}

impl Console {
    /// A console that nobody has logged in to.
    pub fn new(api: Arc<Api>, health: Arc<Health>, feed: Feed, settings: Settings) -> Self {
        Self {
            api,
            health,
            feed,
            loaded: ArcSwap::from_pointee(settings.clone().into()),
            settings,
            logins: Logins::default(),
            fragments: Fragments::default(),
        }
    }

    /// Puts the pages below /console/ into an application.
    pub fn serve(self: &Arc<Self>, app: &mut ServiceConfig) {
        let get = || guard::Any(guard::Get()).or(guard::Head());
        app.app_data(Data::from(self.clone()))
            .service(web::resource("/").guard(get()).to(home))
            .service(web::resource("/console").guard(get()).to(home))
            .route("/console/{rest:.*}", web::to(site::answer));
    }

    /// Shows these settings from now on.
    pub fn show_settings(&self, loaded: Loaded) {
        self.loaded.store(Arc::new(loaded));
    }

    /// How the node is, with everything that has changed until now.
    async fn report(&self) -> HealthReport {
        let generations = *self.feed.generations().borrow();
        self.health.report_since(generations).await
    }

    fn loaded(&self) -> Arc<Loaded> {
        self.loaded.load_full()
    }
}

async fn home() -> HttpResponse {
    answer::see_other("/console/")
}
