//! Tests of the sections [tokens], [certificates] and [signing] as their users meet them.

use std::path::Path;
use std::time::Duration;

use super::tests::{load, refusal};
use super::{OnSigningFailure, SigningProvider};

const HSM: &str = "[tokens.hsm]\nmodule = \"m.so\"\n";

#[test]
fn tokens_are_read_with_their_defaults_and_their_paths() {
    let text = format!(
        "{HSM}label = \"node\"\npin_file = \"hsm.pin\"\nenvironment = {{ A = \"1\" }}\ntimeout = \"3s\"\n\
         [tokens.t-2]\nmodule = \"/m.so\"\npin_credential = \"t2.pin\"\nsessions = 1\n\
         [signing]\nprovider = \"pkcs11\"\ntoken = \"hsm\"\non_failure = \"software\"\n\
         [certificates.office]\nfile = \"office.pem\"\n"
    );
    let loaded = load(&text, &[]).unwrap();
    let beside = |name| loaded.file.as_deref().and_then(Path::parent).unwrap().join(name);
    let settings = &loaded.settings;
    let hsm = &settings.tokens["hsm"];
    assert_eq!(
        (&hsm.module, hsm.pin_file.as_ref()),
        (&beside("m.so"), Some(&beside("hsm.pin")))
    );
    assert_eq!(
        (hsm.label.as_deref(), hsm.environment["A"].as_str()),
        (Some("node"), "1")
    );
    assert_eq!(
        (hsm.sessions, hsm.timeout, hsm.probe),
        (4, Duration::from_secs(3), Duration::from_secs(5))
    );
    let other = &settings.tokens["t-2"];
    assert_eq!((other.module.as_path(), other.sessions), (Path::new("/m.so"), 1));
    assert_eq!(other.pin_credential.as_deref(), Some("t2.pin"));
    assert_eq!(settings.certificates["office"].file, beside("office.pem"));
    assert_eq!(settings.signing.provider, SigningProvider::Pkcs11);
    assert_eq!(settings.signing.on_failure, OnSigningFailure::Software);
}

#[test]
fn what_is_wrong_with_a_token_is_pointed_at() {
    for (text, told) in [
        (
            "[tokens.hsm]\nmodul = \"m.so\"\n",
            "k.toml:2:1: unknown key \"modul\" in [tokens.hsm]: expected one of module, label,",
        ),
        (
            "[tokens.hsm]\nlabel = \"a\"\n",
            "k.toml:1:9: [tokens.hsm] has no module",
        ),
        (
            "[tokens.hsm]\nmodule = 5\n",
            "k.toml:2:10: tokens.hsm.module: 5: expected a path",
        ),
        (
            "[tokens.hsm]\nmodule = \"m\"\nsessions = 65\n",
            "k.toml:3:12: tokens.hsm.sessions: 65: expected a whole number from 1 to 64",
        ),
        (
            "[tokens.hsm]\nmodule = \"m\"\nprobe = \"0s\"\n",
            "k.toml:3:9: tokens.hsm.probe: \"0s\": expected a duration",
        ),
        (
            "[tokens.hsm]\nmodule = \"m\"\npin_credential = \"../p\"\n",
            "k.toml:3:18: tokens.hsm.pin_credential: \"../p\": expected the name of a file",
        ),
        (
            "[tokens.hsm]\nmodule = \"m\"\nenvironment = { A = 1 }\n",
            "k.toml:3:15: tokens.hsm.environment: ",
        ),
        (
            "[tokens.HSM]\nmodule = \"m\"\n",
            "k.toml:1:9: tokens.HSM: expected a name of 1 to 32",
        ),
        (
            "[tokens]\nhsm = \"m\"\n",
            "k.toml:2:7: tokens.hsm: expected a section [tokens.hsm]",
        ),
        (
            "tokens = 7\n",
            "k.toml:1:10: tokens: 7: expected tables, each with a name",
        ),
        (
            "[certificates.a]\nkey = \"k\"\n",
            "k.toml:1:15: [certificates.a] has no file",
        ),
        (
            "[signing]\nprovider = \"hsm\"\n",
            "k.toml:2:12: signing.provider: \"hsm\": expected one of software, pkcs11",
        ),
    ] {
        let refused = refusal(text, &[]);
        assert!(refused.starts_with(told), "{refused}");
    }
}

#[test]
fn tokens_are_held_against_one_another() {
    let twice = format!("{HSM}[tokens.other]\nmodule = \"m.so\"\n");
    let told = refusal(&twice, &[]);
    assert!(
        told.contains("tokens.hsm and tokens.other are the same token"),
        "{told}"
    );
    assert!(load(&format!("{twice}serial = \"1\"\n"), &[]).is_ok());
    let told = refusal(&format!("{HSM}pin_file = \"p\"\npin_credential = \"p\"\n"), &[]);
    assert!(
        told.ends_with("tokens.hsm has both pin_file and pin_credential: expected one"),
        "{told}"
    );
    let told = refusal(
        "[certificates.a]\nfile = \"f\"\npassword_file = \"p\"\npassword_credential = \"p\"\n",
        &[],
    );
    assert!(told.contains("certificates.a has both"), "{told}");
    assert_eq!(
        refusal(&format!("{HSM}[signing]\nprovider = \"pkcs11\"\n"), &[]),
        "k.toml:4:1: signing.provider is pkcs11 without signing.token: expected the name of a token"
    );
    assert_eq!(
        refusal("[signing]\nprovider = \"pkcs11\"\ntoken = \"hsm\"\n", &[]),
        "k.toml:3:1: signing.token is \"hsm\", and there is no [tokens.hsm]"
    );
}

#[test]
fn tokens_are_given_as_text() {
    let text =
        "hsm:module=/m.so,label=my token,pin-file=/p,environment=A=1 B=x=y,timeout=3s; t2:module=/m.so";
    let settings = load(HSM, &["--tokens", text]).unwrap().settings;
    let hsm = &settings.tokens["hsm"];
    assert_eq!(
        (hsm.module.as_path(), hsm.label.as_deref()),
        (Path::new("/m.so"), Some("my token"))
    );
    assert_eq!(
        (hsm.environment["A"].as_str(), hsm.environment["B"].as_str()),
        ("1", "x=y")
    );
    assert_eq!(
        (hsm.timeout, hsm.pin_file.as_deref()),
        (Duration::from_secs(3), Some(Path::new("/p")))
    );
    assert_eq!(settings.tokens.len(), 2);
    for wrong in [
        "hsm",
        "hsm:",
        "hsm:module",
        "hsm:module=",
        "hsm:modul=/m",
        "h:module=/m;h:module=/n",
        "h:module=/m,module=/n",
        "H:module=/m",
        "h:module=/m,sessions=0",
    ] {
        assert!(
            refusal("", &["--tokens", wrong]).starts_with("--tokens: "),
            "{wrong}"
        );
    }
}
