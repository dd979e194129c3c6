//! A centre in a directory of its own, and nodes that ask it.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use keynode::activation::centre::{
    Answer, Books, Centre, IssueOrder, IssuedCode, Product, Series, VENDOR_KEY, VendorSigner,
};
use keynode::activation::{
    Action, NodeIdentity, Nonce, REQUEST_VERSION, Refusal, Request, open_request, seal_request,
};
use keynode::clock::Clock;
use keynode::licence::binding::{Component, ComponentKind};
use keynode::licence::{ActivationCode, Itn, KeyId, Licence, Timestamp, VendorKey, VendorKeys, open};
use keynode::store::Author;
use tempfile::TempDir;

use crate::common::clock::{START, TestClock};

pub(crate) const SERIES: &str = "672B";
pub(crate) const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Who keeps the books, at the tests' first moment.
pub(crate) fn vendor() -> Author {
    Author {
        time: Timestamp::parse(START).unwrap(),
        name: "vendor".into(),
    }
}

/// Makes a centre with one product and one series.
pub(crate) fn make(dir: &Path) -> Books {
    let mut books = Books::create(dir, Some(1_000)).unwrap();
    let product = Product {
        article: "4601".into(),
        product_name: "Product".into(),
        article_name: "Product for 5".into(),
        product_version: 3,
        version_name: Some("Three".into()),
        service_type: 0,
    };
    books.add_product(&product, &vendor()).unwrap();
    books
        .add_series(&Series::new(KeyId::parse(SERIES).unwrap(), "4601"), &vendor())
        .unwrap();
    let key = dir.join(VENDOR_KEY);
    std::fs::write(&key, include_str!("../fixtures/vendor.key.pem")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&key, mode).unwrap();
    books
}

/// A centre that runs in this process.
pub(crate) struct World {
    _dir: TempDir,
    pub(crate) books: Books,
    pub(crate) centre: Centre,
    pub(crate) clock: Arc<TestClock>,
}

impl World {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let books = make(dir.path());
        let clock = Arc::new(TestClock::at(Timestamp::parse(START).unwrap()));
        let centre = start(dir.path(), clock.clone());
        Self {
            _dir: dir,
            books,
            centre,
            clock,
        }
    }

    /// Issues one code.
    pub(crate) fn issue(&mut self) -> IssuedCode {
        self.order(&order(1)).remove(0)
    }

    pub(crate) fn order(&mut self, order: &IssueOrder) -> Vec<IssuedCode> {
        let mut issued = Vec::new();
        let visit = |_: &_, part: &[IssuedCode]| {
            issued.extend_from_slice(part);
            true
        };
        self.books.issue(order, &vendor(), visit).unwrap();
        issued
    }

    /// Who keeps the books now.
    pub(crate) fn vendor(&self) -> Author {
        Author {
            time: self.clock.now().wall,
            ..vendor()
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.centre.stop();
    }
}

pub(crate) fn start(dir: &Path, clock: Arc<TestClock>) -> Centre {
    let signer = VendorSigner::from_file(&dir.join(VENDOR_KEY)).unwrap();
    Centre::start(dir, signer, clock).unwrap().0
}

pub(crate) fn order(count: u64) -> IssueOrder {
    IssueOrder::new(KeyId::parse(SERIES).unwrap(), count)
}

/// A node: its key, its computer, and the nonce of what was last answered.
pub(crate) struct Node {
    identity: NodeIdentity,
    pub(crate) computer: u64,
    pub(crate) last: Option<Nonce>,
}

impl Node {
    /// A node on a computer of its own.
    pub(crate) fn new() -> Self {
        static COMPUTERS: AtomicU64 = AtomicU64::new(1);
        let dir = tempfile::tempdir().unwrap();
        Self {
            identity: NodeIdentity::open(dir.path()).unwrap(),
            computer: COMPUTERS.fetch_add(1, Ordering::Relaxed),
            last: None,
        }
    }

    pub(crate) fn request(&self, action: Action, code: &ActivationCode) -> Request {
        Request {
            version: REQUEST_VERSION,
            action,
            code: code.clone(),
            itn: Itn::parse("1234567894").unwrap(),
            iec: None,
            nonce: Nonce::random().unwrap(),
            last: self.last,
            time: Timestamp::parse(START).unwrap(),
            recovery: None,
            computer: (action == Action::Activate).then(|| computer(self.computer)),
            carrier: None,
        }
    }

    /// A new request, as it goes over the wire.
    pub(crate) fn sealed(&self, action: Action, code: &ActivationCode) -> String {
        seal_request(&self.request(action, code), &self.identity)
    }

    /// Sends a request the way it goes over the wire.
    pub(crate) async fn send(&mut self, centre: &Centre, request: &Request) -> Result<Answer, Refusal> {
        let text = seal_request(request, &self.identity);
        let (request, key) = open_request(text.as_bytes()).unwrap();
        let nonce = request.nonce;
        let answer = centre.answer(request, key, HOME).await?;
        self.last = Some(nonce);
        Ok(answer)
    }

    /// Asks something new.
    pub(crate) async fn ask(
        &mut self,
        centre: &Centre,
        action: Action,
        code: &ActivationCode,
    ) -> Result<Answer, Refusal> {
        let request = self.request(action, code);
        self.send(centre, &request).await
    }
}

/// The components of a computer: no two have one in common.
pub(crate) fn computer(number: u64) -> Vec<Component> {
    let kinds = [
        ComponentKind::MachineId,
        ComponentKind::ProductUuid,
        ComponentKind::Mac,
    ];
    kinds
        .map(|kind| Component {
            kind,
            value: format!("{number:032x}"),
        })
        .to_vec()
}

/// The licence of an answer, as a node that trusts the vendor reads it.
pub(crate) fn licence(answer: &Answer) -> Licence {
    let Answer::Licence { file, .. } = answer else {
        panic!("no licence: {answer:?}");
    };
    open(file.as_bytes(), &vendors()).unwrap()
}

pub(crate) fn vendors() -> VendorKeys {
    let key = VendorKey::from_pem(include_str!("../fixtures/vendor.pub.pem")).unwrap();
    [key].into_iter().collect()
}
