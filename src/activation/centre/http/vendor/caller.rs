//! Which of the vendor's systems asks: only the check of its API key makes a [`Caller`], and without one nothing of the
//! books can be reached.

use std::net::IpAddr;
use std::path::PathBuf;

use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use zeroize::Zeroizing;

use crate::clock::SharedClock;
use crate::store::Author;

use super::super::super::{Books, CentreError};
use super::super::site::Site;
use super::error::VendorError;

/// Longer than any key.
const LONGEST_KEY: usize = 256;

/// A system of the vendor's that has shown a key.
pub(super) struct Caller {
    name: String,
    address: IpAddr,
    dir: PathBuf,
    clock: SharedClock,
}

impl FromRequest for Caller {
    type Error = VendorError;
    type Future = LocalBoxFuture<'static, Result<Self, VendorError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (request, site) = (request.clone(), request.app_data::<Data<Site>>().cloned());
        Box::pin(async move {
            let site = site.ok_or_else(VendorError::unauthorized)?;
            let address = site.caller(&request)?;
            let key = bearer(request.headers());
            let dir = site.dir.clone();
            let name = match key {
                Some(key) => on_books(dir.clone(), move |books| books.check_api_key(&key)).await?,
                None => None,
            };
            let Some(name) = name else {
                site.failed(address);
                return Err(VendorError::unauthorized());
            };
            Ok(Self {
                name,
                address,
                dir,
                clock: site.clock.clone(),
            })
        })
    }
}

impl Caller {
    /// Does something on the books, on a thread that may block.
    pub(super) async fn books<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Books, &Author) -> Result<T, CentreError> + Send + 'static,
    ) -> Result<T, VendorError> {
        let author = Author {
            time: self.clock.now().wall,
            name: format!("API key {}@{}", self.name, self.address),
        };
        on_books(self.dir.clone(), move |books| work(books, &author)).await
    }
}

async fn on_books<T: Send + 'static>(
    dir: PathBuf,
    work: impl FnOnce(&mut Books) -> Result<T, CentreError> + Send + 'static,
) -> Result<T, VendorError> {
    let done = actix_web::web::block(move || work(&mut Books::open(&dir)?)).await;
    match done {
        Ok(done) => Ok(done?),
        Err(_) => Err(CentreError::Thread(std::io::Error::other("the centre is stopping")).into()),
    }
}

/// The key of a request.
fn bearer(headers: &HeaderMap) -> Option<Zeroizing<String>> {
    let (scheme, key) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && (1..=LONGEST_KEY).contains(&key.len()))
        .then(|| Zeroizing::new(key.to_owned()))
}
