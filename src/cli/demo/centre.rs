//! The activation centre of a demo: in the demo's own process, on a free port of this computer, with codes to try.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use actix_rt::System;
use actix_server::ServerHandle;

use crate::activation::centre::http::{FailureRules, ServiceLimits, Site, SiteRules, serve};
use crate::activation::centre::{
    Books, Centre, CentreError, CodeFilter, CodeState, DATABASE, IssueOrder, Product, Series, VendorSigner,
};
use crate::clock::SystemClock;
use crate::licence::{ActivationCode, KeyId};
use crate::settings::{self, Settings};

use super::super::failure::Failure;
use super::super::offline::author;

/// Series of the codes.
const SERIES: &str = "672C";

/// Article of its product.
const ARTICLE: &str = "1111111111112";

/// So many codes are made at once.
const BATCH: u64 = 20;

/// A centre that runs until this is dropped.
pub(super) struct DemoCentre {
    /// Where it is served.
    pub(super) address: String,
    /// Its books.
    pub(super) directory: PathBuf,
    /// A code that nobody has used.
    pub(super) code: ActivationCode,
    centre: Centre,
    server: ServerHandle,
    threads: Vec<JoinHandle<()>>,
}

impl DemoCentre {
    /// Starts the centre of this directory, which is made where it is missing, with this vendor key.
    pub(super) fn start(directory: &Path, vendor_key: &Path) -> Result<Self, Failure> {
        let code = unused(directory).map_err(Failure::of)?;
        let clock = SystemClock::shared();
        let signer = VendorSigner::from_file(vendor_key).map_err(Failure::of)?;
        let (centre, ledger) = Centre::start(directory, signer, clock.clone()).map_err(Failure::of)?;
        let limits = settings::Centre::default();
        let rules = SiteRules {
            proxies: Vec::new(),
            failures: FailureRules {
                per_code: limits.failures_per_code,
                per_address: limits.failures_per_address,
            },
        };
        let site = Site::new(centre.clone(), directory.to_owned(), clock, rules);
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = format!("http://{}", socket.local_addr()?);
        let (server, thread) = serve_beside(site, socket)?;
        Ok(Self {
            address,
            directory: directory.to_owned(),
            code,
            centre,
            server,
            threads: vec![thread, ledger],
        })
    }

    /// Has a node activate its codes here.
    pub(super) fn apply(&self, settings: &mut Settings) {
        settings.activation.centre = Some(self.address.clone());
        // A proxy cannot know this computer's own ports.
        settings.activation.proxy = Some("none".into());
    }
}

impl Drop for DemoCentre {
    fn drop(&mut self) {
        // The order is given when this is called; its answer is the end of the threads.
        drop(self.server.stop(false));
        self.centre.stop();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Serves on a thread of its own: that of the node is the node's.
fn serve_beside(site: Site, socket: TcpListener) -> io::Result<(ServerHandle, JoinHandle<()>)> {
    let limits = ServiceLimits {
        workers: 1,
        ..ServiceLimits::default()
    };
    let (sender, receiver) = mpsc::channel();
    let thread = thread::Builder::new().name("demo-centre".into()).spawn(move || {
        System::new().block_on(async move {
            let server = serve(site, socket, None, limits);
            let handle = server.as_ref().map(actix_server::Server::handle);
            let _ = sender.send(handle.map_err(|error| io::Error::new(error.kind(), error.to_string())));
            if let Ok(server) = server
                && let Err(error) = server.await
            {
                tracing::error!(%error, "the demo's activation centre has ended");
            }
        });
    })?;
    let ended = |_| io::Error::other("the thread of the centre has ended");
    Ok((receiver.recv().map_err(ended)??, thread))
}

/// A code that nobody has used; product, series and codes are made where they are missing.
fn unused(directory: &Path) -> Result<ActivationCode, CentreError> {
    let mut books = if directory.join(DATABASE).exists() {
        Books::open(directory)?
    } else {
        Books::create(directory, None)?
    };
    let by = author();
    let key_id = KeyId::parse(SERIES).expect("a constant of four hexadecimal digits");
    if !books.products()?.iter().any(|product| product.article == ARTICLE) {
        books.add_product(&product(), &by)?;
    }
    if !books.series()?.iter().any(|series| series.key_id == key_id) {
        books.add_series(&Series::new(key_id, ARTICLE), &by)?;
    }
    let filter = CodeFilter {
        key_id: Some(key_id),
        state: Some(CodeState::New),
        limit: Some(1),
        ..CodeFilter::default()
    };
    let now = SystemClock::shared().now().wall;
    if let Some(row) = books.codes(&filter, now)?.pop() {
        return Ok(row.code);
    }
    let mut first = None;
    books.issue(&IssueOrder::new(key_id, BATCH), &by, |_, codes| {
        first = first
            .take()
            .or_else(|| codes.first().map(|issued| issued.code.clone()));
        true
    })?;
    first.ok_or_else(|| CentreError::Invalid("no code was issued".into()))
}

fn product() -> Product {
    Product {
        article: ARTICLE.into(),
        product_name: "Демонстрационная серия keynode".into(),
        article_name: "Лицензия, полученная по коду активации".into(),
        product_version: 3,
        version_name: Some("3.0".into()),
        service_type: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_always_a_code_that_nobody_has_used() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("centre");
        let first = unused(&directory).unwrap();
        assert_eq!(unused(&directory).unwrap(), first);

        let mut books = Books::open(&directory).unwrap();
        let now = SystemClock::shared().now().wall;
        let rows = books.codes(&CodeFilter::default(), now).unwrap();
        assert_eq!(rows.len() as u64, BATCH);
        let (last, others) = rows.split_last().unwrap();
        for row in others {
            books.revoke(row.key_no, "used in a test", &author()).unwrap();
        }
        assert_eq!(unused(&directory).unwrap(), last.code);
        books.revoke(last.key_no, "used in a test", &author()).unwrap();
        let fresh = unused(&directory).unwrap();
        assert!(rows.iter().all(|row| row.code != fresh));
        assert_eq!(books.batches().unwrap().len(), 2);
    }
}
