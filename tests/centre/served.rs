//! A centre that is served in this process, with a clock that tests move, and nodes that ask it.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use actix_web::dev::ServerHandle;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keynode::activation::centre::http::{FailureRules, ServiceLimits, Site, SiteRules, serve};
use keynode::activation::centre::{
    Books, Centre, IssueOrder, IssuedCode, Product, Series, VENDOR_KEY, VendorSigner,
};
use keynode::activation::{Action, NodeIdentity, Nonce, REQUEST_VERSION, Request, seal_request};
use keynode::clock::Clock;
use keynode::licence::binding::{Component, ComponentKind};
use keynode::licence::{ActivationCode, Itn, KeyId, Licence, Timestamp, VendorKey, VendorKeys, open};
use keynode::store::Author;
use rustls::ServerConfig;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::client::{Call, Reply};
use super::common::clock::{START, TestClock};
use super::common::keys::VENDOR_PUBLIC;

/// The holder that requests name unless they say otherwise.
pub(crate) const ITN: &str = "7707083893";

/// Somebody else's.
pub(crate) const OTHER_ITN: &str = "500100732259";

/// A served centre; it ends when dropped.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) dir: TempDir,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    /// With a product, a series 672B, and the limits of the settings' defaults.
    pub(crate) fn start() -> Self {
        Self::with(
            FailureRules {
                per_code: 10,
                per_address: 60,
            },
            &[],
            None,
        )
    }

    pub(crate) fn with(failures: FailureRules, proxies: &[&str], tls: Option<Arc<ServerConfig>>) -> Self {
        let dir = made();
        let clock = Arc::new(TestClock::at(Timestamp::parse(START).unwrap()));
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let rules = SiteRules {
            proxies: proxies.iter().map(|proxy| proxy.parse().unwrap()).collect(),
            failures,
        };
        let (tell, told) = mpsc::channel();
        let (place, shared) = (dir.path().to_owned(), clock.clone());
        let thread = std::thread::spawn(move || {
            actix_rt::System::new().block_on(async move {
                let signer = VendorSigner::from_file(&place.join(VENDOR_KEY)).unwrap();
                let (centre, thread) = Centre::start(&place, signer, shared.clone()).unwrap();
                let site = Site::new(centre.clone(), place, shared, rules);
                let limits = ServiceLimits {
                    workers: 2,
                    ..ServiceLimits::default()
                };
                let server = serve(site, socket, tls, limits).unwrap();
                tell.send(server.handle()).unwrap();
                server.await.unwrap();
                centre.stop();
                thread.join().unwrap();
            });
        });
        Self {
            address,
            clock,
            dir,
            handle: told.recv().unwrap(),
            thread: Some(thread),
        }
    }

    pub(crate) fn books(&self) -> Books {
        Books::open(self.dir.path()).unwrap()
    }

    pub(crate) fn author(&self) -> Author {
        Author {
            time: self.clock.now().wall,
            name: "test".into(),
        }
    }

    /// Issues codes on these terms.
    pub(crate) fn issue(&self, count: u64, terms: impl FnOnce(&mut IssueOrder)) -> Vec<IssuedCode> {
        let mut order = IssueOrder::new(KeyId::parse("672B").unwrap(), count);
        terms(&mut order);
        let mut codes = Vec::new();
        self.books()
            .issue(&order, &self.author(), |_, written| {
                codes.extend_from_slice(written);
                true
            })
            .unwrap();
        codes
    }

    /// A code that anybody may use.
    pub(crate) fn code(&self) -> ActivationCode {
        self.issue(1, |_| ()).remove(0).code
    }

    /// A code of the holder with [`ITN`].
    pub(crate) fn bound_code(&self) -> ActivationCode {
        self.issue(1, |order| order.itn = Some(Itn::parse(ITN).unwrap()))
            .remove(0)
            .code
    }

    pub(crate) fn get(&self, target: &str) -> Reply {
        Call::new("GET", target).send(self.address)
    }

    pub(crate) fn post(&self, target: &str, body: impl AsRef<[u8]>) -> Reply {
        Call::new("POST", target)
            .header("Content-Type", "application/jose+json")
            .body(body)
            .send(self.address)
    }

    /// What a node asks, from an address that a proxy names.
    pub(crate) fn post_from(&self, from: &str, target: &str, body: impl AsRef<[u8]>) -> Reply {
        Call::new("POST", target)
            .header("X-Forwarded-For", from)
            .body(body)
            .send(self.address)
    }

    /// A key for the vendor's systems.
    pub(crate) fn api_key(&self, name: &str) -> String {
        self.books()
            .add_api_key(name, &self.author())
            .unwrap()
            .to_string()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            // What went wrong there is told there; a second panic would hide it.
            let _ = thread.join();
        }
    }
}

/// The directory of a centre with the fixture vendor's key, a product and a series.
fn made() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let by = Author {
        time: Timestamp::parse(START).unwrap(),
        name: "test".into(),
    };
    let mut books = Books::create(dir.path(), None).unwrap();
    write_key(&dir.path().join(VENDOR_KEY));
    let product = Product {
        article: "1001".into(),
        product_name: "Продукт".into(),
        article_name: "Номенклатура".into(),
        product_version: 0,
        version_name: None,
        service_type: 0,
    };
    books.add_product(&product, &by).unwrap();
    let series = Series::new(KeyId::parse("672B").unwrap(), "1001");
    books.add_series(&series, &by).unwrap();
    dir
}

fn write_key(path: &Path) {
    std::fs::write(path, include_str!("../fixtures/vendor.key.pem")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// A licence that the fixture vendor signed.
pub(crate) fn opened(file: &[u8]) -> Licence {
    let vendors: VendorKeys = [VendorKey::from_pem(VENDOR_PUBLIC).unwrap()]
        .into_iter()
        .collect();
    open(file, &vendors).unwrap()
}

/// A node with a computer of its own.
pub(crate) struct Asking {
    identity: NodeIdentity,
    computer: Vec<Component>,
    _dir: TempDir,
}

impl Asking {
    pub(crate) fn new(name: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let component = |kind, what: &str| {
            let digest = format!("{:x}", Sha256::digest(format!("{what} of {name}")));
            Component {
                kind,
                value: digest[..32].to_owned(),
            }
        };
        Self {
            identity: NodeIdentity::open(dir.path()).unwrap(),
            computer: vec![
                component(ComponentKind::MachineId, "machine"),
                component(ComponentKind::BoardSerial, "board"),
                component(ComponentKind::ProductUuid, "product"),
            ],
            _dir: dir,
        }
    }

    /// A request to activate.
    pub(crate) fn activate(&self, code: &ActivationCode, itn: &str) -> Request {
        Request {
            version: REQUEST_VERSION,
            action: Action::Activate,
            code: code.clone(),
            itn: Itn::parse(itn).unwrap(),
            iec: None,
            nonce: Nonce::random().unwrap(),
            last: None,
            time: Timestamp::parse(START).unwrap(),
            recovery: None,
            computer: Some(self.computer.clone()),
            carrier: None,
        }
    }

    /// The next request after one that was answered.
    pub(crate) fn then(answered: &Request, action: Action) -> Request {
        Request {
            action,
            nonce: Nonce::random().unwrap(),
            last: Some(answered.nonce),
            computer: None,
            ..answered.clone()
        }
    }

    pub(crate) fn seal(&self, request: &Request) -> String {
        seal_request(request, &self.identity)
    }

    /// Signs what need not be a request.
    pub(crate) fn seal_value(&self, payload: &Value) -> String {
        let encode = |text: String| URL_SAFE_NO_PAD.encode(text);
        let x = URL_SAFE_NO_PAD.encode(self.identity.public_key());
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": x });
        let protected = encode(json!({ "alg": "EdDSA", "typ": "activation+jws", "jwk": jwk }).to_string());
        let payload = encode(payload.to_string());
        let signature = self.identity.sign(format!("{protected}.{payload}").as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(signature);
        json!({ "payload": payload, "protected": protected, "signature": signature }).to_string()
    }
}
