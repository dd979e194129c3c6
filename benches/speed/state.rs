//! State directories to start nodes on: keys, licences, sessions.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keynode::clock::SystemClock;
use keynode::keyring::trust_vendor;
use keynode::licence::binding::Binding;
use keynode::licence::{FORMAT_VERSION, KeyId, KeyNo, KeyType, Licence, VendorKey, seal};
use keynode::node::SIGNING_KEY;
use keynode::signing::{Message, SoftwareKey};
use keynode::store::{
    Author, Batch, Database, Id, LedgerTime, Role, SeatStore, Session, SessionFields, SqliteSeats, Users,
    Write,
};
use tempfile::TempDir;

use super::Outcome;

/// Series of all licences.
pub(crate) const SERIES: &str = "672B";
/// The first licence's number.
const KEY_NO: KeyNo = 7_131_766;
/// Who looks at consoles, each with [`PASSWORD`].
pub(crate) const PEOPLE: [&str; 2] = ["olga", "boris"];
/// Of each of [`PEOPLE`].
pub(crate) const PASSWORD: &str = "a-long-password";
/// Sessions written at once.
const AT_ONCE: u32 = 50_000;
/// Life of the sessions, in milliseconds: longer than any measure takes.
const LIFE: u64 = 7_200_000;
/// The ledger's time at which they were saved.
const SAVED: LedgerTime = LedgerTime {
    time: 1_000_000,
    clean: true,
};

/// A state directory with a signing key and a trusted vendor; gone when dropped.
pub(crate) struct State {
    directory: TempDir,
}

impl State {
    /// Beside what is built: on a real disk, for commits are to cost what they cost.
    pub(crate) fn new() -> Outcome<Self> {
        let directory = TempDir::with_prefix_in("speed-", env!("CARGO_TARGET_TMPDIR"))?;
        let state = Self { directory };
        let key = state.path().join(SIGNING_KEY);
        fs::copy(fixture("node.key.pem"), &key)?;
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600))?;
        let vendors = state.path().join("vendors");
        fs::create_dir(&vendors)?;
        fs::create_dir(state.licences())?;
        trust_vendor(&vendors, &fixture("vendor.pub.pem"))?;
        Ok(state)
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    fn licences(&self) -> PathBuf {
        self.path().join("licences")
    }

    /// Issues so many licences, each with `seats` seats.
    pub(crate) fn with_licences(self, count: u64, seats: u32) -> Outcome<Self> {
        let vendor = self.vendor()?;
        for key_no in KEY_NO..KEY_NO + count {
            let licence = licence(key_no, seats)?;
            fs::write(self.licences().join(licence.file_name()), vendor.issue(&licence)?)?;
        }
        Ok(self)
    }

    /// Adds [`PEOPLE`] who are administrators, beside the user whom every new node has.
    pub(crate) fn with_people(self) -> Outcome<Self> {
        let users = Users::open(&Database::open(self.path())?)?;
        let author = Author {
            time: SystemClock::shared().now().wall,
            name: "bench".into(),
        };
        users.ensure_initial()?;
        for name in PEOPLE {
            users.add(name, Role::Admin, PASSWORD, &author)?;
        }
        Ok(self)
    }

    /// The vendor that this state's node trusts.
    pub(crate) fn vendor(&self) -> Outcome<Vendor> {
        let pem = self.path().join("vendor.key");
        fs::copy(fixture("vendor.key.pem"), &pem)?;
        fs::set_permissions(&pem, fs::Permissions::from_mode(0o600))?;
        Ok(Vendor {
            key: SoftwareKey::read(&pem)?,
            public: VendorKey::from_pem(&fs::read_to_string(fixture("vendor.pub.pem"))?)?,
        })
    }

    /// Writes so many live sessions of the first licence.
    pub(crate) fn with_sessions(self, count: u32) -> Outcome<Self> {
        let database = Database::open(self.path())?;
        let mut seats = SqliteSeats::new(&database)?;
        let now = SystemClock::shared().now().wall;
        for first in (0..count).step_by(AT_ONCE as usize) {
            let writes: Vec<Write> = (first..count.min(first + AT_ONCE))
                .map(|number| {
                    let created = now.plus(i64::from(number) - i64::from(count));
                    Write::Put(Arc::new(session(number, created)))
                })
                .collect();
            seats.commit(Batch {
                writes: &writes,
                audit: &[],
                usage: &[],
                time: SAVED,
            })?;
        }
        Ok(self)
    }
}

/// Issues licences.
pub(crate) struct Vendor {
    key: SoftwareKey,
    public: VendorKey,
}

impl Vendor {
    /// The text of the licence file.
    pub(crate) fn issue(&self, licence: &Licence) -> Outcome<String> {
        Ok(seal(licence, self.public.kid(), |body| {
            let signature = self.key.sign_one(Message { query_id: b"", body })?;
            Ok::<_, keynode::signing::SignError>(signature.0)
        })?)
    }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

/// A licence that works anywhere.
pub(crate) fn licence(key_no: KeyNo, licence_count: u32) -> Outcome<Licence> {
    Ok(Licence {
        version: FORMAT_VERSION.into(),
        key_no,
        key_id: KeyId::parse(SERIES)?,
        reg_no: 202,
        key_type: KeyType::Main,
        service_type: 0,
        licence_count,
        product_version: 3,
        blank_key_no: None,
        activation_code: None,
        activation_date: SystemClock::shared().now().wall,
        start_date: None,
        period: 0,
        flags: 0,
        itn: None,
        iec: None,
        product_name: "Серия для измерений".into(),
        article: "1111111111111".into(),
        article_name: "Лицензия, на которой измеряется скорость".into(),
        support_date: None,
        support_period: None,
        industry_support_date: None,
        industry_support_period: None,
        product_version_name: None,
        recovered: false,
        binding: Binding::None,
        issued: None,
        nonce: None,
    })
}

/// A session with the fields that clients of the platform fill.
fn session(number: u32, created: keynode::licence::Timestamp) -> Session {
    Session {
        seq: u64::from(number) + 1,
        id: Id::random(),
        key_no: KEY_NO,
        expires: SAVED.time + LIFE,
        created,
        ended: false,
        owner: "admin".into(),
        fields: SessionFields {
            key_id: KeyId::parse(SERIES).expect("four digits"),
            client_session_id: format!("saved-{number:010}").into(),
            started: created,
            connection: Some(Id([7; 16])),
            is_server: false,
            session_number: Some(number.to_string().into()),
            infobase: Some("Srvr=\"srv1c-01\";Ref=\"trade\";".into()),
            app_name: Some("1CV8C".into()),
            computer_name: Some(format!("WS-{:05}", number % 50_000).into()),
            user_name: Some(format!("Пользователь {:05}", number % 50_000).into()),
            access_code: None,
        },
    }
}
