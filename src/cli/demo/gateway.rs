//! `keynode demo --gateway`: stand-ins of the operators' services in the demo's own process, and a key on the demo's token
//! that the node uses with them.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::cms::Thumbprint;
use crate::gateway::{Account, Changes, Connection, Organization, Trouble};
use crate::node::{Node, StateDir};
use crate::sandbox::{REGISTRATION_KEY, Sandbox, SandboxRules};
use crate::settings::Settings;
use crate::store::{Role, UserError, Users};
use crate::tokens::{KeyKind, NewKey, Operation};

use super::super::failure::Failure;
use super::super::offline::author;
use super::authority::Authority;
use super::token::{DemoToken, write_private};

/// The user who may use the services, and the password: on loopback, as the administrator's own.
pub(super) const USER: (&str, &str) = ("gateway", "gateway-demo");

/// The organisation that the key is for.
pub(super) const ITN: &str = "7707083893";

/// The operator's number of its order management station.
pub(super) const OMS_ID: &str = "0d3bb4f7-6b6e-4a3f-8f0c-6f4b0f6f9a10";

/// A kind of products whose retail sale is checked online.
pub(super) const PRODUCT_KIND: &str = "МолочнаяПродукция";

/// The key's label on the token.
const LABEL: &str = "keynode demo gateway";

/// Whose the certificate is, as `openssl` wants it.
const SUBJECT: &str = "/C=RU/O=ООО Ромашка/CN=Иванов Иван Иванович/INN=007707083893/OGRN=1027700132195";

/// Login and password that the stand-in of the support portal knows.
const ACCOUNT: (&str, &str) = ("demo@example.com", "demo of the portal");

/// So often the stand-ins decide about what waits for a decision.
const DECISION: Duration = Duration::from_secs(4);

/// A token is usable well before.
const PATIENCE: Duration = Duration::from_secs(10);

/// The services, until this is dropped.
pub(super) struct DemoGateway {
    sandbox: Arc<Sandbox>,
    /// The certificate of the organisation's key.
    thumbprint: Thumbprint,
    registration_key: PathBuf,
    decisions: Option<(Sender<()>, JoinHandle<()>)>,
}

impl DemoGateway {
    /// Whether there can be one, before anything is made.
    pub(super) fn check(settings: &Settings) -> Result<(), Failure> {
        if settings.listen.ip().is_loopback() {
            return Ok(());
        }
        Err(Failure::Usage(format!(
            "demo --gateway has a user whose password everybody knows: --listen 127.0.0.1:PORT, not {}",
            settings.listen
        )))
    }

    /// Finds key, certificate and user, or makes them, and starts the stand-ins.
    pub(super) fn prepare(settings: &Settings, token: &DemoToken) -> Result<Self, Failure> {
        let directory = std::path::absolute(settings.state_dir.join("demo-services"))?;
        let authority = Authority::prepare(&directory.join("authority"))?;
        let thumbprint = certified_key(settings, token, &authority)?;
        let registration_key = directory.join("registration-key");
        write_private(&registration_key, REGISTRATION_KEY)?;
        let users = Users::open(&StateDir::shared_database(&settings.state_dir)?)?;
        users.ensure_initial()?;
        match users.add(USER.0, Role::Gateway, USER.1, &author()) {
            Ok(()) | Err(UserError::Exists(_)) => {}
            Err(error) => return Err(error.into()),
        }
        let questions = directory.join("questions");
        // A demo that was killed may have left some.
        let _ = fs::remove_dir_all(&questions);
        DirBuilder::new().mode(0o700).create(&questions)?;
        let sandbox = Sandbox::start(SandboxRules {
            authority: authority.certificate(),
            directory: questions,
            account: (ACCOUNT.0.into(), ACCOUNT.1.into()),
            port: 0,
        })?;
        let sandbox = Arc::new(sandbox);
        Ok(Self {
            decisions: Some(decide(sandbox.clone())?),
            sandbox,
            thumbprint,
            registration_key,
        })
    }

    /// Points the node's services at the stand-ins.
    pub(super) fn apply(&self, settings: &mut Settings) {
        let url = self.sandbox.url();
        // A proxy cannot know this computer's own ports.
        settings.gateway.proxy = Some("none".into());
        settings.tickets.enabled = true;
        (settings.tickets.url, settings.tickets.url_eu) = (url.clone(), url.clone());
        settings.ismp.enabled = true;
        (settings.ismp.url, settings.ismp.retail_url) = (url.clone(), None);
        let products = &mut settings.ismp.retail_products;
        products.insert(PRODUCT_KIND.into(), "2025-01-01".into());
        settings.crpt.enabled = true;
        (settings.crpt.url, settings.crpt.gateway_url) = (url.clone(), url.clone());
        settings.crpt.registration_key_file = Some(self.registration_key.clone());
        settings.taxcom.enabled = true;
        settings.taxcom.url = format!("{url}/services/WebItsSimpleService");
        settings.taxcom.poll = Duration::from_secs(2);
    }

    /// Has the node know the organisation and the support account; what it knows already stays. Returns when the node can
    /// sign with the key, or when that takes too long.
    pub(super) fn introduce(&self, node: &Node) -> Result<(), Failure> {
        let shared = &node.gateway.now().shared;
        let known = shared.organization(ITN).map_err(Failure::of)?;
        let certificate = self.thumbprint.to_string();
        if known.as_ref().and_then(|known| known.certificate.as_ref()) != Some(&certificate) {
            let organization = Organization {
                certificate: Some(certificate),
                ..known.unwrap_or_else(organization)
            };
            let changes = Changes::new().put(ITN, &organization);
            shared.state.commit(changes).map_err(Failure::of)?;
        }
        // The stand-ins are new each time; what was registered with those of before stays.
        for (connection, own) in shared.state.all::<Connection>().map_err(Failure::of)? {
            self.sandbox.know_connection(&own.oms_id, &connection);
        }
        let deadline = Instant::now() + PATIENCE;
        while !node.can_sign_with(self.thumbprint) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(20));
        }
        let setting = node.gateway.have(|gateway| async move {
            let state = &gateway.shared.state;
            let account = Account {
                login: ACCOUNT.0.into(),
                password: ACCOUNT.1.into(),
            };
            let failed = |error| Trouble::not_saved(&error);
            if state.account(None).await.map_err(failed)?.is_none() {
                state.set_account(None, account).await.map_err(failed)?;
            }
            Ok::<_, Trouble>(())
        });
        // The gateway has its own thread; this one is the node's, whose runtime lets nobody wait in it.
        let waited = thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().build();
                runtime.map(|runtime| runtime.block_on(setting))
            });
            waiting.join()
        });
        match waited {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(trouble))) => Err(Failure::Failed(format!("the support account: {}", trouble.info))),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(Failure::Failed("the support account was not kept".into())),
        }
    }

    /// Where the stand-ins are.
    pub(super) fn url(&self) -> String {
        self.sandbox.url()
    }
}

impl Drop for DemoGateway {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.decisions.take() {
            drop(stop);
            let _ = thread.join();
        }
    }
}

/// Decides about applications, as people would at the operators', until the sender is dropped.
fn decide(sandbox: Arc<Sandbox>) -> Result<(Sender<()>, JoinHandle<()>), Failure> {
    let (stop, stopped) = channel::<()>();
    let thread = thread::Builder::new()
        .name("demo-decisions".into())
        .spawn(move || {
            while stopped.recv_timeout(DECISION) == Err(RecvTimeoutError::Timeout) {
                sandbox.decide(None);
            }
        })?;
    Ok((stop, thread))
}

/// The organisation's key on the token with its certificate; what of that is missing is made.
fn certified_key(
    settings: &Settings,
    token: &DemoToken,
    authority: &Authority,
) -> Result<Thumbprint, Failure> {
    let open = token.open(settings)?;
    let seen = open.seen();
    let known = seen
        .keys
        .iter()
        .find(|key| key.label == LABEL && key.signs && key.decrypts);
    let known = known.and_then(|key| Some((key.id.clone(), key.public_key.clone()?)));
    let last = authority.last_issued();
    if let (Some((id, _)), Some(last)) = (&known, &last) {
        let written = seen
            .certificates
            .iter()
            .any(|own| own.id == *id && *own.der == **last);
        if written {
            return Ok(Thumbprint::of(last));
        }
    }
    let (id, public) = if let Some(known) = known {
        known
    } else {
        let id = uuid::Uuid::new_v4().as_bytes()[..8].to_vec();
        let create = Operation::CreateKey {
            id: id.clone(),
            label: LABEL.into(),
            key: NewKey::GeneratedToDecrypt(KeyKind::Rsa(2048)),
        };
        (id, open.perform(create)?)
    };
    let der = authority.issue(&public, SUBJECT)?;
    open.perform(Operation::WriteCertificate {
        id,
        label: LABEL.into(),
        der: der.clone(),
    })?;
    Ok(Thumbprint::of(&der))
}

/// The organisation, with everything that the services ask of it.
fn organization() -> Organization {
    let data = [
        ("Индекс", "117312"),
        ("КодРегиона", "77"),
        ("Город", "Москва"),
        ("Улица", "Вавилова"),
        ("Дом", "19"),
        ("Телефон", "+7 495 000-00-00"),
        ("НаименованиеОрганизации", "ООО Ромашка"),
        ("ИНН", ITN),
        ("КПП", "773601001"),
        ("ОГРН", "1027700132195"),
        ("КодНалоговогоОргана", "7736"),
        ("ЮрФизЛицо", "ЮрЛицо"),
        ("Фамилия", "Иванов"),
        ("Имя", "Иван"),
        ("Отчество", "Иванович"),
    ];
    let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    Organization {
        name: Some("ООО Ромашка".into()),
        oms_id: Some(OMS_ID.into()),
        registration_data: data.into_iter().map(own).collect(),
        ..Organization::default()
    }
}
