//! `keynode centre` as a vendor types it: made, run, codes issued and used, support cases.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use keynode::activation::{Action, NodeIdentity, Nonce, REQUEST_VERSION, Request, seal_request};
use keynode::licence::binding::{Component, ComponentKind};
use keynode::licence::{ActivationCode, Itn, KeyId, Licence, Timestamp, VendorKey, VendorKeys, open};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::harness::{Done, PATIENCE, eventually, keynode, run, run_with};
use crate::softhsm::{MODULE, SoftHsm};
use crate::state::{fixture, private_key};

const ITN: &str = "7707083893";

/// A directory with a centre in it.
struct Vendor {
    root: tempfile::TempDir,
}

impl Vendor {
    /// An empty directory.
    fn nowhere() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
        }
    }

    /// A centre with the fixture vendor's key, for making one takes long, and a series 672B.
    fn new() -> Self {
        let vendor = Self::nowhere();
        vendor.bring_key();
        vendor.run(&["init"]).ok();
        vendor.sells();
        vendor
    }

    fn bring_key(&self) {
        fs::create_dir_all(self.dir()).unwrap();
        private_key("vendor.key.pem", &self.dir().join("vendor.key"));
        fs::copy(fixture("vendor.pub.pem"), self.dir().join("vendor.pem")).unwrap();
    }

    fn sells(&self) {
        self.run(&["product", "add", "--article", "1001", "--name", "Product"])
            .ok();
        self.run(&[
            "series",
            "add",
            "--key-id",
            "672b",
            "--article",
            "1001",
            "--seats",
            "7",
        ])
        .ok();
    }

    fn dir(&self) -> PathBuf {
        self.root.path().join("centre")
    }

    fn path(&self, name: &str) -> String {
        self.root.path().join(name).to_str().unwrap().to_owned()
    }

    /// `keynode centre` with these words.
    fn command(&self, words: &[&str]) -> Command {
        let mut command = keynode(&["centre"]);
        command.args(words).arg("--dir").arg(self.dir());
        command
            .env("HOME", self.root.path())
            .current_dir(self.root.path());
        command
    }

    fn run(&self, words: &[&str]) -> Done {
        run(self.command(words))
    }

    fn json(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.run(words).ok()).unwrap()
    }

    /// The codes of a new batch, by its CSV file.
    fn issue(&self, count: u64, more: &[&str]) -> Vec<ActivationCode> {
        let csv = self.path(&format!("codes-{}.csv", rows_in(self.root.path())));
        let count = count.to_string();
        let words = [
            "codes", "issue", "--series", "672B", "--count", &count, "--csv", &csv,
        ];
        self.run(&[&words[..], more].concat()).ok();
        codes(Path::new(&csv))
    }

    fn serve(&self, more: &[&str]) -> Serving {
        let mut command = self.command(&["serve"]);
        command.args(more);
        if !more.contains(&"--centre-listen") {
            command.args(["--centre-listen", "127.0.0.1:0"]);
        }
        Serving::start(command)
    }
}

/// So that no two files have one name.
fn rows_in(directory: &Path) -> usize {
    fs::read_dir(directory).unwrap().count()
}

fn codes(csv: &Path) -> Vec<ActivationCode> {
    let mut reader = csv::Reader::from_path(csv).unwrap();
    let code = |row: csv::Result<csv::StringRecord>| ActivationCode::parse(&row.unwrap()[0]).unwrap();
    reader.records().map(code).collect()
}

/// A centre as a process; it ends when dropped.
struct Serving {
    child: Child,
    address: SocketAddr,
    lines: Receiver<String>,
}

impl Serving {
    fn start(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let errors = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in errors.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut own = Self {
            child,
            address: SocketAddr::from(([0; 4], 0)),
            lines,
        };
        own.address = own.logged("the activation centre serves")["address"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        own
    }

    fn logged(&self, message: &str) -> Value {
        let mut seen = String::new();
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("not logged: {message}\n{seen}"));
            let row: Value = serde_json::from_str(&line).unwrap_or_default();
            if row["message"].as_str().is_some_and(|text| text.contains(message)) {
                return row;
            }
            seen.push_str(&line);
        }
    }

    fn is_healthy(&self) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
            .write_all(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(r#"{"Healthy":true}"#),
            "{answer}"
        );
    }

    fn stop(mut self, signal: Signal) -> (ExitStatus, Duration) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        let start = Instant::now();
        eventually("the end of the centre", || self.child.try_wait().unwrap());
        let took = start.elapsed();
        self.logged("the activation centre has stopped");
        (self.child.wait().unwrap(), took)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A request of a computer that is not here.
fn request(directory: &Path, code: &ActivationCode) -> (Request, String) {
    let identity = NodeIdentity::open(directory).unwrap();
    let component = |kind, digit: &str| Component {
        kind,
        value: digit.repeat(32),
    };
    let request = Request {
        version: REQUEST_VERSION,
        action: Action::Activate,
        code: code.clone(),
        itn: Itn::parse(ITN).unwrap(),
        iec: None,
        nonce: Nonce::random().unwrap(),
        last: None,
        time: Timestamp::from_millis(1_800_000_000_000),
        recovery: None,
        computer: Some(vec![
            component(ComponentKind::MachineId, "a"),
            component(ComponentKind::BoardSerial, "b"),
        ]),
        carrier: None,
    };
    let sealed = seal_request(&request, &identity);
    (request, sealed)
}

fn opened(file: &Path, public: &Path) -> Licence {
    let pem = fs::read_to_string(public).unwrap();
    let keys: VendorKeys = [VendorKey::from_pem(&pem).unwrap()].into_iter().collect();
    open(&fs::read(file).unwrap(), &keys).unwrap()
}

#[test]
fn a_centre_is_made_once_with_a_key_of_its_own() {
    let vendor = Vendor::nowhere();
    let told = vendor.run(&["init", "--name", "Acme", "--base", "1000"]).ok();
    for next in [
        "product add",
        "series add",
        "codes issue",
        "centre serve",
        "vendor trust",
    ] {
        assert!(told.contains(next), "{next}: {told}");
    }
    for private in ["vendor.key", "centre.db"] {
        let mode = fs::metadata(vendor.dir().join(private))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{private}");
    }
    let key = fs::read(vendor.dir().join("vendor.key")).unwrap();
    assert!(
        fs::read_to_string(vendor.dir().join("vendor.pem"))
            .unwrap()
            .starts_with("Vendor: Acme\n")
    );
    assert!(vendor.run(&["init"]).fails(1).contains("already"));
    assert!(fs::read(vendor.dir().join("vendor.key")).unwrap() == key);
    vendor.sells();
    let csv = vendor.path("c.csv");
    vendor
        .run(&[
            "codes", "issue", "--series", "672B", "--count", "1", "--csv", &csv,
        ])
        .ok();
    assert_eq!(vendor.json(&["codes", "list", "--json"])[0]["KeyNo"], 1001);
}

#[test]
fn goods_are_listed_and_changed() {
    let vendor = Vendor::new();
    vendor
        .run(&["product", "set", "--article", "1001", "--article-name", "Box"])
        .ok();
    let products = vendor.json(&["product", "list", "--json"]);
    assert_eq!(
        (&products[0]["ProductName"], &products[0]["ArticleName"]),
        (&"Product".into(), &"Box".into())
    );
    vendor
        .run(&[
            "series", "set", "--key-id", "672B", "--period", "365", "--type", "demo",
        ])
        .ok();
    let series = vendor.json(&["series", "list", "--json"]);
    assert_eq!(
        (
            &series[0]["LicenceCount"],
            &series[0]["Period"],
            &series[0]["KeyType"]
        ),
        (&7.into(), &365.into(), &5.into())
    );
    let table = vendor.run(&["series", "list"]).ok();
    assert!(table.contains("672B") && table.contains("demo"), "{table}");
    vendor
        .run(&["series", "add", "--key-id", "672B", "--article", "1001"])
        .fails(1);
    vendor
        .run(&["series", "add", "--key-id", "7000", "--article", "none"])
        .fails(4);
    vendor.run(&["product", "set", "--article", "none"]).fails(4);
}

#[test]
fn codes_are_issued_to_a_file_and_shown_whole_only_where_that_is_asked() {
    let vendor = Vendor::new();
    let csv = vendor.path("codes.csv");
    let words = [
        "codes", "issue", "--series", "672B", "--count", "25", "--csv", &csv,
    ];
    let told = vendor
        .run(
            &[
                &words[..],
                &["--itn", ITN, "--valid-until", "2040-01-01", "--note", "order 1"],
            ]
            .concat(),
        )
        .ok();
    assert!(told.contains("batch 1") && told.contains("25"), "{told}");
    assert_eq!(fs::metadata(&csv).unwrap().permissions().mode() & 0o777, 0o600);
    let issued = codes(Path::new(&csv));
    assert_eq!(issued.len(), 25);
    // What is there is not overwritten, and then nothing is issued either.
    assert!(vendor.run(&words).fails(1).contains(&csv));

    let first = issued[0].as_str();
    for words in [
        &["codes", "list"][..],
        &["codes", "list", "--json"],
        &["codes", "show", first],
    ] {
        let shown = vendor.run(words).ok();
        assert!(!shown.contains(first) && shown.contains(&first[..4]), "{shown}");
    }
    assert!(vendor.run(&["codes", "list", "--full"]).ok().contains(first));
    let list = vendor.json(&[
        "codes", "list", "--json", "--limit", "5", "--itn", ITN, "--state", "new",
    ]);
    assert_eq!(list.as_array().unwrap().len(), 5);
    assert!(
        vendor
            .run(&["codes", "list", "--limit", "5"])
            .ok()
            .contains("--after")
    );
    assert_eq!(vendor.json(&["codes", "batches", "--json"])[0]["Note"], "order 1");

    let export = vendor.path("export.csv");
    vendor
        .run(&["codes", "export", "--batch", "1", "--csv", &export])
        .ok();
    assert_eq!(codes(Path::new(&export)), issued);
    let printed = vendor.run(&["codes", "export", "--csv", "-"]).ok();
    assert_eq!(printed, fs::read_to_string(&export).unwrap());
    let printed = vendor
        .run(&["codes", "issue", "--series", "672B", "--count", "2", "--csv", "-"])
        .ok();
    assert_eq!(printed.lines().count(), 3, "{printed}");
}

#[test]
fn a_full_disk_loses_no_code() {
    let vendor = Vendor::new();
    let words = [
        "codes",
        "issue",
        "--series",
        "672B",
        "--count",
        "3",
        "--csv",
        "/dev/full",
    ];
    // A device cannot be made anew, and so is refused before anything is issued.
    vendor.run(&words).fails(1);
    assert_eq!(
        vendor.json(&["codes", "batches", "--json"]),
        Value::Array(Vec::new())
    );
    // A pipe that nobody reads any more.
    let mut command = vendor.command(&["codes", "issue", "--series", "672B", "--count", "3", "--csv", "-"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    command.stdout(writer);
    let told = run(command).fails(1);
    assert!(told.contains("codes export --batch 1"), "{told}");
    let export = vendor.path("export.csv");
    vendor
        .run(&["codes", "export", "--batch", "1", "--csv", &export])
        .ok();
    assert_eq!(codes(Path::new(&export)).len(), 3);
}

#[test]
fn the_centre_serves_and_ends_when_it_is_told() {
    let vendor = Vendor::new();
    let code = vendor.issue(1, &[]).remove(0);
    for signal in [Signal::TERM, Signal::INT] {
        let serving = vendor.serve(&[]);
        let health = Client::new(serving.address).get("/health");
        assert_eq!(
            (health.status, health.body.as_str()),
            (200, r#"{"Healthy":true}"#)
        );
        // The books are open beside it.
        vendor.run(&["codes", "show", code.as_str()]).ok();
        let (status, took) = serving.stop(signal);
        assert!(status.success(), "{status}");
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
}

#[test]
fn what_is_missing_is_told_in_a_line_with_its_exit_code() {
    let vendor = Vendor::nowhere();
    let told = vendor.run(&["serve"]).fails(4);
    assert!(told.contains("keynode centre init"), "{told}");
    vendor.run(&["codes", "list"]).fails(4);

    let vendor = Vendor::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let told = vendor.run(&["serve", "--centre-listen", &address]).fails(1);
    assert!(
        told.contains(&address) && told.contains("--centre-listen"),
        "{told}"
    );
    let told = vendor.run(&["serve", "--centre-listen", "0.0.0.0:0"]).fails(78);
    assert!(told.contains("TLS"), "{told}");
    let files = [
        "--centre-certificate",
        "/no/such.pem",
        "--centre-private-key",
        "/no/such.key",
    ];
    let told = vendor
        .run(&[&["serve", "--centre-listen", "127.0.0.1:0"], &files[..]].concat())
        .fails(78);
    assert!(told.contains("/no/such.pem"), "{told}");
    fs::remove_file(vendor.dir().join("vendor.key")).unwrap();
    let told = vendor.run(&["serve", "--centre-listen", "127.0.0.1:0"]).fails(4);
    assert!(told.contains("vendor.key"), "{told}");
    vendor.run(&["codes", "show", "12"]).fails(4);
    vendor.run(&["api-key", "remove", "nobody"]).fails(4);
    assert_eq!(vendor.run(&["codes", "issue", "--count", "1"]).code, 2);
    assert_eq!(vendor.run(&["codes", "show", "no code"]).code, 2);
}

#[test]
fn a_request_that_came_by_hand_is_answered_by_a_file() {
    let vendor = Vendor::new();
    let code = vendor.issue(1, &["--itn", ITN]).remove(0);
    let node = tempfile::tempdir().unwrap();
    let (asked, sealed) = request(node.path(), &code);
    fs::write(vendor.path("request.json"), &sealed).unwrap();
    let told = vendor
        .run(&["fulfil", "request.json", "--out", &vendor.path("")])
        .ok();
    assert!(
        told.contains("is activated") && !told.contains(code.as_str()),
        "{told}"
    );
    let key_no = vendor.json(&["codes", "list", "--json"])[0]["KeyNo"]
        .as_u64()
        .unwrap();
    let file = vendor.path(&format!("672B.{key_no}.licence"));
    let licence = opened(Path::new(&file), &vendor.dir().join("vendor.pem"));
    assert_eq!(
        (licence.licence_count, licence.nonce),
        (7, Some(asked.nonce.to_string()))
    );

    // The same by standard input, to a file of another name, and as a QR code; a running centre does not mind.
    let serving = vendor.serve(&[]);
    let named = vendor.path("mine.licence");
    let told = run_with(
        vendor.command(&["fulfil", "-", "--out", &named, "--qr"]),
        &format!("{sealed}\n"),
    )
    .ok();
    assert!(
        told.contains("activated there already") && told.contains('█'),
        "{told}"
    );
    assert_eq!(fs::read(&named).unwrap(), fs::read(&file).unwrap());
    drop(serving);

    let activations = vendor.json(&["activations", "list", "--json"]);
    assert_eq!(activations.as_array().unwrap().len(), 1);
    assert!(
        vendor
            .run(&["activations", "list", "--clones", "--json"])
            .ok()
            .contains("[]")
    );
    let table = vendor.run(&["activations", "list"]).ok();
    assert!(
        table.contains("computer") && !table.contains(code.as_str()),
        "{table}"
    );
    let csv = vendor.run(&["activations", "list", "--csv", "-"]).ok();
    assert!(csv.starts_with("Number,KeyNo,Code"), "{csv}");

    let told = run_with(vendor.command(&["fulfil", "-"]), "nonsense").fails(1);
    assert!(told.contains("no activation request"), "{told}");
    assert!(
        vendor
            .run(&["fulfil", "/no/such.json"])
            .fails(1)
            .contains("/no/such.json")
    );
}

#[test]
fn support_cases_are_handled_from_the_command_line() {
    let vendor = Vendor::new();
    let code = vendor.issue(1, &[]).remove(0);
    let text = code.as_str();
    let does = |words: &[&str]| vendor.run(&[&["codes"], words].concat());
    assert!(
        does(&["bind", text, "--itn", ITN, "--iec", "770701001"])
            .ok()
            .contains("770701001")
    );
    assert!(
        does(&["extend", text, "--renew-until", "2040-01-01"])
            .ok()
            .contains("2040")
    );
    assert!(
        does(&["extend", text, "--renew-until", "never"])
            .ok()
            .contains("not renewed")
    );
    assert!(does(&["moves", text, "--moves", "9"]).ok().contains("9 moves"));
    let key_no = vendor.json(&["codes", "list", "--json"])[0]["KeyNo"].to_string();
    let told = does(&["recover", &key_no]).ok();
    let recovery = told
        .split_whitespace()
        .find_map(|word| ActivationCode::parse(word.trim_end_matches(',')).ok());
    assert!(recovery.is_some_and(|recovery| recovery != code), "{told}");
    assert!(
        does(&["revoke", &key_no, "--reason", "unpaid"])
            .ok()
            .contains("revoked")
    );
    let shown = vendor.json(&["codes", "show", &key_no, "--json"]);
    assert_eq!(
        (&shown["Key"]["State"], &shown["Key"]["IEC"]),
        (&"Revoked".into(), &"770701001".into())
    );
    assert_eq!(does(&["extend", text, "--renew-until", "soon"]).code, 2);
}

#[test]
fn the_vendors_systems_get_keys() {
    let vendor = Vendor::new();
    let key = vendor.run(&["api-key", "add", "shop"]).ok();
    vendor.run(&["api-key", "add", "shop"]).fails(1);
    let list = vendor.run(&["api-key", "list"]).ok();
    assert!(list.contains("shop") && !list.contains(key.trim()), "{list}");
    assert_eq!(vendor.json(&["api-key", "list", "--json"])[0]["Name"], "shop");
    vendor.run(&["api-key", "remove", "shop"]).ok();
    assert_eq!(vendor.run(&["api-key", "list"]).ok().lines().count(), 1);
}

#[test]
fn the_vendor_key_may_be_on_a_token() {
    let (vendor, hsm) = (Vendor::nowhere(), SoftHsm::new(&["vendor"]));
    hsm.import_key("vendor", &fixture("vendor.key.pem"), 7, "licences");
    let settings = format!(
        "[centre]\ntoken = \"hsm\"\ntoken_key = \"licences\"\n\n[tokens.hsm]\nmodule = \"{MODULE}\"\nlabel = \"vendor\"\n\
         pin_file = \"{}\"\nprobe = \"100ms\"\nenvironment = {{ SOFTHSM2_CONF = \"{}\" }}\n",
        hsm.path().join("pin").display(),
        hsm.conf().display()
    );
    fs::write(vendor.path("keynode.toml"), settings).unwrap();
    let with = |words: &[&str]| vendor.run(&[words, &["--config", "keynode.toml"]].concat());
    let told = with(&["init"]).ok();
    assert!(told.contains("on the token"), "{told}");
    assert!(!vendor.dir().join("vendor.key").exists());
    let public = fs::read_to_string(vendor.dir().join("vendor.pem")).unwrap();
    let expected = fs::read_to_string(fixture("vendor.pub.pem")).unwrap();
    assert_eq!(
        VendorKey::from_pem(&public).unwrap().kid(),
        VendorKey::from_pem(&expected).unwrap().kid()
    );
    vendor.sells();
    let code = vendor.issue(1, &[]).remove(0);
    let node = tempfile::tempdir().unwrap();
    let (_, sealed) = request(node.path(), &code);
    fs::write(vendor.path("request.json"), sealed).unwrap();
    with(&["fulfil", "request.json", "--out", "out.licence"]).ok();
    let licence = opened(
        Path::new(&vendor.path("out.licence")),
        &vendor.dir().join("vendor.pem"),
    );
    assert_eq!(licence.key_id, KeyId::parse("672B").unwrap());

    let serving = vendor.serve(&["--config", "keynode.toml"]);
    serving.is_healthy();
    assert!(serving.stop(Signal::TERM).0.success());

    let settings = fs::read_to_string(vendor.path("keynode.toml")).unwrap();
    fs::write(
        vendor.path("keynode.toml"),
        settings.replace("\"licences\"", "\"another\""),
    )
    .unwrap();
    let told = with(&["serve", "--centre-listen", "127.0.0.1:0"]).fails(1);
    assert!(told.contains("another"), "{told}");
}
