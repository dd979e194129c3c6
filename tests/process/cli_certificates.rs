//! `keynode certificates`, and `keynode user` where it is about signers.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::harness::{Done, run, sh};
use crate::softhsm::{MODULE, SoftHsm};
use crate::state::State;

/// A certificate in a file, the same on a token, and a file that is not there.
struct Site {
    state: State,
    _hsm: SoftHsm,
    thumbprint: String,
}

impl Site {
    fn new() -> Self {
        let (state, hsm) = (State::new(), SoftHsm::new(&["node"]));
        let made = sh(
            "openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj '/O=Shop/CN=Director' -keyout key.pem -out crt.pem 2>&1 &&
             openssl x509 -in crt.pem -outform DER -out crt.der && cat crt.pem key.pem > both.pem && chmod 600 both.pem &&
             openssl x509 -in crt.pem -noout -fingerprint -sha1",
            &[],
            hsm.path(),
        )
        .ok();
        let thumbprint = made.trim().rsplit('=').next().unwrap().replace(':', "");
        hsm.import_key("node", &hsm.path().join("key.pem"), 1, "key");
        hsm.import_certificate("node", &hsm.path().join("crt.der"), 1, "crt");
        let settings = format!(
            "[tokens.hsm]\nmodule = \"{MODULE}\"\nlabel = \"node\"\npin_file = \"{pin}\"\n\
             environment = {{ SOFTHSM2_CONF = \"{conf}\" }}\n\
             [certificates.shop]\nfile = \"{file}\"\n[certificates.void]\nfile = \"{void}\"\n",
            pin = hsm.path().join("pin").display(),
            conf = hsm.conf().display(),
            file = hsm.path().join("both.pem").display(),
            void = hsm.path().join("void.pem").display(),
        );
        fs::write(state.path("keynode.toml"), settings).unwrap();
        Self {
            state,
            _hsm: hsm,
            thumbprint,
        }
    }

    fn run(&self, words: &[&str]) -> Done {
        let mut command = self.state.keynode(words);
        command.args(["--config", &self.state.text("keynode.toml")]);
        run(command)
    }
}

#[test]
fn certificates_are_listed_without_a_node() {
    let site = Site::new();
    let rows: Vec<Value> = serde_json::from_str(&site.run(&["certificates", "list", "--json"]).ok()).unwrap();
    let of = |field: &str| rows.iter().map(|row| row[field].clone()).collect::<Vec<_>>();
    assert_eq!(of("Usable"), [true, true, false]);
    assert_eq!(
        of("KeyPlace"),
        [Value::from("token hsm, key 01"), "file shop".into(), Value::Null]
    );
    assert_eq!(
        of("Thumbprint"),
        [
            Value::from(&*site.thumbprint),
            (&*site.thumbprint).into(),
            Value::Null
        ]
    );
    assert!(rows[2]["Reason"].as_str().unwrap().contains("void.pem"));
    let table = site.run(&["certificates", "list"]).ok();
    assert_eq!(table.lines().count(), 4, "{table}");
    assert!(
        table.lines().nth(1).unwrap().starts_with(&site.thumbprint) && table.contains("usable"),
        "{table}"
    );
    let shown = site
        .run(&["certificates", "show", &site.thumbprint.to_lowercase()])
        .ok();
    assert!(
        shown.contains("CN=Director,O=Shop") && shown.contains("file shop"),
        "{shown}"
    );
    site.run(&["certificates", "show", &"0".repeat(40)]).fails(4);
    assert_eq!(site.run(&["certificates", "show", "x"]).code, 2);
}

#[test]
fn signers_are_bound_to_certificates() {
    let state = State::new();
    let (one, two) = (
        "A9993E364706816ABA3E25717850C26C9CD0D89D",
        "0123456789ABCDEF0123456789ABCDEF01234567",
    );
    let password = state.path("password");
    fs::write(&password, "a long password\n").unwrap();
    fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).unwrap();
    let file = state.text("password");
    let add = |name: &str, words: &[&str]| {
        state.run(&[&["user", "add", name, "--password-file", &file], words].concat())
    };
    let certificates = || {
        let users: Vec<Value> = serde_json::from_str(&state.run(&["user", "list", "--json"]).ok()).unwrap();
        let shop = users.iter().find(|user| user["Name"] == "shop").unwrap();
        assert_eq!(shop["Role"], "signer");
        shop["Certificates"].clone()
    };
    let lower = one.to_lowercase();
    add("shop", &["--role", "signer", "--certificate", &lower]).ok();
    assert_eq!(certificates(), serde_json::json!([one]));
    state.run(&["user", "grant", "shop", two, one]).ok();
    assert_eq!(certificates(), serde_json::json!([two, one]));
    let table = state.run(&["user", "list"]).ok();
    for certificate in [one, two] {
        let its = |line: &str| line.starts_with("shop ") && line.ends_with(certificate);
        assert!(table.lines().any(its), "{certificate}: {table}");
    }
    state.run(&["user", "revoke", "shop", one]).ok();
    assert_eq!(certificates(), serde_json::json!([two]));
    assert!(
        add("till", &["--role", "signer"])
            .ok()
            .contains("keynode user grant till")
    );

    let refused = add("other", &["--role", "client", "--certificate", one]).fails(2);
    assert!(refused.contains("only users of the role signer"), "{refused}");
    assert!(!state.run(&["user", "list"]).ok().contains("other"));
    assert_eq!(add("other", &["--role", "signer", "--certificate", "AB"]).code, 2);
    state.run(&["user", "grant", "admin", one]).fails(2);
    state.run(&["user", "grant", "nobody", one]).fails(4);
    assert_eq!(state.run(&["user", "grant", "shop"]).code, 2);

    // Who comes back under a name that was removed is bound to nothing.
    state.run(&["user", "remove", "shop"]).ok();
    add("shop", &["--role", "signer"]).ok();
    assert_eq!(certificates(), serde_json::json!([]));
    let audit = state.run(&["audit", "list", "--event", "user"]).ok();
    assert!(audit.contains(&format!("bound to {two}, {one}")), "{audit}");
}
