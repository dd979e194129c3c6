//! `keynode devices provision --driver pkcs11`: carriers made on tokens, and licences put beside their keys.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::softhsm::{MODULE, SoftHsm};

/// A vendor, a node's state directory, a token, and the settings file that knows it as `office`.
struct Site {
    hsm: SoftHsm,
}

impl Site {
    fn new() -> Self {
        let site = Self {
            hsm: SoftHsm::new(&["office"]),
        };
        let text = format!(
            "[tokens.office]\nmodule = \"{MODULE}\"\nlabel = \"office\"\npin_file = \"{}\"\nprobe = \"100ms\"\n\
             environment = {{ SOFTHSM2_CONF = \"{}\" }}\n",
            site.hsm.path().join("pin").display(),
            site.hsm.conf().display()
        );
        fs::write(site.path("keynode.toml"), text).unwrap();
        let vendor = site.text("vendor");
        Site::ok(&["vendor", "init", "--dir", &vendor, "--name", "Example"]);
        let vendors = site.text("vendors");
        fs::create_dir(&vendors).unwrap();
        fs::copy(site.path("vendor/vendor.pem"), site.path("vendors/vendor.pem")).unwrap();
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.hsm.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Runs the program; the result is its exit code and all that it said.
    fn run(words: &[&str]) -> (i32, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_keynode"))
            .args(words)
            .env("TERM", "dumb")
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (
            output.status.code().unwrap(),
            String::from_utf8_lossy(&text).into_owned(),
        )
    }

    #[track_caller]
    fn ok(words: &[&str]) -> String {
        let (code, text) = Self::run(words);
        assert_eq!(code, 0, "{words:?}: {text}");
        text
    }

    /// Runs a command that looks at devices, with the site's settings.
    fn with_settings(&self, words: &[&str]) -> (i32, String) {
        let (config, state, vendors) = (
            self.text("keynode.toml"),
            self.text("state"),
            self.text("vendors"),
        );
        let place = [
            "--config",
            &config,
            "--state-dir",
            &state,
            "--vendor-dir",
            &vendors,
        ];
        Self::run(&[words, &place].concat())
    }

    fn provision(&self, words: &[&str]) -> (i32, String) {
        self.with_settings(&[&["devices", "provision"], words].concat())
    }

    /// The rows of the token and its keys.
    fn rows(&self) -> Vec<Value> {
        let (code, text) = self.with_settings(&["devices", "list", "--json"]);
        // There may be no USB on the computer that this runs on; tokens are listed nevertheless.
        let rows = text
            .lines()
            .find(|line| line.starts_with('['))
            .unwrap_or_else(|| panic!("{code}: {text}"));
        let rows: Vec<Value> = serde_json::from_str(rows).unwrap();
        rows.into_iter().filter(|row| !row["Token"].is_null()).collect()
    }

    /// Issues the licence of this number for a carrier; the result is its file.
    fn issue(&self, key_no: &str, carrier: &str) -> String {
        let (vendor, out) = (self.text("vendor"), self.text(""));
        let words = [
            "vendor",
            "issue",
            "--dir",
            &vendor,
            "--key-id",
            "672B",
            "--key-no",
            key_no,
            "--carrier",
            carrier,
            "--out",
            &out,
            "--config",
            &self.text("keynode.toml"),
            "--state-dir",
            &self.text("state"),
        ];
        Self::ok(&words);
        self.text(&format!("672B.{key_no}.licence"))
    }
}

const TOKEN: [&str; 4] = ["--driver", "pkcs11", "--token", "office"];

#[test]
fn a_carrier_is_made_on_a_token_and_a_licence_put_beside_it() {
    let site = Site::new();
    let make = |algorithm: &str| {
        let words = [&TOKEN[..], &["--algorithm", algorithm, "--another"]].concat();
        let (code, text) = site.provision(&words);
        assert_eq!(code, 0, "{text}");
        let id = text
            .split_whitespace()
            .find(|word| word.starts_with("pkcs11-"))
            .unwrap();
        id.to_owned()
    };
    let first = make("ed25519");
    let (code, text) = site.provision(&TOKEN);
    assert!(
        code == 0 && text.contains(&first) && text.contains("--another"),
        "{text}"
    );
    let second = make("p256");
    let third = make("rsa2048");
    let rows = site.rows();
    let shown: Vec<(&Value, &Value)> = rows.iter().map(|row| (&row["Type"], &row["Proof"])).collect();
    let key = (&json!("TokenKey"), &json!("proven"));
    assert_eq!(
        shown,
        [(&json!("Token"), &Value::Null), key, key, key],
        "{rows:?}"
    );
    for id in [&first, &second, &third] {
        assert!(rows.iter().any(|row| row["ID"] == **id), "{id}: {rows:?}");
    }

    let licence = site.issue("7", &second);
    // By the token: the carrier is that which the licence is bound to. By another carrier it is refused.
    let (code, text) = site.provision(&[&first, "--licence", &licence]);
    assert!(code == 1 && text.contains("the licence is not for"), "{text}");
    let (code, text) = site.provision(&[&TOKEN[..], &["--licence", &licence]].concat());
    assert!(
        code == 0 && text.contains(&second) && text.contains("was read back"),
        "{text}"
    );
    let carried = |rows: &[Value]| -> Vec<Value> {
        let with = rows.iter().filter(|row| !row["KeyNo"].is_null());
        with.map(|row| json!([row["ID"], row["KeyNo"]])).collect()
    };
    assert_eq!(carried(&site.rows()), [json!([second, 7])]);
    let (code, text) = site.with_settings(&["devices", "show", &second]);
    assert!(code == 0 && text.contains("KeyNo 7 of series 672B"), "{text}");
    // Another licence only with --yes.
    let other = site.issue("8", &second);
    let (code, text) = site.provision(&[&second, "--licence", &other]);
    assert!(code == 2 && text.contains("--yes"), "{text}");
    let (code, text) = site.provision(&[&second, "--licence", &other, "--yes"]);
    assert_eq!(code, 0, "{text}");
    assert_eq!(carried(&site.rows()), [json!([second, 8])]);
    let (code, text) = site.provision(&[&second, "--erase", "--yes"]);
    assert_eq!(code, 0, "{text}");
    assert!(carried(&site.rows()).is_empty());
}

#[test]
fn what_cannot_be_provisioned_is_said() {
    let site = Site::new();
    let nowhere = ["--driver", "pkcs11", "--token", "elsewhere"];
    let (code, text) = site.provision(&nowhere);
    assert!(code == 4 && text.contains("tokens.elsewhere"), "{text}");
    let (code, text) = site.provision(&[&TOKEN[..], &["--erase", "--yes"]].concat());
    assert!(code == 4 && text.contains("no carrier key"), "{text}");
    let (code, _) = site.provision(&["--driver", "pkcs11"]);
    assert_eq!(code, 2, "which token?");
    let (code, _) = site.provision(&["--token", "office"]);
    assert_eq!(code, 2, "by which driver?");
    // A token that is locked is not tried.
    site.hsm.lock_pin("office");
    let (code, text) = site.provision(&TOKEN);
    assert!(code == 1 && text.contains("locked"), "{text}");
}
