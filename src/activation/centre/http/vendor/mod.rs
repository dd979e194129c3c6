//! What the vendor's own systems, such as a shop or an accounting, do at the centre: everything with an API key.

mod activations;
mod caller;
mod codes;
mod error;
mod goods;
mod input;
mod keys;
mod table;

use actix_web::HttpResponse;
use actix_web::web::{self, ServiceConfig, get, post, put};

pub(super) use error::VendorError;

/// Puts the addresses below `/v1/vendor` into an application.
pub(super) fn routes(app: &mut ServiceConfig) {
    let resource = |path: &str| web::resource(path).default_service(web::to(method));
    app.service(
        resource("/products")
            .route(get().to(goods::products))
            .route(post().to(goods::add_product))
            .route(put().to(goods::change_product)),
    )
    .service(
        resource("/series")
            .route(get().to(goods::series))
            .route(post().to(goods::add_series))
            .route(put().to(goods::change_series)),
    )
    .service(
        resource("/codes")
            .route(get().to(codes::list))
            .route(post().to(codes::issue)),
    )
    .service(resource("/batches").route(get().to(codes::batches)))
    .service(resource("/activations").route(get().to(activations::list)))
    .service(resource("/keys/find").route(post().to(keys::find)))
    .service(resource("/keys/{key_no}").route(get().to(keys::show)))
    .service(resource("/keys/{key_no}/revocation").route(post().to(keys::revoke)))
    .service(resource("/keys/{key_no}/recovery").route(post().to(keys::recovery)))
    .service(resource("/keys/{key_no}/renewal").route(post().to(keys::renewal)))
    .service(resource("/keys/{key_no}/holder").route(post().to(keys::holder)))
    .service(resource("/keys/{key_no}/moves").route(post().to(keys::moves)))
    .default_service(web::to(unknown));
}

async fn method(_: caller::Caller) -> HttpResponse {
    VendorError::method().into()
}

/// Whoever has no key does not learn what there is.
async fn unknown(_: caller::Caller) -> HttpResponse {
    VendorError::not_found("there is nothing at this address").into()
}
