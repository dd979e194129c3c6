//! `keynode signing` beside a node: keys made on a token, brought there, replaced; and what is said where that fails.

use std::fs;
use std::path::Path;

use keynode::signing::{Message, verify};
use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{Done, Node, run};
use crate::http::Answer;
use crate::softhsm::{MODULE, SoftHsm};
use crate::state::State;

/// A state directory, a token that the settings file knows as `hsm`, and another one whose PIN they have wrong.
struct Site {
    state: State,
    hsm: SoftHsm,
}

const ON_TOKEN: &str = "[signing]\nprovider = \"pkcs11\"\ntoken = \"hsm\"\n";

impl Site {
    fn new() -> Self {
        let site = Self {
            state: State::new(),
            hsm: SoftHsm::new(&["node", "other"]),
        };
        site.settings("");
        site
    }

    /// Writes the settings, with this before the tokens.
    fn settings(&self, signing: &str) {
        let token = |name: &str, label: &str, pin: &str| {
            format!(
                "[tokens.{name}]\nmodule = \"{MODULE}\"\nlabel = \"{label}\"\npin_file = \"{}\"\nprobe = \"100ms\"\n\
                 environment = {{ SOFTHSM2_CONF = \"{}\" }}\n",
                self.hsm.path().join(pin).display(),
                self.hsm.conf().display()
            )
        };
        let text = format!(
            "{signing}{}{}",
            token("hsm", "node", "pin"),
            token("wrong", "other", "wrong-pin")
        );
        fs::write(self.state.path("keynode.toml"), text).unwrap();
    }

    fn run(&self, words: &[&str]) -> Done {
        let config = self.state.text("keynode.toml");
        let mut command = self.state.keynode(words);
        command.args(["--config", &config]);
        run(command)
    }

    fn signing(&self, words: &[&str]) -> Done {
        self.run(&[&["signing"], words].concat())
    }

    fn start(&self) -> Node {
        self.state.start(&["--config", &self.state.text("keynode.toml")])
    }

    /// The rows of `signing show`.
    fn shown(&self) -> Vec<Value> {
        let told: Value = serde_json::from_str(&self.signing(&["show", "--json"]).ok()).unwrap();
        told["Keys"].as_array().unwrap().clone()
    }
}

fn reload(node: &Node) {
    node.signal(Signal::HUP);
    node.logged("settings are reloaded");
}

fn signed_by(answer: &Answer, pem: &str) -> bool {
    let message = Message {
        query_id: b"",
        body: answer.body.as_bytes(),
    };
    verify(pem, message, answer.header("Licence-Signature").unwrap()).is_ok()
}

#[test]
fn a_key_that_can_be_copied_is_taken_up_with_a_warning() {
    let site = Site::new();
    let make = ["--keypairgen", "--key-type", "rsa:2048", "--usage-sign", "--id"];
    site.hsm.tool("node", &[&make[..], &["07"]].concat());
    site.hsm
        .tool("node", &[&make[..], &["08", "--extractable"]].concat());
    for (key, warned) in [("07", false), ("08", true)] {
        let told = site.signing(&["init", "--token", "hsm", "--key", key]).ok();
        assert_eq!(told.contains("Warning"), warned, "{told}");
        assert_eq!(told.contains("can be copied off its token"), warned, "{told}");
    }
}

/// The public key in what a command printed.
fn pem(text: &str) -> String {
    let begin = text.find("-----BEGIN").unwrap();
    let end = text[begin..].find("-----END PUBLIC KEY-----\n").unwrap();
    text[begin..begin + end + "-----END PUBLIC KEY-----\n".len()].to_owned()
}

fn column<'a>(rows: &'a [Value], field: &str) -> Vec<&'a Value> {
    rows.iter().map(|row| &row[field]).collect()
}

#[test]
fn a_key_made_on_a_token_signs_after_a_reload_and_another_one_takes_its_place() {
    let site = Site::new();
    let node = site.start();
    let before = site.run(&["public-key"]).ok();
    let told = site.signing(&["init", "--token", "hsm"]).ok();
    assert!(
        told.contains("provider = \"pkcs11\"") && told.contains("systemctl reload keynode"),
        "{told}"
    );
    let first = pem(&told);
    assert!(
        signed_by(&node.client().get("/api/licences"), &before),
        "nothing changed yet"
    );
    let objects = site.hsm.tool("node", &["--list-objects", "--type", "privkey"]);
    assert!(
        objects.contains("keynode signing") && objects.contains("never extractable"),
        "{objects}"
    );
    assert!(
        !objects.contains("decrypt") && !objects.contains("unwrap"),
        "it signs, and no more: {objects}"
    );

    site.settings(ON_TOKEN);
    reload(&node);
    assert!(signed_by(&node.client().get("/api/licences"), &first));
    assert_eq!(site.run(&["public-key"]).ok(), first);
    let rows = site.shown();
    assert_eq!(column(&rows, "State"), ["Retired", "Current"]);
    assert_eq!(column(&rows, "Usable"), [false, true]);
    assert_eq!(column(&rows, "Provider"), ["software", "pkcs11"]);
    let table = site.signing(&["show"]).ok();
    assert!(table.contains("token hsm is usable"), "{table}");

    let told = site.signing(&["rotate", "--bits", "3072"]).ok();
    assert!(!told.contains("provider ="), "nothing is to be set: {told}");
    let second = pem(&told);
    assert!(
        signed_by(&node.client().get("/api/licences"), &first),
        "not taken up yet"
    );
    reload(&node);
    assert!(signed_by(&node.client().get("/api/licences"), &second));
    let told = node.client().get("/api/publickey").json();
    assert_eq!(
        (&told["PublicKey"], &told["Bits"]),
        (&second.clone().into(), &3072.into())
    );
    let rows = told["Keys"].as_array().unwrap();
    assert_eq!(column(rows, "State"), ["Retired", "Retired", "Current"]);
    assert_eq!(rows[1]["PublicKey"], first);
    let all = site.run(&["public-key", "--all"]).ok();
    assert!(
        all.contains(&before) && all.contains(&first) && all.contains(&second),
        "{all}"
    );

    // The last checkpoint is the token's, and all of them verify.
    node.stop();
    let told = site.state.run(&["audit", "list", "--event", "checkpoint"]).ok();
    let signature = told.lines().last().unwrap().rsplit(' ').next().unwrap();
    assert_eq!(signature.len(), 512, "of 3072 bits: {told}");
    assert!(site.state.run(&["audit", "verify"]).ok().contains("verified"));
    let noted = site.state.run(&["audit", "list", "--event", "signing"]).ok();
    assert!(
        noted.contains("listed as the one to sign") && noted.contains("current key"),
        "{noted}"
    );
}

#[test]
fn the_software_key_moves_to_a_token_and_clients_keep_their_public_key() {
    let site = Site::new();
    let before = site.run(&["public-key"]).ok();
    let key = site.state.path("state/signing.key");
    let import = ["import", "--token", "hsm"];
    let removing = ["import", "--token", "hsm", "--remove-file"];
    let told = site.signing(&removing).fails(2);
    assert!(told.contains("still signs"), "{told}");
    let told = site.signing(&import).ok();
    assert!(
        told.contains("signing.key is still there") && key.exists(),
        "{told}"
    );
    assert_eq!(site.run(&["public-key"]).ok(), before);
    site.settings(&format!("{ON_TOKEN}on_failure = \"software\"\n"));
    assert_eq!(column(&site.shown(), "State"), ["Fallback", "Current"]);
    assert!(site.signing(&removing).fails(2).contains("on_failure"));
    site.settings(ON_TOKEN);
    let told = site.signing(&removing).ok();
    assert!(told.contains("is removed") && !key.exists(), "{told}");
    let node = site.start();
    assert_eq!(site.run(&["public-key"]).ok(), before);
    assert!(signed_by(&node.client().get("/api/licences"), &before));
    assert!(!key.exists(), "none was made in its place");
    let objects = site.hsm.tool("node", &["--list-objects", "--type", "privkey"]);
    assert_eq!(objects.matches("Private Key Object").count(), 1, "{objects}");
    assert!(
        objects.contains("sensitive") && !objects.contains("  extractable"),
        "{objects}"
    );
}

#[test]
fn a_key_is_made_on_a_token_before_the_first_start() {
    let site = Site::new();
    fs::remove_dir_all(site.state.path("state")).unwrap();
    site.settings(ON_TOKEN);
    let made = pem(&site.signing(&["init", "--token", "hsm"]).ok());
    let node = site.start();
    assert!(signed_by(&node.client().get("/api/serverinfo"), &made));
}

#[test]
fn a_key_that_is_on_a_token_is_adopted_by_its_id_or_its_label() {
    let site = Site::new();
    site.hsm.make_key("node", "rsa:2048", 0xab, "by hand");
    for name in ["ab", "by hand"] {
        let told = site.signing(&["init", "--token", "hsm", "--key", name]).ok();
        site.settings(ON_TOKEN);
        assert_eq!(site.run(&["public-key"]).ok(), pem(&told));
    }
    let rows = site.shown();
    assert_eq!(
        column(&rows, "ID"),
        [&Value::Null, &"ab".into()],
        "it is listed once"
    );
}

#[test]
fn what_cannot_sign_is_refused_with_its_reason_and_changes_nothing() {
    let site = Site::new();
    site.hsm.make_key("node", "EC:prime256v1", 1, "elliptic");
    site.hsm.make_key("node", "rsa:2048", 2, "decrypts");
    forbid_to_sign(&site.hsm.token_directory("node"));
    let init = |words: &[&str]| site.signing(&[&["init", "--token"], words].concat());
    assert!(init(&["nope"]).fails(4).contains("[tokens.nope]"));
    assert!(init(&["hsm", "--key", "ff"]).fails(4).contains("\"ff\""));
    assert!(
        init(&["hsm", "--key", "elliptic"])
            .fails(1)
            .contains("no RSA key")
    );
    assert!(init(&["hsm", "--key", "decrypts"]).fails(1).contains("CKA_SIGN"));
    site.hsm.pin_file("wrong-pin", crate::softhsm::WRONG_PIN);
    for _ in 0..2 {
        let told = init(&["wrong"]).fails(1);
        assert!(told.contains("token wrong needs a PIN"), "{told}");
        assert!(!told.contains(crate::softhsm::WRONG_PIN), "{told}");
    }
    site.hsm.remove("node");
    assert!(init(&["hsm"]).fails(1).contains("token hsm is absent"));
    assert!(
        site.signing(&["import", "--token", "hsm"])
            .fails(1)
            .contains("absent")
    );
    assert!(!site.state.path("state/signing.json").exists());
    // A node whose settings want a key that nobody made says how to make it.
    site.settings(ON_TOKEN);
    let told = run(site.state.serve(&["--config", &site.state.text("keynode.toml")])).fails(78);
    assert!(told.contains("keynode signing init --token hsm"), "{told}");
    let told = site.run(&["public-key"]).fails(4);
    assert!(told.contains("keynode signing init --token hsm"), "{told}");
    assert!(site.signing(&["rotate"]).fails(4).contains("no signing key"));
}

#[test]
fn a_software_key_is_replaced_and_its_file_goes_once_the_new_one_signs() {
    let state = State::new();
    let node = state.start(&[]);
    let before = state.run(&["public-key"]).ok();
    let old = node.client().get("/api/licences");
    let told = state.run(&["signing", "rotate"]).ok();
    let new = pem(&told);
    let key = state.path("state/signing.key");
    assert!(key.exists() && signed_by(&node.client().get("/api/licences"), &before));
    reload(&node);
    assert!(!key.exists(), "it signs no more");
    assert!(signed_by(&node.client().get("/api/licences"), &new));
    let rows = node.client().get("/api/publickey").json();
    let retired = rows["Keys"][0]["PublicKey"].as_str().unwrap();
    assert!(signed_by(&old, retired) && rows["Keys"][0]["State"] == "Retired");
    node.stop();
    let node = state.start(&[]);
    assert!(signed_by(&node.client().get("/api/licences"), &new));
    assert!(state.run(&["audit", "verify"]).ok().contains("verified"));
    assert_eq!(private_keys(&state.path("state")), 1);
    assert!(state.run(&["signing", "show"]).ok().contains("Retired"));
    let nowhere = run(crate::harness::keynode(&[
        "signing",
        "rotate",
        "--state-dir",
        "/no/such",
    ]));
    assert!(nowhere.fails(4).contains("/no/such"));
}

/// Key files in a state directory; each is its owner's alone.
fn private_keys(state: &Path) -> usize {
    use std::os::unix::fs::MetadataExt;
    let names = fs::read_dir(state).unwrap().map(|entry| entry.unwrap().path());
    let keys = names.filter(|path| path.extension().is_some_and(|end| end == "key"));
    keys.inspect(|path| assert_eq!(fs::metadata(path).unwrap().mode() & 0o777, 0o600))
        .count()
}

/// Takes the right to sign from all keys of a token: pkcs11-tool makes none without.
fn forbid_to_sign(token: &Path) {
    // An attribute of an object file: CKA_SIGN, the kind "boolean", and the value.
    let sign = [0x108_u64.to_be_bytes(), 1_u64.to_be_bytes()].concat();
    let mut changed = 0;
    for path in fs::read_dir(token).unwrap().map(|entry| entry.unwrap().path()) {
        let mut bytes = fs::read(&path).unwrap();
        if let Some(at) = bytes.windows(sign.len()).position(|window| window == sign) {
            bytes[at + sign.len()] = 0;
            fs::write(&path, bytes).unwrap();
            changed += 1;
        }
    }
    assert_eq!(changed, 2, "two private keys");
}
