//! Tests of the settings as their users meet them: sample, file, environment, flags, error texts.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use clap::Parser;

use super::{types::default_state_dir, *};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    settings: SettingsArgs,
}

fn args(arguments: &[&str]) -> SettingsArgs {
    Cli::try_parse_from(std::iter::once("keynode").chain(arguments.iter().copied()))
        .unwrap()
        .settings
}

/// Loads a file's text with flags over it.
pub(super) fn load(text: &str, arguments: &[&str]) -> Result<Loaded, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("k.toml");
    std::fs::write(&path, text).unwrap();
    let arguments: Vec<_> = ["--config", path.to_str().unwrap()]
        .iter()
        .chain(arguments)
        .copied()
        .collect();
    let place = format!("{}/", directory.path().display());
    Settings::load(&args(&arguments)).map_err(|error| error.to_string().replace(&place, ""))
}

pub(super) fn refusal(text: &str, arguments: &[&str]) -> String {
    load(text, arguments).unwrap_err()
}

/// The sample with its defaults in force and, if told so, its examples.
fn sample(examples: bool) -> String {
    let uncomment = |line: &str| match line.strip_prefix('#') {
        Some(option) if option.starts_with(|c: char| c.is_ascii_lowercase()) => option.to_owned(),
        Some(example) if examples && example.starts_with("   ") => example.to_owned(),
        _ => line.to_owned(),
    };
    SAMPLE.lines().map(|line| uncomment(line) + "\n").collect()
}

#[test]
fn the_sample_loads_as_it_is_and_changes_nothing() {
    assert_eq!(load(SAMPLE, &[]).unwrap().settings, Settings::default());
}

#[test]
fn the_sample_shows_the_defaults() {
    let loaded = load(&sample(false), &[]).unwrap();
    assert_eq!(loaded.settings, Settings::default());
    let unset = |option: &&OptionSpec| *loaded.origin(option) == Origin::Default;
    let unset: Vec<_> = OPTIONS.iter().filter(unset).map(|option| option.path).collect();
    let without_fixed_default = [
        "state_dir",
        "licence_dir",
        "vendor_dir",
        "tls.certificate",
        "tls.private_key",
        "signing.token",
        "activation.centre",
        "activation.ca",
        "activation.proxy",
        "centre.dir",
        "centre.certificate",
        "centre.private_key",
        "centre.token",
        "centre.token_key",
        "gateway.requires",
        "gateway.ca",
        "gateway.proxy",
        "gateway.token",
        "gateway.token_key",
        "ismp.retail_url",
        "crpt.registration_key_file",
    ];
    assert_eq!(unset, without_fixed_default);
}

#[test]
fn the_sample_has_every_option() {
    let loaded = load(&sample(true), &[]).unwrap();
    for option in OPTIONS {
        assert_eq!(
            loaded.origin(option).layer(),
            "file",
            "{} is missing",
            option.path
        );
    }
    assert_eq!(
        loaded.settings.access_codes["WAREHOUSE-7"],
        [7_131_766, 7_131_767]
    );
}

#[test]
fn the_table_has_every_field() {
    let settings = serde_json::to_value(Settings::default()).unwrap();
    let mut fields = BTreeSet::new();
    for (name, value) in settings.as_object().unwrap() {
        match value.as_object() {
            // A table of the administrator's names is one option.
            Some(section) if OptionSpec::find(name).is_none() => {
                fields.extend(section.keys().map(|field| format!("{name}.{field}")));
            }
            _ => _ = fields.insert(name.clone()),
        }
    }
    let options: BTreeSet<_> = OPTIONS.iter().map(|option| option.path.to_owned()).collect();
    assert_eq!(fields, options);
}

#[test]
fn unknown_keys_are_refused_with_their_place() {
    let top = refusal("workers = 1\nlisten_on = \"1.2.3.4:1\"\n", &[]);
    assert!(
        top.starts_with("k.toml:2:1: unknown key \"listen_on\": expected one of listen, admin_listen,"),
        "{top}"
    );
    assert!(
        top.ends_with("[centre], [gateway], [tickets], [ismp], [crpt], [taxcom], [console]"),
        "{top}"
    );
    assert_eq!(
        refusal("[sessions]\n  lief = \"15m\"\n", &[]),
        "k.toml:2:3: unknown key \"lief\" in [sessions]: expected one of life, grace"
    );
    assert!(refusal("[sesions]\n", &[]).starts_with("k.toml:1:2: unknown key \"sesions\": expected"));
    assert!(refusal("[log]\n'' = 1\n", &[]).starts_with("k.toml:2:1: unknown key \"\" in [log]"));
}

#[test]
fn wrong_types_and_values_are_refused_with_their_place() {
    for (text, expected) in [
        (
            "workers = \"two\"\n",
            "k.toml:1:11: workers: \"two\": expected a whole number from 0 to 1024",
        ),
        (
            "workers = -1\n",
            "k.toml:1:11: workers: -1: expected a whole number from 0 to 1024",
        ),
        (
            "\nlisten = 9099\n",
            "k.toml:2:10: listen: 9099: expected an address with port such as 127.0.0.1:9099",
        ),
        ("api = true\n", "k.toml:1:7: api: expected a section [api]"),
        (
            "[api]\nenabled = \"yes\"\n",
            "k.toml:2:11: api.enabled: \"yes\": expected true or false",
        ),
        (
            "[api]\nallowed_hosts = [\"a:1\"]\n",
            "k.toml:2:17: api.allowed_hosts: [\"a:1\"]: expected host names without port",
        ),
        (
            "[sessions]\nlife = \"soon\"\n",
            "k.toml:2:8: sessions.life: \"soon\": expected a duration such as 15m, from 100ms to 30days",
        ),
        (
            "[sessions]\nlife = 15\n",
            "k.toml:2:8: sessions.life: 15: expected a duration such as 15m, from 100ms to 30days",
        ),
        (
            "sessions.life = \"31days\"\n",
            "k.toml:1:17: sessions.life: \"31days\": expected a duration such as 15m, from 100ms to 30days",
        ),
        (
            "log.format = \"xml\"\n",
            "k.toml:1:14: log.format: \"xml\": expected one of auto, text, json, journal",
        ),
    ] {
        assert_eq!(refusal(text, &[]), expected);
    }
    let code = refusal("[access_codes]\nA = [1]\nB = [0]\n", &[]);
    assert!(
        code.starts_with("k.toml:3:1: access_codes: B = [0]: expected access codes"),
        "{code}"
    );
    assert!(refusal("[access_codes]\n\"\" = [1]\n", &[]).starts_with("k.toml:2:1: access_codes:"));
}

#[test]
fn a_webhook_has_a_name() {
    for name in ["", " ", "a\\tb"] {
        let text = format!("[webhooks.\"{name}\"]\nurl = \"https://hooks.example.com\"\n");
        let told = refusal(&text, &[]);
        assert!(told.contains("webhooks"), "{told}");
    }
}

#[test]
fn broken_toml_is_refused_with_its_place() {
    assert!(refusal("workers = 1\nworkers = 2\n", &[]).starts_with("k.toml:2:1: duplicate key"));
    assert!(refusal("# ключ\n[api\n", &[]).starts_with("k.toml:2:5: "));
}

#[test]
fn a_misspelt_log_level_is_not_taken_for_a_module() {
    for good in [
        "warn",
        "INFO",
        "off",
        "info,keynode::seats=debug",
        "keynode[request]=trace",
    ] {
        assert!(Kind::Filter.parse(good).is_some(), "{good}");
    }
    for bad in ["inof", "", "info,keynode", "keynode=loud"] {
        assert!(Kind::Filter.parse(bad).is_none(), "{bad}");
    }
}

#[test]
fn flags_win_over_the_file_and_are_named_when_wrong() {
    let text = "workers = 1\n[sessions]\nlife = \"1m\"\ngrace = \"2m\"\n";
    let loaded = load(text, &["--sessions-life", "500ms", "--api-enabled", "false"]).unwrap();
    assert_eq!(loaded.settings.sessions.life, Duration::from_millis(500));
    assert_eq!(loaded.settings.sessions.grace, Duration::from_mins(2));
    assert!(!loaded.settings.api.enabled);
    let layers = ["sessions.life", "sessions.grace", "listen"];
    let layers = layers.map(|path| loaded.origin(OptionSpec::find(path).unwrap()).layer());
    assert_eq!(layers, ["flag", "file", "default"]);
    assert_eq!(
        refusal(text, &["--sessions-life", "abc"]),
        "--sessions-life: \"abc\": expected a duration such as 15m, from 100ms to 30days"
    );
    assert!(refusal("", &["--workers="]).starts_with("--workers: \"\": expected a whole number"));
}

#[test]
fn lists_and_access_codes_are_given_as_text() {
    let loaded = load(
        "",
        &[
            "--api-allowed-hosts",
            "node.local, [fe80::1]",
            "--access-codes",
            "A=1,2;B=3",
        ],
    )
    .unwrap();
    assert_eq!(loaded.settings.api.allowed_hosts, ["node.local", "[fe80::1]"]);
    let codes = [("A".to_owned(), vec![1, 2]), ("B".to_owned(), vec![3])];
    assert_eq!(loaded.settings.access_codes, codes.into());
    for wrong in ["A", "A=", "=1", "A=x", "A=1;A=2", "A=-1", "A=9007199254740992"] {
        assert!(
            refusal("", &["--access-codes", wrong]).starts_with("--access-codes: "),
            "{wrong}"
        );
    }
}

#[test]
fn options_are_checked_against_one_another() {
    assert_eq!(
        refusal("[tls]\ncertificate = \"c.pem\"\n", &[]),
        "k.toml:2:1: tls.certificate is set without tls.private_key: expected both or none"
    );
    assert_eq!(
        refusal("", &["--listen", "0.0.0.0:9098"]),
        "--listen: listen (0.0.0.0:9098) and admin_listen (127.0.0.1:9098) take the same port: expected two different ones"
    );
    assert!(load("", &["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]).is_ok());
    assert!(
        refusal("[login]\nrefuse_after = 2\n", &[])
            .starts_with("k.toml:2:1: login.free_attempts (3) is more than")
    );
}

#[test]
fn relative_paths_in_the_file_lie_beside_it() {
    let loaded = load(
        "state_dir = \"state\"\nvendor_dir = \"/v\"\n",
        &["--licence-dir", "l"],
    )
    .unwrap();
    let beside = loaded
        .file
        .as_deref()
        .and_then(Path::parent)
        .unwrap()
        .join("state");
    assert_eq!(loaded.settings.state_dir, beside);
    assert_eq!(loaded.settings.vendor_dir(), Path::new("/v"));
    assert_eq!(loaded.settings.licence_dir(), Path::new("l"));
}

#[test]
fn a_named_file_that_cannot_be_read_is_an_error() {
    let error = Settings::load(&args(&["--config", "/nonexistent/k.toml"]))
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("/nonexistent/k.toml: cannot be read: No such file"),
        "{error}"
    );
    let error = Settings::load(&args(&["--config", "/"])).unwrap_err().to_string();
    assert!(error.starts_with("/: cannot be read: "), "{error}");
}

/// The environment of a running process cannot be changed without `unsafe`: the test runs itself again under another.
#[test]
fn environment_wins_over_the_file_and_flags_over_it() {
    const CHILD: &str = "KEYNODE_TEST_CHILD";
    if std::env::var_os(CHILD).is_some() {
        let loaded = load("workers = 1\n[sessions]\ngrace = \"1m\"\n", &["--workers", "3"]).unwrap();
        assert_eq!(
            (loaded.settings.workers, loaded.settings.sessions.grace),
            (3, Duration::from_mins(7))
        );
        let origin = loaded.origin(OptionSpec::find("sessions.grace").unwrap());
        assert_eq!(*origin, Origin::Env("KEYNODE_SESSIONS_GRACE".to_owned()));
        assert_eq!(
            refusal("", &[]),
            "KEYNODE_WORKERS: \"many\": expected a whole number from 0 to 1024"
        );
        assert_eq!(args(&[]).config, Some(PathBuf::from("/nonexistent")));
        return;
    }
    let child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "settings::tests::environment_wins_over_the_file_and_flags_over_it",
        ])
        .envs([
            (CHILD, "1"),
            ("KEYNODE_SESSIONS_GRACE", "7m"),
            ("KEYNODE_WORKERS", "many"),
        ])
        .env("KEYNODE_CONFIG", "/nonexistent")
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && output.contains("1 passed"), "{output}");
}

#[test]
fn the_state_directory_is_never_the_working_directory() {
    let directory = |root, variables: &[(&str, &str)]| {
        default_state_dir(root, |name| {
            variables
                .iter()
                .find(|(variable, _)| *variable == name)
                .map(|(_, value)| OsString::from(value))
        })
    };
    let home = ("HOME", "/home/u");
    assert_eq!(directory(true, &[home]), Path::new("/var/lib/keynode"));
    assert_eq!(
        directory(false, &[home]),
        Path::new("/home/u/.local/state/keynode")
    );
    assert_eq!(
        directory(false, &[home, ("XDG_STATE_HOME", "/s")]),
        Path::new("/s/keynode")
    );
    assert_eq!(
        directory(false, &[home, ("XDG_STATE_HOME", "rel")]),
        Path::new("/home/u/.local/state/keynode")
    );
    assert_eq!(
        directory(false, &[("STATE_DIRECTORY", "/a:/b"), home]),
        Path::new("/a")
    );
    assert_eq!(directory(false, &[]), Path::new("/var/lib/keynode"));
}

#[test]
fn flags_and_variables_are_made_from_the_path() {
    let option = OptionSpec::find("sessions.life").unwrap();
    assert_eq!(
        (option.flag().as_str(), option.env().as_str()),
        ("sessions-life", "KEYNODE_SESSIONS_LIFE")
    );
    let flags: BTreeSet<_> = OPTIONS.iter().map(OptionSpec::flag).collect();
    assert_eq!(flags.len(), OPTIONS.len());
    <Cli as clap::CommandFactory>::command().debug_assert();
}
