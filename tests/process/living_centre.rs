//! A vendor's activation centre for tests: `keynode centre serve` as a process, its books, and a computer that is not
//! this one.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keynode::activation::centre::{Books, CodeFilter, IssueOrder, Product, Series, VENDOR_KEY};
use keynode::activation::{
    Activated, ActivationError, ActivationRules, Activator, ActivatorParts, Host, Order, Place,
};
use keynode::clock::SystemClock;
use keynode::keyring::Keyring;
use keynode::licence::{ActivationCode, Itn, KeyId, KeyNo, Timestamp};
use keynode::settings;
use keynode::store::{Author, Database};

use crate::harness::{Process, keynode};
use crate::machine;
use crate::state::{State, fixture, private_key};

/// The holder in these tests.
pub(crate) const ITN: &str = "1234567894";

/// A centre of the fixture vendor that runs.
pub(crate) struct Centre {
    root: tempfile::TempDir,
    process: Process,
    pub(crate) address: SocketAddr,
}

impl Centre {
    /// A centre with codes of series 672B: two moves a year, renewed without end where there is a Period.
    pub(crate) fn start() -> Self {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("centre");
        let mut books = Books::create(&dir, Some(1 << 24)).unwrap();
        private_key("vendor.key.pem", &dir.join(VENDOR_KEY));
        let product = Product {
            article: "4601546".into(),
            product_name: "Тестовая серия".into(),
            article_name: "Тестовая номенклатура".into(),
            product_version: 3,
            version_name: None,
            service_type: 0,
        };
        books.add_product(&product, &author()).unwrap();
        let series = Series::new(series(), &product.article);
        books.add_series(&series, &author()).unwrap();
        let mut serve = keynode(&["centre", "serve", "--centre-listen", "127.0.0.1:0", "--dir"]);
        serve.arg(&dir);
        let process = Process::start(serve);
        let told = process.logged("centre serves");
        let address = told["address"].as_str().unwrap().parse().unwrap();
        Self {
            root,
            process,
            address,
        }
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.root.path().join("centre")
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn log(&self) -> String {
        self.process.log()
    }

    pub(crate) fn books(&self) -> Books {
        Books::open(&self.dir()).unwrap()
    }

    /// A code that nobody has used.
    pub(crate) fn code(&self) -> ActivationCode {
        let mut code = None;
        let visit = |_: &_, codes: &[keynode::activation::centre::IssuedCode]| {
            code = codes.first().map(|issued| issued.code.clone());
            true
        };
        let mut books = self.books();
        books
            .issue(&IssueOrder::new(series(), 1), &author(), visit)
            .unwrap();
        code.unwrap()
    }

    /// KeyNo of a code's licence.
    pub(crate) fn key_no(&self, code: &ActivationCode) -> KeyNo {
        let rows = self.books().codes(&CodeFilter::default(), now()).unwrap();
        rows.iter().find(|row| row.code == *code).unwrap().key_no
    }

    /// A recovery code, as the vendor gives it to whoever has lost the computer.
    pub(crate) fn recovery(&self, code: &ActivationCode) -> ActivationCode {
        let key_no = self.key_no(code);
        self.books().recovery(key_no, &author()).unwrap().code
    }

    /// A command of a node's owner that knows this centre.
    pub(crate) fn keynode(&self, state: &State, arguments: &[&str]) -> std::process::Command {
        let mut command = state.keynode(arguments);
        command.env("KEYNODE_ACTIVATION_CENTRE", self.url());
        command
    }
}

fn series() -> KeyId {
    KeyId::parse("672B").unwrap()
}

fn author() -> Author {
    Author {
        time: now(),
        name: "test".into(),
    }
}

fn now() -> Timestamp {
    SystemClock::shared().now().wall
}

/// Another computer, and the node's side of activation on it.
pub(crate) struct Elsewhere {
    activator: Activator,
    _root: tempfile::TempDir,
}

impl Elsewhere {
    pub(crate) fn new(centre: &Centre) -> Self {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        for name in ["state", "licences", "vendors", "computer"] {
            std::fs::create_dir(path(name)).unwrap();
        }
        std::fs::copy(fixture("vendor.pub.pem"), path("vendors/v.pem")).unwrap();
        let settings = settings::Activation {
            centre: Some(centre.url()),
            proxy: Some("none".into()),
            ..settings::Activation::default()
        };
        let activator = Activator::new(ActivatorParts {
            rules: ActivationRules::from(&settings),
            state_dir: path("state"),
            licence_dir: path("licences"),
            vendor_dir: path("vendors"),
            roots: machine::build(&path("computer")),
            database: Database::open(&path("state")).unwrap(),
            clock: SystemClock::shared(),
            host: Arc::new(Nothing),
        });
        Self {
            activator,
            _root: root,
        }
    }

    pub(crate) fn activate(&self, code: &ActivationCode) -> Result<Activated, ActivationError> {
        self.take(code, None)
    }

    /// As [`Elsewhere::activate`], with a recovery code.
    pub(crate) fn take(
        &self,
        code: &ActivationCode,
        recovery: Option<ActivationCode>,
    ) -> Result<Activated, ActivationError> {
        let order = Order {
            code: code.clone(),
            itn: Itn::parse(ITN).unwrap(),
            iec: None,
            place: Place::Computer,
            recovery,
        };
        wait(self.activator.activate(&order))
    }

    pub(crate) fn renew(&self, key_no: KeyNo) -> Result<Option<Activated>, ActivationError> {
        wait(self.activator.renew(key_no))
    }
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(work)
}

/// A node without keys.
struct Nothing;

impl Host for Nothing {
    fn keyring(&self) -> Arc<Keyring> {
        Arc::default()
    }

    fn attest(&self, _: &str, _: &[u8; 32]) -> Result<Vec<u8>, String> {
        Err("there are no carriers".into())
    }

    fn look_again(&self) {}
}

/// Fails where one of the codes stands whole in the text, with its dashes or without them.
pub(crate) fn keeps_secret(text: &str, codes: &[&ActivationCode]) {
    for code in codes {
        for form in [code.as_str().to_owned(), code.as_str().replace('-', "")] {
            assert!(!text.contains(&form), "{code:?} stands in: {text}");
        }
    }
}

/// Whether a file holds a licence for this code.
pub(crate) fn holds(file: &Path, code: &ActivationCode) -> bool {
    let bytes = std::fs::read(file).unwrap();
    keynode::licence::inspect(&bytes)
        .unwrap()
        .0
        .activation_code
        .as_ref()
        == Some(code)
}
