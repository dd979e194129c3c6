//! `keynode centre` as a vendor types it: made, run, asked by hand.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use keynode::licence::{KeyId, VendorKey};
use rustix::process::Signal;

use crate::centre::{ITN, Vendor, opened, request};
use crate::harness::{run_with, sh};
use crate::softhsm::{MODULE, SoftHsm};
use crate::state::fixture;

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
        .run(&["series", "add", "--series", "672B", "--article", "1001"])
        .fails(1);
    vendor
        .run(&["series", "add", "--key-id", "7000", "--article", "none"])
        .fails(4);
    vendor.run(&["product", "set", "--article", "none"]).fails(4);
}

#[test]
fn the_centre_serves_and_ends_when_it_is_told() {
    let vendor = Vendor::new();
    let code = vendor.issue(1, &[]).remove(0);
    for signal in [Signal::TERM, Signal::INT] {
        let serving = vendor.serve(&[]);
        serving.is_healthy();
        // The books are open beside it.
        vendor.run(&["codes", "show", code.as_str()]).ok();
        let (status, took) = serving.stop(signal);
        assert!(status.success(), "{status}");
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
}

#[test]
fn a_centre_whose_key_has_expired_says_so() {
    let vendor = Vendor::new();
    let public = vendor.dir().join("vendor.pem");
    let pem = fs::read_to_string(&public).unwrap();
    fs::write(&public, format!("Expires: 2020-01-31T00:00:00Z\n{pem}")).unwrap();
    let answer = vendor.serve(&[]).health();
    assert!(
        answer.starts_with("HTTP/1.1 503 ") && answer.ends_with(r#"{"Healthy":false}"#),
        "{answer}"
    );
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
    assert!(told.contains("vendor.key") && told.contains("copy"), "{told}");
    // What it advises helps.
    let command = format!("keynode vendor init --dir {}", vendor.dir().display());
    assert!(told.contains(&command), "{told}");
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
    let (dir, config) = (vendor.dir(), "--config keynode.toml");
    let serve = format!("keynode centre serve --dir {} {config}", dir.display());
    assert!(told.contains(&serve), "{told}");
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
    let done = with(&["serve", "--centre-listen", "127.0.0.1:0"]);
    assert!(
        done.code == 1 && done.err.contains("token hsm has no key another"),
        "{done:?}"
    );
}

const CERTIFICATE: &str = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
    -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout key.pem -out $1";

#[test]
fn a_certificate_is_renewed_while_the_centre_runs() {
    let vendor = Vendor::new();
    let here = vendor.root.path();
    sh(CERTIFICATE, &["first.pem"], here).ok();
    let (certificate, key) = (vendor.path("served.pem"), vendor.path("key.pem"));
    fs::copy(vendor.path("first.pem"), &certificate).unwrap();
    let serving = vendor.serve(&["--centre-certificate", &certificate, "--centre-private-key", &key]);
    let trusts = |file: &str| {
        let url = format!("https://{}/health", serving.address);
        sh(
            "curl --silent --show-error --cacert \"$1\" \"$2\"",
            &[file, &url],
            here,
        )
    };
    assert_eq!(trusts("first.pem").ok(), r#"{"Healthy":true}"#);

    sh(CERTIFICATE, &["second.pem"], here).ok();
    fs::copy(vendor.path("second.pem"), &certificate).unwrap();
    serving.signal(Signal::HUP);
    serving.logged("the certificate is read anew");
    assert_eq!(trusts("second.pem").ok(), r#"{"Healthy":true}"#);
    assert_ne!(trusts("first.pem").code, 0);

    fs::write(&certificate, "nonsense").unwrap();
    serving.signal(Signal::HUP);
    let told = serving.logged("the certificate from before is shown on");
    assert!(told["error"].as_str().unwrap().contains(&certificate), "{told}");
    assert_eq!(trusts("second.pem").ok(), r#"{"Healthy":true}"#);
    assert!(serving.stop(Signal::TERM).0.success());
}
