//! `keynode demo --hsm`: a `SoftHSM2` token of the demo's own, with the signing key on it. All of it lies in the
//! demo's state directory.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::Serialize;
use zeroize::Zeroizing;

use crate::settings::{OnSigningFailure, Settings, Signing, SigningProvider, Token};
use crate::store::Id;
use crate::tokens::TokenState;

use super::super::failure::Failure;
use super::super::signing::{Change, OpenToken};
use super::terminal::answer_prompts;

/// NAME of the token in the settings.
const NAME: &str = "demo";

/// Its label.
const LABEL: &str = "keynode demo";

/// Where distributions put the module.
const MODULES: [&str; 8] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/lib64/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
];

const INSTALL: &str = "install SoftHSM2: `apt install softhsm2` (Debian, Ubuntu, Astra) or `dnf install softhsm` (RED OS, Fedora)";

/// A token that is ready to sign.
pub(super) struct Hsm {
    token: Token,
    signing: Signing,
    /// Settings file by which other commands find the token.
    pub(super) config: PathBuf,
    /// Where it all lies.
    pub(super) directory: PathBuf,
}

/// What the settings file says.
#[derive(Serialize)]
struct Config<'a> {
    state_dir: &'a Path,
    signing: &'a Signing,
    tokens: BTreeMap<&'a str, &'a Token>,
}

impl Hsm {
    /// Finds the token in the state directory, or makes it.
    pub(super) fn prepare(settings: &Settings) -> Result<Self, Failure> {
        let module = MODULES.iter().map(Path::new).find(|path| path.exists());
        let module =
            module.ok_or_else(|| Failure::Failed(format!("there is no libsofthsm2.so here: {INSTALL}")))?;
        let directory = settings.state_dir.join("hsm");
        let hsm = Self::describe(settings, module, &directory)?;
        let mut with_token = settings.clone();
        hsm.apply(&mut with_token);
        if OpenToken::look(&with_token, NAME)?.is(&TokenState::Absent) {
            hsm.make_token()?;
        }
        let token = OpenToken::open(&with_token, NAME)?;
        let mut change = Change::begin(&with_token)?;
        let known = change.list.on_token(NAME).map(|entry| entry.place.clone());
        if !known.is_some_and(|place| token.has(&place)) {
            let (public, place) = token.generate(2048, "keynode signing")?;
            change.put(&public, place)?;
        }
        Ok(hsm)
    }

    /// Has the node sign with it.
    pub(super) fn apply(&self, settings: &mut Settings) {
        settings.tokens.insert(NAME.into(), self.token.clone());
        settings.signing = self.signing.clone();
    }

    /// Writes the files that say where the token is.
    fn describe(settings: &Settings, module: &Path, directory: &Path) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::of(format!("{}: {error}", directory.display()));
        let state_dir = std::path::absolute(&settings.state_dir).map_err(failed)?;
        let absolute = std::path::absolute(directory).map_err(failed)?;
        let (tokens, conf) = (absolute.join("tokens"), absolute.join("softhsm2.conf"));
        let private = DirBuilder::new().recursive(true).mode(0o700).create(&tokens);
        private.map_err(failed)?;
        let text = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
            tokens.display()
        );
        fs::write(&conf, text).map_err(failed)?;
        let pin = absolute.join("pin");
        if !pin.exists() {
            write_private(&pin, &random_pin()).map_err(failed)?;
        }
        let environment = [("SOFTHSM2_CONF".to_owned(), conf.to_string_lossy().into_owned())];
        let token = Token {
            module: module.into(),
            label: Some(LABEL.into()),
            serial: None,
            pin_file: Some(pin),
            pin_credential: None,
            environment: environment.into(),
            sessions: 4,
            timeout: std::time::Duration::from_secs(10),
            probe: std::time::Duration::from_secs(1),
        };
        let signing = Signing {
            provider: SigningProvider::Pkcs11,
            token: Some(NAME.into()),
            on_failure: OnSigningFailure::Fail,
        };
        let config = absolute.join("keynode.toml");
        let text = toml::to_string(&Config {
            state_dir: &state_dir,
            signing: &signing,
            tokens: [(NAME, &token)].into(),
        });
        fs::write(&config, text.map_err(Failure::of)?).map_err(failed)?;
        Ok(Self {
            token,
            signing,
            config,
            directory: absolute,
        })
    }

    /// Makes the token. Its PINs go to the program as a user would type them, for arguments are there for all to see.
    fn make_token(&self) -> Result<(), Failure> {
        let pin = Zeroizing::new(fs::read_to_string(self.directory.join("pin"))?);
        // Nobody will need it: a token without its user PIN is made anew.
        let so_pin = random_pin();
        let answers = [&*so_pin, &*so_pin, pin.trim_end(), pin.trim_end()];
        let mut command = std::process::Command::new("softhsm2-util");
        command.args(["--init-token", "--free", "--label", LABEL]);
        command.envs(&self.token.environment);
        let said = answer_prompts(command, "PIN: ", &answers).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Failure::Failed(format!("there is no softhsm2-util here: {INSTALL}")),
            _ => Failure::of(format!("softhsm2-util: {error}")),
        })?;
        match said {
            Ok(()) => Ok(()),
            Err(said) => Err(Failure::Failed(format!("softhsm2-util made no token: {said}"))),
        }
    }
}

fn random_pin() -> Zeroizing<String> {
    Zeroizing::new(Id::random().to_string())
}

/// Whole or not there: a PIN of which a part was written would lock the demo out of its token.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let part = path.with_extension("part");
    let mut file: File = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&part)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    fs::rename(&part, path)
}
